//! Whatever a service answers: when to come again, times and JSON are read or are not there, and what
//! is read is what was said.

use std::time::Duration;

use codex_mesh::plan::{Json, Timestamp};
use codex_mesh::services::{Answer, check_retry_after};

/// The longest wait that is told, in seconds: a year.
const YEAR: u64 = 365 * 24 * 60 * 60;

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    retry_after(&text);
    date(&text);
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
        let seconds: u64 = digits.parse().expect("so few digits fit");
        assert_eq!(said, Some(Duration::from_secs(seconds.min(YEAR))));
    }
}

/// As it comes: a date is held against the answer's own date, or the moment.
fn date(text: &str) {
    let (value, date) = text.split_once('\n').unwrap_or((text, ""));
    let at = 1_795_000_000_000;
    let wait = check_retry_after(value, date, at);
    assert!(wait.is_none_or(|seconds| seconds <= YEAR), "{wait:?}");
    let later = check_retry_after(value, date, at + 10_000);
    // Ten seconds later it is no longer than before.
    assert!(
        later <= wait && later.is_some() == wait.is_some(),
        "{wait:?} {later:?}"
    );
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
