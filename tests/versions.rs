//! Which version of a step kind new plans get, and which one a plan keeps.

mod choice;
mod cli;
mod kept;
mod signed;
mod swaps;
mod upload;
mod watched;

use codex_mesh::sandbox::sha256;
use serde_json::{Value, json};

use crate::support::{TestApp, guest};

/// The same plugin as another component: a custom section of its own, which means nothing.
pub fn variant(component: &[u8], number: u16) -> Vec<u8> {
    let [high, low] = number.to_be_bytes();
    let section = [0, 7, 4, b't', b'e', b's', b't', high, low];
    [component, &section].concat()
}

/// A variant of `echo-check`, and its digest.
pub(crate) fn echo(number: u16) -> (Vec<u8>, String) {
    let component = variant(guest("echo-check"), number);
    let digest = sha256(&component);
    (component, digest)
}

/// Sends and activates a variant of `echo-check`; its digest.
async fn install(app: &TestApp, number: u16) -> String {
    let (component, digest) = echo(number);
    let (status, answer) = app.upload(&component).await;
    assert_eq!(status, 200, "{answer}");
    activate(app, &digest).await;
    digest
}

async fn activate(app: &TestApp, digest: &str) {
    let body = json!({"sha256": digest});
    let (status, answer) = app.post("/plugins/echo-check/activate", &body).await;
    assert_eq!(status, 200, "{answer}");
}

/// What a new plan of `echo-check` would run, or why there can't be one.
async fn new_plan(app: &TestApp) -> Result<Value, String> {
    let body = json!({
        "sessionId": "s1", "domain": "social", "goal": "g", "steps": [{"kind": "echo-check"}],
    });
    match app.post("/mesh/create", &body).await {
        (200, answer) => Ok(answer["plan"].clone()),
        (status, answer) => {
            assert_eq!(status, 400, "{answer}");
            Err(answer["error"].as_str().unwrap().to_owned())
        }
    }
}

/// The digest that a new plan gets.
async fn current(app: &TestApp) -> String {
    let plan = new_plan(app).await.unwrap();
    plan["steps"][0]["plugin"].as_str().unwrap().to_owned()
}

/// The versions of `echo-check`, by digest.
async fn versions(app: &TestApp) -> Vec<Value> {
    let (status, answer) = app.get("/plugins/echo-check").await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["kind"], "echo-check");
    answer["versions"].as_array().unwrap().clone()
}
