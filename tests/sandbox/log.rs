//! What a guest says is kept, bounded and marked, and can't pass for somebody else's words.

use serde_json::Value;

use super::run_hostile;
use crate::support::{TestApp, assert_has, start_hostile};

const CUT: &str = "the rest is over the log limit";

fn messages(step: &Value) -> Vec<&str> {
    let lines = step["log"].as_array().unwrap();
    lines
        .iter()
        .map(|line| line["message"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_cut_and_marked_and_breaks_nothing() {
    // Time is not what is tested here, and a debug build takes its own for so many lines.
    let builder = TestApp::builder().configure(|config| {
        config.limits.plugin.cpu_ms = 60_000;
        config.limits.plugin.wall_ms = 60_000;
    });
    let app = start_hostile(builder).await;
    for flood in [
        "log-flood",
        "log-empty",
        "log-large",
        "stdout-flood",
        "stderr-flood",
    ] {
        let step = run_hostile(&app, &format!("interpret:{flood}")).await;
        assert_eq!(step["status"], "DONE", "{flood}: {step:#}");
        let messages = messages(&step);
        let size: usize = messages.iter().map(|message| message.len()).sum();
        assert!(size < 9 << 10, "{flood}: {size} bytes");
        assert!(messages.len() <= 512, "{flood}: {} lines", messages.len());
        assert_has(messages.last().unwrap(), &[CUT]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stdout_stderr_and_log_are_told_apart() {
    let app = start_hostile(TestApp::builder()).await;
    for (flood, level, first) in [
        ("log-flood", "info", "remark 0"),
        ("stdout-flood", "info", "line 0"),
        ("stderr-flood", "warn", "line 0"),
    ] {
        let step = run_hostile(&app, &format!("interpret:{flood}")).await;
        let line = &step["log"][0];
        assert_eq!(line["level"], level, "{flood}");
        assert_eq!(line["message"], first, "{flood}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_are_escaped() {
    let app = start_hostile(TestApp::builder()).await;
    let step = run_hostile(&app, "interpret:log-forged").await;
    let messages = messages(&step);
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_has(messages[0], &["\\u{1b}[31m", "\\u{0}"]);
    assert!(!messages[0].contains(['\u{1b}', '\u{0}']), "{messages:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_limit_is_the_operators() {
    let builder = TestApp::builder().configure(|config| config.limits.plugin.log_bytes = 100);
    let app = start_hostile(builder).await;
    let step = run_hostile(&app, "interpret:log-flood").await;
    let messages = messages(&step);
    assert!(messages.len() <= 7, "{messages:?}");
    assert_has(messages.last().unwrap(), &[CUT]);
}

/// What was said is kept where it helps most: when the guest then fails.
#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_guest_that_fails_are_kept() {
    let app = start_hostile(TestApp::builder()).await;
    let step = run_hostile(&app, "interpret:panic").await;
    assert_eq!(step["status"], "ERROR", "{step:#}");
    let said = messages(&step).join("\n");
    assert_has(&said, &["panicked at", "the guest has had enough"]);
}

/// A real stream's writer may not write more than it was told it may.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_past_the_permit_is_an_error() {
    let app = start_hostile(TestApp::builder()).await;
    let error = super::error_of(&app, "interpret:write-large").await;
    assert_has(&error, &["trapped", "more at once than it was permitted"]);
}
