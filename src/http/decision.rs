//! What the routes share by which people decide about a plan.

use std::sync::Arc;

use axum::Json;

use super::body::Fields;
use super::error::HttpError;
use super::get_plan::PlanAnswer;
use crate::engine::Engine;
use crate::plan::Transition;

/// The longest name of a person, in characters.
const PERSON: usize = 200;

/// The longest reason or note, in characters.
const WORDS: usize = 2_000;

/// Applies it to the plan that the body names.
pub(super) async fn apply(
    engine: &Arc<Engine>,
    fields: &Fields,
    decision: Transition,
) -> Result<Json<PlanAnswer>, HttpError> {
    let plan = engine.decide(fields.text("planId")?, decision).await?;
    Ok(PlanAnswer::json(plan))
}

/// The step that the body names.
pub(super) fn step(fields: &Fields) -> Result<String, HttpError> {
    fields.text("stepId").map(str::to_owned)
}

/// Who decides.
pub(super) fn person(fields: &Fields, name: &str) -> Result<String, HttpError> {
    fields.bounded_text(name, PERSON)
}

/// Why.
pub(super) fn reason(fields: &Fields) -> Result<String, HttpError> {
    fields.bounded_text("reason", WORDS)
}

/// A text that may be missing.
pub(super) fn optional_words(fields: &Fields, name: &str) -> Result<Option<String>, HttpError> {
    let given = fields.optional(name);
    given.map(|_| fields.bounded_text(name, WORDS)).transpose()
}
