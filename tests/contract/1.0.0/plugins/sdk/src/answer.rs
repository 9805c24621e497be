//! Reading what came back. An answer that is no answer (an error status, HTML, an empty body,
//! truncated JSON, `ok: false`, a missing field) becomes a [`Fault`] whose message names the
//! service and what happened.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Response, RetryLater, Reviewed, Verdict};

/// The longest piece of a service's own words in a message, in characters. A hardening summary
/// with every service down fits.
const QUOTE: usize = 1_000;

/// Why an answer can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It went wrong, and how.
    Failed(String),
    /// The service can't answer now.
    Retry {
        /// What it said.
        reason: String,
        /// How long it asked to be left alone, in milliseconds.
        after_ms: Option<u64>,
    },
}

impl From<Fault> for Verdict {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Failed(reason) => Verdict::Failed(reason),
            Fault::Retry { reason, after_ms } => Verdict::Retry(RetryLater { reason, after_ms }),
        }
    }
}

impl Response {
    /// The body as `T`, if `service` really answered: a success status, a JSON object, no `ok`
    /// that isn't true, and every field that `T` needs.
    pub fn answer<T: DeserializeOwned>(&self, service: &str) -> Result<T, Fault> {
        let body = self.json(service)?;
        let unusable =
            |what: String| Fault::Failed(format!("{service} answered {} with {what}", self.status));
        if !body.is_object() {
            return Err(unusable("JSON that is not an object".to_owned()));
        }
        if let Some(ok) = body.get("ok").filter(|ok| *ok != true) {
            let ok = quote(&ok.to_string());
            return Err(unusable(format!("ok: {ok}{}", after_colon(&body))));
        }
        serde_json::from_value(body).map_err(|error| {
            let error = quote(&error.to_string());
            unusable(format!("JSON that is not its usual answer: {error}"))
        })
    }

    /// The verdict that the service did it; its whole answer is the step's result.
    pub fn done(&self) -> Verdict {
        Verdict::Done(self.body.clone())
    }

    /// The verdict that the service did it and that a person has to look at its answer, which is
    /// the step's result.
    pub fn needs_approval(&self, reason: &str) -> Verdict {
        Verdict::NeedsApproval(Reviewed {
            result: self.body.clone(),
            reason: reason.to_owned(),
        })
    }

    /// The body as JSON, if the status and the body are those of an answer.
    fn json(&self, service: &str) -> Result<Value, Fault> {
        let parsed = serde_json::from_str::<Value>(&self.body);
        if !(200..300).contains(&self.status) {
            return Err(self.refused(service, parsed.ok().as_ref()));
        }
        if self.body.trim().is_empty() {
            return Err(Fault::Failed(format!(
                "{service} answered {} with an empty body instead of JSON",
                self.status
            )));
        }
        parsed.map_err(|error| {
            let what = if self.looks_like_html() {
                "HTML instead of JSON".to_owned()
            } else if error.is_eof() {
                "JSON that breaks off in the middle".to_owned()
            } else {
                format!("something that is not JSON ({error})")
            };
            Fault::Failed(format!("{service} answered {} with {what}", self.status))
        })
    }

    fn refused(&self, service: &str, body: Option<&Value>) -> Fault {
        let detail = body.map(after_colon).unwrap_or_default();
        let status = self.status;
        match status {
            429 => Fault::Retry {
                reason: format!("{service} answered 429: too many requests{detail}"),
                after_ms: self.retry_after_ms(),
            },
            503 => Fault::Retry {
                reason: format!("{service} answered 503: it is unavailable for now{detail}"),
                after_ms: self.retry_after_ms(),
            },
            300..400 => Fault::Failed(format!(
                "{service} answered {status}, a redirect, and redirects are never followed: \
                 correct the address configured for it"
            )),
            _ => Fault::Failed(format!("{service} answered {status}{detail}")),
        }
    }

    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(key, _)| key == name)?;
        Some(header.1.as_str())
    }

    /// `Retry-After` in its form of seconds (RFC 9110, section 10.2.3). Its form of a date needs
    /// a clock, which plugins don't have.
    fn retry_after_ms(&self) -> Option<u64> {
        let seconds: u64 = self.header("retry-after")?.trim().parse().ok()?;
        seconds.checked_mul(1_000)
    }

    fn looks_like_html(&self) -> bool {
        let html = |text: &str| text.contains("text/html");
        self.header("content-type").is_some_and(html) || self.body.trim_start().starts_with('<')
    }
}

/// [`detail`] as the end of a message, if there is any.
fn after_colon(body: &Value) -> String {
    detail(body).map_or_else(String::new, |detail| format!(": {detail}"))
}

/// What a body says went wrong. `message` has the detail where `error` is just the status's name;
/// either may be missing, empty or no text.
pub fn detail(body: &Value) -> Option<String> {
    ["message", "error", "summary"]
        .into_iter()
        .find_map(|key| words(body.get(key)?))
}

/// A service's own words, whatever they came as: a text, or the `message` in an object, or else
/// the object or list as JSON.
pub fn words(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim(),
        Value::Object(fields) if !fields.is_empty() => match fields.get("message") {
            Some(Value::String(text)) => text.trim(),
            _ => &value.to_string(),
        },
        Value::Array(items) if !items.is_empty() => &value.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then(|| quote(text))
}

/// A service's own words, on one line and cut to a length that fits in a message.
pub fn quote(text: &str) -> String {
    let mut characters = text.chars();
    let mut quoted: String = characters
        .by_ref()
        .take(QUOTE)
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect();
    if characters.next().is_some() {
        quoted.push('…');
    }
    quoted
}
