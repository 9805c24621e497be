//! A guest that traps, loops, grows, recurses, waits or leaves.

use serde_json::Value;

use super::{Hostile, Language, assert_serves, error_of, run_hostile};
use crate::support::{TestApp, TestAppBuilder, assert_has};

in_every_language! {
    misbehaviour_in_shape_ends_the_step_before_anything_is_sent,
    misbehaviour_in_interpret_ends_the_step_after_one_request,
    the_same_guest_is_done_when_it_behaves,
    the_limits_are_those_of_the_configuration,
}

/// The parts that a step's error must have.
type Parts = &'static [&'static str];

const ENDLESS: Parts = &["without an end"];
const LATE: Parts = &["took more than", "and was stopped"];
const GREEDY: Parts = &["asked for more than its 16777216 bytes of memory"];
const DEEP: Parts = &["used up its stack of 524288 bytes"];
const ABORTED: Parts = &["panicked or aborted"];
const RANDOM: Parts = &["trapped", "exceeds limit 65536"];
const HANDLES: Parts = &["trapped", "resource table"];
/// Beyond the language's means.
const NOT: Parts = &[];

/// What the guest does, and what its step's error must tell if it is in Rust, in JavaScript, in
/// Python. What an interpreter notices itself becomes an exception, which it aborts with.
const FAULTS: [(&str, [Parts; 3]); 21] = [
    ("loop", [ENDLESS, ENDLESS, ENDLESS]),
    ("loop-async", [NOT, ENDLESS, NOT]),
    ("poll-short", [LATE, NOT, NOT]),
    ("poll-busy", [&["was stopped"], NOT, NOT]),
    ("pattern", [NOT, ENDLESS, ENDLESS]),
    ("number", [NOT, NOT, ENDLESS]),
    ("memory", [GREEDY, GREEDY, GREEDY]),
    ("recurse", [DEEP, ABORTED, ABORTED]),
    (
        "recurse-large",
        [&["outside its memory", "recursion"], GREEDY, DEEP],
    ),
    (
        "panic",
        [
            &["panicked or aborted", "the guest has had enough"],
            ABORTED,
            ABORTED,
        ],
    ),
    ("panic-long", [ABORTED, ABORTED, ABORTED]),
    ("abort", [ABORTED, NOT, ABORTED]),
    (
        "exit",
        [&["exited with code 1 instead of returning"], NOT, ABORTED],
    ),
    ("exit-now", [NOT, NOT, ABORTED]),
    ("sleep", [LATE, LATE, ABORTED]),
    ("sleep-forever", [LATE, ABORTED, NOT]),
    ("random", [RANDOM, ABORTED, ABORTED]),
    ("random-insecure", [RANDOM, NOT, NOT]),
    ("zeroes", [&["trapped", "write more zeroes"], NOT, NOT]),
    ("handles", [HANDLES, HANDLES, NOT]),
    ("fetch", [NOT, ABORTED, ABORTED]),
];

impl Hostile {
    /// What it can do wrong, and what its step's error must tell.
    pub(super) fn faults(self) -> impl Iterator<Item = (&'static str, Parts)> {
        let language = self.language as usize;
        let of_this = FAULTS.map(|(fault, parts)| (fault, parts[language]));
        of_this.into_iter().filter(|(_, parts)| !parts.is_empty())
    }
}

/// Time enough that an interpreter on a busy machine meets the limit that is meant.
fn limited() -> TestAppBuilder {
    TestApp::builder().configure(|config| {
        config.limits.plugin.cpu_ms = 600;
        config.limits.plugin.wall_ms = 3_000;
        // It is about each of many failures.
        config.quarantine.failures = 1_000;
    })
}

async fn misbehaviour_in_shape_ends_the_step_before_anything_is_sent(guest: Hostile) {
    let app = guest.start(limited()).await;
    for (fault, parts) in guest.faults() {
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

async fn misbehaviour_in_interpret_ends_the_step_after_one_request(guest: Hostile) {
    let app = guest.start(limited()).await;
    for (index, (fault, parts)) in guest.faults().enumerate() {
        let error = error_of(&app, &format!("interpret:{fault}")).await;
        assert_has(&error, &["the plugin failed: it "]);
        assert_has(&error, parts);
        assert_eq!(app.asked("srl"), index + 1, "{fault}");
    }
    assert_serves(&app).await;
}

/// The same guest, once it behaves: so what failed above did not fail for another reason.
async fn the_same_guest_is_done_when_it_behaves(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    let step = run_hostile(&app, "be good").await;
    assert_eq!(step["status"], "DONE", "{step:#}");
    assert_eq!(step["payload"]["usual"], true, "{step:#}");
}

/// The limits are the operator's.
async fn the_limits_are_those_of_the_configuration(guest: Hostile) {
    // Interpreters take their time, need 9 and 13 MiB to begin with, and JavaScript's own counts its
    // calls itself.
    let (cpu_ms, memory_bytes, recurse) = match guest.language {
        Language::Rust => (50, 8 << 20, Some("recurse")),
        Language::Js => (500, 12 << 20, None),
        Language::Python => (500, 14 << 20, Some("recurse-large")),
    };
    let wall_ms = 8 * cpu_ms;
    let builder = TestApp::builder().configure(move |config| {
        let limits = &mut config.limits.plugin;
        limits.cpu_ms = cpu_ms;
        limits.wall_ms = wall_ms;
        limits.memory_bytes = memory_bytes;
        limits.stack_bytes = 128 << 10;
        limits.output_bytes = 100_000;
    });
    let app = guest.start(builder).await;
    let mut met = vec![
        ("loop", format!("{cpu_ms} ms without")),
        ("memory", format!("{memory_bytes} bytes")),
        ("body-long", "100000 bytes of output".to_owned()),
    ];
    met.extend(
        guest
            .sleeps()
            .then(|| ("sleep", format!("{wall_ms} ms and"))),
    );
    met.extend(recurse.map(|recurse| (recurse, "131072 bytes".to_owned())));
    for (fault, part) in met {
        let error = error_of(&app, &format!("shape:{fault}")).await;
        assert_has(&error, &["the plugin failed", &part]);
    }
}
