//! A guest that traps, loops, grows, recurses, waits or leaves.

use serde_json::Value;

use super::{assert_serves, error_of, run_hostile};
use crate::support::{TestApp, assert_has, start_hostile};

/// What the guest does, and what its step's error must tell.
const FAULTS: [(&str, &[&str]); 15] = [
    ("loop", &["ran for more than 200 ms without an end"]),
    ("poll-busy", &["was stopped"]),
    (
        "memory",
        &["asked for more than its 16777216 bytes of memory"],
    ),
    ("recurse", &["used up its stack of 524288 bytes"]),
    ("recurse-large", &["outside its memory", "recursion"]),
    (
        "panic",
        &["panicked or aborted", "the guest has had enough"],
    ),
    ("panic-long", &["panicked or aborted"]),
    ("abort", &["panicked or aborted"]),
    ("exit", &["exited with code 1 instead of returning"]),
    ("sleep", &["took more than 2000 ms and was stopped"]),
    ("sleep-forever", &["took more than 2000 ms and was stopped"]),
    ("random", &["trapped", "exceeds limit 65536"]),
    ("random-insecure", &["trapped", "exceeds limit 65536"]),
    ("zeroes", &["trapped", "write more zeroes"]),
    ("handles", &["trapped", "resource table"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn misbehaviour_in_shape_ends_the_step_before_anything_is_sent() {
    let app = start_hostile(TestApp::builder()).await;
    for (fault, parts) in FAULTS {
        let step = run_hostile(&app, &format!("shape:{fault}")).await;
        assert_eq!(step["status"], "ERROR", "{fault}: {step:#}");
        let error = step["error"].as_str().unwrap();
        assert_has(error, &["the plugin failed: it "]);
        assert_has(error, parts);
        // The plan could be created all the same, and showed it then.
        assert_eq!(step["payload"], Value::Null, "{fault}");
        assert_has(step["payloadReason"].as_str().unwrap(), parts);
        assert!(error.len() < 1_000, "{fault}: {error}");
    }
    assert_eq!(app.asked("srl"), 0);
    assert_serves(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn misbehaviour_in_interpret_ends_the_step_after_one_request() {
    let app = start_hostile(TestApp::builder()).await;
    for (index, (fault, parts)) in FAULTS.into_iter().enumerate() {
        let error = error_of(&app, &format!("interpret:{fault}")).await;
        assert_has(&error, &["the plugin failed: it "]);
        assert_has(&error, parts);
        assert_eq!(app.asked("srl"), index + 1, "{fault}");
    }
    assert_serves(&app).await;
}

/// The same guest, once it behaves: so what failed above did not fail for another reason.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_guest_is_done_when_it_behaves() {
    let app = start_hostile(TestApp::builder()).await;
    let step = run_hostile(&app, "be good").await;
    assert_eq!(step["status"], "DONE", "{step:#}");
    assert_eq!(step["payload"]["usual"], true, "{step:#}");
}

/// The limits are the operator's.
#[tokio::test(flavor = "multi_thread")]
async fn the_limits_are_those_of_the_configuration() {
    let builder = TestApp::builder().configure(|config| {
        let limits = &mut config.limits.plugin;
        limits.cpu_ms = 50;
        limits.wall_ms = 400;
        limits.memory_bytes = 8 << 20;
        limits.stack_bytes = 128 << 10;
        limits.output_bytes = 100_000;
    });
    let app = start_hostile(builder).await;
    for (fault, part) in [
        ("loop", "50 ms"),
        ("sleep", "400 ms"),
        ("memory", "8388608 bytes"),
        ("recurse", "131072 bytes"),
        ("body-huge", "100000 bytes of output"),
    ] {
        let error = error_of(&app, &format!("shape:{fault}")).await;
        assert_has(&error, &["the plugin failed", part]);
    }
}
