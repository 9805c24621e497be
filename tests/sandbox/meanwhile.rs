//! The host serves others while guests misbehave, and afterwards as well.

use std::time::Duration;

use codex_mesh::sandbox::Fault;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use super::{Hostile, assert_serves, error_of, limits, load, run_hostile, shape};
use crate::support::{TestApp, TestAppBuilder, http, skipped, within};

in_every_language! {
    others_are_served_while_more_guests_loop_than_there_are_threads,
    others_are_served_while_guests_sleep,
    others_are_served_while_one_kind_waits_for_places,
    every_loop_ends_by_itself,
    slots_come_back_however_a_call_ends,
    more_calls_than_slots_wait_for_each_other,
    a_call_that_is_dropped_gives_its_slot_back,
}

/// Longer than any test runs: what is bounded by it alone never ends.
const NEVER_MS: u64 = 3_600_000;

/// More than there are threads for them.
const LOOPERS: usize = 8;

fn with(limits: impl FnOnce(&mut codex_mesh::sandbox::Limits) + 'static) -> TestAppBuilder {
    TestApp::builder().configure(move |config| limits(&mut config.limits.plugin))
}

/// The plans of guests that misbehave in `interpret`, once each has begun to.
async fn begun(app: &TestApp, goal: &str, count: usize) -> Vec<Value> {
    let mut plans = Vec::new();
    for asked in 1..=count {
        let steps = json!([{"kind": "hostile"}]);
        let plan = app.create(&json!({"goal": goal, "steps": steps})).await;
        let request = reqwest::Client::new()
            .post(format!("{}/mesh/step", app.url))
            .json_text(&json!({"planId": plan["id"]}));
        // The caller does not wait for what will not come.
        tokio::spawn(request.send());
        // The service has answered it: the guest interprets the answer.
        app.stub("srl").asked(asked).await;
        plans.push(plan);
    }
    plans
}

trait JsonText {
    fn json_text(self, body: &Value) -> Self;
}

impl JsonText for reqwest::RequestBuilder {
    fn json_text(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }
}

/// Two threads for a host, apart from the test's own: were they held, the test would still notice.
struct TwoThreads(Option<Runtime>);

impl TwoThreads {
    fn start(guest: Hostile, builder: TestAppBuilder) -> (Self, TestApp) {
        let mut threads = Builder::new_multi_thread();
        let threads = threads.worker_threads(2).enable_all().build().unwrap();
        let app = threads.block_on(guest.start(builder));
        (Self(Some(threads)), app)
    }
}

impl Drop for TwoThreads {
    fn drop(&mut self) {
        // Not waited for: a thread that is held does not come back.
        self.0.take().unwrap().shutdown_background();
    }
}

/// If a loop held its thread until its deadline, two threads and eight loops would leave nobody
/// to answer.
async fn others_are_served_while_more_guests_loop_than_there_are_threads(guest: Hostile) {
    let apart = tokio::task::spawn_blocking(move || {
        let builder = with(|limits| {
            limits.cpu_ms = NEVER_MS;
            limits.wall_ms = NEVER_MS;
        });
        let (_threads, app) = TwoThreads::start(guest, builder);
        let mut test = Builder::new_current_thread();
        let test = test.enable_all().build().unwrap();
        test.block_on(serve_while_guests_loop(&app));
    });
    apart.await.unwrap();
}

async fn serve_while_guests_loop(app: &TestApp) {
    let looping = begun(app, "interpret:loop", LOOPERS).await;
    // They take turns: the others wait for theirs, and leave a thread to who computes for a moment.
    app.status_when(|status| {
        let turns = &status["places"]["turns"];
        let taken = turns["taken"].as_u64().unwrap();
        let waiting = turns["waiting"].as_u64().unwrap();
        let most = turns["limit"].as_u64().unwrap();
        taken > 0 && taken <= most && taken + waiting == LOOPERS as u64
    })
    .await;
    for _ in 0..10 {
        assert_eq!(app.get("/health").await.0, 200);
    }
    assert_serves(app).await;
    let step = run_hostile(app, "interpret:panic").await;
    assert_eq!(step["status"], "ERROR", "{step:#}");
    for plan in &looping {
        assert_eq!(app.plan(plan).await["steps"][0]["status"], "IN_PROGRESS");
    }
}

async fn others_are_served_while_guests_sleep(guest: Hostile) {
    if !guest.sleeps() {
        return skipped("there is no clock to sleep by in this language");
    }
    let app = guest.start(with(|limits| limits.wall_ms = NEVER_MS)).await;
    let sleeping = begun(&app, "interpret:sleep", LOOPERS).await;
    assert_serves(&app).await;
    for plan in &sleeping {
        assert_eq!(app.plan(plan).await["steps"][0]["status"], "IN_PROGRESS");
    }
}

