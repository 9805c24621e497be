//! `POST /mesh/cancel`: somebody ends a plan before its end.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::body::JsonBody;
use super::decision;
use super::error::HttpError;
use super::get_plan::PlanAnswer;
use crate::engine::Engine;
use crate::plan::Transition;

/// `{planId, by, reason}` → `{ok, plan}`: CANCELLED for good. A step under way may end; a write
/// that is not on its way yet is not sent.
pub(super) async fn cancel_plan(
    State(engine): State<Arc<Engine>>,
    body: JsonBody,
) -> Result<Json<PlanAnswer>, HttpError> {
    let fields = body.fields(&["planId", "by", "reason"])?;
    let decision = Transition::Cancel {
        by: decision::person(&fields, "by")?,
        reason: decision::reason(&fields)?,
    };
    decision::apply(&engine, &fields, decision).await
}
