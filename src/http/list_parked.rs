//! `GET /mesh/brain/parked`: events that Brain rejected and that wait for a person.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use super::error::HttpError;
use super::reader::Reader;
use crate::engine::Engine;
use crate::store::ParkedEvent;

/// Events of one answer.
const LIMIT: usize = 1_000;

/// `{ok, events}`
#[derive(Serialize)]
struct ParkedAnswer {
    ok: bool,
    events: Vec<ParkedEvent>,
}

/// `{ok, events: [{id, planId, createdAt, parkedAt, rejections, error}]}`, the oldest 1,000.
pub(super) async fn list_parked(
    State(engine): State<Arc<Engine>>,
    reader: Reader,
) -> Result<Response, HttpError> {
    let events = engine.store.parked(LIMIT).await?;
    reader.answer(&ParkedAnswer { ok: true, events })
}
