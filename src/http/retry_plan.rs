//! `POST /mesh/retry`: a plan goes back to a step, and everything after it to its beginning.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::body::JsonBody;
use super::decision;
use super::error::HttpError;
use super::reader::Reader;
use crate::engine::Engine;

/// `{planId, stepId?, repeatWrites?}` → `{ok, plan}`. Without a step it goes back to the failed
/// ones. 409 if a write happened on the way, or may have, and `repeatWrites` is not true.
pub(super) async fn retry_plan(
    State(engine): State<Arc<Engine>>,
    reader: Reader,
    body: JsonBody,
) -> Result<Response, HttpError> {
    let fields = body.fields(&["planId", "stepId", "repeatWrites"])?;
    let step = fields.optional("stepId");
    let step = step.map(|_| decision::step(&fields)).transpose()?;
    let repeat_writes = fields.flag("repeatWrites")?;
    let plan = engine
        .retry(fields.text("planId")?, step, repeat_writes)
        .await?;
    reader.changed(plan).await
}
