//! A write waits for the approvals before it; what is approved and by whom is on record.

use codex_mesh::plan::ApprovalMode;
use serde_json::{Value, json};

use super::{approve, decide, decided, entries, refused, run, statuses, told, wants_approval};
use crate::support::{Reply, TestApp, assert_has, recorded};

async fn cautious() -> TestApp {
    TestApp::builder()
        .service("srl", wants_approval())
        .start()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_go_on_and_the_write_waits_and_says_for_whom() {
    let app = cautious().await;
    let mut plan = app.create(&json!({})).await;
    for _ in 0..3 {
        plan = app.step(&plan).await;
    }
    assert_eq!(statuses(&plan), ["DONE", "DONE", "DONE", "PENDING"]);
    assert_eq!(plan["steps"][1]["approval"]["required"], true);
    assert_eq!(plan["status"], "WAITING");
    let waiting = &plan["waiting"][0];
    assert_eq!(waiting["step"], "step-4");
    assert_eq!(waiting["for"], "approval");
    assert_eq!(waiting["approve"], json!(["step-2"]));
    assert_has(
        waiting["reason"].as_str().unwrap(),
        &["step-4", "approve step-2"],
    );

    let (status, answer) = app.try_step(&plan).await;
    assert_eq!(status, 409);
    assert_has(
        answer["error"].as_str().unwrap(),
        &["waits", "step-4", "approve step-2"],
    );
    assert_eq!(app.asked("workflow"), 0);
    let (_, answer) = app.get("/mesh/plans?status=WAITING").await;
    assert_eq!(answer["plans"][0]["id"], plan["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_on_record_and_the_write_is_sent() {
    let app = cautious().await;
    let plan = run(&app, &app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "WAITING", "{plan:#}");
    let digest = &plan["waiting"][0]["digest"];
    let fields = json!({
        "stepId": "step-2", "approvedBy": "Ann", "note": "looked at it",
        "reviewed": {"step-4": digest},
    });
    let plan = decided(&app, "approve", &plan, &fields).await;
    let grant = &plan["steps"][1]["approval"]["grant"];
    assert_eq!(
        (&grant["approvedBy"], &grant["note"]),
        (&json!("Ann"), &json!("looked at it"))
    );
    assert_eq!(grant["writes"], json!({"step-4": digest}));
    assert_eq!(
        (&plan["status"], plan.get("waiting")),
        (&json!("RUNNING"), None)
    );
    let entry = &entries(&app, &plan, "approved").await[0];
    assert_eq!(
        (&entry["by"], &entry["step"]),
        (&json!("Ann"), &json!("step-2"))
    );
    assert_eq!(entry["writes"], json!({"step-4": digest}));
    assert_eq!(
        (&entry["reason"], &entry["at"]),
        (&json!("looked at it"), &grant["approvedAt"])
    );
    told(&app, &plan, "step-2 approved by Ann at").await;

    let plan = app.step(&plan).await;
    assert_eq!(plan["status"], "DONE");
    assert_eq!(app.asked("workflow"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_outlives_the_host() {
    let app = cautious().await;
    let plan = run(&app, &app.create(&json!({})).await).await;
    let approved = approve(&app, &plan, "step-2").await;
    let data = app.stop().await;
    let app = TestApp::builder().data(data).start().await;
    assert_eq!(app.plan(&plan).await, approved);
    assert_eq!(app.step(&plan).await["status"], "DONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_approval_before_a_write_counts() {
    let builder = TestApp::builder().service("srl", wants_approval());
    let slow = json!({
        "ok": true, "allowExecution": true, "requireApproval": true, "issues": [], "summary": "slow",
    });
    let app = builder
        .service("hardening", Reply::json(200, &slow))
        .start()
        .await;
    let plan = run(&app, &app.create(&json!({})).await).await;
    assert_eq!(
        plan["waiting"][0]["approve"],
        json!(["step-2", "step-3"]),
        "{plan:#}"
    );
    let plan = approve(&app, &plan, "step-3").await;
    assert_eq!(plan["waiting"][0]["approve"], json!(["step-2"]));
    assert_has(
        &refused(&app, "run", &plan, &json!({})).await,
        &["approve step-2"],
    );
    let plan = approve(&app, &plan, "step-2").await;
    assert_eq!(run(&app, &plan).await["status"], "DONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_stops_the_plan_until_somebody_goes_back() {
    let app = cautious().await;
    let plan = run(&app, &app.create(&json!({})).await).await;
    let fields = json!({"stepId": "step-2", "rejectedBy": "Bob", "reason": "not this week"});
    let plan = decided(&app, "reject", &plan, &fields).await;
    assert_eq!(plan["status"], "ERROR");
    assert_eq!(plan["steps"][1]["error"], "rejected by Bob: not this week");
    let entry = &entries(&app, &plan, "rejected").await[0];
    assert_eq!(
        (&entry["by"], &entry["reason"]),
        (&json!("Bob"), &json!("not this week"))
    );
    told(&app, &plan, "step-2 rejected by Bob at").await;
    let (status, answer) = app.try_step(&plan).await;
    assert_eq!(status, 409);
    assert_has(
        answer["error"].as_str().unwrap(),
        &["step-2", "rejected by Bob", "retry"],
    );
    let fields = json!({"stepId": "step-2", "approvedBy": "Ann"});
    assert_has(
        &refused(&app, "approve", &plan, &fields).await,
        &["step-2", "rejected by Bob", "retry it"],
    );

    app.stub("srl").answer(recorded(
        "srl-check-dependencies-stubbed.json",
        "all_healthy_no_findings",
    ));
    let plan = decided(&app, "retry", &plan, &json!({})).await;
    assert_eq!(statuses(&plan), ["DONE", "PENDING", "PENDING", "PENDING"]);
    assert_eq!(run(&app, &plan).await["status"], "DONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_step_does_not_approve_itself() {
    let app = cautious().await;
    let plan = run(&app, &app.create(&json!({})).await).await;
    let fields = json!({"stepId": "step-2", "rejectedBy": "Bob", "reason": "no"});
    let plan = decided(&app, "reject", &plan, &fields).await;
    let fields = json!({"stepId": "step-2", "by": "Eve", "reason": "yes"});
    let plan = decided(&app, "skip", &plan, &fields).await;
    assert_eq!(plan["status"], "WAITING", "{plan:#}");
    assert_has(
        &refused(&app, "run", &plan, &json!({})).await,
        &["approve step-2"],
    );
    assert_eq!(app.asked("workflow"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_of_live_and_when_only_advised_approvals_are_shown() {
    let app = cautious().await;
    for mode in ["DRY_RUN", "SIMULATION"] {
        let plan = app.run(&app.create(&json!({"mode": mode})).await).await;
        assert_eq!(plan["status"], "DONE", "{plan:#}");
        assert_eq!(plan["steps"][1]["approval"]["required"], true);
    }
    assert_eq!(app.asked("workflow"), 0);
    let builder = TestApp::builder().service("srl", wants_approval());
    let advised = builder.configure(|config| config.approval.mode = ApprovalMode::Advise);
    let app = advised.start().await;
    let plan = app.run(&app.create(&json!({})).await).await;
    assert_eq!(
        (&plan["status"], &plan["approvals"]),
        (&json!("DONE"), &json!("advise"))
    );
    assert_eq!(plan["steps"][1]["approval"]["required"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_nothing_to_approve_where_nobody_asked() {
    let app = cautious().await;
    let plan = app.step(&app.create(&json!({})).await).await;
    for (step, parts) in [
        ("step-1", ["step-1", "no approval"]),
        ("step-2", ["step-2", "no"]),
    ] {
        let fields = json!({"stepId": step, "approvedBy": "Ann"});
        assert_has(&refused(&app, "approve", &plan, &fields).await, &parts);
        let fields = json!({"stepId": step, "rejectedBy": "Ann", "reason": "no"});
        assert_has(&refused(&app, "reject", &plan, &fields).await, &parts);
    }
    let plan = run(&app, &plan).await;
    approve(&app, &plan, "step-2").await;
    let fields = json!({"stepId": "step-2", "approvedBy": "Bob"});
    assert_has(
        &refused(&app, "approve", &plan, &fields).await,
        &["approved by Ann"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_says_which_field_is_wrong() {
    let app = cautious().await;
    let plan = app.create(&json!({})).await;
    let long = "x".repeat(2_001);
    for (what, fields, parts) in [
        (
            "approve",
            json!({"approvedBy": "Ann"}),
            ["stepId", "required"],
        ),
        (
            "approve",
            json!({"stepId": "step-1"}),
            ["approvedBy", "required"],
        ),
        (
            "approve",
            json!({"stepId": "step-1", "approvedBy": " "}),
            ["approvedBy", "empty"],
        ),
        (
            "approve",
            json!({"stepId": "step-1", "approvedBy": "Ann", "note": long}),
            ["note", "2000"],
        ),
        (
            "approve",
            json!({"stepId": "step-1", "approvedBy": "A", "reviewed": []}),
            ["reviewed", "object"],
        ),
        (
            "reject",
            json!({"stepId": "step-1", "rejectedBy": "Ann"}),
            ["reason", "required"],
        ),
        (
            "skip",
            json!({"stepId": "step-1", "by": "Ann"}),
            ["reason", "required"],
        ),
        (
            "skip",
            json!({"stepId": 1, "by": "Ann", "reason": "r"}),
            ["stepId", "text"],
        ),
        ("cancel", json!({"by": "Ann"}), ["reason", "required"]),
        (
            "retry",
            json!({"repeatWrite": true}),
            ["repeatWrite is not known", "repeatWrites"],
        ),
        (
            "approve",
            json!({"stepId": "step-1", "approvedBy": "\u{200b}"}),
            ["approvedBy", "letter"],
        ),
        (
            "approve",
            json!({"stepId": "step-1", "approvedBy": "Ann\u{2060}"}),
            ["approvedBy", "formatting"],
        ),
        (
            "skip",
            json!({"stepId": "step-1", "by": "Ann", "reason": "r\u{e0041}"}),
            ["reason", "formatting"],
        ),
        (
            "cancel",
            json!({"by": "Ann\u{1b}[31m", "reason": "r"}),
            ["by", "control"],
        ),
        (
            "cancel",
            json!({"by": "Ann", "reason": "a\u{0}b"}),
            ["reason", "control"],
        ),
        (
            "retry",
            json!({"repeatWrites": "yes"}),
            ["repeatWrites", "true or false"],
        ),
        ("run", json!({"wait": 1}), ["wait", "true or false"]),
        ("run", json!({"timeoutMs": 0}), ["timeoutMs", "1 to 600000"]),
    ] {
        let (status, answer) = decide(&app, what, &plan, &fields).await;
        assert_eq!(status, 400, "{what} {fields}: {answer}");
        assert_has(answer["error"].as_str().unwrap(), &parts);
    }
    for what in ["approve", "reject", "skip", "cancel", "retry", "run"] {
        let fields = fields_of(what, "step-1", "nowhere");
        let (status, answer) = app.post(&format!("/mesh/{what}"), &fields).await;
        assert_eq!(
            (status, &answer["error"]),
            (404, &json!("Plan not found")),
            "{what}"
        );
        if what != "run" && what != "cancel" {
            let mut fields = fields_of(what, "step-9", "");
            fields.as_object_mut().unwrap().remove("planId");
            let (status, answer) = decide(&app, what, &plan, &fields).await;
            assert_eq!(status, 404, "{what}: {answer}");
            assert_has(answer["error"].as_str().unwrap(), &["no step", "step-9"]);
        }
    }
}

/// What this decision takes.
fn fields_of(what: &str, step: &str, plan: &str) -> Value {
    let mut fields = json!({"planId": plan});
    let more = match what {
        "approve" => json!({"stepId": step, "approvedBy": "A"}),
        // A picture in colour is no trick.
        "reject" => json!({"stepId": step, "rejectedBy": "A", "reason": "r \u{2764}\u{fe0f}"}),
        "skip" => json!({"stepId": step, "by": "A", "reason": "r"}),
        "retry" => json!({"stepId": step}),
        "cancel" => json!({"by": "A", "reason": "r"}),
        _ => json!({}),
    };
    let more = more.as_object().unwrap().clone();
    fields.as_object_mut().unwrap().extend(more);
    fields
}
