//! What one plan may carry (`[limits] plan_bytes`): past it a step ends with the host's own error, and
//! nothing that was sent is forgotten or repeated.

use serde_json::{Value, json};

use crate::support::{Reply, TestApp, TestAppBuilder, assert_has, friendly_reply};

/// What a plan may carry, in bytes, and what each answer has: two fit.
const MOST: usize = 100_000;
const ANSWER: usize = 40_000;

/// The service's friendly answer, with so much more in it.
fn large(service: &str) -> Reply {
    let mut reply = friendly_reply(service);
    let mut body: Value = serde_json::from_str(&reply.body).unwrap();
    body["note"] = "x".repeat(ANSWER).into();
    reply.body = body.to_string();
    reply
}

fn narrow() -> TestAppBuilder {
    TestApp::builder().configure(|config| {
        config.limits.plan_bytes = MOST;
        // One more failure, and it would not be called any more.
        config.quarantine.failures = 1;
    })
}

/// Nothing that happened is held against the kind.
async fn assert_innocent(app: &TestApp, kind: &str) {
    let (_, answer) = app.get(&format!("/plugins/{kind}")).await;
    let version = &answer["versions"][0];
    assert_eq!(
        (&version["quarantined"], &version["errors"]),
        (&json!(false), &json!(0)),
        "{version}"
    );
}

fn statuses(plan: &Value) -> Vec<&str> {
    let steps = plan["steps"].as_array().unwrap().iter();
    steps.map(|step| step["status"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_are_too_much_together_end_the_step() {
    let app = narrow().service("ops", large("ops")).start().await;
    let steps = json!([{"kind": "ops"}, {"kind": "ops"}, {"kind": "ops"}]);
    let plan = app.create(&json!({"steps": steps})).await;
    let plan = app.run(&plan).await;
    assert_eq!(statuses(&plan), ["DONE", "DONE", "ERROR"]);
    let step = &plan["steps"][2];
    assert_eq!(step.get("result"), None);
    let error = step["error"].as_str().unwrap();
    assert_has(
        error,
        &[
            "its result has 40",
            "and is not kept",
            "[limits] plan_bytes allows 100000",
            "Raise that",
        ],
    );
    assert!(plan.to_string().len() < MOST);
    // It read: it may just be asked again.
    let retry = json!({"planId": plan["id"]});
    assert_eq!(app.post("/mesh/retry", &retry).await.0, 200);
    let again = app.step(&plan).await;
    assert_eq!(statuses(&again), ["DONE", "DONE", "ERROR"]);
    assert_innocent(&app, "ops").await;

    // With more room it goes on.
    let app = narrow()
        .data(app.stop().await)
        .service("ops", large("ops"))
        .configure(|config| config.limits.plan_bytes = 2 * MOST)
        .start()
        .await;
    assert_eq!(app.post("/mesh/retry", &retry).await.0, 200);
    assert_eq!(app.step(&plan).await["status"], "DONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_side_by_side_have_the_room_together() {
    let app = narrow().service("ops", large("ops")).start().await;
    let steps = vec![json!({"kind": "ops", "after": []}); 6];
    let plan = app.create(&json!({"steps": steps})).await;
    app.stub("ops").hold();
    let run = json!({"planId": plan["id"], "wait": true});
    let running = app.post("/mesh/run", &run);
    let releasing = async {
        app.stub("ops").asked(6).await;
        app.stub("ops").release();
    };
    let ((status, answer), ()) = tokio::join!(running, releasing);
    assert_eq!(status, 200, "{answer}");
    let mut statuses = statuses(&answer["plan"]);
    statuses.sort_unstable();
    assert_eq!(
        statuses,
        ["DONE", "DONE", "ERROR", "ERROR", "ERROR", "ERROR"]
    );
    assert_innocent(&app, "ops").await;
}

/// Its write happened, and that stays on record; it is not sent again by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_result_is_too_much_is_not_repeated() {
    let app = narrow()
        .service("ops", large("ops"))
        .service("workflow", large("workflow"))
        .start()
        .await;
    let steps = ["autonomy", "srl", "hardening", "ops", "ops", "workflow"];
    let steps = steps.map(|kind| json!({"kind": kind}));
    let plan = app.create(&json!({"steps": steps})).await;
    let run = json!({"planId": plan["id"], "wait": true});
    let (_, answer) = app.post("/mesh/run", &run).await;
    let plan = &answer["plan"];
    let step = &plan["steps"][5];
    assert_eq!(
        (&step["status"], &step["sent"]),
        (&json!("ERROR"), &json!(true)),
        "{step}"
    );
    let error = step["error"].as_str().unwrap();
    assert_has(
        error,
        &[
            "[limits] plan_bytes allows 100000",
            "Its write arrived, was answered, and is not repeated",
        ],
    );
    assert_innocent(&app, "workflow").await;
    let app = narrow().data(app.stop().await).start().await;
    let retry = json!({"planId": plan["id"]});
    for path in ["/mesh/retry", "/mesh/step", "/mesh/run"] {
        let (status, answer) = app.post(path, &retry).await;
        assert_eq!(status, 409, "{path}: {answer}");
    }
    assert_eq!(app.asked("workflow"), 0);
    let skip =
        json!({"planId": plan["id"], "stepId": "step-6", "by": "Ada", "reason": "it is there"});
    let (status, answer) = app.post("/mesh/skip", &skip).await;
    assert_eq!(
        (status, &answer["plan"]["status"]),
        (200, &json!("DONE")),
        "{answer}"
    );
}

/// What would be sent counts as well: it is not shown, and nothing is sent.
#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_sent_has_to_fit() {
    let app = TestApp::builder()
        .configure(|config| config.limits.plan_bytes = 8_000)
        .start()
        .await;
    let goal = "y".repeat(3_000);
    let plan = app.create(&json!({"goal": goal, "mode": "DRY_RUN"})).await;
    let fits: Vec<bool> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| !step["payload"].is_null())
        .collect();
    assert_eq!(fits, [true, false, false, false], "{plan}");
    let step = &plan["steps"][1];
    let reason = step["payloadReason"].as_str().unwrap();
    assert_has(
        reason,
        &["its body has 3", "[limits] plan_bytes allows 8000"],
    );
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "ERROR");
    let failed = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["status"] == "ERROR");
    let error = failed.unwrap()["error"].as_str().unwrap();
    assert_has(error, &["[limits] plan_bytes allows 8000"]);
    assert_eq!(app.asked("srl"), 0, "nothing was sent");
    assert!(plan.to_string().len() < 12_000);
}

/// What the host shows instead of sending it counts as any result.
#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_shows_a_body_counts() {
    let app = TestApp::builder()
        .configure(|config| config.limits.plan_bytes = 8_000)
        .start()
        .await;
    let steps = json!([{"kind": "workflow"}]);
    let plan = json!({"goal": "y".repeat(2_750), "mode": "DRY_RUN", "steps": steps});
    let plan = app.run(&app.create(&plan).await).await;
    let error = plan["steps"][0]["error"].as_str().unwrap();
    assert_has(
        error,
        &["its result has", "[limits] plan_bytes allows 8000"],
    );
    assert_eq!(app.asked("workflow"), 0);
}
