//! `DELETE /plugins/{kind}/{sha256}`: forgets a version that nobody needs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::error::HttpError;
use super::get_plugin::carried_out;
use super::segments::Segments;
use crate::engine::Engine;

/// `{ok}`
#[derive(Serialize)]
pub(super) struct DeletedAnswer {
    ok: bool,
}

/// → `{ok}`; 409 while new plans get it, a rollback may lead to it, or open plans have it.
pub(super) async fn delete_plugin(
    State(engine): State<Arc<Engine>>,
    Segments((kind, sha256)): Segments<(String, String)>,
) -> Result<Json<DeletedAnswer>, HttpError> {
    let registry = Arc::clone(&engine.registry);
    carried_out(async move { registry.delete(&kind, &sha256).await }).await?;
    Ok(Json(DeletedAnswer { ok: true }))
}
