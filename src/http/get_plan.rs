//! `GET /mesh/plan?id=&view=`: one plan.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::error::HttpError;
use super::query::Parameters;
use super::reader::{Reader, shown};
use crate::engine::Engine;
use crate::store::StoreError;

/// `id`, `view` → `{ok, plan}`, or 404.
pub(super) async fn get_plan(
    State(engine): State<Arc<Engine>>,
    reader: Reader,
    parameters: Parameters,
) -> Result<Response, HttpError> {
    let id = parameters
        .get("id")
        .ok_or_else(|| HttpError::bad("id is required"))?;
    let view = parameters.name("view")?.unwrap_or_default();
    let reading = reader.begin().await?;
    let plan = engine.store.plan(id).await?.ok_or(StoreError::NotFound)?;
    Ok(reading.whole(shown(&plan, view)?))
}
