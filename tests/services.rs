//! Services that give no answer: each way told apart, the step an ERROR and never left under way.
//! And what of their configuration is a secret.

mod no_answer;
mod secrets;

use serde_json::{Value, json};

use crate::support::TestApp;

/// The only step of a plan that asks srl, after it ran.
async fn ask_srl(app: &TestApp) -> Value {
    let plan = app.create(&json!({"steps": [{"kind": "srl"}]})).await;
    app.step(&plan).await["steps"][0].clone()
}

/// A host whose srl is at this address.
async fn srl_at(url: impl Into<String>) -> TestApp {
    let url = url.into();
    TestApp::builder()
        .configure(|config| config.services.get_mut("srl").unwrap().url = Some(url))
        .start()
        .await
}
