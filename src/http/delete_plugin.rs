//! `DELETE /plugins/{kind}/{sha256}`: forgets a version that nobody needs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::error::HttpError;
use super::get_plugin::carried_out;
use super::segments::Segments;
use crate::engine::Engine;

/// → `{ok}`; 409 while new plans get it, a rollback may lead to it, or open plans have it.
pub(super) async fn delete_plugin(
    State(engine): State<Arc<Engine>>,
    Segments((kind, sha256)): Segments<(String, String)>,
) -> Result<Json<Value>, HttpError> {
    let registry = Arc::clone(&engine.registry);
    carried_out(async move { registry.delete(&kind, &sha256).await }).await?;
    Ok(Json(json!({"ok": true})))
}
