//! A client that hangs up while its decision is being stored takes nothing with it: what only the
//! memory knows of a step under way, whose beginning is not on disk, is still known afterwards.

use serde_json::json;

use crate::support::{Random, TestApp, http};

/// How often somebody hangs up.
const TIMES: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn a_step_stays_under_way_whoever_hangs_up() {
    let mut random = Random::seeded("hanging up");
    let app = TestApp::start().await;
    let autonomy = app.stub("autonomy");
    autonomy.hold();
    let client = http();
    let post = |path: &str, body: &serde_json::Value| {
        let request = client.post(format!("{}{path}", app.url));
        let request = request.header("content-type", "application/json");
        request.body(body.to_string())
    };
    let mut steps = Vec::new();
    for time in 1..=TIMES {
        let plan = app.create(&json!({})).await;
        let step = post("/mesh/step", &json!({"planId": plan["id"]}));
        steps.push(tokio::spawn(step.send()));
        autonomy.asked(time).await;
        let body = json!({"planId": plan["id"], "stepId": "step-3", "by": "Ada", "reason": "r"});
        let skip = post("/mesh/skip", &body).timeout(random.up_to_millis(3));
        // Answered or not, as it happens.
        let _ = skip.send().await;
        let plan = app.plan(&plan).await;
        assert_eq!(plan["steps"][0]["status"], "IN_PROGRESS", "{plan}");
        let (status, answer) = app.try_step(&plan).await;
        assert_eq!(status, 409, "{answer}");
    }
    autonomy.release();
    for step in steps {
        assert_eq!(step.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(autonomy.requests().len(), TIMES);
}
