//! `POST /plugins/{kind}/deactivate`: no new plans of this kind from now on; open ones go on.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::body::JsonBody;
use super::error::HttpError;
use super::get_plugin::{VersionsAnswer, carried_out};
use super::segments::Segments;
use crate::engine::Engine;

/// `{}` → `{ok, kind, versions}`. It takes JSON, which no other web page can send unasked.
pub(super) async fn deactivate_plugin(
    State(engine): State<Arc<Engine>>,
    Segments(kind): Segments<String>,
    body: JsonBody,
) -> Result<Json<VersionsAnswer>, HttpError> {
    body.fields(&[])?;
    let (registry, name) = (Arc::clone(&engine.registry), kind.clone());
    carried_out(async move { registry.deactivate(&name).await }).await?;
    VersionsAnswer::json(&engine.registry, kind).await
}
