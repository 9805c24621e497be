//! `POST /mesh/skip`: somebody decides against running a step.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::body::Fields;
use super::decision;
use super::error::HttpError;
use super::get_plan::PlanAnswer;
use crate::engine::Engine;
use crate::plan::Transition;

/// `{planId, stepId, by, reason}` → `{ok, plan}`: the step is DONE, with `skipped` and no result.
pub(super) async fn skip_step(
    State(engine): State<Arc<Engine>>,
    fields: Fields,
) -> Result<Json<PlanAnswer>, HttpError> {
    let decision = Transition::Skip {
        step: decision::step(&fields)?,
        by: decision::person(&fields, "by")?,
        reason: decision::reason(&fields)?,
    };
    decision::apply(&engine, &fields, decision).await
}
