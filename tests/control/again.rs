//! One approval is one write: a step that writes again is held and shown, whether or not its first
//! write needed an approval.

use codex_mesh::plan::ApprovalMode;
use serde_json::{Value, json};

use super::{approve, decide, decided, entries, refused, run, statuses};
use crate::support::{
    Reply, Request, TestApp, TestAppBuilder, assert_has, guest, recorded, start_with,
};

/// A host whose `payer` may pay, after autonomy.
async fn start(builder: TestAppBuilder) -> TestApp {
    let builder = builder
        .grant("payer", "workflow", &["reads", "POST /pay/*"])
        .configure(|config| config.policy.live_requires = vec!["autonomy".to_owned()]);
    start_with(builder, [("payer.wasm", guest("payer"))]).await
}

/// The same, and autonomy asks for an approval.
async fn cautious(builder: TestAppBuilder) -> TestApp {
    let asks = recorded("autonomy-evaluate.json", "low_confidence_approval");
    start(builder.service("autonomy", asks)).await
}

async fn create(app: &TestApp, goal: &str) -> Value {
    create_with(app, goal, json!({})).await
}

async fn create_with(app: &TestApp, goal: &str, settings: Value) -> Value {
    let steps = json!([{"kind": "autonomy"}, {"kind": "payer", "settings": settings}]);
    app.create(&json!({"goal": goal, "steps": steps})).await
}

/// As far as it goes, driven by the host or step by step.
async fn go_on(app: &TestApp, plan: &Value, by_hand: bool) -> Value {
    if !by_hand {
        return run(app, plan).await;
    }
    loop {
        let (status, answer) = app.try_step(plan).await;
        if status == 409 || answer["plan"]["status"] == "DONE" {
            return app.plan(plan).await;
        }
        assert_eq!(status, 200, "{answer}");
        if answer["plan"]["status"] == "ERROR" {
            return answer["plan"].clone();
        }
    }
}

/// What was written so far.
fn paid(app: &TestApp) -> Vec<Request> {
    let mut asked = app.stub("workflow").requests();
    asked.retain(|request| request.method == "POST");
    asked
}

fn bodies(app: &TestApp) -> Vec<Value> {
    paid(app).iter().map(Request::json).collect()
}