/// A kind that sleeps in all the places that it may have, and waits for more, keeps nobody waiting:
/// not even a step that is shaped and interpreted while it sleeps.
async fn others_are_served_while_one_kind_waits_for_places(guest: Hostile) {
    if !guest.sleeps() {
        return skipped("there is no clock to sleep by in this language");
    }
    let app = guest
        .start(with(|limits| {
            limits.concurrent_calls = 4;
            limits.wall_ms = NEVER_MS;
        }))
        .await;
    let steps = json!([{"kind": "hostile"}]);
    let mut sleeping = Vec::new();
    for _ in 0..LOOPERS {
        let new = json!({"goal": "interpret:sleep", "steps": steps});
        sleeping.push(app.create(&new).await);
    }
    for plan in &sleeping {
        let request = http().post(format!("{}/mesh/step", app.url));
        tokio::spawn(request.json_text(&json!({"planId": plan["id"]})).send());
    }
    let all = json!({"limit": 4, "taken": 2, "waiting": LOOPERS - 2, "holders": [
        {"who": "hostile", "taken": 2, "waiting": LOOPERS - 2},
    ]});
    within(async {
        while app.get("/mesh/status").await.1["places"]["calls"] != all {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_serves(&app).await;
    assert_eq!(app.get("/mesh/status").await.1["places"]["calls"], all);
    for plan in &sleeping {
        assert_eq!(app.plan(plan).await["steps"][0]["status"], "IN_PROGRESS");
    }
}

/// Loops that end all end, each with its own error, and their plans are the only ones changed.
async fn every_loop_ends_by_itself(guest: Hostile) {
    let app = guest.start(with(|limits| limits.wall_ms = NEVER_MS)).await;
    let bystander = app.create(&json!({})).await;
    let looping = begun(&app, "interpret:loop", LOOPERS).await;
    for plan in &looping {
        let plan = app.settled(plan).await;
        let error = plan["steps"][0]["error"].as_str().unwrap();
        assert!(error.contains("200 ms without an end"), "{error}");
    }
    assert_eq!(app.plan(&bystander).await, bystander);
    assert_serves(&app).await;
}

/// Every way to end gives its slot back: there are two, and each way is taken more often.
async fn slots_come_back_however_a_call_ends(guest: Hostile) {
    let builder = with(|limits| {
        limits.concurrent_calls = 2;
        limits.cpu_ms = 50;
        limits.wall_ms = 300;
    });
    // It is about what each of many failures leaves behind.
    let lasting = builder.configure(|config| config.quarantine.failures = 1_000);
    let app = guest.start(lasting).await;
    for (fault, _) in guest.faults() {
        for call in ["shape", "interpret"] {
            for _ in 0..3 {
                error_of(&app, &format!("{call}:{fault}")).await;
            }
        }
    }
    let step = run_hostile(&app, "be good").await;
    assert_eq!(step["status"], "DONE", "{step:#}");
}

/// A call past the slots waits its turn instead of failing.
async fn more_calls_than_slots_wait_for_each_other(guest: Hostile) {
    let app = guest
        .start(with(|limits| {
            limits.concurrent_calls = 1;
            limits.wall_ms = NEVER_MS;
        }))
        .await;
    let looping = begun(&app, "interpret:loop", 4).await;
    assert_serves(&app).await;
    for plan in &looping {
        let plan = app.settled(plan).await;
        let error = plan["steps"][0]["error"].as_str().unwrap();
        assert!(error.contains("without an end"), "{error}");
    }
}

/// A caller that hangs up while a guest waits, or loops, takes the call with it.
async fn a_call_that_is_dropped_gives_its_slot_back(guest: Hostile) {
    let limits = codex_mesh::sandbox::Limits {
        concurrent_calls: 1,
        cpu_ms: NEVER_MS,
        wall_ms: NEVER_MS,
        ..limits()
    };
    let (plugin, _) = load(guest.component, limits).await.unwrap();
    let sleep = if guest.sleeps() {
        "shape:sleep"
    } else {
        "shape:loop"
    };
    for goal in [sleep, "shape:loop", sleep, "shape:loop"] {
        // It has no end of its own, so it is always this that ends it, wherever it is by then.
        let hung_up = tokio::time::timeout(Duration::from_millis(30), shape(&plugin, goal)).await;
        assert!(hung_up.is_err(), "{goal}");
        let next: Result<_, Fault> = within(shape(&plugin, "be good")).await;
        assert!(next.is_ok(), "{goal}: {next:?}");
    }
}
