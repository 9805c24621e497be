//! What is kept and shown of a step, without the values of secrets. A service's echo of one is gone
//! before its plugin sees the answer; what a plugin says all the same is either what a client told it,
//! what it decoded of an echo in a form of its own, or a guess. Whoever sees which of many guesses is
//! taken out knows the secret, so of one who guesses nothing is kept at all.

use std::borrow::Cow;

use serde_json::Value;

use crate::plan::{Finished, HeaderValue, Headers, Json, LogLine, Outcome, Plan, Sending, Step};
use crate::sandbox::Called;
use crate::sandbox::bindings as wit;
use crate::services::{Redactor, Values, path};

/// What a step ends with whose plugin guessed.
pub(super) const GUESSED: &str = "the plugin said the value of a secret that nobody told it. All \
                                  that it said is dropped, and it is quarantined";

/// Keeps the values of secrets out of what is kept of one step.
#[derive(Debug, Clone)]
pub(super) struct Keeper<'a> {
    redactor: &'a Redactor,
    /// The values that the client itself said. They stay, as they do in the plan's goal: else it would
    /// see which of its words are a secret.
    told: Values,
    /// The values that the plugin was handed, whoever said them. They are taken out of what it says.
    handed: Values,
}

impl<'a> Keeper<'a> {
    /// For a step, as its client made it.
    pub(super) fn new(redactor: &'a Redactor, plan: &Plan, step: &Step) -> Self {
        let mut told = values_read(redactor, &plan.goal);
        told.extend(values_read(redactor, &plan.session_id));
        if let Some(settings) = &step.settings {
            told.extend(values_read(redactor, settings.as_str()));
        }
        Self {
            redactor,
            handed: told.clone(),
            told,
        }
    }

    /// Its plugin is told this.
    pub(super) fn hands(&mut self, context: &wit::Context) {
        let mut hand = |json: &str| self.handed.extend(values_read(self.redactor, json));
        hand(&context.step.settings);
        context
            .finished
            .iter()
            .for_each(|other| hand(&other.result));
    }

    /// Its plugin is told this answer, of which no value is left that was found.
    pub(super) fn answers(&mut self, answer: &wit::Response) {
        let decoded = values_read(self.redactor, &answer.body);
        self.handed.extend(decoded);
    }

    /// The values that the client itself said.
    pub(super) fn told(&self) -> &Values {
        &self.told
    }

    /// Whether a plugin says a value that it was not handed.
    pub(super) fn is_guess<T: Said>(&self, called: &Called<T>) -> bool {
        if self.redactor.is_idle() {
            return false;
        }
        let mut said = Values::default();
        let mut add = |text: &str| said.extend(self.redactor.values_in(text));
        match &called.outcome {
            Ok(said) => said.texts().iter().for_each(|text| add(text)),
            Err(fault) => add(&fault.to_string()),
        }
        called.log.iter().for_each(|line| add(&line.message));
        let asks = called.outcome.as_ref().ok().and_then(Said::asks);
        if let Some(request) = asks {
            // As its service has it: what that echoes would be taken out before the plugin sees it.
            said.extend(values_read(self.redactor, &request.path));
            let body = request.body.iter();
            body.for_each(|body| said.extend(values_read(self.redactor, body)));
        }
        self.redactor.has_other(&said, &self.handed)
    }

    /// How the step ended, as it is kept.
    pub(super) fn finished(&self, finished: Finished) -> Finished {
        let text = |text| self.text(text);
        let line = |line: LogLine| LogLine {
            message: text(line.message),
            ..line
        };
        Finished {
            outcome: match finished.outcome {
                Outcome::Done { result, approval } => Outcome::Done {
                    result: self.json(result),
                    approval: approval.map(text),
                },
                Outcome::Error { error } => Outcome::Error { error: text(error) },
                Outcome::Later {
                    reason,
                    after_ms,
                    most,
                } => Outcome::Later {
                    reason: text(reason),
                    after_ms,
                    most,
                },
            },
            log: finished.log.into_iter().map(line).collect(),
            ..finished
        }
    }

    /// What is sent, as it is shown.
    pub(super) fn sending(&self, sending: Sending) -> Sending {
        Sending {
            endpoint: self.text(sending.endpoint),
            headers: self.headers(&sending.headers),
            payload: sending.payload.map(|payload| self.json(payload)),
            ..sending
        }
    }

