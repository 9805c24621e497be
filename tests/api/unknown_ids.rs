//! An id that names no plan is 404, whatever it looks like.

use reqwest::Url;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestApp;

/// Ids of every form that somebody might send.
fn forms(existing: &str) -> Vec<String> {
    let unknown = Uuid::new_v4().to_string();
    let forms = [
        "",
        " ",
        "nope",
        "0",
        "-1",
        "null",
        "undefined",
        "[object Object]",
        "../../etc/passwd",
        "%2e%2e%2f",
        "\0",
        "a\nb\tc",
        "' OR '1'='1",
        "*",
        "%",
        "ünïcödé 🚀",
        &unknown,
    ];
    let mut forms: Vec<String> = forms.map(str::to_owned).to_vec();
    forms.push("x".repeat(10_000));
    forms.push(format!("{existing} "));
    forms.push(format!("{existing}\0"));
    forms.push(existing[..existing.len() - 1].to_owned());
    forms
}

fn not_found() -> (u16, Value) {
    (404, json!({"ok": false, "error": "Plan not found"}))
}

#[tokio::test(flavor = "multi_thread")]
async fn stepping_it_is_404() {
    let app = TestApp::start().await;
    let plan = app.create(&json!({})).await;
    for id in forms(plan["id"].as_str().unwrap()) {
        let answer = app.post("/mesh/step", &json!({"planId": id})).await;
        assert_eq!(answer, not_found(), "{id:?}");
    }
    assert_eq!(app.plan(&plan).await, plan);
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_it_is_404() {
    let app = TestApp::start().await;
    let plan = app.create(&json!({})).await;
    for id in forms(plan["id"].as_str().unwrap()) {
        let url = Url::parse_with_params("http://host/mesh/plan", [("id", &id)]).unwrap();
        let path = format!("{}?{}", url.path(), url.query().unwrap());
        assert_eq!(app.get(&path).await, not_found(), "{id:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_it_in_broken_escapes_is_404() {
    let app = TestApp::start().await;
    for id in ["%", "%z", "%ff", "%c3%28", "%00", "+", "a%26b", "a=b"] {
        let answer = app.get(&format!("/mesh/plan?id={id}")).await;
        assert_eq!(answer, not_found(), "{id:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_found_by_its_id() {
    let app = TestApp::start().await;
    let plan = app.create(&json!({})).await;
    let path = format!("/mesh/plan?id={}", plan["id"].as_str().unwrap());
    assert_eq!(
        app.get(&path).await,
        (200, json!({"ok": true, "plan": plan}))
    );
}
