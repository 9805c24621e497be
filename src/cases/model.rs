//! A case, as its file has it. Most of it may be left out; a name that means nothing is an error,
//! or a slip of the pen would pass for a test.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::verdict::Expected;
use crate::plan::{Effect, Method, Mode};

/// One case.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Case {
    /// What it is called; its file's name unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the plugin is told.
    #[serde(default)]
    pub context: CaseContext,
    /// What `shape` should give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// The round trips with the service, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
    /// What the last `interpret` should give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Expected>,
}

/// What the plugin is told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct CaseContext {
    /// The plan.
    pub plan: Plan,
    /// The plan's steps; unless given, those that finished and then this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Planned>,
    /// This step.
    pub step: Step,
    /// What finished before it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub finished: Vec<Finished>,
    /// What time it is, in every call.
    pub clock: Clock,
}

/// The plan that the step belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Plan {
    /// Its UUID.
    pub id: String,
    /// The client's session.
    pub session_id: String,
    /// What it is about.
    pub domain: String,
    /// What it is for.
    pub goal: String,
    /// How far it may go.
    pub mode: Mode,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            id: "00000000-0000-7000-8000-000000000001".to_owned(),
            session_id: "s1".to_owned(),
            domain: "social".to_owned(),
            goal: "Plan a week of short videos".to_owned(),
            mode: Mode::Live,
        }
    }
}

/// One step of the plan, as every step may know it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Planned {
    /// Its id; `step-1`, `step-2`, … unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its kind.
    pub kind: String,
    /// The service that it asks; named as the kind unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The path that it asks for; `/` and the kind unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What its request does; it reads unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

/// The step that is shaped and interpreted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Step {
    /// Its id; that of the first unfinished step of its kind unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The domain it works for; the plan's unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Which try this is, 1 for the first; 1 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Its settings; none unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<Content>,
}

/// A step that finished before this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Finished {
    /// Its id; that of the next step of its kind unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its kind.
    pub kind: String,
    /// Its result.
    pub result: Content,
}

/// What the contract's clock says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Clock {
    /// Milliseconds since 1970.
    pub now: u64,
    /// Milliseconds that the step has left; none while it is not under way.
    pub time_left: Option<u64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            // 2026-01-01T00:00:00Z
            now: 1_767_225_600_000,
            time_left: Some(60_000),
        }
    }
}

/// Text that mostly is JSON: written as the JSON that it is, or as a string with the text itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Content(pub Value);

impl Content {
    /// The text.
    pub fn text(&self) -> String {
        match &self.0 {
            Value::String(text) => text.clone(),
            json => json.to_string(),
        }
    }
}

/// What `shape` gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum Shape {
    /// A request.
    Request(Request),
    /// Why there is none.
    Error(String),
}

/// A request to the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Request {
    /// Its method; POST with a body and GET without unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// Path with optional query.
    pub path: String,
    /// Its headers, names in lower case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, HeaderValue>,
    /// Its body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Content>,
}

/// What a header carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HeaderValue {
    /// This text.
    Text(String),
    /// The secret with this name.
    Secret {
        /// The name.
        secret: String,
    },
    /// More than one header of the same name.
    Several(Vec<HeaderValue>),
}

/// One round trip with the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Exchange {
    /// What should be asked; anything unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// What the service answers.
    pub response: Response,
}

/// What the service answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Response {
    /// The HTTP status; 200 unless given.
    pub status: u16,
    /// The headers that a plugin sees; the content type of JSON unless given.
    pub headers: BTreeMap<String, String>,
    /// The body; empty unless given.
    pub body: Content,
    /// Milliseconds from the request to the last byte of the answer; 5 unless given.
    pub elapsed_ms: u64,
}

impl Default for Response {
    fn default() -> Self {
        let json = (
            "content-type".to_owned(),
            "application/json; charset=utf-8".to_owned(),
        );
        Self {
            status: 200,
            headers: BTreeMap::from([json]),
            body: Content(Value::String(String::new())),
            elapsed_ms: 5,
        }
    }
}

