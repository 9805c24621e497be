//! `POST /mesh/step`: one step after the other, whoever asks and however they go away.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Reply, TestApp, assert_has, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_runs_step_by_step_to_its_end() {
    let app = TestApp::start().await;
    let mut plan = app.create(&json!({})).await;
    let services = ["autonomy", "srl", "hardening", "workflow"];
    for (index, service) in services.iter().enumerate() {
        let before = plan;
        plan = app.step(&before).await;
        let expected = if index == 3 { "DONE" } else { "RUNNING" };
        assert_eq!(plan["status"], expected);
        for (other, step) in plan["steps"].as_array().unwrap().iter().enumerate() {
            if other != index {
                // Autonomy's answer changes what is planned only once a step is about to run.
                assert_eq!(step, &before["steps"][other], "{step}");
            }
        }
        let (step, sent) = (&plan["steps"][index], app.stub(service).requests());
        assert_eq!(sent.len(), 1, "{service}");
        assert_eq!(sent[0].json(), step["payload"]);
        assert_eq!(sent[0].path, step["endpoint"].as_str().unwrap());
        assert_eq!(sent[0].method, "POST");
        assert_done(step);
        assert_eq!(app.plan(&plan).await, plan);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_the_services_answer() {
    let app = TestApp::start().await;
    let answer = json!({"action": "allow", "n": 1.5, "extra": ["ü", null]});
    app.stub("autonomy").answer(Reply::json(200, &answer));
    let plan = app.step(&app.create(&json!({})).await).await;
    assert_eq!(plan["steps"][0]["result"], answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_under_way_is_in_progress() {
    let app = Arc::new(TestApp::start().await);
    let plan = app.create(&json!({})).await;
    app.stub("autonomy").hold();
    let running = in_background(&app, &plan);
    app.stub("autonomy").asked(1).await;

    let seen = app.plan(&plan).await;
    assert_eq!(seen["status"], "RUNNING");
    let step = &seen["steps"][0];
    assert_eq!(step["status"], "IN_PROGRESS");
    assert!(step["startedAt"].is_string(), "{step}");
    for field in ["finishedAt", "result", "error"] {
        assert_eq!(step.get(field), None, "{field}");
    }

    app.stub("autonomy").release();
    let (status, answer) = within(running).await.unwrap();
    assert_eq!(status, 200);
    assert_done(&answer["plan"]["steps"][0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_plan_is_answered_unchanged() {
    let app = TestApp::start().await;
    let plan = app.run(&app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "DONE");
    for _ in 0..2 {
        let (status, answer) = app.try_step(&plan).await;
        assert_eq!(status, 200);
        assert_eq!(answer, json!({"ok": true, "plan": plan}));
    }
    assert_eq!(app.asked("workflow"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_step_stops_the_plan() {
    let app = TestApp::builder().without("srl").start().await;
    let plan = app.step(&app.create(&json!({})).await).await;
    let (status, answer) = app.try_step(&plan).await;
    assert_eq!((status, &answer["ok"]), (200, &json!(true)));
    let stopped = &answer["plan"];
    assert_eq!(stopped["status"], "ERROR");
    let step = &stopped["steps"][1];
    assert_eq!(step["status"], "ERROR");
    assert_has(step["error"].as_str().unwrap(), &["srl", "is it running"]);
    assert!(step["finishedAt"].is_string(), "{step}");
    assert_eq!(step.get("result"), None);
    for later in [2, 3] {
        assert_eq!(stopped["steps"][later]["status"], "PENDING");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_plan_is_409_and_stays_as_it_is() {
    let app = TestApp::builder().without("srl").start().await;
    let stopped = app.run(&app.create(&json!({})).await).await;
    for _ in 0..2 {
        let (status, answer) = app.try_step(&stopped).await;
        assert_eq!((status, &answer["ok"]), (409, &json!(false)));
        assert_has(answer["error"].as_str().unwrap(), &["stopped", "step-2"]);
    }
    assert_eq!(app.plan(&stopped).await, stopped);
    assert_eq!(app.asked("autonomy"), 1);
    for later in ["hardening", "workflow"] {
        assert_eq!(app.asked(later), 0, "{later}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_steps_one_runs() {
    let app = Arc::new(TestApp::start().await);
    let plan = app.create(&json!({})).await;
    app.stub("autonomy").hold();
    let mut steps = JoinSet::new();
    for _ in 0..8 {
        let (app, plan) = (Arc::clone(&app), plan.clone());
        steps.spawn(async move { app.try_step(&plan).await });
    }
    for _ in 0..7 {
        let (status, answer) = within(steps.join_next()).await.unwrap().unwrap();
        assert_eq!((status, &answer["ok"]), (409, &json!(false)), "{answer}");
        assert_has(answer["error"].as_str().unwrap(), &["step-1", "running"]);
    }
    app.stub("autonomy").release();
    let (status, answer) = within(steps.join_next()).await.unwrap().unwrap();
    assert_eq!(status, 200);
    assert_done(&answer["plan"]["steps"][0]);
    assert_eq!(answer["plan"]["steps"][1]["status"], "PENDING");
    assert_eq!((app.asked("autonomy"), app.asked("srl")), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_under_way_is_not_in_anothers_way() {
    let app = Arc::new(TestApp::start().await);
    let held = app.create(&json!({})).await;
    app.stub("autonomy").hold();
    let running = in_background(&app, &held);
    app.stub("autonomy").asked(1).await;
    let other = app.create(&json!({"steps": [{"kind": "ops"}]})).await;
    assert_eq!(app.run(&other).await["status"], "DONE");
    app.stub("autonomy").release();
    assert_eq!(within(running).await.unwrap().0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_hangs_up_does_not_cancel_the_step() {
    let app = Arc::new(TestApp::start().await);
    let plan = app.create(&json!({})).await;
    app.stub("autonomy").hold();
    let caller = in_background(&app, &plan);
    app.stub("autonomy").asked(1).await;
    caller.abort();
    assert!(within(caller).await.unwrap_err().is_cancelled());

    // The host answers others meanwhile, and so has seen the connection close.
    let (status, _) = app.try_step(&plan).await;
    assert_eq!(status, 409);
    assert_eq!(app.plan(&plan).await["steps"][0]["status"], "IN_PROGRESS");

    app.stub("autonomy").release();
    let settled = app.settled(&plan).await;
    assert_done(&settled["steps"][0]);
    assert_eq!(app.run(&settled).await["status"], "DONE");
    assert_eq!(app.asked("autonomy"), 1);
}

fn in_background(app: &Arc<TestApp>, plan: &Value) -> tokio::task::JoinHandle<(u16, Value)> {
    let (app, plan) = (Arc::clone(app), plan.clone());
    tokio::spawn(async move { app.try_step(&plan).await })
}

#[track_caller]
fn assert_done(step: &Value) {
    assert_eq!(step["status"], "DONE", "{step}");
    assert_eq!(step.get("error"), None, "{step}");
    assert!(step["result"].is_object(), "{step}");
    assert!(step["startedAt"].is_string(), "{step}");
    assert!(step["finishedAt"].is_string(), "{step}");
}
