//! Which steps a plan gets: recipes that ship, recipes of the operator, steps of the client's own,
//! and one write for each of many domains.

mod by_default;
mod by_name;
mod domains;
mod order;
mod side_by_side;
mod start;
mod steps;

use codex_mesh::config::Config;
use codex_mesh::host::Host;
use serde_json::{Value, json};

use crate::support::{GOAL, Raw, TestApp, TestAppBuilder, assert_has, cache_dir, folder, program};

/// What is wrong with an otherwise good plan, and what the error has to say.
type Case<'a> = (Value, &'a [&'a str]);

/// The configuration in this text.
pub fn config(text: &str) -> anyhow::Result<Config> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mesh.toml");
    std::fs::write(&path, text).unwrap();
    Ok(Config::load(Some(&path), [])?.config)
}

/// A host with the recipes in this text.
fn with(text: &str) -> TestAppBuilder {
    let recipes = config(text).unwrap().recipe;
    TestApp::builder().configure(|config| config.recipe = recipes)
}

/// What is said of a configuration with which no host may start.
pub async fn refused(text: &str) -> String {
    let data = tempfile::tempdir().unwrap();
    let mut config = match config(text) {
        Err(error) => return format!("{error:#}"),
        Ok(config) => config,
    };
    config.listen = "127.0.0.1:0".to_owned();
    config.data_dir = data.path().to_owned();
    config.cache_dir = Some(cache_dir());
    let error = Host::start(&config, program()).await.err();
    format!("{:#}", error.unwrap_or_else(|| panic!("it starts: {text}")))
}

/// A host that has the kinds `trends` and `campaign` as well.
async fn with_campaigns() -> TestApp {
    let plugin = |kind: &str, endpoint: &str| {
        let mut raw = Raw::new(kind);
        raw.manifest[3] = kind.to_owned();
        raw.manifest[4] = endpoint.to_owned();
        raw.component()
    };
    let trends = plugin("trends", "/trends/summary");
    let campaign = plugin("campaign", "/campaign/create");
    let files = [
        ("trends.wasm", trends.as_slice()),
        ("campaign.wasm", campaign.as_slice()),
    ];
    let folder = folder(files);
    let path = folder.path().to_owned();
    // They are only read while the host starts.
    let builder = TestApp::builder().grant("campaign", "campaign", &["POST /campaign/create"]);
    let builder = builder.configure(move |config| config.plugins_dir = Some(path));
    builder.start().await
}

/// A field of every step.
fn each<'a>(plan: &'a Value, field: &str) -> Vec<&'a str> {
    let steps = plan["steps"].as_array().unwrap().iter();
    steps
        .map(|step| step[field].as_str().unwrap_or_default())
        .collect()
}

/// The error for a plan with these fields, which must be a 400 and leave nothing behind.
async fn error(app: &TestApp, wrong: &Value) -> String {
    let mut body = json!({"sessionId": "s1", "domain": "social", "goal": GOAL});
    let wrong = wrong.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(wrong);
    let (status, answer) = app.post("/mesh/create", &body).await;
    assert_eq!(status, 400, "{body}: {answer}");
    let error = answer["error"].as_str().unwrap().to_owned();
    assert_eq!(answer, json!({"ok": false, "error": error}));
    error
}

async fn assert_all_bad(app: &TestApp, cases: &[Case<'_>]) {
    for (wrong, parts) in cases {
        assert_has(&error(app, wrong).await, parts);
    }
    let (_, answer) = app.get("/mesh/plans").await;
    assert_eq!(answer["plans"], json!([]));
}

/// The plan once the host has driven it as far as it goes.
async fn driven(app: &TestApp, plan: &Value) -> Value {
    let body = json!({"planId": plan["id"], "wait": true});
    let (status, answer) = app.post("/mesh/run", &body).await;
    assert_eq!(status, 200, "{answer}");
    answer["plan"].clone()
}
