//! What a plugin is handed is bounded, and what comes of handing it much is not its fault.

use serde_json::{Value, json};

use super::Hostile;
use crate::support::{Reply, TestApp, TestAppBuilder, assert_has};

in_every_language! {
    results_that_do_not_fit_end_the_step_and_are_nobodys_fault,
    a_kind_is_handed_the_results_that_it_needs,
    an_answer_over_which_it_fails_is_not_its_fault,
}

/// Failures of a plugin before it is quarantined. Each thing here happens more often.
const FAILURES: usize = 2;

const RESULT: usize = 200_000;

/// A host whose service answers with so much, and whose plugins are handed less than three of that.
fn answering(size: usize) -> TestAppBuilder {
    let answer = json!({"allowed": true, "text": "x".repeat(size)});
    TestApp::builder()
        .service("srl", Reply::json(200, &answer))
        .configure(|config| {
            config.quarantine.failures = FAILURES;
            config.limits.plugin.handed_bytes = Some(5 * RESULT / 2);
            // It is not about time.
            config.limits.plugin.cpu_ms = 60_000;
            config.limits.plugin.wall_ms = 60_000;
        })
}

/// A plan whose last step comes after three with large results, before that one.
async fn before_the_last(app: &TestApp, last: &str) -> Value {
    let large = json!({"kind": "hostile", "after": []});
    let after = ["step-1", "step-2", "step-3"];
    let steps = json!([large, large, large, {"kind": last, "after": after}]);
    let mut plan = app
        .create(&json!({"goal": "be good", "steps": steps}))
        .await;
    for _ in 0..3 {
        plan = app.step(&plan).await;
    }
    let statuses = plan["steps"].as_array().unwrap().iter();
    let statuses: Vec<_> = statuses
        .map(|step| step["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        statuses,
        ["DONE", "DONE", "DONE", "PENDING"],
        "{:#}",
        plan["steps"][0]["error"]
    );
    plan
}

/// Nothing that happened is held against the kind.
async fn assert_innocent(app: &TestApp) {
    let (_, answer) = app.get("/plugins/hostile").await;
    for version in answer["versions"].as_array().unwrap() {
        assert_eq!(version["quarantined"], false, "{version}");
        assert_eq!(version["errors"], 0, "{version}");
    }
    app.create(&json!({"goal": "be good", "steps": [{"kind": "hostile"}]}))
        .await;
    app.create(&json!({})).await;
}

async fn results_that_do_not_fit_end_the_step_and_are_nobodys_fault(guest: Hostile) {
    let app = guest.start(answering(RESULT)).await;
    let plan = before_the_last(&app, "hostile").await;
    let asked = app.asked("srl");
    for _ in 0..=FAILURES {
        let plan = app.step(&plan).await;
        let error = plan["steps"][3]["error"].as_str().unwrap();
        assert_has(
            error,
            &[
                "the host stopped the plugin: it would be handed 600",
                "may be handed 500000",
                "the result of step-1 (hostile) has 2000",
                "the result of step-3 (hostile)",
                "handed_bytes",
                "under [plugin.hostile]",
            ],
        );
        let (status, answer) = app
            .post("/mesh/retry", &json!({"planId": plan["id"]}))
            .await;
        assert_eq!(status, 200, "{answer}");
    }
    assert_eq!(app.asked("srl"), asked, "nothing was sent");
    assert_innocent(&app).await;
}

/// So the embedded checks go on after any results, and others as the operator says.
async fn a_kind_is_handed_the_results_that_it_needs(guest: Hostile) {
    let app = guest.start(answering(RESULT)).await;
    let plan = app.step(&before_the_last(&app, "hardening").await).await;
    assert_eq!(plan["steps"][3]["status"], "DONE", "{:#}", plan["steps"][3]);
    let none = answering(RESULT).configure(|config| {
        let plugin = config.plugin.entry("hostile".to_owned()).or_default();
        plugin.results = Some([String::from("autonomy")].into());
    });
    let app = guest.start(none).await;
    let plan = app.step(&before_the_last(&app, "hostile").await).await;
    assert_eq!(plan["steps"][3]["status"], "DONE", "{:#}", plan["steps"][3]);
}

/// A megabyte is more than some languages have room for beside themselves.
async fn an_answer_over_which_it_fails_is_not_its_fault(guest: Hostile) {
    let app = guest
        .start(answering(900_000).configure(|config| {
            config.limits.plugin.handed_bytes = None;
        }))
        .await;
    for _ in 0..=FAILURES {
        let steps = json!([{"kind": "hostile"}]);
        let plan = app
            .create(&json!({"goal": "be good", "steps": steps}))
            .await;
        let step = app.step(&plan).await["steps"][0].clone();
        if step["status"] != "DONE" {
            let error = step["error"].as_str().unwrap();
            assert_has(
                error,
                &["the host stopped the plugin", "the answer has 9000"],
            );
        }
    }
    assert_innocent(&app).await;
}
