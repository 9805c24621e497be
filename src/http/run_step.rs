//! `POST /mesh/step`: runs a plan's next pending step.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::body::JsonBody;
use super::error::HttpError;
use super::reader::Reader;
use crate::caller::Caller;
use crate::engine::Engine;

/// `{planId}` → `{ok, plan}`; a step that failed is in the plan, not in the status.
pub(super) async fn run_step(
    State(engine): State<Arc<Engine>>,
    reader: Reader,
    caller: Caller,
    body: JsonBody,
) -> Result<Response, HttpError> {
    let fields = body.fields(&["planId"])?;
    let plan = engine.step(fields.text("planId")?, &caller).await?;
    reader.changed(plan).await
}