    /// A text, as it is kept.
    pub(super) fn text(&self, text: String) -> String {
        self.redactor.clean_but(text, &self.told)
    }

    fn headers(&self, headers: &Headers) -> Headers {
        let mut clean = Headers::default();
        for (name, value) in headers.iter() {
            let value = match value.clone() {
                HeaderValue::Text(text) => HeaderValue::Text(self.text(text)),
                secret @ HeaderValue::Secret { .. } => secret,
            };
            clean.add(name.to_owned(), value);
        }
        clean
    }

    fn json(&self, json: Json) -> Json {
        let clean = self.text(json.as_str().to_owned());
        if clean == json.as_str() {
            return json;
        }
        parsed(clean)
    }
}

/// JSON that nobody told, as it is shown.
pub(super) fn json(redactor: &Redactor, json: &Json) -> Json {
    parsed(redactor.clean(json.as_str().to_owned()))
}

/// Where a value was no text but a number, what is left is no JSON: then it is shown as a text.
fn parsed(clean: String) -> Json {
    let text = Value::String(clean.clone()).to_string();
    Json::parse(clean)
        .or_else(|_| Json::parse(text))
        .unwrap_or_else(|_| Json::null())
}

/// The values in a text, as it is written and as whoever reads it may have it: percent-decoded, and
/// what is in it if it is JSON.
fn values_read(redactor: &Redactor, text: &str) -> Values {
    let mut values = redactor.values_in(text);
    if redactor.is_idle() {
        return values;
    }
    if text.contains('%') {
        values.extend(redactor.values_in(&path::decode_bytes(text)));
    }
    if let Ok(read) = serde_json::from_str(text) {
        add_json(redactor, &read, &mut values);
    }
    values
}

fn add_json(redactor: &Redactor, json: &Value, values: &mut Values) {
    match json {
        Value::String(text) => {
            values.extend(redactor.values_in(text));
            values.extend(redactor.values_in(&path::decode_bytes(text)));
        }
        // Without what makes it another number's text: `1.2e1` is 12.
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or_default();
            values.extend(redactor.values_in(&number.to_string()));
        }
        Value::Array(items) => {
            items
                .iter()
                .for_each(|item| add_json(redactor, item, values));
        }
        Value::Object(members) => {
            for (name, value) in members {
                values.extend(redactor.values_in(name));
                add_json(redactor, value, values);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// What a plugin says.
pub(super) trait Said {
    /// Every text of it, and every number that becomes one.
    fn texts(&self) -> Vec<Cow<'_, str>>;

    /// What it asks its service for, if it does.
    fn asks(&self) -> Option<&wit::Request>;
}

impl Said for wit::Request {
    fn texts(&self) -> Vec<Cow<'_, str>> {
        let headers = self.headers.iter().flat_map(|header| {
            let (wit::HeaderValue::Text(value) | wit::HeaderValue::Secret(value)) = &header.value;
            [header.name.as_str(), value.as_str()]
        });
        let body = self.body.as_deref();
        let texts = headers.chain([self.path.as_str()]).chain(body);
        texts.map(Cow::from).collect()
    }

    fn asks(&self) -> Option<&wit::Request> {
        Some(self)
    }
}

impl Said for Result<wit::Request, String> {
    fn texts(&self) -> Vec<Cow<'_, str>> {
        match self {
            Ok(request) => request.texts(),
            Err(reason) => vec![reason.into()],
        }
    }

    fn asks(&self) -> Option<&wit::Request> {
        self.as_ref().ok()
    }
}

impl Said for wit::Verdict {
    fn texts(&self) -> Vec<Cow<'_, str>> {
        match self {
            Self::Done(text) | Self::Blocked(text) | Self::Failed(text) => vec![text.into()],
            Self::NeedsApproval(reviewed) => {
                vec![(&reviewed.result).into(), (&reviewed.reason).into()]
            }
            Self::Retry(retry) => {
                let after = retry.after_ms.unwrap_or_default().to_string();
                vec![(&retry.reason).into(), after.into()]
            }
            Self::Call(request) => request.texts(),
        }
    }

    fn asks(&self) -> Option<&wit::Request> {
        match self {
            Self::Call(request) => Some(request),
            _ => None,
        }
    }
}
