//! A guest sees nothing of the machine, and nothing of what ran before it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{body, limits, load, run_hostile};
use crate::support::{TestApp, guest, start_hostile};

/// Calls on dirtied instances; the pool has four slots, so each is used hundreds of times.
const CALLS: usize = 2_000;

/// What a guest finds that comes first: nothing. It leaves 40 pages full of words.
fn clean() -> Value {
    json!({"earlierCalls": 0, "stains": 0, "left": 40 * 65_536 / 8})
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaks_from_one_call_into_the_next() {
    let (plugin, _) = load(guest("hostile"), limits()).await.unwrap();
    let plugin = Arc::new(plugin);
    let lanes: Vec<_> = (0..4)
        .map(|_| {
            let plugin = Arc::clone(&plugin);
            tokio::spawn(async move {
                for _ in 0..CALLS / 4 {
                    let found = body(&plugin, "shape:stain").await;
                    assert_eq!(found, clean());
                }
            })
        })
        .collect();
    for lane in lanes {
        lane.await.unwrap();
    }
}

/// Not after a guest was stopped in the middle of its work, either.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaks_from_a_guest_that_was_stopped() {
    let (plugin, _) = load(guest("hostile"), limits()).await.unwrap();
    for _ in 0..5 {
        for fault in ["memory", "recurse-large", "panic", "loop"] {
            let stopped = super::shape(&plugin, &format!("shape:{fault}")).await;
            assert!(stopped.is_err(), "{fault}");
            let found = body(&plugin, "shape:stain").await;
            assert_eq!(found, clean(), "{fault}");
        }
    }
}

/// No environment, no argument, no file, no stdin. The test process has all of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_sees_nothing_of_the_machine() {
    assert!(std::env::vars_os().count() > 0);
    assert!(std::fs::exists("/etc/passwd").unwrap());
    let app = start_hostile(TestApp::builder()).await;
    let step = run_hostile(&app, "interpret:machine").await;
    assert_eq!(step["status"], "DONE", "{step:#}");
    let seen = &step["result"];
    for (what, expected) in [
        ("env", json!(0)),
        ("args", json!(0)),
        ("stdin", json!(0)),
        ("stdinEnded", json!(true)),
        ("root", Value::Null),
        ("here", Value::Null),
        ("passwd", Value::Null),
        ("written", json!(false)),
    ] {
        assert_eq!(seen[what], expected, "{what}: {seen:#}");
    }
}
