//! `DELETE /plugins/{kind}/{sha256}`: forgets a version that nobody needs.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::error::HttpError;
use crate::engine::Engine;

/// → `{ok}`; 409 while new plans get it, a rollback may lead to it, or open plans have it.
pub(super) async fn delete_plugin(
    State(engine): State<Arc<Engine>>,
    Path((kind, sha256)): Path<(String, String)>,
) -> Result<Json<Value>, HttpError> {
    engine.registry.delete(&kind, &sha256).await?;
    Ok(Json(json!({"ok": true})))
}
