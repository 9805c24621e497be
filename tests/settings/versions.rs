//! The operator's settings and the versions of a kind: one that they do not fit is not served, and
//! what an operator sets counts when a step runs, not when its plan was made.

use std::fs;

use serde_json::{Value, json};

use super::{ask, error, of_schema, set, with};
use crate::support::{Reply, TestApp, assert_has, folder, recorded, start_with, within};

fn of(names: &[&str], version: &str) -> Vec<u8> {
    let properties: Vec<(String, Value)> = names
        .iter()
        .map(|name| ((*name).to_owned(), json!({})))
        .collect();
    let properties: Value = properties.into_iter().collect();
    let schema = json!({"type": "object", "additionalProperties": false, "properties": properties});
    of_schema("mine", version, &schema)
}

async fn active(app: &TestApp) -> Value {
    let (_, answer) = app.get("/plugins/mine").await;
    let versions = answer["versions"].as_array().cloned().unwrap_or_default();
    let mut active = versions.iter().filter(|version| version["active"] == true);
    active
        .next()
        .map_or(Value::Null, |version| version["version"].clone())
}

const A: &str = "[plugin.mine.settings]\na = 1\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_it_does_not_fit_is_not_activated() {
    let (old, new) = (of(&["a"], "1.0.0"), of(&["b"], "2.0.0"));
    let app = start_with(set(TestApp::builder(), A), [("mine.wasm", &*old)]).await;
    assert_eq!(app.upload(&new).await.0, 200, "it may be kept");
    let version = json!({"version": "2.0.0"});
    let (status, answer) = app.post("/plugins/mine/activate", &version).await;
    assert_eq!(status, 400, "{answer}");
    let parts = [
        "[plugin.mine.settings] does not fit mine 2.0.0",
        "choose another version",
    ];
    assert_has(answer["error"].as_str().unwrap(), &parts);
    assert_eq!(active(&app).await, "1.0.0");
    assert_eq!(ask(&app, &json!([{"kind": "mine"}])).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_it_does_not_fit_is_not_swapped_in() {
    let (old, new) = (of(&["a"], "1.0.0"), of(&["b"], "2.0.0"));
    let files = folder([("mine.wasm", &*old)]);
    let path = files.path().to_owned();
    let builder = set(TestApp::builder(), A).configure(|config| config.plugins_dir = Some(path));
    let app = builder.start().await;
    fs::write(files.path().join("mine.wasm"), &new).unwrap();
    // What comes after it is served: so it was looked at.
    let marker = of_schema("marker", "1.0.0", &json!({}));
    fs::write(files.path().join("z.wasm"), marker).unwrap();
    within(async {
        while app.get("/plugins/marker").await.0 != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(active(&app).await, "1.0.0");
    // Nor does it keep the host from starting again.
    let path = files.path().to_owned();
    let builder = set(TestApp::builder(), A).configure(|config| config.plugins_dir = Some(path));
    let app = builder.data(app.stop().await).start().await;
    assert_eq!(active(&app).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_activated_before_is_told_apart_from_what_a_client_did_wrong() {
    let app = start_with(TestApp::builder(), [("other.wasm", &*of(&["b"], "1.0.0"))]).await;
    app.upload(&of(&["b"], "2.0.0")).await;
    let version = json!({"version": "2.0.0"});
    assert_eq!(app.post("/plugins/mine/activate", &version).await.0, 200);
    let app = set(TestApp::builder(), A)
        .data(app.stop().await)
        .start()
        .await;
    let said = error(&app, &json!([{"kind": "mine"}])).await;
    assert_has(&said, &["steps[0].settings", "[plugin.mine.settings]"]);
}

/// What is set for the next version does not stop the plans of the last.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_plan_of_an_older_version_goes_on() {
    let old = of(&["b"], "1.0.0");
    let app = start_with(TestApp::builder(), [("mine.wasm", &*old)]).await;
    let (_, answer) = ask(&app, &json!([{"kind": "mine", "settings": {"b": 2}}])).await;
    let plan = answer["plan"].clone();
    let new = of(&["a", "b"], "2.0.0");
    let text = "[plugin.mine.settings]\na = 1\nb = 1\n";
    let builder = set(TestApp::builder(), text).data(app.stop().await);
    let app = start_with(builder, [("mine.wasm", &*new)]).await;
    assert_eq!(active(&app).await, "2.0.0");
    let plan = app.step(&plan).await;
    // The component made by hand was asked: nothing else is wrong.
    assert_eq!(plan["steps"][0]["error"], "made by hand");
}

fn stock() -> Reply {
    recorded("hardening-stock.json", "hardening, everything running")
}

const KNOWN: &str = "[plugin.hardening.settings]\n\
                     knownBad = [\"orchestrator\", \"telemetry\", \"stability\"]\n";

/// Who reads in a step's error what to set, sets it, and goes on with the same plan.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_today_counts_for_the_plan_of_yesterday() {
    let app = TestApp::builder()
        .service("hardening", stock())
        .start()
        .await;
    let plan = app.run(&app.create(&json!({})).await).await;
    assert_eq!(plan["steps"][2]["status"], "ERROR", "{plan:#}");

    let builder = set(TestApp::builder().service("hardening", stock()), KNOWN);
    let app = builder.data(app.stop().await).start().await;
    let (status, answer) = app
        .post("/mesh/retry", &json!({"planId": plan["id"]}))
        .await;
    assert_eq!(status, 200, "{answer}");
    let plan = app.step(&plan).await;
    assert_eq!(plan["steps"][2]["status"], "DONE", "{plan:#}");

    // And what is not set any more does not.
    let app = with("").await;
    let plan = app.create(&json!({"steps": [{"kind": "hardening"}]})).await;
    app.stub("hardening").answer(stock());
    assert_eq!(app.step(&plan).await["steps"][0]["status"], "ERROR");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_locked_since_is_not_quietly_taken() {
    let app = TestApp::start().await;
    let steps = json!([{"kind": "strategy", "settings": {"horizonDays": 3}}]);
    let plan = app
        .create(&json!({"mode": "DRY_RUN", "steps": steps}))
        .await;
    let locked = "[plugin.strategy]\nlocked = [\"horizonDays\"]\n";
    let app = set(TestApp::builder(), locked)
        .data(app.stop().await)
        .start()
        .await;
    let plan = app.step(&plan).await;
    let error = plan["steps"][0]["error"].as_str().unwrap();
    assert_has(error, &["its settings.horizonDays is locked"]);
    assert_eq!(app.asked("strategy"), 0);
}
