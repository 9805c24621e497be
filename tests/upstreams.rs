//! Services that misbehave: what is tried again and what never, within the step's deadline; and
//! a service that keeps failing is left alone for a while.

mod breaker;
mod encoded;
mod kept;
mod lost;
mod not_reached;
mod proxy;
mod retry;
mod strange;

use codex_mesh::config::Config;
use serde_json::{Value, json};

use crate::support::{TestApp, TestAppBuilder};

/// A host that waits only as long between two tries as it takes to be noticed.
fn quick() -> TestAppBuilder {
    TestApp::builder().configure(|config| {
        config.retry.first_wait_ms = 10;
        // Most tests are not about the breaker.
        config.breaker.failures = 1_000;
    })
}

/// A LIVE plan that writes without checks before it, so that a test has only its own step.
fn unchecked(config: &mut Config) {
    config.policy.live_requires.clear();
}

/// The step of a plan that has only this kind, after it ran, and how often it was sent.
async fn run_alone(app: &TestApp, kind: &str) -> (Value, Value) {
    let plan = app.create(&json!({"steps": [{"kind": kind}]})).await;
    let plan = app.step(&plan).await;
    let id = plan["id"].as_str().unwrap();
    let (status, history) = app.get(&format!("/mesh/history?id={id}")).await;
    assert_eq!(status, 200, "{history}");
    let entries = history["history"].as_array().unwrap();
    let finished = entries
        .iter()
        .find(|entry| entry["transition"] == "finished");
    (
        plan["steps"][0].clone(),
        finished.unwrap()["requests"].clone(),
    )
}
