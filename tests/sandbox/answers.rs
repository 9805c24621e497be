//! Verdicts that must not be believed, or not at their length.

use serde_json::Value;

use super::{Hostile, Language, assert_serves, error_of, patient, run_hostile};
use crate::support::{TestApp, assert_has};

in_every_language! {
    a_result_that_is_not_json_is_an_error,
    odd_but_valid_results_are_kept,
    a_huge_result_is_refused,
    long_reasons_are_cut_and_cleaned,
    a_long_reason_for_no_request_is_cut_and_cleaned,
    no_reason_is_said_to_be_none,
}

/// The longest text of a plugin that a step keeps, with what the host says around it.
const LONGEST: usize = 2_200;

async fn a_result_that_is_not_json_is_an_error(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    for result in [
        "",
        "not json",
        "{\"ok\":true",
        "{} {}",
        "[1,]",
        "NaN",
        "<p>",
    ] {
        let error = error_of(&app, &format!("interpret:result={result}")).await;
        assert_has(&error, &["the plugin failed", "a result that is not JSON"]);
    }
    let error = error_of(&app, "interpret:result-deep").await;
    assert_has(&error, &["the plugin failed", "100 levels"]);
    assert_serves(&app).await;
}

/// Valid JSON that some readers can't read passes through unread.
async fn odd_but_valid_results_are_kept(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    for result in ["1", "\"\\u0000\"", "[]", "{\"a\":1,\"a\":2}", " {} "] {
        let step = run_hostile(&app, &format!("interpret:result={result}")).await;
        assert_eq!(step["status"], "DONE", "{result}: {step:#}");
        let expected: Value = serde_json::from_str(result).unwrap();
        assert_eq!(step["result"], expected, "{result}");
    }
}

async fn a_huge_result_is_refused(guest: Hostile) {
    let app = guest.start(patient()).await;
    let error = error_of(&app, "interpret:result-huge").await;
    let limit = match guest.language {
        Language::Rust | Language::Js => "more than its 2097152 bytes of output",
        // It is copied first, and there is no memory left for that.
        Language::Python => "more than its 16777216 bytes of memory",
    };
    assert_has(&error, &["the plugin failed", limit]);
    let error = error_of(&app, "interpret:result-100mb").await;
    assert_has(
        &error,
        &[
            "the plugin failed",
            "more than its 16777216 bytes of memory",
        ],
    );
    assert_serves(&app).await;
}

async fn long_reasons_are_cut_and_cleaned(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    for verdict in ["blocked", "failed", "retry", "approval"] {
        let step = run_hostile(&app, &format!("interpret:{verdict}")).await;
        let reason = match verdict {
            "approval" => &step["approval"]["reason"],
            _ => &step["error"],
        };
        assert_kept_short(reason, "woe");
    }
}

/// The reason why there is no request is the plugin's text as well.
async fn a_long_reason_for_no_request_is_cut_and_cleaned(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    let step = run_hostile(&app, "shape:refuse").await;
    assert_eq!(step["status"], "ERROR", "{step:#}");
    assert_kept_short(&step["error"], "no no no");
    assert_kept_short(&step["payloadReason"], "no no no");
    assert_eq!(app.asked("srl"), 0);
}

async fn no_reason_is_said_to_be_none(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    let error = error_of(&app, "interpret:silent").await;
    assert_has(&error, &["gave no reason"]);
}

#[track_caller]
fn assert_kept_short(text: &Value, part: &str) {
    let text = text.as_str().unwrap();
    assert_has(text, &[part]);
    assert!(text.len() < LONGEST, "{} bytes", text.len());
    assert!(!text.contains(char::is_control), "{text:?}");
}
