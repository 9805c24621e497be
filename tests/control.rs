//! People stay in control: what they approve, reject, retry, skip, cancel and let run.

mod again;
mod approval;
mod cancel;
mod changed;
mod retry;
mod run;
mod skip;
mod waiting;

use serde_json::{Value, json};

use crate::support::{Reply, TestApp, recorded};

/// A check that wants a person to look.
fn wants_approval() -> Reply {
    recorded("srl-check.json", "good_as_mesh_sends")
}

/// A check that is not available.
fn failing() -> Reply {
    Reply::json(500, &json!({"ok": false, "error": "out of order"}))
}

/// A check that wants to be asked again later.
fn busy(seconds: u32) -> Reply {
    let body = json!({"ok": false, "error": "slow down"});
    Reply::json(503, &body).header("retry-after", &seconds.to_string())
}

/// What a person does about this plan; the answer.
async fn decide(app: &TestApp, what: &str, plan: &Value, fields: &Value) -> (u16, Value) {
    let mut body = json!({"planId": plan["id"]});
    let more = fields.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
    app.post(&format!("/mesh/{what}"), &body).await
}

/// The plan after a decision that must be accepted.
async fn decided(app: &TestApp, what: &str, plan: &Value, fields: &Value) -> Value {
    let (status, answer) = decide(app, what, plan, fields).await;
    assert_eq!(status, 200, "{answer:#}");
    answer["plan"].clone()
}

/// Why a decision is refused, which it must be.
async fn refused(app: &TestApp, what: &str, plan: &Value, fields: &Value) -> String {
    let before = app.plan(plan).await;
    let (status, answer) = decide(app, what, plan, fields).await;
    assert_eq!((status, &answer["ok"]), (409, &json!(false)), "{answer:#}");
    assert_eq!(app.plan(plan).await, before, "something changed");
    answer["error"].as_str().unwrap().to_owned()
}

/// Approves what this step found.
async fn approve(app: &TestApp, plan: &Value, step: &str) -> Value {
    let fields = json!({"stepId": step, "approvedBy": "Ann"});
    decided(app, "approve", plan, &fields).await
}

/// The plan after `run` with `wait`.
async fn run(app: &TestApp, plan: &Value) -> Value {
    decided(
        app,
        "run",
        plan,
        &json!({"wait": true, "timeoutMs": 60_000}),
    )
    .await
}

/// The history's entries of this transition.
async fn entries(app: &TestApp, plan: &Value, transition: &str) -> Vec<Value> {
    let id = plan["id"].as_str().unwrap();
    let (status, answer) = app.get(&format!("/mesh/history?id={id}")).await;
    assert_eq!(status, 200);
    let entries = answer["history"].as_array().unwrap().iter();
    let of = |entry: &&Value| entry["transition"] == transition;
    entries.filter(of).cloned().collect()
}

fn statuses(plan: &Value) -> Vec<&str> {
    let steps = plan["steps"].as_array().unwrap().iter();
    steps.map(|step| step["status"].as_str().unwrap()).collect()
}

/// Waits until Brain was told this of the plan.
async fn told(app: &TestApp, plan: &Value, what: &str) {
    let wanted = format!("Plan {}: {what}", plan["id"].as_str().unwrap());
    let mut asked = 0;
    loop {
        let requests = app.stub("brain").asked(asked).await;
        let found = requests.iter().any(|request| {
            let content = request.json()["content"].as_str().unwrap().to_owned();
            let content: Value = serde_json::from_str(&content).unwrap();
            content["summary"].as_str().unwrap().starts_with(&wanted)
        });
        if found {
            return;
        }
        asked = requests.len() + 1;
    }
}
