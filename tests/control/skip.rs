//! A step that a person decides against is done without having run.

use serde_json::json;

use super::{approve, decided, entries, failing, refused, run, statuses, told};
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
    told(&app, &plan, "step-3 skipped by Ann at").await;

    // It was a check that a LIVE plan must have: what writes after it waits for a person.
    assert_eq!(plan["status"], "WAITING", "{plan:#}");
    assert_eq!(plan["waiting"][0]["approve"], json!(["step-3"]));
    let reason = plan["steps"][2]["approval"]["reason"].as_str().unwrap();
    assert_has(reason, &["Ann skipped it", "known fault"]);
    let plan = run(&app, &approve(&app, &plan, "step-3").await).await;
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

/// However hard the no was: nobody is asked, and nothing is written.
#[tokio::test(flavor = "multi_thread")]
async fn the_checks_of_a_live_plan_can_not_be_skipped_away() {
    let app = TestApp::start().await;
    let mut plan = app.create(&json!({})).await;
    for step in ["step-1", "step-2", "step-3"] {
        let fields = json!({"stepId": step, "by": "Eve", "reason": "no time"});
        plan = decided(&app, "skip", &plan, &fields).await;
    }
    assert_eq!(plan["status"], "WAITING", "{plan:#}");
    assert_eq!(
        plan["waiting"][0]["approve"],
        json!(["step-1", "step-2", "step-3"])
    );
    assert_has(
        &refused(&app, "run", &plan, &json!({})).await,
        &["approve step-1"],
    );
    assert_eq!(app.asked("workflow"), 0);

    let plan = app.create(&json!({"mode": "DRY_RUN"})).await;
    let fields = json!({"stepId": "step-1", "by": "Eve", "reason": "no time"});
    let plan = decided(&app, "skip", &plan, &fields).await;
    assert_eq!(run(&app, &plan).await["status"], "DONE");
}
