//! `POST /mesh/cancel`: somebody ends a plan before its end.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::body::JsonBody;
use super::decision;
use super::error::HttpError;
use super::reader::Reader;
use crate::engine::Engine;
use crate::plan::Transition;

/// `{planId, by, reason}` → `{ok, plan}`: CANCELLED for good. A step under way may end; a write
/// that is not on its way yet is not sent.
pub(super) async fn cancel_plan(
    State(engine): State<Arc<Engine>>,
    reader: Reader,
    body: JsonBody,
) -> Result<Response, HttpError> {
    let fields = body.fields(&["planId", "by", "reason"])?;
    let decision = Transition::Cancel {
        by: decision::person(&fields, "by")?,
        reason: decision::reason(&fields)?,
    };
    decision::apply(&engine, reader, &fields, decision).await
}