impl Case {
    /// Reads a case and checks that it can be run.
    ///
    /// # Errors
    /// What is wrong, with line and column where it is the JSON.
    pub fn parse(text: &str) -> Result<Self, String> {
        let case: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match case.flaw() {
            Some(flaw) => Err(flaw.to_owned()),
            None => Ok(case),
        }
    }

    /// What keeps it from testing anything, or from being what a host could do.
    fn flaw(&self) -> Option<&'static str> {
        let answered = !self.exchanges.is_empty();
        if self.shape.is_none() && !answered {
            return Some(
                "it expects nothing: give it a \"shape\", or \"exchanges\" and a \"verdict\"",
            );
        }
        if answered != self.verdict.is_some() {
            return Some("\"exchanges\" and \"verdict\" only make sense together");
        }
        if answered && matches!(self.shape, Some(Shape::Error(_))) {
            return Some(
                "a \"shape\" that is an error asks nothing, so there are no \"exchanges\"",
            );
        }
        let unseen = |exchange: &Exchange| {
            let mut names = exchange.response.headers.keys();
            names.any(|name| !["content-type", "retry-after"].contains(&name.as_str()))
        };
        if self.exchanges.iter().any(unseen) {
            return Some(
                "of a response's headers the host hands on content-type and retry-after alone, \
                 names in lower case",
            );
        }
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_written_as_it_is_read() {
        let text = r#"{
            "name": "all of it",
            "context": {
                "plan": {"id": "p", "sessionId": "s", "domain": "video", "goal": "g",
                    "mode": "DRY_RUN"},
                "steps": [{"id": "a", "kind": "k", "service": "v", "endpoint": "/e",
                    "effect": "write"}],
                "step": {"id": "a", "domain": "trends", "attempt": 2, "settings": {"n": 1}},
                "finished": [{"id": "b", "kind": "k", "result": "not JSON"}],
                "clock": {"now": 7, "timeLeft": null}
            },
            "shape": {"request": {"method": "PUT", "path": "/p", "body": [1],
                "headers": {"a": "text", "b": {"secret": "s"}}}},
            "exchanges": [{"request": {"path": "/p"}, "response": {"status": 429,
                "headers": {"retry-after": "7"}, "body": {"a": null}, "elapsedMs": 9}}],
            "verdict": {"retry": {"reason": "r", "afterMs": 7}}
        }"#;
        let case = Case::parse(text).unwrap();
        let written = serde_json::to_value(&case).unwrap();
        assert_eq!(written, serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn a_slip_of_the_pen_is_named() {
        for (text, expected) in [
            ("{", "EOF"),
            (r#"{"shapes":{}}"#, "unknown field `shapes`"),
            (
                r#"{"context":{"plan":{"gaol":""}}}"#,
                "unknown field `gaol`",
            ),
            (
                r#"{"context":{"clock":{"timeleft":1}}}"#,
                "unknown field `timeleft`",
            ),
            (r#"{"shape":{"refused":""}}"#, "unknown variant `refused`"),
            (r#"{"verdict":"dnoe"}"#, "\"done\" or an object"),
            (r#"{"verdict":{"dnoe":1}}"#, "unknown variant `dnoe`"),
            (
                r#"{"verdict":{"retry":{"reason":"r","after":1}}}"#,
                "unknown field `after`",
            ),
            (
                r#"{"exchanges":[{"response":{"body":1,"headers":{"Content-Type":"x"}}}],"verdict":"done"}"#,
                "in lower case",
            ),
            ("{}", "it expects nothing"),
            (r#"{"verdict":"done"}"#, "it expects nothing"),
            (
                r#"{"exchanges":[{"response":{}}]}"#,
                "only make sense together",
            ),
            (
                r#"{"shape":{"error":"e"},"exchanges":[{"response":{}}],"verdict":"done"}"#,
                "asks nothing",
            ),
        ] {
            let error = Case::parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
