//! What a guest says is kept, bounded and marked, and can't pass for somebody else's words.

use serde_json::Value;

use super::{Hostile, Language, patient, run_hostile};
use crate::support::{TestApp, assert_has, start_hostile};

in_every_language! {
    a_flood_is_cut_and_marked_and_breaks_nothing,
    stdout_stderr_and_log_are_told_apart,
    control_characters_are_escaped,
    the_log_limit_is_the_operators,
    the_words_of_a_guest_that_fails_are_kept,
}

const CUT: &str = "the rest is over the log limit";

/// How the guest says too much, and level and beginning of the first line of it.
const FLOODS: [(&str, &str, &str); 5] = [
    ("log-flood", "info", "remark 0"),
    ("log-empty", "info", ""),
    ("log-large", "info", "xxx"),
    ("stdout-flood", "info", "line 0"),
    ("stderr-flood", "warn", "line 0"),
];

impl Hostile {
    /// Python has nothing to print to here.
    fn floods(self) -> &'static [(&'static str, &'static str, &'static str)] {
        match self.language {
            Language::Rust | Language::Js => &FLOODS,
            Language::Python => &FLOODS[..3],
        }
    }
}

fn messages(step: &Value) -> Vec<&str> {
    let lines = step["log"].as_array();
    lines
        .into_iter()
        .flatten()
        .map(|line| line["message"].as_str().unwrap())
        .collect()
}

async fn a_flood_is_cut_and_marked_and_breaks_nothing(guest: Hostile) {
    // A debug build takes its own time for so many lines.
    let app = guest.start(patient()).await;
    for (flood, ..) in guest.floods() {
        let step = run_hostile(&app, &format!("interpret:{flood}")).await;
        assert_eq!(step["status"], "DONE", "{flood}: {step:#}");
        let messages = messages(&step);
        let size: usize = messages.iter().map(|message| message.len()).sum();
        assert!(size < 9 << 10, "{flood}: {size} bytes");
        assert!(messages.len() <= 512, "{flood}: {} lines", messages.len());
        assert_has(messages.last().unwrap(), &[CUT]);
    }
}

async fn stdout_stderr_and_log_are_told_apart(guest: Hostile) {
    let app = guest.start(patient()).await;
    for (flood, level, first) in guest.floods() {
        let step = run_hostile(&app, &format!("interpret:{flood}")).await;
        let line = &step["log"][0];
        assert_eq!(line["level"], *level, "{flood}");
        let message = line["message"].as_str().unwrap();
        assert!(message.starts_with(first), "{flood}: {message}");
    }
}

async fn control_characters_are_escaped(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    let step = run_hostile(&app, "interpret:log-forged").await;
    let messages = messages(&step);
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_has(messages[0], &["\\u{1b}[31m", "\\u{0}"]);
    assert!(!messages[0].contains(['\u{1b}', '\u{0}']), "{messages:?}");
}

async fn the_log_limit_is_the_operators(guest: Hostile) {
    let builder = TestApp::builder().configure(|config| config.limits.plugin.log_bytes = 100);
    let app = guest.start(builder).await;
    let step = run_hostile(&app, "interpret:log-flood").await;
    let messages = messages(&step);
    assert!(messages.len() <= 7, "{messages:?}");
    assert_has(messages.last().unwrap(), &[CUT]);
}

/// What was said is kept where it helps most: when the guest then fails.
async fn the_words_of_a_guest_that_fails_are_kept(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    let step = run_hostile(&app, "interpret:panic").await;
    assert_eq!(step["status"], "ERROR", "{step:#}");
    let said = messages(&step).join("\n");
    let words: &[&str] = match guest.language {
        Language::Rust => &["the guest has had enough", "panicked at"],
        Language::Js => &["the guest has had enough", "src/abuse.js"],
        Language::Python => &[],
    };
    assert_has(&said, words);
    // What comes behind the message says less.
    assert_has(
        step["error"].as_str().unwrap(),
        &words[..words.len().min(1)],
    );
    assert_eq!(said.is_empty(), words.is_empty(), "{said}");
}

/// A real stream's writer may not write more than it was told it may.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_past_the_permit_is_an_error() {
    let app = start_hostile(TestApp::builder()).await;
    let error = super::error_of(&app, "interpret:write-large").await;
    assert_has(&error, &["trapped", "more at once than it was permitted"]);
}
