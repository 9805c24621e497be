//! An approval belongs to what was reviewed: another payload is not sent under it.

use codex_mesh::plan::Effect;
use serde_json::{Value, json};

use super::{approve, decide, entries, run, statuses};
use crate::support::{TestApp, assert_has, guest, recorded, start_with};

/// A host whose `follower` writes what hardening found before it, and a plan whose autonomy asks
/// for an approval.
async fn start() -> (TestApp, Value) {
    let asks = recorded("autonomy-evaluate.json", "low_confidence_approval");
    let builder = TestApp::builder()
        .service("autonomy", asks)
        .grant("follower", "srl", &["reads", "POST /srl/follow"])
        .grant_headers("follower", "srl", &["x-found"])
        .configure(|config| {
            config.policy.live_requires = vec!["autonomy".to_owned()];
            let srl = config.services.get_mut("srl").unwrap();
            srl.routes
                .insert("POST /srl/follow".to_owned(), Effect::Write);
        });
    let app = start_with(builder, [("follower.wasm", guest("follower"))]).await;
    let steps = ["autonomy", "hardening", "follower"].map(|kind| json!({"kind": kind}));
    let plan = app.create(&json!({"steps": steps})).await;
    assert_eq!(plan["steps"][2]["payload"], json!({"found": null}));
    (app, plan)
}

/// What the write was sent with, each time.
fn sent(app: &TestApp) -> Vec<Value> {
    app.stub("srl")
        .requests()
        .iter()
        .map(|request| request.json())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_changed_after_the_approval_waits_for_another() {
    let (app, plan) = start().await;
    let plan = approve(&app, &app.step(&plan).await, "step-1").await;
    let plan = run(&app, &plan).await;
    assert_eq!(plan["status"], "WAITING", "{plan:#}");
    assert_eq!(statuses(&plan), ["DONE", "DONE", "PENDING"]);
    assert_eq!(app.asked("srl"), 0);
    let shown = plan["steps"][2]["payload"].clone();
    assert!(shown["found"].is_string(), "{shown}");
    let reason = plan["waiting"][0]["reason"].as_str().unwrap();
    assert_has(
        reason,
        &["step-3", "not what was approved at step-1", "again"],
    );
    assert_eq!(entries(&app, &plan, "held").await.len(), 1);
    let (status, answer) = app.try_step(&plan).await;
    assert_eq!(status, 409, "{answer}");
    assert_has(
        answer["error"].as_str().unwrap(),
        &["waits", "step-3", "not what was approved"],
    );

    let plan = run(&app, &approve(&app, &plan, "step-1").await).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(sent(&app), [shown]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_whose_step_it_was_is_told() {
    let (app, plan) = start().await;
    let plan = approve(&app, &app.step(&plan).await, "step-1").await;
    let plan = app.step(&plan).await;
    assert_eq!(plan["status"], "RUNNING");
    let (status, answer) = app.try_step(&plan).await;
    assert_eq!(status, 409, "{answer}");
    assert_has(
        answer["error"].as_str().unwrap(),
        &["waits", "step-3", "not what was approved"],
    );
    assert_eq!(app.plan(&plan).await["status"], "WAITING");
    assert_eq!(app.asked("srl"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_did_not_see_the_change_does_not_approve_it() {
    let (app, plan) = start().await;
    let plan = approve(&app, &app.step(&plan).await, "step-1").await;
    let seen = plan["steps"][0]["approval"]["grant"]["writes"].clone();
    let plan = run(&app, &plan).await;
    let fields = json!({"stepId": "step-1", "approvedBy": "Ann", "reviewed": seen});
    let (status, answer) = decide(&app, "approve", &plan, &fields).await;
    assert_eq!(status, 409);
    assert_has(
        answer["error"].as_str().unwrap(),
        &["step-3", "look at the plan again"],
    );
    assert_eq!(app.plan(&plan).await, plan);
}

/// What a header says is a part of what was approved.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_which_a_header_changed_waits_as_well() {
    let (app, plan) = start().await;
    let kinds = plan["steps"].as_array().unwrap().iter();
    let steps: Vec<Value> = kinds.map(|step| json!({"kind": step["kind"]})).collect();
    let body = json!({"goal": "say it in a header", "steps": steps});
    let plan = app.create(&body).await;
    assert_eq!(plan["steps"][2]["headers"], json!({"x-found": "no"}));
    let plan = approve(&app, &app.step(&plan).await, "step-1").await;
    let plan = run(&app, &plan).await;
    assert_eq!(plan["status"], "WAITING", "{plan:#}");
    assert_eq!(plan["steps"][2]["headers"], json!({"x-found": "yes"}));
    assert_eq!(app.asked("srl"), 0);
    let plan = run(&app, &approve(&app, &plan, "step-1").await).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    let request = app.stub("srl").requests().remove(0);
    assert_eq!(
        (&request.headers["x-found"], request.json()),
        (&"yes".parse().unwrap(), json!({}))
    );
}

/// Nobody has to approve twice: what waits is shown with all that is known by then.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_shown_as_it_would_be_sent_now() {
    let (app, plan) = start().await;
    for by_hand in [false, true] {
        let plan = if by_hand {
            let plan = app
                .create(&json!({"steps": plan["steps"].as_array().unwrap().iter()
                .map(|step| json!({"kind": step["kind"]})).collect::<Vec<_>>()}))
                .await;
            app.step(&app.step(&plan).await).await
        } else {
            run(&app, &plan).await
        };
        assert_eq!(plan["status"], "WAITING", "{plan:#}");
        let shown = plan["steps"][2]["payload"].clone();
        assert!(shown["found"].is_string(), "{shown}");
        let plan = run(&app, &approve(&app, &plan, "step-1").await).await;
        assert_eq!(plan["status"], "DONE", "{plan:#}");
        assert_eq!(sent(&app).last(), Some(&shown));
    }
}
