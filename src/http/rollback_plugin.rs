//! `POST /plugins/{kind}/rollback`: takes back the last activation or deactivation.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};

use super::error::HttpError;
use super::get_plugin::VersionsAnswer;
use crate::engine::Engine;

/// → `{ok, kind, versions}`.
pub(super) async fn rollback_plugin(
    State(engine): State<Arc<Engine>>,
    Path(kind): Path<String>,
) -> Result<Json<VersionsAnswer>, HttpError> {
    engine.registry.rollback(&kind).await?;
    VersionsAnswer::json(&engine.registry, kind).await
}
