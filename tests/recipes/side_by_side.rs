//! Under `/mesh/run`, what does not depend on each other runs side by side, and a failure stops
//! what depends on it and nothing else.

use serde_json::{Value, json};

use super::{driven, each};
use crate::support::{Reply, Request, TestApp, friendly};

const THREE: [&str; 3] = ["social", "video", "monetization"];

fn friendly_workflow() -> Reply {
    let [_, _, _, (name, reply), ..] = friendly();
    assert_eq!(name, "workflow");
    reply
}

/// The projects that a workflow was asked for, in order of their names.
fn projects(asked: &[Request]) -> Vec<String> {
    let of = |asked: &Request| asked.json()["projectId"].as_str().unwrap().to_owned();
    let mut projects: Vec<String> = asked.iter().map(of).collect();
    projects.sort();
    projects
}

fn statuses(plan: &Value) -> Vec<&str> {
    each(plan, "status")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writes_of_all_domains_are_under_way_at_once() {
    let app = TestApp::start().await;
    let workflow = app.stub("workflow");
    workflow.hold();
    let plan = app.create(&json!({"domains": THREE})).await;
    let (status, _) = app.post("/mesh/run", &json!({"planId": plan["id"]})).await;
    assert_eq!(status, 200);
    // None of them is answered, so all three are in flight.
    let asked = workflow.asked(3).await;
    let expected = ["monetization-project", "social-project", "video-project"];
    assert_eq!(projects(&asked), expected);
    let held = app.plan(&plan).await;
    assert_eq!(statuses(&held), [["DONE"; 3], ["IN_PROGRESS"; 3]].concat());
    workflow.release();
    let plan = driven(&app, &plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(app.asked("workflow"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_of_the_clients_own_run_side_by_side_and_in_order_by_default() {
    let app = TestApp::start().await;
    let [ops, strategy] = ["ops", "strategy"].map(|name| app.stub(name));
    ops.hold();
    strategy.hold();
    let steps = json!([
        {"kind": "ops"},
        {"kind": "strategy", "after": []},
        {"kind": "srl"},
        {"kind": "hardening", "after": ["step-1", "step-2"]},
    ]);
    let plan = app.create(&json!({"steps": steps})).await;
    app.post("/mesh/run", &json!({"planId": plan["id"]})).await;
    ops.asked(1).await;
    strategy.asked(1).await;
    assert_eq!((app.asked("srl"), app.asked("hardening")), (0, 0));
    strategy.release();
    // In order by default: after the one before it, and not after the first.
    app.stub("srl").asked(1).await;
    assert_eq!(
        app.asked("hardening"),
        0,
        "one of the two is still under way"
    );
    ops.release();
    assert_eq!(driven(&app, &plan).await["status"], "DONE");
    assert_eq!(app.asked("hardening"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_stops_what_depends_on_it_and_nothing_else() {
    let app = TestApp::start().await;
    let refusing = |asked: &Request| {
        if asked.body.contains("video-project") {
            Reply::json(500, &json!({"ok": false, "error": "no camera"}))
        } else {
            friendly_workflow()
        }
    };
    app.stub("workflow").answer_with(refusing);
    // What follows the workflow of one domain, and what follows that of all.
    let steps = json!([
        {"kind": "autonomy"},
        {"kind": "srl"},
        {"kind": "hardening"},
        {"kind": "workflow", "domain": "social"},
        {"kind": "workflow", "domain": "video", "after": ["step-3"]},
        {"kind": "ops", "after": ["step-4"]},
        {"kind": "strategy", "after": ["step-5"]},
        {"kind": "ops", "after": ["step-6", "step-7"]},
    ]);
    let plan = app.create(&json!({"steps": steps})).await;
    let plan = driven(&app, &plan).await;
    assert_eq!(plan["status"], "ERROR", "{plan:#}");
    let stopped = [
        "DONE", "DONE", "DONE", "DONE", "ERROR", "DONE", "PENDING", "PENDING",
    ];
    assert_eq!(statuses(&plan), stopped);
    assert!(
        plan["steps"][4]["error"]
            .as_str()
            .unwrap()
            .contains("no camera")
    );

    app.stub("workflow").answer(friendly_workflow());
    let retry = json!({"planId": plan["id"], "stepId": "step-5", "repeatWrites": true});
    let (status, answer) = app.post("/mesh/retry", &retry).await;
    assert_eq!(status, 200, "{answer}");
    let plan = driven(&app, &plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    // Only the failed one, and what came after it.
    let projects = projects(&app.stub("workflow").requests());
    assert_eq!(
        projects,
        ["social-project", "video-project", "video-project"]
    );
    assert_eq!((app.asked("ops"), app.asked("strategy")), (2, 1));
    for check in ["autonomy", "srl", "hardening"] {
        assert_eq!(app.asked(check), 1, "{check}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_domain_that_fails_leaves_the_others_done() {
    let app = TestApp::start().await;
    let refusing = |asked: &Request| {
        if asked.body.contains("social-project") {
            Reply::json(400, &json!({"ok": false, "error": "not today"}))
        } else {
            friendly_workflow()
        }
    };
    app.stub("workflow").answer_with(refusing);
    let plan = app.create(&json!({"domains": THREE})).await;
    let plan = driven(&app, &plan).await;
    assert_eq!(plan["status"], "ERROR", "{plan:#}");
    assert_eq!(statuses(&plan)[3..], ["ERROR", "DONE", "DONE"]);

    app.stub("workflow").answer(friendly_workflow());
    let retry = json!({"planId": plan["id"], "repeatWrites": true});
    let (status, answer) = app.post("/mesh/retry", &retry).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(statuses(&answer["plan"])[3..], ["PENDING", "DONE", "DONE"]);
    let plan = driven(&app, &plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(app.asked("workflow"), 4);
}

/// One step a call as ever: the next that may begin, a failed branch or not.
#[tokio::test(flavor = "multi_thread")]
async fn step_by_step_the_other_branches_go_on_too() {
    let app = TestApp::start().await;
    app.stub("ops")
        .answer(Reply::json(500, &json!({"ok": false, "error": "down"})));
    let steps = json!([
        {"kind": "ops"},
        {"kind": "srl"},
        {"kind": "strategy", "after": []},
    ]);
    let plan = app.create(&json!({"steps": steps})).await;
    let plan = app.step(&plan).await;
    assert_eq!(plan["status"], "RUNNING", "{plan:#}");
    let plan = app.step(&plan).await;
    assert_eq!(plan["status"], "ERROR", "{plan:#}");
    assert_eq!(statuses(&plan), ["ERROR", "PENDING", "DONE"]);
    assert_eq!(app.try_step(&plan).await.0, 409);
    assert_eq!(app.asked("srl"), 0);
}
