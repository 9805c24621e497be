//! `POST /mesh/approve`: somebody approves what a step found, and with it the writes after it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use super::body::JsonBody;
use super::decision;
use super::error::HttpError;
use super::reader::Reader;
use crate::engine::Engine;
use crate::plan::Transition;

/// `{planId, stepId, approvedBy, note?, reviewed?}` → `{ok, plan}`. `reviewed` names, by step, the
/// digests of the writes that were looked at; 409 if the plan shows others by now.
pub(super) async fn approve_step(
    State(engine): State<Arc<Engine>>,
    reader: Reader,
    body: JsonBody,
) -> Result<Response, HttpError> {
    let fields = body.fields(&["planId", "stepId", "approvedBy", "note", "reviewed"])?;
    let decision = Transition::Approve {
        step: decision::step(&fields)?,
        by: decision::person(&fields, "approvedBy")?,
        note: decision::optional_words(&fields, "note")?,
        reviewed: reviewed(fields.optional("reviewed"))?,
    };
    decision::apply(&engine, reader, &fields, decision).await
}

/// `{"step-4": "<digest>", …}`
fn reviewed(value: Option<&Value>) -> Result<BTreeMap<String, String>, HttpError> {
    let wrong = || HttpError::bad("reviewed must be an object of digests by step id");
    let Some(value) = value else {
        return Ok(BTreeMap::new());
    };
    let fields = value.as_object().ok_or_else(wrong)?;
    let digest = |(step, digest): (&String, &Value)| {
        let digest = digest.as_str().ok_or_else(wrong)?;
        Ok((step.clone(), digest.to_owned()))
    };
    fields.iter().map(digest).collect()
}
