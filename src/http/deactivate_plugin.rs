//! `POST /plugins/{kind}/deactivate`: no new plans of this kind from now on; open ones go on.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};

use super::error::HttpError;
use super::get_plugin::VersionsAnswer;
use crate::engine::Engine;

/// → `{ok, kind, versions}`.
pub(super) async fn deactivate_plugin(
    State(engine): State<Arc<Engine>>,
    Path(kind): Path<String>,
) -> Result<Json<VersionsAnswer>, HttpError> {
    engine.registry.deactivate(&kind).await?;
    VersionsAnswer::json(&engine.registry, kind).await
}
