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

    /// `Retry-After` in its form of seconds (RFC 9110, section 10.2.3): the host turns the form of
    /// a date into that.
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

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::testing::response;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Answer {
        count: u8,
    }

    fn read(status: u16, content_type: &str, body: &str) -> Result<Answer, Fault> {
        response(status, content_type, body).answer("srl")
    }

    fn failure(status: u16, content_type: &str, body: &str) -> String {
        match read(status, content_type, body) {
            Err(Fault::Failed(reason)) => reason,
            other => format!("not a failure: {other:?}"),
        }
    }

    fn json_failure(status: u16, body: &str) -> String {
        failure(status, "application/json", body)
    }

    #[test]
    fn an_answer_is_read() {
        for body in [r#"{"count":3}"#, r#" {"ok":true,"count":3,"more":[]} "#] {
            assert_eq!(read(200, "application/json", body), Ok(Answer { count: 3 }));
        }
    }

    #[test]
    fn html_is_told() {
        let expected = "srl answered 200 with HTML instead of JSON";
        assert_eq!(failure(200, "text/html; charset=utf-8", "Hello"), expected);
        assert_eq!(failure(200, "", "\n<!doctype html>"), expected);
    }

    #[test]
    fn an_empty_body_is_told() {
        for (status, body) in [(200, ""), (200, " \r\n"), (204, "")] {
            assert_eq!(
                json_failure(status, body),
                format!("srl answered {status} with an empty body instead of JSON")
            );
        }
    }

    #[test]
    fn truncated_json_is_told() {
        assert_eq!(
            json_failure(200, r#"{"count":"#),
            "srl answered 200 with JSON that breaks off in the middle"
        );
    }

    #[test]
    fn what_is_no_json_is_told() {
        assert_eq!(
            failure(200, "text/plain", "OK"),
            "srl answered 200 with something that is not JSON (expected value at line 1 column 1)"
        );
    }

    #[test]
    fn only_an_object_is_an_answer() {
        // Serde would take the list for the struct's fields in order.
        for body in ["[3]", "null", "true", "\"fine\"", "3"] {
            assert_eq!(
                json_failure(200, body),
                "srl answered 200 with JSON that is not an object"
            );
        }
    }

    #[test]
    fn an_ok_that_is_not_true_is_a_no() {
        for (body, expected) in [
            (r#"{"ok":false,"count":3}"#, "ok: false"),
            (r#"{"ok":false,"error":"no luck"}"#, "ok: false: no luck"),
            (
                r#"{"ok":false,"summary":"1 failed"}"#,
                "ok: false: 1 failed",
            ),
            (r#"{"ok":null,"count":3}"#, "ok: null"),
            (r#"{"ok":"true","count":3}"#, "ok: \"true\""),
        ] {
            assert_eq!(
                json_failure(200, body),
                format!("srl answered 200 with {expected}")
            );
        }
    }

    #[test]
    fn a_missing_or_wrong_field_is_named() {
        let prefix = "srl answered 200 with JSON that is not its usual answer: ";
        assert_eq!(
            json_failure(200, "{}"),
            format!("{prefix}missing field `count`")
        );
        assert_eq!(
            json_failure(200, r#"{"count":"three"}"#),
            format!("{prefix}invalid type: string \"three\", expected u8")
        );
    }

    #[test]
    fn a_message_is_never_as_long_as_the_answer() {
        let long = "x".repeat(100_000);
        for body in [
            format!(r#"{{"count":"{long}"}}"#),
            format!(r#"{{"ok":"{long}","error":"{long}"}}"#),
        ] {
            assert!(json_failure(200, &body).chars().count() < 2 * QUOTE + 100);
        }
    }

    #[test]
    fn the_detail_of_a_fault_is_told_in_every_form_it_takes() {
        for (body, expected) in [
            (r#"{"error":"it broke"}"#, ": it broke"),
            (
                r#"{"error":"Bad Request","message":"no goal"}"#,
                ": no goal",
            ),
            (r#"{"error":"Bad Request","message":""}"#, ": Bad Request"),
            (r#"{"error":{"message":"it broke"}}"#, ": it broke"),
            (r#"{"error":{"code":7}}"#, r#": {"code":7}"#),
            (
                r#"{"message":["no goal","no domain"]}"#,
                r#": ["no goal","no domain"]"#,
            ),
            (r#"{"error":{},"message":[]}"#, ""),
            (r#"{"error":true}"#, ""),
            (r#"{"message":"one\ntwo"}"#, ": one two"),
            ("{}", ""),
            ("[]", ""),
            ("", ""),
            ("<p>Bad gateway", ""),
        ] {
            assert_eq!(
                json_failure(500, body),
                format!("srl answered 500{expected}"),
                "{body}"
            );
        }
    }

    #[test]
    fn a_redirect_is_told_with_what_to_do() {
        assert_eq!(
            json_failure(301, ""),
            "srl answered 301, a redirect, and redirects are never followed: correct the address \
             configured for it"
        );
    }

    #[test]
    fn a_busy_service_is_tried_again_when_it_says() {
        let seconds = |text: &str| {
            let mut busy = response(429, "application/json", r#"{"error":"slow down"}"#);
            busy.headers
                .push(("retry-after".to_owned(), text.to_owned()));
            match busy.answer::<Answer>("srl") {
                Err(Fault::Retry { after_ms, .. }) => after_ms,
                _ => None,
            }
        };
        assert_eq!(seconds(" 30 "), Some(30_000));
        assert_eq!(seconds("0"), Some(0));
        for unreadable in [
            "",
            "-1",
            "soon",
            "Sun, 22 Nov 2026 21:40:09 GMT",
            "99999999999999999999",
        ] {
            assert_eq!(seconds(unreadable), None, "{unreadable}");
        }
        assert_eq!(seconds(&u64::MAX.to_string()), None);
    }

    #[test]
    fn a_busy_service_need_not_say_when() {
        for (status, body, expected) in [
            (
                429,
                r#"{"error":"slow down"}"#,
                "srl answered 429: too many requests: slow down",
            ),
            (503, "", "srl answered 503: it is unavailable for now"),
        ] {
            assert_eq!(
                read(status, "application/json", body),
                Err(Fault::Retry {
                    reason: expected.to_owned(),
                    after_ms: None
                })
            );
        }
    }

    #[test]
    fn a_long_quote_is_cut_between_characters() {
        assert_eq!(quote("fine"), "fine");
        assert_eq!(quote(&"é".repeat(QUOTE)), "é".repeat(QUOTE));
        assert_eq!(
            quote(&"é".repeat(QUOTE + 1)),
            format!("{}…", "é".repeat(QUOTE))
        );
    }
}
