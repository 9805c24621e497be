//! A step that a person decides against is done without having run.

use serde_json::json;

use super::{decided, entries, failing, refused, run, statuses, told};
use crate::support::{TestApp, assert_has};

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_step_is_skipped_and_the_plan_goes_on() {
    let app = TestApp::builder()
        .service("hardening", failing())
        .start()
        .await;
    let plan = run(&app, &app.create(&json!({})).await).await;
    assert_eq!(statuses(&plan), ["DONE", "DONE", "ERROR", "PENDING"]);
    let error = plan["steps"][2]["error"].clone();
    let fields = json!({"stepId": "step-3", "by": "Ann", "reason": "known fault"});
    let plan = decided(&app, "skip", &plan, &fields).await;
    let step = &plan["steps"][2];
    assert_eq!(step["status"], "DONE");
    assert_eq!(
        step["skipped"],
        json!({"by": "Ann", "reason": "known fault"})
    );
    assert_eq!((step.get("error"), step.get("result")), (None, None));
    let entry = &entries(&app, &plan, "skipped").await[0];
    assert_eq!(
        (&entry["by"], &entry["reason"]),
        (&json!("Ann"), &json!("known fault"))
    );
    let finished = entries(&app, &plan, "finished").await;
    assert!(
        finished.iter().any(|entry| entry["error"] == error),
        "{finished:#?}"
    );
    told(&app, &plan, "step-3 skipped by Ann: known fault").await;
    let plan = run(&app, &plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!((app.asked("hardening"), app.asked("workflow")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_has_not_begun_is_skipped_when_its_turn_comes() {
    let app = TestApp::start().await;
    let plan = app.create(&json!({})).await;
    let fields = json!({"stepId": "step-4", "by": "Ann", "reason": "only look"});
    let plan = decided(&app, "skip", &plan, &fields).await;
    let plan = app.run(&plan).await;
    assert_eq!(statuses(&plan), ["DONE"; 4]);
    assert_eq!(plan["status"], "DONE");
    assert_eq!(app.asked("workflow"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_or_under_way_is_not_skipped() {
    let app = TestApp::start().await;
    let plan = app.step(&app.create(&json!({})).await).await;
    let fields = |step: &str| json!({"stepId": step, "by": "Ann", "reason": "r"});
    let error = refused(&app, "skip", &plan, &fields("step-1")).await;
    assert_has(&error, &["step-1 is done", "pending or failed"]);
    app.stub("srl").hold();
    decided(&app, "run", &plan, &json!({})).await;
    app.stub("srl").asked(1).await;
    let error = refused(&app, "skip", &plan, &fields("step-2")).await;
    assert_has(&error, &["step-2 is running"]);
    app.stub("srl").release();
    app.settled(&plan).await;
}
