//! A guest sees nothing of the machine, and nothing of what ran before it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Hostile, Language, body, error_of, limits, load, run_hostile};
use crate::support::{TestApp, assert_has};

in_every_language! {
    nothing_leaks_from_one_call_into_the_next,
    nothing_leaks_from_a_guest_that_was_stopped,
    a_guest_sees_nothing_of_the_machine,
}

/// Calls on dirtied instances; the pool has four slots, so each is used hundreds of times.
const CALLS: usize = 2_000;

/// What a guest finds that comes first: nothing. It leaves 40 pages full of words, or a mark on
/// everything of its language that is there for all.
fn clean(guest: Hostile) -> Value {
    let left = match guest.language {
        Language::Rust => 40 * 65_536 / 8,
        Language::Js => 7,
        Language::Python => 5,
    };
    json!({"earlierCalls": 0, "stains": 0, "left": left})
}

async fn nothing_leaks_from_one_call_into_the_next(guest: Hostile) {
    let (plugin, _) = load(guest.component, limits()).await.unwrap();
    let plugin = Arc::new(plugin);
    let lanes: Vec<_> = (0..4)
        .map(|_| {
            let plugin = Arc::clone(&plugin);
            tokio::spawn(async move {
                for _ in 0..CALLS / 4 {
                    let found = body(&plugin, "shape:stain").await;
                    assert_eq!(found, clean(guest));
                }
            })
        })
        .collect();
    for lane in lanes {
        lane.await.unwrap();
    }
}

/// Not after a guest was stopped in the middle of its work, either.
async fn nothing_leaks_from_a_guest_that_was_stopped(guest: Hostile) {
    let (plugin, _) = load(guest.component, limits()).await.unwrap();
    for _ in 0..5 {
        for fault in ["memory", "recurse-large", "panic", "loop"] {
            let stopped = super::shape(&plugin, &format!("shape:{fault}")).await;
            assert!(stopped.is_err(), "{fault}");
            let found = body(&plugin, "shape:stain").await;
            assert_eq!(found, clean(guest), "{fault}");
        }
    }
}

/// No environment, no argument, no file, no stdin, no network. The test process has all of them.
async fn a_guest_sees_nothing_of_the_machine(guest: Hostile) {
    assert!(std::env::vars_os().count() > 0);
    assert!(std::fs::exists("/etc/passwd").unwrap());
    let app = guest.start(TestApp::builder()).await;
    let step = run_hostile(&app, "interpret:machine").await;
    assert_eq!(step["status"], "DONE", "{step:#}");
    let nothing = match guest.language {
        Language::Rust => json!({"env": 0, "args": 0, "stdin": 0, "stdinEnded": true, "root": null,
            "here": null, "passwd": null, "written": false, "cwd": "/"}),
        Language::Js => json!({"env": 0, "args": 0, "globals": []}),
        Language::Python => json!({"env": {}, "args": [], "cwd": "/"}),
    };
    assert_eq!(step["result"], nothing);
    // What the runtime does not even have a way for ends the call.
    let reached: &[&str] = match guest.language {
        Language::Rust => &[],
        Language::Js => &["fetch", "import-file", "import-node", "import-wasi"],
        Language::Python => &[
            "read-file",
            "read-folder",
            "write-file",
            "read-stdin",
            "random-bytes",
            "clock",
            "fetch",
        ],
    };
    for reach in reached {
        let error = error_of(&app, &format!("interpret:{reach}")).await;
        assert_has(&error, &["panicked or aborted"]);
    }
}
