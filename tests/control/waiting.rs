//! A service that asks to be tried again later: the plan waits, on record, and tries again.

use codex_mesh::config::PluginConfig;
use serde_json::{Value, json};

use super::{busy, decided, entries, run, statuses, told};
use crate::support::{Reply, TestApp, TestAppBuilder, assert_has, friendly_reply};

/// A host that sends nothing twice within a step, so that every request is a try of the step.
fn builder() -> TestAppBuilder {
    TestApp::builder().configure(|config| {
        config.retry.tries = 1;
        config.breaker.failures = 1_000;
        config.run.first_wait_ms = 1;
    })
}

/// Busy so often, then friendly.
fn busy_at_first(app: &TestApp, service: &'static str, times: usize, seconds: u32) {
    let friendly = friendly_reply(service);
    let mut left = times;
    app.stub(service).answer_with(move |_| {
        if left == 0 {
            return friendly.clone();
        }
        left -= 1;
        busy(seconds)
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_service_is_tried_again_until_it_answers() {
    let app = builder().start().await;
    busy_at_first(&app, "srl", 3, 0);
    let plan = run(&app, &app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(
        (&plan["steps"][1]["attempt"], plan["steps"][1].get("retry")),
        (&json!(4), None)
    );
    assert_eq!(app.asked("srl"), 4);
    let postponed = entries(&app, &plan, "postponed").await;
    assert_eq!(postponed.len(), 3);
    assert_has(
        postponed[0]["reason"].as_str().unwrap(),
        &["503", "slow down"],
    );
    told(&app, &plan, "step-2 is tried again later").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_has_its_limit() {
    let plugin = |config: &mut codex_mesh::config::Config| {
        config.plugin.insert(
            "srl".to_owned(),
            PluginConfig {
                retries: Some(2),
                ..PluginConfig::default()
            },
        );
    };
    let app = builder().configure(plugin).start().await;
    app.stub("srl").answer(busy(0));
    app.stub("hardening").answer(busy(0));
    let plan = run(&app, &app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "ERROR", "{plan:#}");
    assert_has(
        plan["steps"][1]["error"].as_str().unwrap(),
        &["503", "limit", "2"],
    );
    assert_eq!(app.asked("srl"), 3);
    // A person who asks again begins a new count.
    busy_at_first(&app, "srl", 2, 0);
    let plan = run(&app, &decided(&app, "retry", &plan, &json!({})).await).await;
    assert_eq!(statuses(&plan)[1..3], ["DONE", "ERROR"]);
    assert_has(
        plan["steps"][2]["error"].as_str().unwrap(),
        &["limit", "10"],
    );
    assert_eq!(app.asked("hardening"), 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wait_is_on_record_and_outlives_the_host() {
    let app = builder().start().await;
    app.stub("srl").answer(busy(600));
    let plan = app.create(&json!({})).await;
    decided(&app, "run", &plan, &json!({})).await;
    app.stub("srl").asked(1).await;
    let plan = waiting(&app, &plan).await;
    let (step, waiting) = (&plan["steps"][1], &plan["waiting"][0]);
    assert_eq!(
        (&step["status"], &step["retry"]["count"]),
        (&json!("PENDING"), &json!(1))
    );
    assert_eq!(
        (&waiting["step"], &waiting["for"]),
        (&json!("step-2"), &json!("retry"))
    );
    assert_eq!(waiting["until"], step["retry"]["notBefore"]);
    assert!(plan["run"]["since"].is_string());

    let data = app.stop().await;
    let app = builder().data(data).start().await;
    assert_eq!(app.plan(&plan).await, plan);
    assert_eq!(
        app.status_when(|status| status["runs"]["waiting"] == 1)
            .await["ok"],
        true
    );
    assert_eq!(
        app.asked("srl"),
        0,
        "it was to be left alone for ten minutes"
    );
    // A person need not wait.
    let plan = decided(&app, "retry", &plan, &json!({"stepId": "step-2"})).await;
    let plan = run(&app, &plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_is_too_long_is_an_error_that_says_so() {
    let app = builder().start().await;
    app.stub("srl").answer(busy(7_200));
    let plan = run(&app, &app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "ERROR");
    let error = plan["steps"][1]["error"].as_str().unwrap();
    assert_has(error, &["503", "7200000 ms", "3600000 ms"]);
}

/// The wait of a run is the service's, in whichever form it says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_date_is_waited_for() {
    let app = builder().start().await;
    let busy = Reply::json(503, &json!({"ok": false}))
        .header("date", "Sun, 06 Nov 1994 08:29:37 GMT")
        .header("retry-after", "Sunday, 06-Nov-94 08:49:37 GMT");
    app.stub("srl").answer(busy);
    let plan = app.create(&json!({})).await;
    decided(&app, "run", &plan, &json!({})).await;
    let plan = waiting(&app, &plan).await;
    let at = |time: &Value| -> jiff::Timestamp { time.as_str().unwrap().parse().unwrap() };
    let until = at(&plan["waiting"][0]["until"]).as_second();
    let asked = until - at(&plan["updatedAt"]).as_second();
    assert!((1_199..=1_201).contains(&asked), "{asked} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_was_sent_is_never_tried_again() {
    let app = builder().start().await;
    app.stub("workflow").answer(busy(0));
    let plan = run(&app, &app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "ERROR", "{plan:#}");
    assert_has(
        plan["steps"][3]["error"].as_str().unwrap(),
        &["503", "not repeated"],
    );
    assert_eq!(app.asked("workflow"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_steps_by_hand_decides_when() {
    let app = builder().start().await;
    app.stub("autonomy").answer(busy(7));
    let plan = app.step(&app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "ERROR");
    assert_has(
        plan["steps"][0]["error"].as_str().unwrap(),
        &["503", "7000 ms"],
    );
}

/// A plan that waits takes no place of those that go on, also after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn plans_that_wait_keep_no_other_from_being_run() {
    let few = || builder().configure(|config| config.run.plans = 2);
    let app = few().start().await;
    app.stub("srl").answer(busy(600));
    let mut waiting = Vec::new();
    for _ in 0..10 {
        let plan = app.create(&json!({})).await;
        app.status_when(|status| status["runs"]["running"] == 0)
            .await;
        waiting.push(decided(&app, "run", &plan, &json!({})).await);
    }
    let resting = |status: &Value| {
        let runs = &status["runs"];
        (&runs["waiting"], &runs["running"]) == (&json!(10), &json!(0))
    };
    app.status_when(resting).await;
    let other = json!({"steps": [{"kind": "autonomy"}]});
    let done = run(&app, &app.create(&other).await).await;
    assert_eq!(done["status"], "DONE");

    let data = app.stop().await;
    let app = few().data(data).start().await;
    let done = run(&app, &app.create(&other).await).await;
    assert_eq!(done["status"], "DONE");
    app.status_when(resting).await;
    // Each is still there, for who does not want to wait, and for who ends it.
    let again = json!({"stepId": "step-2"});
    decided(&app, "retry", &waiting[0], &again).await;
    assert_eq!(run(&app, &waiting[0]).await["status"], "DONE");
    let cancel = json!({"by": "Ann", "reason": "too late"});
    decided(&app, "cancel", &waiting[1], &cancel).await;
    app.status_when(|status| status["runs"]["waiting"] == 8)
        .await;
    assert_eq!(app.asked("srl"), 1);
}

/// The plan once it waits.
async fn waiting(app: &TestApp, plan: &Value) -> Value {
    let id = plan["id"].as_str().unwrap();
    let waits = async {
        loop {
            let (_, answer) = app.get(&format!("/mesh/plan?id={id}")).await;
            if answer["plan"]["status"] == "WAITING" {
                return answer["plan"].clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    crate::support::within(waits).await
}
