//! What 1.1.0 added: components that were built for it are told the time.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use codex_mesh::cases::Case;
use codex_mesh::plan::Effect;
use codex_mesh::registry::embedded;
use codex_mesh::sandbox::{Boundary, CompileCache, Sandbox};
use serde_json::{Value, json};

use crate::plugins::{cases, limits, registry};
use crate::support::{
    TestApp, TestAppBuilder, assert_has, cache_dir, folder, friendly_reply, guest, program,
    recorded, start_with,
};

const STEP_MS: u64 = 50_000;

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

async fn start(builder: TestAppBuilder) -> TestApp {
    let builder = builder.configure(|config| config.limits.step_ms = STEP_MS);
    start_with(builder, [("clock.wasm", guest("clock"))]).await
}

/// The time in what the guest told, which stood still meanwhile, and the time that was left.
#[track_caller]
fn told(told: &Value) -> (u64, Option<u64>) {
    assert_eq!(told["same"], true, "{told}");
    let left = &told["timeLeft"];
    assert!(left.is_null() || left.is_u64(), "{told}");
    (told["now"].as_u64().unwrap(), left.as_u64())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_told_the_time_and_what_is_left_of_it() {
    let delay = Duration::from_millis(60);
    let slow = friendly_reply("srl");
    let app = start(TestApp::builder().service("srl", slow.after(delay))).await;
    let mut times = vec![now()];
    let plan = app.create(&json!({"steps": [{"kind": "clock"}]})).await;
    let (created, left) = told(&plan["steps"][0]["payload"]);
    assert_eq!(left, None, "nothing is under way");
    times.extend([created, now()]);

    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    let (shaped, left_first) = told(&app.stub("srl").requests()[0].json());
    let (interpreted, left_then) = told(&plan["steps"][0]["result"]);
    times.extend([shaped, interpreted, now()]);
    assert!(times.is_sorted(), "{times:?}");

    let (first, then) = (left_first.unwrap(), left_then.unwrap());
    assert!(first <= STEP_MS && then > 0, "{first} {then}");
    assert!(first - then >= 60, "{first} {then}");
}

/// As the contract warns: a request with the time in it is another one whenever it is shaped.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_for_an_approval_has_no_time_left_and_is_not_what_would_be_sent() {
    let asks = recorded("autonomy-evaluate.json", "low_confidence_approval");
    let builder = TestApp::builder()
        .service("autonomy", asks)
        .grant("clock", "srl", &["POST /srl/check"])
        .configure(|config| {
            config.policy.live_requires = vec!["autonomy".to_owned()];
            let srl = config.services.get_mut("srl").unwrap();
            srl.routes
                .insert("POST /srl/check".to_owned(), Effect::Write);
        });
    let app = start(builder).await;
    let steps = ["autonomy", "clock"].map(|kind| json!({"kind": kind}));
    let plan = app.create(&json!({"steps": steps})).await;
    let (created, _) = told(&plan["steps"][1]["payload"]);
    let plan = app.step(&plan).await;
    let (status, answer) = app.try_step(&plan).await;
    assert_eq!(status, 409, "{answer}");
    let plan = app.plan(&plan).await;
    assert_eq!(plan["status"], "WAITING", "{plan:#}");
    let (shown, left) = told(&plan["steps"][1]["payload"]);
    assert!(shown >= created, "{created} {shown}");
    assert_eq!(left, None, "nothing is under way");

    let approval = json!({"planId": plan["id"], "stepId": "step-1", "approvedBy": "Ann"});
    let (status, answer) = app.post("/mesh/approve", &approval).await;
    assert_eq!(status, 200, "{answer}");
    let (status, answer) = app.try_step(&plan).await;
    assert_eq!(status, 409, "{answer}");
    assert_has(
        answer["error"].as_str().unwrap(),
        &["not what was approved"],
    );
    assert_eq!(app.asked("srl"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_case_it_is_the_time_of_the_case() {
    let plugins = folder([("clock.wasm", guest("clock"))]);
    let registry = registry(plugins.path(), limits()).await;
    let version = registry.current("clock").unwrap();
    for (clock, now, left) in [
        (json!({}), 1_767_225_600_000_u64, json!(60_000)),
        (json!({"now": 7}), 7, json!(60_000)),
        (json!({"now": 0, "timeLeft": null}), 0, json!(null)),
    ] {
        let told = json!({"now": now, "timeLeft": left, "same": true});
        let case = json!({
            "context": {"clock": clock},
            "shape": {"request": {"path": "/srl/check", "body": told}},
            "exchanges": [{"response": {}}],
            "verdict": {"done": told},
        });
        let case = Case::parse(&case.to_string()).unwrap();
        let report = cases::run(&version, &case).await;
        assert!(report.passed(), "{clock}: {report:#?}");
    }
}

/// What a plugin in Rust does not use it does not import, so that it runs in a host of 1.0, too.
#[tokio::test(flavor = "multi_thread")]
async fn only_who_asks_for_the_time_imports_the_clock() {
    let sandbox = Sandbox::new(limits(), program().into()).unwrap();
    let cache = Arc::new(CompileCache::open(&cache_dir()).unwrap());
    let imports = async |bytes: &[u8]| {
        let read = Boundary::of(&sandbox, Arc::clone(&cache), Arc::from(bytes));
        let imports = read.await.unwrap().imports.into_iter();
        let names = imports.map(|import| import.name);
        names
            .filter(|name| name.starts_with("codex:mesh/"))
            .collect::<Vec<_>>()
    };
    assert_eq!(imports(guest("clock")).await, ["codex:mesh/clock@1.1.0"]);
    for (kind, bytes) in embedded::COMPONENTS {
        assert_eq!(imports(bytes).await, Vec::<String>::new(), "{kind}");
    }
}
