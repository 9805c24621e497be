//! `POST /mesh/create`: turns a goal into a plan.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::body::Fields;
use super::error::HttpError;
use super::get_plan::PlanAnswer;
use crate::engine::{Engine, NewPlan};
use crate::plan::Mode;
use crate::store::now;

/// The longest session id, in characters.
const SESSION: usize = 200;

/// The longest goal, in characters.
const GOAL: usize = 10_000;

/// `{sessionId, domain, goal, mode?, steps?}` → `{ok, plan}`.
pub(super) async fn create_plan(
    State(engine): State<Arc<Engine>>,
    fields: Fields,
) -> Result<Json<PlanAnswer>, HttpError> {
    let new = parse(&fields, engine.limits().steps)?;
    let plan = engine.create(new, now()).await?;
    Ok(PlanAnswer::json(plan))
}

/// What the body asks for.
pub(super) fn parse(fields: &Fields, most_steps: usize) -> Result<NewPlan, HttpError> {
    Ok(NewPlan {
        session_id: fields.bounded_text("sessionId", SESSION)?,
        domain: fields.name("domain")?,
        goal: fields.bounded_text("goal", GOAL)?,
        mode: fields.optional("mode").map(mode).transpose()?,
        steps: fields
            .optional("steps")
            .map(|steps| kinds(steps, most_steps))
            .transpose()?,
    })
}

fn mode(value: &Value) -> Result<Mode, HttpError> {
    let named = Mode::named(value.as_str().unwrap_or_default());
    named.map_err(|error| HttpError::bad(format!("mode {error}")))
}

/// `[{"kind": "srl"}, …]`
fn kinds(value: &Value, most: usize) -> Result<Vec<String>, HttpError> {
    let Some(steps) = value.as_array() else {
        return Err(HttpError::bad("steps must be a list of {\"kind\": …}"));
    };
    if steps.is_empty() || steps.len() > most {
        return Err(HttpError::bad(format!(
            "steps has {} entries, and must have 1 to {most}",
            steps.len()
        )));
    }
    let kind = |(index, step): (usize, &Value)| {
        let fields = step.as_object().ok_or_else(|| {
            HttpError::bad(format!("steps[{index}] must be an object {{\"kind\": …}}"))
        })?;
        if let Some(unknown) = fields.keys().find(|key| *key != "kind") {
            let unknown: String = unknown.chars().take(64).collect();
            return Err(HttpError::bad(format!(
                "steps[{index}].{unknown} is not known: a step has the field kind"
            )));
        }
        let kind = fields.get("kind").and_then(Value::as_str);
        kind.map(str::to_owned)
            .ok_or_else(|| HttpError::bad(format!("steps[{index}].kind must be a text")))
    };
    steps.iter().enumerate().map(kind).collect()
}
