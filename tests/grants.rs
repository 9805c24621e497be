//! What a plugin may call is the operator's list: one from outside only reads until there is one.

mod by_default;
mod headers;
mod listed;
mod told;

use serde_json::{Value, json};

use crate::support::{GOAL, TestApp, TestAppBuilder, guest, start_with};

const CHECKS: [&str; 3] = ["autonomy", "srl", "hardening"];

/// A host with the hostile guest, for which nothing is granted but what `builder` does.
async fn with_hostile(builder: TestAppBuilder) -> TestApp {
    start_with(builder, [("hostile.wasm", guest("hostile"))]).await
}

/// Asks for a plan with the checks and then the hostile step.
async fn ask(app: &TestApp, mode: &str, goal: &str) -> (u16, Value) {
    let kinds = [&CHECKS[..], &["hostile"]].concat();
    let steps: Vec<Value> = kinds.iter().map(|kind| json!({"kind": kind})).collect();
    let body = json!({
        "sessionId": "s1", "domain": "social", "mode": mode, "goal": goal, "steps": steps,
    });
    app.post("/mesh/create", &body).await
}

/// The hostile step of such a plan, after it ran.
async fn run(app: &TestApp, mode: &str, goal: &str) -> Value {
    let (status, answer) = ask(app, mode, goal).await;
    assert_eq!(status, 200, "{answer}");
    let plan = app.run(&answer["plan"]).await;
    plan["steps"][3].clone()
}

/// The error of that step.
async fn error_of(app: &TestApp, mode: &str, goal: &str) -> String {
    let step = run(app, mode, goal).await;
    assert_eq!(step["status"], "ERROR", "{mode} {goal}: {step:#}");
    step["error"].as_str().unwrap().to_owned()
}

/// Why a LIVE plan with this goal is not created.
async fn refused(app: &TestApp, goal: &str) -> String {
    let (status, answer) = ask(app, "LIVE", goal).await;
    assert_eq!(status, 400, "{answer}");
    answer["error"].as_str().unwrap().to_owned()
}

/// What the service heard that the srl step did not say.
fn heard(app: &TestApp) -> Vec<String> {
    let requests = app.stub("srl").requests();
    let own = requests
        .iter()
        .filter(|request| !request.body.contains("contentSummary"));
    own.map(|request| format!("{} {}", request.method, request.path))
        .collect()
}

/// A LIVE plan of the default recipe, after it ran.
async fn run_default(app: &TestApp) -> Value {
    app.run(&app.create(&json!({"goal": GOAL})).await).await
}
