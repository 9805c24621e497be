//! A cancelled plan is over for good.

use serde_json::{Value, json};

use super::{decide, decided, entries, refused, told};
use crate::support::{TestApp, assert_has};

fn reason() -> Value {
    json!({"by": "Ann", "reason": "no budget"})
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_happens_to_a_cancelled_plan_any_more() {
    let app = TestApp::start().await;
    let plan = app.step(&app.create(&json!({})).await).await;
    let plan = decided(&app, "cancel", &plan, &reason()).await;
    assert_eq!(plan["status"], "CANCELLED");
    let cancelled = &plan["cancelled"];
    assert_eq!(
        (&cancelled["by"], &cancelled["reason"]),
        (&json!("Ann"), &json!("no budget"))
    );
    let entry = &entries(&app, &plan, "cancelled").await[0];
    assert_eq!(
        (&entry["by"], &entry["at"]),
        (&json!("Ann"), &cancelled["at"])
    );
    told(&app, &plan, "cancelled by Ann at").await;

    let (status, answer) = app.try_step(&plan).await;
    assert_eq!(status, 409, "{answer}");
    for (what, fields) in [
        ("run", json!({})),
        ("approve", json!({"stepId": "step-1", "approvedBy": "A"})),
        (
            "reject",
            json!({"stepId": "step-1", "rejectedBy": "A", "reason": "r"}),
        ),
        ("retry", json!({"stepId": "step-1"})),
        (
            "skip",
            json!({"stepId": "step-1", "by": "A", "reason": "r"}),
        ),
        ("cancel", json!({"by": "A", "reason": "r"})),
    ] {
        let error = refused(&app, what, &plan, &fields).await;
        assert_has(&error, &["cancelled by Ann", "no budget"]);
    }
    let (_, answer) = app.get("/mesh/plans?status=CANCELLED").await;
    assert_eq!(answer["plans"][0]["id"], plan["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_ends_and_nothing_begins() {
    let app = TestApp::start().await;
    app.stub("srl").hold();
    let plan = app.create(&json!({})).await;
    let (status, answer) = decide(&app, "run", &plan, &json!({})).await;
    assert_eq!(status, 200, "{answer}");
    app.stub("srl").asked(1).await;
    let plan = decided(&app, "cancel", &plan, &reason()).await;
    assert_eq!(plan["steps"][1]["status"], "IN_PROGRESS");
    app.stub("srl").release();
    let plan = app.settled(&plan).await;
    assert_eq!(plan["steps"][1]["status"], "DONE");
    assert_eq!(
        (&plan["status"], plan.get("run")),
        (&json!("CANCELLED"), None)
    );
    let idle = app
        .status_when(|status| status["runs"]["running"] == 0)
        .await;
    assert_eq!(idle["steps"]["running"], 0);
    assert_eq!((app.asked("hardening"), app.asked("workflow")), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_plan_is_not_cancelled() {
    let app = TestApp::start().await;
    let plan = app.run(&app.create(&json!({})).await).await;
    assert_has(
        &refused(&app, "cancel", &plan, &reason()).await,
        &["finished"],
    );
}
