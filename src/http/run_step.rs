//! `POST /mesh/step`: runs a plan's next pending step.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::body::JsonBody;
use super::error::HttpError;
use super::get_plan::PlanAnswer;
use crate::caller::Caller;
use crate::engine::Engine;

/// `{planId}` → `{ok, plan}`; a step that failed is in the plan, not in the status.
pub(super) async fn run_step(
    State(engine): State<Arc<Engine>>,
    caller: Caller,
    body: JsonBody,
) -> Result<Json<PlanAnswer>, HttpError> {
    let fields = body.fields(&["planId"])?;
    let plan = engine.step(fields.text("planId")?, &caller).await?;
    Ok(PlanAnswer::json(plan))
}
