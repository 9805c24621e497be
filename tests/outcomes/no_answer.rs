//! Answers that are none: nothing counts as success because its status was 200.

use serde_json::json;

use super::{error, run_alone, unchecked};
use crate::support::{Reply, TestApp, assert_has, recorded};

const KINDS: [&str; 7] = [
    "autonomy",
    "srl",
    "hardening",
    "workflow",
    "simulation",
    "ops",
    "strategy",
];

const JSON: &str = "application/json";

/// Answers that no service means as an answer, and what a person is told of them.
fn broken() -> Vec<(Reply, Vec<&'static str>)> {
    let html = "<!doctype html><html><body>Bad gateway</body></html>";
    let uncaught = json!({"statusCode": 500, "error": "Internal Server Error", "message": "boom"});
    let refused = json!({"ok": false, "error": "no such project"});
    vec![
        (Reply::new(200, "text/html", html), vec!["200", "HTML"]),
        (Reply::new(200, JSON, ""), vec!["200", "empty body"]),
        (Reply::new(200, JSON, " \n"), vec!["200", "empty body"]),
        (Reply::new(204, JSON, ""), vec!["204", "empty body"]),
        (
            Reply::new(200, JSON, r#"{"ok":true,"work"#),
            vec!["200", "breaks off"],
        ),
        (Reply::new(200, JSON, "OK"), vec!["200", "not JSON"]),
        (Reply::new(200, JSON, "null"), vec!["200", "not an object"]),
        (Reply::new(200, JSON, "[]"), vec!["200", "not an object"]),
        (
            Reply::new(200, JSON, "{}"),
            vec!["200", "not its usual answer"],
        ),
        (
            Reply::new(200, JSON, r#"{"ok":true}"#),
            vec!["200", "not its usual answer"],
        ),
        (
            Reply::new(200, JSON, r#"{"ok":"true"}"#),
            vec!["200", "ok: \"true\""],
        ),
        (
            Reply::json(200, &refused),
            vec!["ok: false", "no such project"],
        ),
        (Reply::json(400, &refused), vec!["400", "no such project"]),
        (Reply::json(500, &uncaught), vec!["500", "boom"]),
        (Reply::new(502, "text/html", html), vec!["502"]),
        (Reply::new(500, JSON, ""), vec!["500"]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_answer_of_any_service_is_an_error_that_says_how() {
    let app = unchecked().await;
    for (reply, parts) in broken() {
        for kind in KINDS {
            app.stub(kind).answer(reply.clone());
            let step = run_alone(&app, kind).await;
            assert_has(error(&step), &[kind]);
            assert_has(error(&step), &parts);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_busy_says_when_to_come_back() {
    let app = unchecked().await;
    let body = json!({"message": "slow down"});
    let cases = [
        (
            Reply::json(429, &body).header("retry-after", "7"),
            ["429", "7000 ms"],
        ),
        (
            Reply::json(503, &body).header("retry-after", "120"),
            ["503", "120000 ms"],
        ),
        (Reply::json(429, &body), ["429", "tried again later"]),
        (Reply::json(503, &body), ["503", "tried again later"]),
        (
            Reply::json(503, &body).header("retry-after", "soon"),
            ["503", "tried again later"],
        ),
    ];
    for (reply, parts) in cases {
        for kind in KINDS {
            app.stub(kind).answer(reply.clone());
            let step = run_alone(&app, kind).await;
            assert_has(error(&step), &[kind, "slow down"]);
            assert_has(error(&step), &parts);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_without_steps_is_none() {
    let app = unchecked().await;
    for name in [
        "create_empty_goal",
        "create_missing_goal",
        "json_array_body",
    ] {
        app.stub("workflow").answer(recorded("workflow.json", name));
        let step = run_alone(&app, "workflow").await;
        let parts = ["workflow", "no steps", "Failed to decompose goal"];
        assert_has(error(&step), &parts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_that_reads_unknown_is_one() {
    let app = unchecked().await;
    for name in ["create_good_as_mesh_sends", "create_good_tiktok_post"] {
        app.stub("workflow").answer(recorded("workflow.json", name));
        let step = run_alone(&app, "workflow").await;
        assert_eq!(step["status"], "DONE", "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_that_simulates_nothing_is_no_success() {
    let app = unchecked().await;
    app.stub("simulation")
        .answer(recorded("sim-run.json", "unknown_scenario"));
    let step = run_alone(&app, "simulation").await;
    assert_has(error(&step), &["simulation", "no steps"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_workflow_stops_a_whole_plan() {
    let app = TestApp::start().await;
    app.stub("workflow")
        .answer(recorded("workflow.json", "create_empty_goal"));
    let plan = app.run(&app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "ERROR");
    assert_has(error(&plan["steps"][3]), &["workflow", "no steps"]);
    assert_eq!(app.try_step(&plan).await.0, 409);
    assert_eq!(app.asked("workflow"), 1);
}
