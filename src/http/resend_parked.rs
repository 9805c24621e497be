//! `POST /mesh/brain/resend`: puts parked events back on their way.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;

use super::body::JsonBody;
use super::error::HttpError;
use crate::engine::Engine;

/// The most ids of one request.
const IDS: usize = 1_000;

/// `{ok, resent}`
#[derive(Serialize)]
pub(super) struct ResentAnswer {
    ok: bool,
    resent: usize,
}

/// `{ids?: [number]}` → `{ok, resent}`; without ids every parked event.
pub(super) async fn resend_parked(
    State(engine): State<Arc<Engine>>,
    body: JsonBody,
) -> Result<Json<ResentAnswer>, HttpError> {
    let fields = body.fields(&["ids"])?;
    let ids = fields.optional("ids").map(ids).transpose()?;
    let resent = engine.store.resend(ids).await?;
    Ok(Json(ResentAnswer { ok: true, resent }))
}

/// Ids, within bounds.
pub(super) fn ids(value: &Value) -> Result<Vec<i64>, HttpError> {
    let ids = value
        .as_array()
        .and_then(|ids| ids.iter().map(Value::as_i64).collect());
    let ids: Option<Vec<i64>> = ids;
    ids.filter(|ids| (1..=IDS).contains(&ids.len()))
        .ok_or_else(|| HttpError::bad(format!("ids must be a list of 1 to {IDS} event ids")))
}