/// The plan waits for an approval of this step, before another write of the payer.
fn assert_held(plan: &Value, approve: &str, payload: &Value) {
    assert_eq!(plan["status"], "WAITING", "{plan:#}");
    assert_eq!(statuses(plan), ["DONE", "PENDING"]);
    let waiting = &plan["waiting"][0];
    assert_eq!(
        (&waiting["step"], &waiting["for"], &waiting["approve"]),
        (&json!("step-2"), &json!("approval"), &json!([approve]))
    );
    assert_has(waiting["reason"].as_str().unwrap(), &["step-2", "approve"]);
    assert_eq!(waiting["digest"].as_str().unwrap().len(), 64);
    assert_eq!(plan["steps"][1]["payload"], *payload);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_write_again_is_held_where_nobody_was_asked() {
    for by_hand in [false, true] {
        let app = start(TestApp::builder().configure(|config| config.limits.rounds = 8)).await;
        let mut plan = go_on(&app, &create(&app, "s").await, by_hand).await;
        for times in 1..=3 {
            assert_held(&plan, "step-2", &json!({"same": true}));
            assert_eq!(paid(&app).len(), times);
            // Nothing but an approval lets it go on.
            let (status, answer) = app.try_step(&plan).await;
            assert_eq!(status, 409, "{answer}");
            refused(&app, "run", &plan, &json!({})).await;
            assert_eq!(app.plan(&plan).await, plan);
            plan = approve(&app, &plan, "step-2").await;
            plan = go_on(&app, &plan, by_hand).await;
        }
        let keys: Vec<_> = paid(&app)
            .iter()
            .map(|request| request.headers["idempotency-key"].clone())
            .collect();
        let id = plan["id"].as_str().unwrap();
        let expected: Vec<String> = (1..=4)
            .map(|round| format!("{id}/step-2/1/{round}"))
            .collect();
        assert_eq!(keys, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_approval_is_one_write() {
    for by_hand in [false, true] {
        let app = cautious(TestApp::builder()).await;
        let plan = go_on(&app, &create(&app, "s").await, by_hand).await;
        assert_held(&plan, "step-1", &json!({"same": true}));
        let mut digests = vec![plan["waiting"][0]["digest"].clone()];
        let mut plan = plan;
        for times in 0..3 {
            assert_eq!(paid(&app).len(), times);
            let reviewed = json!({"step-2": digests[times]});
            let fields = json!({"stepId": "step-1", "approvedBy": "Ann", "reviewed": reviewed});
            plan = decided(&app, "approve", &plan, &fields).await;
            plan = go_on(&app, &plan, by_hand).await;
            assert_held(&plan, "step-1", &json!({"same": true}));
            let digest = plan["waiting"][0]["digest"].clone();
            assert!(
                !digests.contains(&digest),
                "the same again is another write"
            );
            digests.push(digest);
            // What was approved before is not what waits now.
            let fields = json!({"stepId": "step-1", "approvedBy": "Ann", "reviewed": reviewed});
            let (status, answer) = decide(&app, "approve", &plan, &fields).await;
            assert_eq!(status, 409, "{answer}");
        }
        assert_eq!(paid(&app).len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_write_is_held_and_shown_and_the_step_goes_on_from_there() {
    for (goal, before) in [("ww", 1), ("wrw", 1), ("rwrw", 1), ("wwr", 1)] {
        let app = start(TestApp::builder()).await;
        let plan = run(&app, &create(&app, goal).await).await;
        let first = goal.find('w').unwrap();
        let second = first + 1 + goal[first + 1..].find('w').unwrap();
        assert_held(&plan, "step-2", &json!({"index": second}));
        assert_eq!(paid(&app).len(), before, "{goal}");
        let plan = run(&app, &approve(&app, &plan, "step-2").await).await;
        assert_eq!(plan["status"], "DONE", "{goal}: {plan:#}");
        assert_eq!(
            bodies(&app),
            [first, second].map(|index| json!({"index": index}))
        );
        assert_eq!(app.asked("workflow"), goal.len(), "{goal}: each once");
        let approved = &entries(&app, &plan, "approved").await[0];
        assert_eq!(
            (&approved["step"], &approved["by"]),
            (&json!("step-2"), &json!("Ann"))
        );
        assert!(approved["writes"]["step-2"].is_string(), "{approved:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_write_may_be_rejected_or_skipped() {
    let app = start(TestApp::builder()).await;
    let plan = run(&app, &create(&app, "ww").await).await;
    let fields = json!({"stepId": "step-2", "rejectedBy": "Bob", "reason": "once is enough"});
    let plan = decided(&app, "reject", &plan, &fields).await;
    assert_eq!(plan["status"], "ERROR");
    assert_eq!(plan["steps"][1]["error"], "rejected by Bob: once is enough");
    let error = refused(&app, "retry", &plan, &json!({})).await;
    assert_has(&error, &["step-2", "repeatWrites"]);

    let plan = run(&app, &create(&app, "ww").await).await;
    let fields = json!({"stepId": "step-2", "by": "Bob", "reason": "once is enough"});
    let plan = decided(&app, "skip", &plan, &fields).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(plan["steps"][1].get("held"), None);
    assert_eq!(paid(&app).len(), 2);
}

/// A wish to be tried again does not send a write again.
#[tokio::test(flavor = "multi_thread")]
async fn a_wish_to_be_tried_again_after_a_write_stops_the_plan() {
    let app = start(TestApp::builder().configure(|config| config.run.first_wait_ms = 1)).await;
    for goal in ["wt", "wrt"] {
        let before = paid(&app).len();
        let plan = run(&app, &create(&app, goal).await).await;
        assert_eq!(plan["status"], "ERROR", "{plan:#}");
        assert_eq!(paid(&app).len(), before + 1);
    }
    let plan = run(&app, &create(&app, "wwt").await).await;
    let plan = run(&app, &approve(&app, &plan, "step-2").await).await;
    assert_eq!(plan["status"], "ERROR", "{plan:#}");
    assert_eq!(paid(&app).len(), 4);
}

/// Whoever approved one payment did not approve that it is made again.
#[tokio::test(flavor = "multi_thread")]
async fn going_back_over_a_write_takes_another_approval() {
    let app = cautious(TestApp::builder()).await;
    let plan = run(&app, &create(&app, "w").await).await;
    app.stub("workflow").answer(Reply::json(500, &json!({})));
    let plan = run(&app, &approve(&app, &plan, "step-1").await).await;
    assert_eq!((&plan["status"], paid(&app).len()), (&json!("DONE"), 1));
    let back = json!({"stepId": "step-2", "repeatWrites": true});
    let plan = decided(&app, "retry", &plan, &back).await;
    assert_held(&plan, "step-1", &json!({"index": 0}));
    let reason = plan["waiting"][0]["reason"].as_str().unwrap();
    assert_has(reason, &["approved at step-1 was sent before", "again"]);
    let plan = run(&app, &approve(&app, &plan, "step-1").await).await;
    assert_eq!((&plan["status"], paid(&app).len()), (&json!("DONE"), 2));
}

/// Where nobody has to approve it, who goes back says so.
#[tokio::test(flavor = "multi_thread")]
async fn every_attempt_writes_once_by_itself() {
    let app = start(TestApp::builder()).await;
    let plan = run(&app, &create(&app, "ww").await).await;
    let back = json!({"stepId": "step-2", "repeatWrites": true});
    let plan = run(&app, &decided(&app, "retry", &plan, &back).await).await;
    assert_held(&plan, "step-2", &json!({"index": 1}));
    assert_eq!(bodies(&app), [json!({"index": 0}), json!({"index": 0})]);
    let plan = run(&app, &approve(&app, &plan, "step-2").await).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(paid(&app).len(), 3);
}

/// What nothing arrived of may be sent under the approval that it has.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_not_used_up_where_nothing_arrived() {
    let app = cautious(TestApp::builder().without("workflow")).await;
    let plan = run(&app, &create(&app, "w").await).await;
    let mut plan = approve(&app, &plan, "step-1").await;
    for _ in 0..2 {
        plan = app.step(&plan).await;
        assert_eq!(plan["status"], "ERROR", "{plan:#}");
        plan = decided(&app, "retry", &plan, &json!({})).await;
        assert_eq!(
            (&plan["status"], plan.get("waiting")),
            (&json!("RUNNING"), None)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_held_also_where_approvals_are_only_advised() {
    let advised = |config: &mut codex_mesh::config::Config| {
        config.approval.mode = ApprovalMode::Advise;
    };
    let app = cautious(TestApp::builder().configure(advised)).await;
    let plan = run(&app, &create(&app, "s").await).await;
    assert_held(&plan, "step-2", &json!({"same": true}));
    assert_eq!(paid(&app).len(), 1);
    let plan = run(&app, &approve(&app, &plan, "step-2").await).await;
    assert_held(&plan, "step-2", &json!({"same": true}));
    assert_eq!(paid(&app).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_the_first_and_sends_none() {
    let app = start(TestApp::builder()).await;
    for goal in ["s", "ww", "rw"] {
        let body = json!({"goal": goal, "mode": "DRY_RUN", "steps": [{"kind": "payer"}]});
        let plan = app.run(&app.create(&body).await).await;
        assert_eq!(plan["status"], "DONE", "{plan:#}");
        assert_eq!(plan["steps"][0]["result"]["dryRun"], true);
    }
    assert_eq!(paid(&app).len(), 0);
}

/// Its kind has the setting, and the plan shows what it was set to.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_may_say_that_it_writes_more_often() {
    let app = start(TestApp::builder()).await;
    let plan = create_with(&app, "www", json!({"writes": 2})).await;
    assert_eq!(plan["steps"][1]["writes"], 2);
    let plan = run(&app, &plan).await;
    assert_held(&plan, "step-2", &json!({"index": 2}));
    assert_eq!(paid(&app).len(), 2);
    let plan = run(&app, &approve(&app, &plan, "step-2").await).await;
    assert_eq!((&plan["status"], paid(&app).len()), (&json!("DONE"), 3));

    // That says nothing of what somebody has to approve.
    let app = cautious(TestApp::builder()).await;
    let plan = create_with(&app, "ww", json!({"writes": 2})).await;
    let plan = run(&app, &approve(&app, &app.step(&plan).await, "step-1").await).await;
    assert_held(&plan, "step-1", &json!({"index": 1}));
    assert_eq!(paid(&app).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_write_outlives_the_host() {
    let app = start(TestApp::builder()).await;
    let plan = run(&app, &create(&app, "wwr").await).await;
    assert_eq!(paid(&app).len(), 1);
    let app = start(TestApp::builder().data(app.stop().await)).await;
    assert_eq!(app.plan(&plan).await, plan);
    let plan = approve(&app, &plan, "step-2").await;
    let app = start(TestApp::builder().data(app.stop().await)).await;
    let plan = run(&app, &plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(bodies(&app), [json!({"index": 1})]);
}
