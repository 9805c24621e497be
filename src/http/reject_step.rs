//! `POST /mesh/reject`: somebody rejects what a step found, and the plan stops there.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::body::JsonBody;
use super::decision;
use super::error::HttpError;
use super::reader::Reader;
use crate::engine::Engine;
use crate::plan::Transition;

/// `{planId, stepId, rejectedBy, reason}` → `{ok, plan}`
pub(super) async fn reject_step(
    State(engine): State<Arc<Engine>>,
    reader: Reader,
    body: JsonBody,
) -> Result<Response, HttpError> {
    let fields = body.fields(&["planId", "stepId", "rejectedBy", "reason"])?;
    let decision = Transition::Reject {
        step: decision::step(&fields)?,
        by: decision::person(&fields, "rejectedBy")?,
        reason: decision::reason(&fields)?,
    };
    decision::apply(&engine, reader, &fields, decision).await
}
