//! The settings of step kinds: the operator's under everybody else's, what a schema may say, and that
//! none of it costs the host its time.

mod doubted;
mod hostile;
mod known_bad;
mod laid;
mod versions;

use codex_mesh::config::Config;
use serde_json::{Value, json};

use crate::recipes::{config, refused};
use crate::support::{GOAL, Raw, TestApp, TestAppBuilder};

/// Changes a host to what this text says of plugins and recipes.
fn set(builder: TestAppBuilder, text: &str) -> TestAppBuilder {
    let Config { plugin, recipe, .. } = config(text).unwrap();
    builder.configure(move |config| {
        config.plugin = plugin;
        config.recipe = recipe;
    })
}

/// A host with what this text says of plugins and recipes.
async fn with(text: &str) -> TestApp {
    set(TestApp::builder(), text).start().await
}

/// Asks for a DRY_RUN of these steps.
async fn ask(app: &TestApp, steps: &Value) -> (u16, Value) {
    let body = json!({
        "sessionId": "s1", "domain": "social", "goal": GOAL, "mode": "DRY_RUN", "steps": steps,
    });
    app.post("/mesh/create", &body).await
}

/// Why a plan of these steps is not made.
async fn error(app: &TestApp, steps: &Value) -> String {
    let (status, answer) = ask(app, steps).await;
    assert_eq!(status, 400, "{answer}");
    answer["error"].as_str().unwrap().to_owned()
}

/// What the first step of a plan of these steps would send.
async fn payload(app: &TestApp, steps: &Value) -> Value {
    let (status, answer) = ask(app, steps).await;
    assert_eq!(status, 200, "{answer}");
    answer["plan"]["steps"][0]["payload"].clone()
}

/// A component of this kind with this schema of its settings.
fn of_schema(kind: &str, version: &str, schema: &Value) -> Vec<u8> {
    let mut raw = Raw::new(kind);
    raw.manifest[1] = version.to_owned();
    raw.manifest[6] = schema.to_string();
    raw.component()
}
