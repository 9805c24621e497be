//! What the routes share by which people decide about a plan.

use std::sync::Arc;

use axum::response::Response;

use super::body::Fields;
use super::error::HttpError;
use super::reader::Reader;
use crate::engine::Engine;
use crate::plan::Transition;
use crate::text::is_active;

/// The longest name of a person, in characters.
const PERSON: usize = 200;

/// The longest reason or note, in characters.
const WORDS: usize = 2_000;

/// Applies it to the plan that the body names.
pub(super) async fn apply(
    engine: &Arc<Engine>,
    reader: Reader,
    fields: &Fields,
    decision: Transition,
) -> Result<Response, HttpError> {
    let plan = engine.decide(fields.text("planId")?, decision).await?;
    reader.changed(plan).await
}

/// The step that the body names.
pub(super) fn step(fields: &Fields) -> Result<String, HttpError> {
    fields.text("stepId").map(str::to_owned)
}

/// Who decides: a name that a reader can see, as it stands in the records for good.
pub(super) fn person(fields: &Fields, name: &str) -> Result<String, HttpError> {
    let person = fields.bounded_text(name, PERSON)?;
    if !person.chars().any(char::is_alphanumeric) || person.chars().any(is_active) {
        return Err(HttpError::bad(format!(
            "{name} must have a letter or digit, and no control or formatting characters"
        )));
    }
    Ok(person)
}

/// Why.
pub(super) fn reason(fields: &Fields) -> Result<String, HttpError> {
    words(fields, "reason")
}

/// A text, in which pictures may be told to be in colour.
fn words(fields: &Fields, name: &str) -> Result<String, HttpError> {
    let words = fields.bounded_text(name, WORDS)?;
    if words
        .chars()
        .any(|c| is_active(c) && !matches!(c, '\n' | '\t' | '\u{fe0e}' | '\u{fe0f}'))
    {
        return Err(HttpError::bad(format!(
            "{name} must have no control or formatting characters but line ends and tabs"
        )));
    }
    Ok(words)
}

/// A text that may be missing.
pub(super) fn optional_words(fields: &Fields, name: &str) -> Result<Option<String>, HttpError> {
    let given = fields.optional(name);
    given.map(|_| words(fields, name)).transpose()
}
