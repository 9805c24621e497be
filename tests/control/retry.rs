//! Going back: from the failed step or an earlier one, and over a write only when asked to.

use serde_json::json;

use super::{decided, entries, failing, refused, run, statuses, told};
use crate::support::{TestApp, assert_has, friendly_reply};

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_goes_on_from_the_step_that_failed() {
    let app = TestApp::builder()
        .service("hardening", failing())
        .start()
        .await;
    let plan = run(&app, &app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "ERROR");
    app.stub("hardening").answer(friendly_reply("hardening"));
    let plan = decided(&app, "retry", &plan, &json!({})).await;
    assert_eq!(statuses(&plan), ["DONE", "DONE", "PENDING", "PENDING"]);
    let step = &plan["steps"][2];
    assert_eq!((&step["attempt"], step.get("error")), (&json!(2), None));
    told(&app, &plan, "step-3 goes back").await;
    let plan = run(&app, &plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!((app.asked("autonomy"), app.asked("srl")), (1, 1));
    let keys: Vec<String> = app
        .stub("hardening")
        .requests()
        .iter()
        .map(|request| {
            request.headers["idempotency-key"]
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_ne!(keys[0], keys[1], "another attempt is another call");
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_further_resets_everything_after_it_and_keeps_the_history() {
    let app = TestApp::builder()
        .service("hardening", failing())
        .start()
        .await;
    let plan = run(&app, &app.create(&json!({})).await).await;
    let (result, error) = (
        plan["steps"][1]["result"].clone(),
        plan["steps"][2]["error"].clone(),
    );
    let plan = decided(&app, "retry", &plan, &json!({"stepId": "step-2"})).await;
    assert_eq!(statuses(&plan), ["DONE", "PENDING", "PENDING", "PENDING"]);
    assert_eq!(plan["steps"][1].get("result"), None);
    let reset = entries(&app, &plan, "reset").await;
    assert_eq!(
        (&reset[0]["step"], &reset[0]["result"]),
        (&json!("step-2"), &result)
    );
    assert_eq!(
        (&reset[1]["step"], &reset[1]["error"]),
        (&json!("step-3"), &error)
    );
    assert_eq!(reset.len(), 2, "{reset:#?}");
    app.stub("hardening").answer(friendly_reply("hardening"));
    assert_eq!(run(&app, &plan).await["status"], "DONE");
    assert_eq!(
        (
            app.asked("autonomy"),
            app.asked("srl"),
            app.asked("workflow")
        ),
        (1, 2, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_happened_is_repeated_only_when_asked_to() {
    let app = TestApp::start().await;
    let plan = run(&app, &app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "DONE");
    for step in ["step-1", "step-4"] {
        let fields = json!({"stepId": step, "repeatWrites": false});
        let error = refused(&app, "retry", &plan, &fields).await;
        assert_has(&error, &["step-4", "wrote", "repeatWrites"]);
    }
    let fields = json!({"stepId": "step-4", "repeatWrites": true});
    let plan = decided(&app, "retry", &plan, &fields).await;
    assert_eq!(statuses(&plan), ["DONE", "DONE", "DONE", "PENDING"]);
    assert_eq!(run(&app, &plan).await["status"], "DONE");
    assert_eq!(app.asked("workflow"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_failed_may_have_happened_unless_nothing_arrived() {
    let app = TestApp::builder()
        .service("workflow", failing())
        .start()
        .await;
    let plan = run(&app, &app.create(&json!({})).await).await;
    let error = refused(&app, "retry", &plan, &json!({})).await;
    assert_has(&error, &["step-4", "may have", "repeatWrites"]);
    let fields = json!({"repeatWrites": true});
    assert_eq!(
        decided(&app, "retry", &plan, &fields).await["status"],
        "RUNNING"
    );

    let app = TestApp::builder().without("workflow").start().await;
    let plan = app.run(&app.create(&json!({})).await).await;
    let unsent = ["workflow", "refused", "nothing was sent"];
    assert_has(plan["steps"][3]["error"].as_str().unwrap(), &unsent);
    let plan = decided(&app, "retry", &plan, &json!({})).await;
    assert_eq!(statuses(&plan)[3], "PENDING");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_not_taken_back_for_ever() {
    let builder = TestApp::builder().configure(|config| config.limits.attempts = 3);
    let app = builder.service("srl", failing()).start().await;
    let mut plan = run(&app, &app.create(&json!({})).await).await;
    for attempt in [2, 3] {
        let back = decided(&app, "retry", &plan, &json!({})).await;
        assert_eq!(back["steps"][1]["attempt"], attempt);
        plan = run(&app, &back).await;
    }
    let error = refused(&app, "retry", &plan, &json!({})).await;
    assert_has(&error, &["step-2", "3 times", "new plan"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_must_be_something_to_go_back_to() {
    let app = TestApp::start().await;
    let plan = app.step(&app.create(&json!({})).await).await;
    let error = refused(&app, "retry", &plan, &json!({})).await;
    assert_has(&error, &["no step failed", "stepId"]);
    let error = refused(&app, "retry", &plan, &json!({"stepId": "step-3"})).await;
    assert_has(&error, &["step-3", "not run yet"]);
    app.stub("srl").hold();
    decided(&app, "run", &plan, &json!({})).await;
    app.stub("srl").asked(1).await;
    let error = refused(&app, "retry", &plan, &json!({"stepId": "step-1"})).await;
    assert_has(&error, &["step-2 is running"]);
    app.stub("srl").release();
    app.settled(&plan).await;
}
