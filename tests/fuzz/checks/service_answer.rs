//! Whatever a service answers: when to come again, times and JSON are read or are not there, and what
//! is read is what was said.

use std::time::Duration;

use codex_mesh::plan::{Json, Timestamp};
use codex_mesh::services::Answer;

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    retry_after(&text);
    time(&text);
    json(text);
}

fn retry_after(text: &str) {
    let answer = Answer {
        status: 503,
        headers: vec![("retry-after".to_owned(), text.to_owned())],
        body: String::new(),
        elapsed: Duration::ZERO,
    };
    let said = answer.retry_after();
    let digits = text.trim();
    if !digits.is_empty() && digits.len() < 19 && digits.bytes().all(|b| b.is_ascii_digit()) {
        let seconds = digits.parse().expect("so few digits fit");
        assert_eq!(said, Some(Duration::from_secs(seconds)));
    }
}

fn time(text: &str) {
    let quoted = serde_json::to_string(text).expect("a text is JSON");
    if let Ok(time) = serde_json::from_str::<Timestamp>(&quoted) {
        let again = serde_json::to_string(&time).expect("a time is JSON");
        assert_eq!(serde_json::from_str::<Timestamp>(&again).ok(), Some(time));
    }
}

fn json(text: String) {
    let is_json = serde_json::from_str::<serde_json::Value>(&text).is_ok();
    let Ok(json) = Json::parse(text) else {
        return;
    };
    let again = Json::parse(json.as_str().to_owned()).expect("it was read before");
    assert_eq!(again, json);
    let stored = serde_json::to_string(&json).expect("it can be stored");
    assert_eq!(stored, json.as_str());
    // What is kept as it is written may hold numbers and texts that no value of ours can.
    assert!(is_json || !stored.is_empty());
}
