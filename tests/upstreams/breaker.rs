//! A service that keeps failing is left alone, and asked again later.

use serde_json::{Value, json};

use super::run_alone;
use crate::support::{Reply, TestApp, assert_has, friendly_reply, recorded, start_hostile, within};

/// A host that leaves a service alone after two failures, for so long.
async fn app(open_ms: u64) -> TestApp {
    TestApp::builder()
        .service("srl", Reply::json(503, &json!({})))
        .configure(move |config| {
            config.retry.tries = 1;
            (config.breaker.failures, config.breaker.open_ms) = (2, open_ms);
        })
        .start()
        .await
}

async fn service(app: &TestApp, name: &str) -> Value {
    let (status, answer) = app.get("/mesh/status").await;
    assert_eq!(status, 200, "{answer}");
    answer["services"][name].clone()
}

async fn state(app: &TestApp, name: &str) -> Value {
    service(app, name).await["breaker"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_left_alone_and_others_are_not() {
    let app = app(600_000).await;
    assert_eq!(state(&app, "srl").await, "closed");
    for _ in 0..2 {
        assert_eq!(run_alone(&app, "srl").await.0["status"], "ERROR");
    }
    assert_eq!(state(&app, "srl").await, "open");
    let (step, requests) = run_alone(&app, "srl").await;
    assert_has(
        step["error"].as_str().unwrap(),
        &["srl", "is not asked for now", "in a row"],
    );
    assert_eq!((app.asked("srl"), requests), (2, json!(0)));
    assert_eq!(state(&app, "hardening").await, "closed");
    assert_eq!(run_alone(&app, "hardening").await.0["status"], "DONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_probes_and_closes_it_again() {
    let app = app(50).await;
    for _ in 0..2 {
        run_alone(&app, "srl").await;
    }
    let healthy = recorded(
        "srl-check-dependencies-stubbed.json",
        "all_healthy_no_findings",
    );
    app.stub("srl").answer(healthy);
    within(async {
        while state(&app, "srl").await != "half-open" {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(run_alone(&app, "srl").await.0["status"], "DONE");
    assert_eq!(state(&app, "srl").await, "closed");
}

/// A no is an answer: it says nothing against the service's health.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_says_no_is_no_failure() {
    let app = app(600_000).await;
    let blocked = recorded(
        "srl-check-dependencies-stubbed.json",
        "self_audit_CRITICAL_block",
    );
    app.stub("srl").answer(blocked);
    for _ in 0..4 {
        assert_eq!(run_alone(&app, "srl").await.0["status"], "ERROR");
    }
    assert_eq!(state(&app, "srl").await, "closed");
    assert_eq!(app.asked("srl"), 4);
}

/// What one plugin provokes is its own: another kind is still sent to the same service.
#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_opens_its_own_and_no_others() {
    let app = start_hostile(TestApp::builder().configure(|config| {
        config.retry.tries = 1;
        (config.breaker.failures, config.breaker.open_ms) = (2, 600_000);
    }))
    .await;
    let srl = friendly_reply("srl");
    let busy = Reply::json(503, &json!({}));
    app.stub("srl")
        .answer_with(move |request| match request.path.as_str() {
            "/srl/check" => srl.clone(),
            _ => busy.clone(),
        });
    let provoke = json!({"goal": "shape:path=/srl/busy", "steps": [{"kind": "hostile"}]});
    for _ in 0..3 {
        app.step(&app.create(&provoke).await).await;
    }
    assert_eq!(app.asked("srl"), 2, "the third is not sent");
    assert_eq!(run_alone(&app, "srl").await.0["status"], "DONE");
    let shown = service(&app, "srl").await;
    let expected = json!({"breaker": "open", "kinds": {"hostile": "open"}});
    assert_eq!(shown, expected);
    assert_eq!(
        service(&app, "hardening").await,
        json!({"breaker": "closed"})
    );
}
