//! `GET /mesh/history?id=`: every change of a plan.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::error::HttpError;
use super::query::Parameters;
use crate::engine::Engine;
use crate::plan::HistoryEntry;
use crate::store::{History, StoreError};

/// `{ok, history, unreadable?}`
#[derive(Serialize)]
pub(super) struct HistoryAnswer {
    ok: bool,
    history: Vec<HistoryEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<String>,
}

/// `{ok, history: [{at, actor, transition, step?, status, attempt?, requests?, durationMs?, error?}], unreadable?: [error]}`,
/// oldest first, or 404.
pub(super) async fn get_history(
    State(engine): State<Arc<Engine>>,
    parameters: Parameters,
) -> Result<Json<HistoryAnswer>, HttpError> {
    let id = parameters
        .get("id")
        .ok_or_else(|| HttpError::bad("id is required"))?;
    let history = engine.store.history(id).await?;
    if history == History::default() {
        return Err(StoreError::NotFound.into());
    }
    Ok(Json(HistoryAnswer {
        ok: true,
        history: history.entries,
        unreadable: history.unreadable,
    }))
}
