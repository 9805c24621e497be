//! A step as it is asked for: read from a client's body and from a recipe by the same rules.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::names::nearest;
use crate::plan::{Domain, Json};

/// What a step may say.
const FIELDS: [&str; 5] = ["kind", "label", "domain", "settings", "after"];

/// The longest label, in characters.
const LABEL: usize = 120;

/// The largest settings, in bytes of compact JSON.
pub(crate) const SETTINGS: usize = 16 << 10;

/// A step as it is asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepSpec {
    /// The step kind.
    pub kind: String,
    /// For people, instead of the kind's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The domain it works for, instead of the plan's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<Domain>,
    /// A JSON object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<Json>,
    /// The steps, all earlier in the list, that must be done before it; the one before it if it
    /// says nothing, and none if the list is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Vec<String>>,
}

/// The id of the step at this place of a list, counted from 0.
pub(crate) fn step_id(index: usize) -> String {
    format!("step-{}", index + 1)
}

impl StepSpec {
    /// Reads a list of 1 to `most` steps.
    ///
    /// # Errors
    /// Which entry is wrong, and what is allowed there.
    pub fn list(value: &Value, most: usize) -> Result<Vec<Self>, String> {
        let Some(steps) = value.as_array() else {
            return Err("steps must be a list of {\"kind\": …}".to_owned());
        };
        if steps.is_empty() || steps.len() > most {
            return Err(format!(
                "steps has {} entries, and must have 1 to {most}",
                steps.len()
            ));
        }
        let read = |(index, step)| {
            Self::read(step, index).map_err(|error| format!("steps[{index}]{error}"))
        };
        steps.iter().enumerate().map(read).collect()
    }

    /// The error follows the step's place, as in `.kind must be a text`.
    fn read(step: &Value, index: usize) -> Result<Self, String> {
        let fields = step
            .as_object()
            .ok_or_else(|| " must be an object {\"kind\": …}".to_owned())?;
        if let Some(unknown) = fields.keys().find(|key| !FIELDS.contains(&key.as_str())) {
            let meant = nearest(unknown, &FIELDS).map(|known| format!("did you mean {known}? "));
            return Err(format!(
                ".{} is not known: {}a step has the fields {}",
                shown(unknown),
                meant.unwrap_or_default(),
                FIELDS.join(", ")
            ));
        }
        let kind = fields.get("kind").and_then(Value::as_str);
        Ok(Self {
            kind: kind.ok_or(".kind must be a text")?.to_owned(),
            label: given(fields, "label").map(label).transpose()?,
            domain: given(fields, "domain").map(domain).transpose()?,
            settings: given(fields, "settings").map(settings).transpose()?,
            after: given(fields, "after")
                .map(|after| earlier(after, index))
                .transpose()?,
        })
    }
}

/// A field that may be missing; null counts as missing.
fn given<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn label(value: &Value) -> Result<String, String> {
    let text = value.as_str().ok_or(".label must be a text")?;
    let length = text.chars().count();
    if text.trim().is_empty() || length > LABEL || text.chars().any(char::is_control) {
        return Err(format!(
            ".label has {length} characters, and must have 1 to {LABEL}, not all of them blank and \
             none a control character"
        ));
    }
    Ok(text.to_owned())
}

fn domain(value: &Value) -> Result<Domain, String> {
    let named = value.as_str().unwrap_or_default().parse();
    named.map_err(|error| format!(".domain {error}"))
}

fn settings(value: &Value) -> Result<Json, String> {
    if !value.is_object() {
        return Err(".settings must be a JSON object".to_owned());
    }
    let text = value.to_string();
    if text.len() > SETTINGS {
        return Err(format!(
            ".settings has {} bytes, and at most {SETTINGS} are allowed",
            text.len()
        ));
    }
    Json::parse(text).map_err(|error| format!(".settings: {error}"))
}

/// The steps named by `after` of the step at `index`.
fn earlier(value: &Value, index: usize) -> Result<Vec<String>, String> {
    let Some(entries) = value.as_array() else {
        return Err(".after must be a list of ids of earlier steps".to_owned());
    };
    let ids: Vec<String> = (0..index).map(step_id).collect();
    let mut after: Vec<String> = Vec::new();
    for (entry, value) in entries.iter().enumerate() {
        let id = value.as_str().unwrap_or_default();
        if !ids.iter().any(|earlier| earlier == id) {
            let value = shown(&value.to_string());
            return Err(match ids.as_slice() {
                [] => format!(".after[{entry}] is {value}, and no step comes before the first"),
                [one] => format!(".after[{entry}] is {value}, and only {one} comes before it"),
                [first, .., last] => format!(
                    ".after[{entry}] is {value}, and must be one of the steps before it, {first} \
                     to {last}"
                ),
            });
        }
        if after.iter().any(|named| named == id) {
            return Err(format!(".after names {id} twice"));
        }
        after.push(id.to_owned());
    }
    Ok(after)
}

/// Enough of somebody's text to recognize it by.
fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}
