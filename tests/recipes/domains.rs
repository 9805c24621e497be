//! `domains`: what writes is made once for each, behind the same checks.

use codex_mesh::config::SimulatedBy;
use serde_json::{Value, json};

use super::{Case, assert_all_bad, each, with};
use crate::support::TestApp;

const THREE: [&str; 3] = ["social", "video", "monetization"];

/// What every step comes after, `null` where it says nothing.
fn after(plan: &Value) -> Vec<Value> {
    let steps = plan["steps"].as_array().unwrap().iter();
    steps.map(|step| step["after"].clone()).collect()
}

/// Steps like these, in a mode that requires nothing.
async fn dry(app: &TestApp, domains: &[&str], steps: Value) -> Value {
    let body = json!({"mode": "DRY_RUN", "domains": domains, "steps": steps});
    app.create(&body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_workflow_is_made_for_each() {
    let app = TestApp::start().await;
    let plan = app.create(&json!({"domains": THREE, "mode": "LIVE"})).await;
    assert_eq!(
        each(&plan, "id"),
        ["step-1", "step-2", "step-3", "step-4", "step-5", "step-6"]
    );
    let labels = [
        "Create workflow (social)",
        "Create workflow (video)",
        "Create workflow (monetization)",
    ];
    assert_eq!(each(&plan, "label")[3..], labels);
    assert_eq!(each(&plan, "domain"), [&["", "", ""], &THREE[..]].concat());
    let behind = json!(["step-3"]);
    let nothing = Value::Null;
    let expected = [&nothing, &nothing, &nothing, &behind, &behind, &behind];
    assert_eq!(after(&plan).iter().collect::<Vec<_>>(), expected);
    let planned = [
        "step-4: workflow /workflow/create",
        "step-5: workflow /workflow/create",
        "step-6: workflow /workflow/create",
    ];
    assert_eq!(
        plan["steps"][1]["payload"]["plannedActions"],
        json!(planned)
    );

    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    let asked = app.stub("workflow").requests();
    let projects: Vec<Value> = asked
        .iter()
        .map(|asked| asked.json()["projectId"].clone())
        .collect();
    assert_eq!(
        projects,
        ["social-project", "video-project", "monetization-project"]
    );
    for check in ["autonomy", "srl", "hardening"] {
        assert_eq!(app.asked(check), 1, "{check}");
    }
    assert_eq!(app.stub("srl").requests()[0].json()["domain"], "social");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_each_and_sends_none() {
    let app = TestApp::start().await;
    let plan = app
        .create(&json!({"domains": THREE, "mode": "DRY_RUN"}))
        .await;
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    for (index, domain) in THREE.iter().enumerate() {
        let would_send = &plan["steps"][3 + index]["result"]["wouldSend"];
        assert_eq!(
            would_send["payload"]["projectId"],
            format!("{domain}-project")
        );
    }
    assert_eq!(app.asked("workflow"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_simulates_each() {
    let builder = TestApp::builder();
    let app = builder
        .configure(|config| config.policy.simulation = SimulatedBy::Engine)
        .start()
        .await;
    let body = json!({"domains": ["ecomm", "video"], "mode": "SIMULATION"});
    let plan = app.create(&body).await;
    assert_eq!(each(&plan, "kind")[3..], ["simulation", "simulation"]);
    assert_eq!(each(&plan, "domain")[3..], ["ecomm", "video"]);
    let label = plan["steps"][3]["label"].as_str().unwrap();
    assert!(
        label.ends_with(" (ecomm)") && !label.contains("workflow"),
        "{label}"
    );
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    let asked = app.stub("simulation").requests();
    let scenarios: Vec<Value> = asked
        .iter()
        .map(|asked| asked.json()["scenario"].clone())
        .collect();
    assert_eq!(scenarios, ["store_only", "content_only"]);
    assert_eq!(app.asked("workflow"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_comes_after_all_of_them() {
    let app = TestApp::start().await;
    let steps = json!([{"kind": "srl"}, {"kind": "workflow"}, {"kind": "ops"}, {"kind": "srl"}]);
    let plan = dry(&app, &["social", "video"], steps).await;
    assert_eq!(
        each(&plan, "kind"),
        ["srl", "workflow", "workflow", "ops", "srl"]
    );
    let both = json!(["step-2", "step-3"]);
    let expected = [
        json!(null),
        json!(["step-1"]),
        json!(["step-1"]),
        both,
        json!(null),
    ];
    assert_eq!(after(&plan), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_follow_one_another_each_wait_for_all_before() {
    let app = TestApp::start().await;
    let steps = json!([{"kind": "workflow"}, {"kind": "workflow"}]);
    let plan = dry(&app, &["social", "video"], steps).await;
    let both = json!(["step-1", "step-2"]);
    assert_eq!(after(&plan), [json!([]), json!([]), both.clone(), both]);
    assert_eq!(app.run(&plan).await["status"], "DONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn named_predecessors_are_named_anew() {
    let app = TestApp::start().await;
    let steps = json!([
        {"kind": "srl"},
        {"kind": "workflow", "after": []},
        {"kind": "ops", "after": ["step-1"]},
        {"kind": "strategy", "after": ["step-3", "step-2"]},
        {"kind": "workflow", "after": ["step-4"], "label": "Once more"},
    ]);
    let plan = dry(&app, &["social", "video"], steps).await;
    let kinds = [
        "srl", "workflow", "workflow", "ops", "strategy", "workflow", "workflow",
    ];
    assert_eq!(each(&plan, "kind"), kinds);
    let strategy = json!(["step-2", "step-3", "step-4"]);
    let last = json!(["step-5"]);
    let expected = [
        json!(null),
        json!([]),
        json!([]),
        json!(["step-1"]),
        strategy,
        last.clone(),
        last,
    ];
    assert_eq!(after(&plan), expected);
    assert_eq!(
        each(&plan, "label")[5..],
        ["Once more (social)", "Once more (video)"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_with_a_domain_of_its_own_is_made_once() {
    let app = with(
        r#"
        [[recipe]]
        name = "two"
        steps = [
            { kind = "workflow", domain = "ecomm" },
            { kind = "workflow" },
        ]
        "#,
    )
    .start()
    .await;
    let body = json!({"recipe": "two", "mode": "DRY_RUN", "domains": ["trends", "video"]});
    let plan = app.create(&body).await;
    assert_eq!(each(&plan, "domain"), ["ecomm", "trends", "video"]);
    assert_eq!(each(&plan, "label")[0], "Create workflow");
    assert_eq!(plan["recipe"], "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_domain_may_be_another_than_the_plans() {
    let app = TestApp::start().await;
    let plan = app
        .create(&json!({"domain": "social", "domains": ["video"]}))
        .await;
    assert_eq!(plan["steps"].as_array().unwrap().len(), 4);
    assert_eq!(plan["steps"][3]["payload"]["projectId"], "video-project");
    assert_eq!(plan["steps"][0]["payload"]["domain"], "social");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_domains_are_400() {
    let app = TestApp::start().await;
    let nine = vec!["social"; 9];
    let most = json!({"mode": "DRY_RUN", "domains": THREE, "steps": vec![json!({"kind": "workflow"}); 17]});
    let cases: [Case; 9] = [
        (
            json!({"domains": "social"}),
            &["domains must be a list of 1 to 8"],
        ),
        (
            json!({"domains": []}),
            &["domains must be a list of 1 to 8"],
        ),
        (
            json!({"domains": nine}),
            &["domains must be a list of 1 to 8"],
        ),
        (
            json!({"domains": ["social", "x"]}),
            &["domains[1]", "social, ecomm, video"],
        ),
        (
            json!({"domains": [1]}),
            &["domains[0]", "social, ecomm, video"],
        ),
        (
            json!({"domains": ["video", "video"]}),
            &["domains names video twice"],
        ),
        (
            json!({"domains": ["video"], "steps": [{"kind": "ops"}]}),
            &[
                "domains",
                "no step of this plan writes",
                "leave domains out",
            ],
        ),
        (most, &["51 steps", "at most 50"]),
        (
            json!({"domains": THREE, "steps": [{"kind": "autonomy"}, {"kind": "workflow"}]}),
            &["step-2 (workflow) writes", "add srl, hardening before it"],
        ),
    ];
    assert_all_bad(&app, &cases).await;
    app.create(&json!({"domains": null})).await;
}
