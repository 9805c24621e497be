//! What a plugin was told and what it gave, as a case writes it: word for word, so that a plugin
//! which is told the same again can give the same.

use std::collections::BTreeMap;

use serde_json::Value;

use super::model::{
    CaseContext, Clock, Content, Finished, HeaderValue, Plan, Planned, Request, Response, Step,
};
use super::verdict::{Retry, Reviewed, Verdict};
use crate::plan::Json;
use crate::sandbox::Moment;
use crate::sandbox::bindings as wit;
use crate::services::path;

impl Content {
    /// This text, as the JSON that it is where that says all of it.
    pub(super) fn of(text: &str) -> Self {
        let json = serde_json::from_str(text).ok();
        let json = json.filter(|json: &Value| {
            // In a case a string is the text itself, and a null may be something left out.
            !json.is_string() && !json.is_null() && words(&json.to_string()) == words(text)
        });
        Self(json.unwrap_or_else(|| Value::String(text.to_owned())))
    }
}

/// What reading and writing JSON may lose: a name that comes twice, the digits of a number.
fn words(json: &str) -> Vec<String> {
    let mut rest = String::new();
    let (mut text, mut escaped) = (false, false);
    for c in json.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                text = !text;
                // Of a string only that there is one: it may be written in several ways.
                rest.push(c);
            }
            _ if text => {}
            c => rest.push(c),
        }
    }
    let between = |c: char| c.is_whitespace() || "{}[],:".contains(c);
    let words = rest.split(between).filter(|word| !word.is_empty());
    let mut words: Vec<String> = words.map(str::to_owned).collect();
    words.sort_unstable();
    words
}

impl CaseContext {
    /// What a step was told that began then.
    pub(super) fn told(told: &wit::Context, begun: Moment) -> Self {
        let planned = told.steps.iter().map(|step| Planned {
            id: Some(step.id.clone()),
            kind: step.kind.clone(),
            service: Some(step.service.clone()),
            endpoint: Some(step.endpoint.clone()),
            effect: Some(step.effect.into()),
        });
        let finished = told.finished.iter().map(|step| Finished {
            id: Some(step.id.clone()),
            kind: step.kind.clone(),
            result: Content::of(&step.result),
        });
        Self {
            plan: Plan {
                id: told.plan.id.clone(),
                session_id: told.plan.session_id.clone(),
                domain: told.plan.domain.clone(),
                goal: told.plan.goal.clone(),
                mode: told.plan.mode.into(),
            },
            steps: planned.collect(),
            step: Step {
                id: Some(told.step.id.clone()),
                domain: Some(told.step.domain.clone()),
                attempt: Some(told.step.attempt),
                settings: Some(Content::of(&told.step.settings)),
            },
            finished: finished.collect(),
            clock: Clock {
                now: begun.now_ms,
                time_left: begun.time_left_ms,
            },
        }
    }
}

impl From<&wit::Response> for Response {
    fn from(told: &wit::Response) -> Self {
        Self {
            status: told.status,
            headers: told.headers.iter().cloned().collect(),
            body: Content::of(&told.body),
            elapsed_ms: told.elapsed_ms,
        }
    }
}

/// A request, if the host would take it, or else why not.
pub(super) fn request(given: &wit::Request) -> Result<Request, String> {
    path::check(&given.path)
        .map_err(|error| format!("the host refuses the path {:?}: {error}", given.path))?;
    let body = given.body.as_ref().map(|body| json("body", body));
    Ok(Request {
        method: Some(given.method.into()),
        path: given.path.clone(),
        headers: headers(&given.headers),
        body: body.transpose()?,
    })
}

pub(super) fn headers(given: &[wit::Header]) -> BTreeMap<String, HeaderValue> {
    let mut headers: BTreeMap<String, HeaderValue> = BTreeMap::new();
    for header in given {
        let value = match &header.value {
            wit::HeaderValue::Text(text) => HeaderValue::Text(text.clone()),
            wit::HeaderValue::Secret(name) => HeaderValue::Secret {
                secret: name.clone(),
            },
        };
        let name = header.name.to_lowercase();
        let value = match headers.remove(&name) {
            None => value,
            Some(HeaderValue::Several(mut values)) => {
                values.push(value);
                HeaderValue::Several(values)
            }
            Some(first) => HeaderValue::Several(vec![first, value]),
        };
        headers.insert(name, value);
    }
    headers
}

/// A verdict, if the host would take it, or else why not.
pub(super) fn verdict(given: &wit::Verdict) -> Result<Verdict, String> {
    Ok(match given {
        wit::Verdict::Done(result) => Verdict::Done(json("result", result)?),
        wit::Verdict::NeedsApproval(reviewed) => Verdict::NeedsApproval(Reviewed {
            result: Some(json("result", &reviewed.result)?),
            reason: reviewed.reason.clone(),
        }),
        wit::Verdict::Blocked(reason) => Verdict::Blocked(reason.clone()),
        wit::Verdict::Failed(reason) => Verdict::Failed(reason.clone()),
        wit::Verdict::Retry(later) => Verdict::Retry(Retry {
            reason: later.reason.clone(),
            after_ms: later.after_ms,
        }),
        wit::Verdict::Call(asked) => Verdict::Call(request(asked)?),
    })
}

/// Text that the contract says is JSON, checked as the host checks it.
fn json(what: &str, text: &str) -> Result<Content, String> {
    Json::parse(text.to_owned())
        .map_err(|error| format!("the host refuses its {what}, which is not JSON: {error}"))?;
    Ok(Content::of(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_written_as_the_json_that_it_is() {
        let text = " {\"b\": [1.0, -2.5e-7, \"\\u00e9:1\"],\n \"a\": null} ";
        let json = json!({"a": null, "b": [1.0, -2.5e-7, "é:1"]});
        assert_eq!(Content::of(text), Content(json));
        assert_eq!(Content::of("7"), Content(json!(7)));
        assert_eq!(Content::of("{}"), Content(json!({})));
    }

    #[test]
    fn what_would_be_lost_stays_text() {
        for text in [
            "",
            "<p>",
            "\"a JSON string\"",
            "null",
            "{\"a\":1,\"a\":2}",
            "[12345678901234567890123]",
            "[123456789012345678901]",
            "[1e400]",
            "[1.50]",
            "[\"\\ud800\"]",
        ] {
            assert_eq!(Content::of(text), Content(json!(text)), "{text}");
            assert_eq!(Content::of(text).text(), text);
        }
    }
}
