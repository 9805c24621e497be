//! What is kept of a step, without the values of secrets. A service's echo of one is gone before its
//! plugin sees the answer; this is for what the plugin decoded of an echo in a form of its own, or
//! was told by a client.

use crate::plan::{Finished, HeaderValue, Headers, Json, LogLine, Outcome, Sending};
use crate::services::Redactor;

/// How a step ended, as it is kept.
pub(super) fn finished(redactor: &Redactor, finished: Finished) -> Finished {
    let text = |text| redactor.clean(text);
    let line = |line: LogLine| LogLine {
        message: text(line.message),
        ..line
    };
    Finished {
        outcome: match finished.outcome {
            Outcome::Done { result, approval } => Outcome::Done {
                result: json(redactor, result),
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
pub(super) fn sending(redactor: &Redactor, sending: Sending) -> Sending {
    Sending {
        endpoint: redactor.clean(sending.endpoint),
        headers: headers(redactor, &sending.headers),
        payload: sending.payload.map(|payload| json(redactor, payload)),
        ..sending
    }
}

fn headers(redactor: &Redactor, headers: &Headers) -> Headers {
    let mut clean = Headers::default();
    for (name, value) in headers.iter() {
        let value = match value.clone() {
            HeaderValue::Text(text) => HeaderValue::Text(redactor.clean(text)),
            secret @ HeaderValue::Secret { .. } => secret,
        };
        clean.add(name.to_owned(), value);
    }
    clean
}

pub(super) fn json(redactor: &Redactor, json: Json) -> Json {
    if !redactor.finds(json.as_str()) {
        return json;
    }
    let clean = redactor.clean(json.as_str().to_owned());
    // Where a value was no text but a number, what is left is no JSON: then it is shown as a text.
    let text = serde_json::Value::String(clean.clone()).to_string();
    Json::parse(clean)
        .or_else(|_| Json::parse(text))
        .unwrap_or_else(|_| Json::null())
}
