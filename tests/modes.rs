//! What the three modes let through: counted at the services, not believed of the plan.

mod simulation;

use std::collections::BTreeMap;

use codex_mesh::config::{Config, SimulatedBy};
use codex_mesh::plan::{Effect, Mode};
use serde_json::{Value, json};

use crate::support::{GOAL, TestApp, TestAppBuilder, assert_has, recorded};

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_reads_and_never_writes() {
    let app = TestApp::start().await;
    let plan = app
        .run(&app.create(&json!({"mode": "DRY_RUN"})).await)
        .await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    for service in ["autonomy", "srl", "hardening"] {
        assert_eq!(app.asked(service), 1, "{service}");
    }
    assert_eq!(app.asked("workflow"), 0);
    let would_send = json!({
        "service": "workflow",
        "method": "POST",
        "endpoint": "/workflow/create",
        "payload": {"projectId": "social-project", "goal": GOAL, "sessionId": "s1"},
    });
    let step = &plan["steps"][3];
    let expected = json!({"dryRun": true, "wouldSend": would_send});
    assert_eq!(step["result"], expected);
    assert_eq!(step["payload"], would_send["payload"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_needs_no_checks() {
    let app = TestApp::start().await;
    let plan = run(&app, "DRY_RUN", &["workflow", "workflow"]).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(app.asked("workflow"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_sends_every_read() {
    let app = TestApp::start().await;
    let kinds = ["ops", "strategy"];
    let plan = run(&app, "DRY_RUN", &kinds).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    for kind in kinds {
        assert_eq!(app.asked(kind), 1, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_says_what_is_a_write() {
    let app = TestApp::builder()
        .configure(|config| {
            route(config, "srl", "POST /srl/check", Effect::Write);
            route(config, "workflow", "POST /workflow/*", Effect::Read);
        })
        .start()
        .await;
    let plan = run(&app, "DRY_RUN", &["srl", "workflow"]).await;
    assert_eq!((app.asked("srl"), app.asked("workflow")), (0, 1));
    assert_eq!(plan["steps"][0]["result"]["dryRun"], true);
    assert_eq!(plan["steps"][1]["result"]["ok"], true);
    assert_refused(&app, &["srl"], &["step-1 (srl)"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_simulates_instead_of_writing() {
    let app = trusting().start().await;
    let plan = app.create(&json!({"mode": "SIMULATION"})).await;
    let kinds: Vec<_> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["autonomy", "srl", "hardening", "simulation"]);
    let step = &plan["steps"][3];
    assert_eq!(step["endpoint"], "/sim/run");
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(app.asked("workflow"), 0);

    let asked = app.stub("simulation").requests();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        (asked[0].method.as_str(), asked[0].path.as_str()),
        ("POST", "/sim/run")
    );
    let sent = asked[0].json();
    assert_eq!(sent, plan["steps"][3]["payload"]);
    let expected = json!({"sessionId": "s1", "scenario": "content_only", "niche": "content cycle"});
    assert_eq!(sent, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_replaces_every_write_in_its_place() {
    let app = trusting().start().await;
    let plan = run(&app, "SIMULATION", &["workflow", "srl", "workflow"]).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!((app.asked("workflow"), app.asked("simulation")), (0, 2));
    for (index, kind) in ["simulation", "srl", "simulation"].iter().enumerate() {
        assert_eq!(plan["steps"][index]["kind"], *kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_that_goes_badly_is_an_error() {
    let answer = recorded("sim-run-orchestrator-stubbed.json", "orchestrator_404");
    let app = trusting().service("simulation", answer).start().await;
    let plan = app.create(&json!({"mode": "SIMULATION"})).await;
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "ERROR");
    let error = plan["steps"][3]["error"].as_str().unwrap();
    assert_has(error, &["simulation", "failed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn live_writes_once() {
    let app = TestApp::start().await;
    let plan = app.run(&app.create(&json!({"mode": "LIVE"})).await).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    let asked = app.stub("workflow").requests();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].path, "/workflow/create");
    let expected = json!({"projectId": "social-project", "goal": GOAL, "sessionId": "s1"});
    assert_eq!(asked[0].json(), expected);
    assert_eq!(app.asked("simulation"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_plan_with_an_unchecked_write_is_refused() {
    let app = TestApp::start().await;
    let cases: [(&[&str], &[&str]); 6] = [
        (
            &["workflow"],
            &[
                "step-1 (workflow)",
                "add autonomy, srl, hardening before it",
            ],
        ),
        (
            &["autonomy", "srl", "workflow"],
            &["step-3 (workflow)", "add hardening before it"],
        ),
        (
            &["srl", "hardening", "workflow"],
            &["step-3", "add autonomy before it"],
        ),
        (
            &["autonomy", "hardening", "workflow"],
            &["step-3", "add srl before it"],
        ),
        (&["workflow", "autonomy", "srl", "hardening"], &["step-1"]),
        (
            &["autonomy", "srl", "workflow", "hardening", "workflow"],
            &["step-3"],
        ),
    ];
    for (kinds, parts) in cases {
        assert_refused(&app, kinds, parts).await;
        assert_refused(&app, kinds, &["LIVE", "writes", "DRY_RUN", "SIMULATION"]).await;
    }
    let (_, answer) = app.get("/mesh/plans").await;
    assert_eq!(answer["plans"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_plan_that_only_reads_needs_no_checks() {
    let app = TestApp::start().await;
    let plan = run(&app, "LIVE", &["ops", "srl"]).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checks_may_come_in_any_order() {
    let app = TestApp::start().await;
    let kinds = ["hardening", "srl", "ops", "autonomy", "workflow"];
    let plan = run(&app, "LIVE", &kinds).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(app.asked("workflow"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_says_what_live_requires() {
    let app = requiring(&[]).await;
    let plan = run(&app, "LIVE", &["workflow"]).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(app.asked("workflow"), 1);

    let app = requiring(&["ops", "srl"]).await;
    assert_refused(&app, &["srl", "workflow"], &["add ops before it"]).await;
    let plan = run(&app, "LIVE", &["srl", "ops", "workflow"]).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");

    let app = requiring(&["compliance"]).await;
    assert_refused(&app, &["autonomy", "workflow"], &["add compliance"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_mode_is_the_operators() {
    for mode in [Mode::DryRun, Mode::Simulation, Mode::Live] {
        let app = TestApp::builder()
            .configure(move |config| config.default_mode = mode)
            .start()
            .await;
        assert_eq!(app.create(&json!({})).await["mode"], mode.as_str());
        assert_eq!(
            app.create(&json!({"mode": null})).await["mode"],
            mode.as_str()
        );
        for named in Mode::NAMES {
            assert_eq!(app.create(&json!({"mode": named})).await["mode"], *named);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_written_in_every_mode() {
    for mode in Mode::NAMES {
        let app = TestApp::start().await;
        let plan = app.run(&app.create(&json!({"mode": mode})).await).await;
        assert_eq!(plan["status"], "DONE", "{plan:#}");
        for record in app.stub("brain").asked(6).await {
            let content = record.json()["content"].as_str().unwrap().to_owned();
            let content: Value = serde_json::from_str(&content).unwrap();
            assert_eq!(content["mode"], *mode);
        }
    }
}

/// A host whose simulation engine is said to be harmless.
fn trusting() -> TestAppBuilder {
    TestApp::builder().configure(|config| config.policy.simulation = SimulatedBy::Engine)
}

/// Creates a plan of these kinds and runs it.
async fn run(app: &TestApp, mode: &str, kinds: &[&str]) -> Value {
    let body = json!({"mode": mode, "steps": steps(kinds)});
    app.run(&app.create(&body).await).await
}

async fn assert_refused(app: &TestApp, kinds: &[&str], parts: &[&str]) {
    let body = json!({
        "sessionId": "s1",
        "domain": "social",
        "goal": GOAL,
        "mode": "LIVE",
        "steps": steps(kinds),
    });
    let (status, answer) = app.post("/mesh/create", &body).await;
    assert_eq!((status, &answer["ok"]), (400, &json!(false)), "{kinds:?}");
    assert_has(answer["error"].as_str().unwrap(), parts);
}

fn steps(kinds: &[&str]) -> Value {
    kinds.iter().map(|kind| json!({"kind": kind})).collect()
}

async fn requiring(kinds: &[&str]) -> TestApp {
    let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    TestApp::builder()
        .configure(|config| config.policy.live_requires = kinds)
        .start()
        .await
}

fn route(config: &mut Config, service: &str, route: &str, effect: Effect) {
    let service = config.services.get_mut(service).unwrap();
    service.routes = BTreeMap::from([(route.to_owned(), effect)]);
}
