//! What a service's answer makes of a step: the decision is in the body, and an answer that is no
//! answer is a failure that says so.

mod no_answer;
mod room;
mod verdict;

use codex_mesh::config::SimulatedBy;
use serde_json::{Value, json};

use crate::support::TestApp;

/// A host on which a plan of any one kind may run.
async fn unchecked() -> TestApp {
    TestApp::builder()
        .configure(|config| {
            config.policy.live_requires.clear();
            config.policy.simulation = SimulatedBy::Engine;
        })
        .start()
        .await
}

/// The only step of a plan of this kind, after it ran.
async fn run_alone(app: &TestApp, kind: &str) -> Value {
    let mode = match kind {
        "simulation" => "SIMULATION",
        _ => "LIVE",
    };
    let steps = json!([{"kind": kind}]);
    let plan = app.create(&json!({"mode": mode, "steps": steps})).await;
    app.step(&plan).await["steps"][0].clone()
}

/// The error of a failed step.
#[track_caller]
fn error(step: &Value) -> &str {
    assert_eq!(step["status"], "ERROR", "{step}");
    assert_eq!(step.get("result"), None, "{step}");
    assert_eq!(step.get("approval"), None, "{step}");
    step["error"].as_str().unwrap()
}
