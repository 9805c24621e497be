//! `POST /mesh/create`: turns a goal into a plan.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use super::body::{Fields, JsonBody};
use super::error::HttpError;
use super::reader::Reader;
use crate::engine::{Engine, NewPlan, Wanted};
use crate::plan::{Domain, Mode};
use crate::recipe::StepSpec;
use crate::store::now;

/// The longest session id, in characters.
const SESSION: usize = 200;

/// The longest goal, in characters.
const GOAL: usize = 10_000;

/// What the body may say.
pub(super) const FIELDS: [&str; 7] = [
    "sessionId",
    "domain",
    "domains",
    "goal",
    "mode",
    "recipe",
    "steps",
];

/// `{sessionId, domain, domains?, goal, mode?, recipe? | steps?}` → `{ok, plan}`.
pub(super) async fn create_plan(
    State(engine): State<Arc<Engine>>,
    reader: Reader,
    body: JsonBody,
) -> Result<Response, HttpError> {
    let fields = body.fields(&FIELDS)?;
    let new = parse(&fields, engine.limits().steps)?;
    let plan = engine.create(new, now()).await?;
    reader.changed(plan).await
}

/// What the body asks for.
pub(super) fn parse(fields: &Fields, most_steps: usize) -> Result<NewPlan, HttpError> {
    Ok(NewPlan {
        session_id: fields.bounded_text("sessionId", SESSION)?,
        domain: fields.name("domain")?,
        domains: fields.optional("domains").map_or(Ok(Vec::new()), domains)?,
        goal: fields.bounded_text("goal", GOAL)?,
        mode: fields.optional("mode").map(mode).transpose()?,
        wanted: wanted(fields, most_steps)?,
    })
}

fn mode(value: &Value) -> Result<Mode, HttpError> {
    let named = Mode::named(value.as_str().unwrap_or_default());
    named.map_err(|error| HttpError::bad(format!("mode {error}")))
}

fn domains(value: &Value) -> Result<Vec<Domain>, HttpError> {
    let most = Domain::ALL.len();
    let wrong = || HttpError::bad(format!("domains must be a list of 1 to {most} domains"));
    let names = value.as_array().ok_or_else(wrong)?;
    if names.is_empty() || names.len() > most {
        return Err(wrong());
    }
    let mut domains = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let domain: Domain = name
            .as_str()
            .unwrap_or_default()
            .parse()
            .map_err(|error| HttpError::bad(format!("domains[{index}] {error}")))?;
        if domains.contains(&domain) {
            return Err(HttpError::bad(format!("domains names {domain} twice")));
        }
        domains.push(domain);
    }
    Ok(domains)
}

fn wanted(fields: &Fields, most_steps: usize) -> Result<Wanted, HttpError> {
    match (fields.optional("recipe"), fields.optional("steps")) {
        (Some(_), Some(_)) => Err(HttpError::bad(
            "recipe and steps can't both be given: a recipe has steps of its own",
        )),
        (Some(_), None) => Ok(Wanted::Recipe(fields.text("recipe")?.to_owned())),
        (None, Some(steps)) => {
            let steps = StepSpec::list(steps, most_steps).map_err(HttpError::bad)?;
            Ok(Wanted::Steps(steps))
        }
        (None, None) => Ok(Wanted::Default),
    }
}
