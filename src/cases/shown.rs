//! What a plugin gave and what a case expects, both as a case writes them and in one spelling, so
//! that two that mean the same are the same: JSON by its meaning, all other text letter by letter.

use serde::Serialize;
use serde_json::{Number, Value, json};

use super::model::{Content, Request, Shape};
use super::told;
use super::verdict::{Expected, Reviewed, Verdict, Word};
use crate::plan::Method;
use crate::sandbox::Fault;
use crate::sandbox::bindings as wit;

/// What `shape` gave.
pub(super) fn shaped(outcome: &Result<Result<wit::Request, String>, Fault>) -> Value {
    match outcome {
        Ok(Ok(asked)) => {
            told::request(asked).map_or_else(fault, |asked| expected_shape(&Shape::Request(asked)))
        }
        Ok(Err(reason)) => written(&Shape::Error(reason.clone())),
        Err(error) => fault(error.to_string()),
    }
}

/// What `interpret` gave.
pub(super) fn judged(outcome: &Result<wit::Verdict, Fault>) -> Value {
    match outcome {
        Ok(given) => told::verdict(given).map_or_else(fault, |given| written(&spelled(given))),
        Err(error) => fault(error.to_string()),
    }
}

/// What a case expects of `shape`.
pub(super) fn expected_shape(shape: &Shape) -> Value {
    match shape {
        Shape::Request(request) => written(&Shape::Request(complete(request))),
        Shape::Error(reason) => written(&Shape::Error(reason.clone())),
    }
}

/// What a case expects of the last `interpret`, when this was the service's last answer.
pub(super) fn expected_verdict(expected: &Expected, answer: &Content) -> Value {
    let verdict = match expected.clone() {
        Expected::Word(Word::Done) => Verdict::Done(answer.clone()),
        Expected::Verdict(Verdict::NeedsApproval(Reviewed { result, reason })) => {
            let result = Some(result.unwrap_or_else(|| answer.clone()));
            Verdict::NeedsApproval(Reviewed { result, reason })
        }
        Expected::Verdict(verdict) => verdict,
    };
    written(&spelled(verdict))
}

/// A follow-up call that a case expects; any, where it does not say which.
pub(super) fn expected_call(request: Option<&Request>) -> Value {
    match request {
        Some(request) => written(&Verdict::Call(complete(request))),
        None => json!({"call": "(any request)"}),
    }
}

/// Beside what the contract has: a plugin that went over a limit, or gave what the host refuses.
fn fault(what: String) -> Value {
    json!({"fault": what})
}

fn written(value: &impl Serialize) -> Value {
    // Texts and JSON values: there is nothing in them that can't be written.
    serde_json::to_value(value).unwrap_or_default()
}

/// A verdict in its one spelling.
fn spelled(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Done(result) => Verdict::Done(canonical(&result)),
        Verdict::NeedsApproval(Reviewed { result, reason }) => {
            let result = result.as_ref().map(canonical);
            Verdict::NeedsApproval(Reviewed { result, reason })
        }
        Verdict::Call(request) => Verdict::Call(complete(&request)),
        other => other,
    }
}

fn complete(request: &Request) -> Request {
    let usual = match request.body {
        Some(_) => Method::Post,
        None => Method::Get,
    };
    Request {
        method: Some(request.method.unwrap_or(usual)),
        path: request.path.clone(),
        headers: request.headers.clone(),
        body: request.body.as_ref().map(canonical),
    }
}

/// The one spelling of a text: the JSON that it is, if it is JSON.
fn canonical(content: &Content) -> Content {
    let json = match &content.0 {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| content.0.clone()),
        json => json.clone(),
    };
    Content(whole(json))
}

/// JSON has one kind of number: 7 and 7.0 are the same.
fn whole(json: Value) -> Value {
    /// Up to here every whole number has a double of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match json {
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().unwrap_or_default();
            let is_whole = float.fract() == 0.0 && float.abs() < EXACT;
            #[allow(clippy::cast_possible_truncation)]
            let number = if is_whole {
                Number::from(float as i64)
            } else {
                number
            };
            Value::Number(number)
        }
        Value::Array(items) => items.into_iter().map(whole).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, whole(value)));
            Value::Object(fields.collect())
        }
        other => other,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn content(json: Value) -> Content {
        canonical(&Content(json))
    }

    #[test]
    fn json_is_compared_by_its_meaning() {
        let text = json!(r#" {"b": [1.0, -0.0, 1e2], "a": null} "#);
        let json = json!({"a": null, "b": [1, 0, 100]});
        assert_eq!(content(text), content(json));
        assert_ne!(content(json!({"a": null})), content(json!({})));
        assert_ne!(content(json!([1, 2])), content(json!([2, 1])));
        assert_ne!(content(json!({"a": 1})), content(json!({"a": "1"})));
        assert_ne!(content(json!([1.5])), content(json!([1])));
    }

    #[test]
    fn other_text_is_compared_letter_by_letter() {
        assert_ne!(content(json!("<p>a")), content(json!("<p>a ")));
        // A string in a case is the text itself: JSON's quotes are part of it.
        assert_eq!(content(json!("\"a\"")), content(json!("a")));
    }

    #[test]
    fn what_the_host_would_refuse_is_a_fault() {
        let asked = |path: &str, body: &str| {
            Ok(Ok(wit::Request {
                method: wit::Method::Post,
                path: path.to_owned(),
                headers: Vec::new(),
                body: Some(body.to_owned()),
            }))
        };
        let fault = |value: Value| value["fault"].as_str().unwrap_or_default().to_owned();
        assert!(fault(shaped(&asked("//evil", "{}"))).contains("another host"));
        assert!(fault(shaped(&asked("/a", "{"))).contains("not JSON"));
        assert!(fault(judged(&Ok(wit::Verdict::Done("{".to_owned())))).contains("not JSON"));
        assert_eq!(fault(shaped(&asked("/a", "{}"))), "");
    }

    #[test]
    fn two_headers_of_one_name_are_two() {
        let header = |name: &str, value: &str| wit::Header {
            name: name.to_owned(),
            value: wit::HeaderValue::Text(value.to_owned()),
        };
        let asked = [header("X-A", "1"), header("x-b", "2"), header("x-a", "3")];
        let shown = written(&told::headers(&asked));
        assert_eq!(shown, json!({"x-a": ["1", "3"], "x-b": "2"}));
    }
}
