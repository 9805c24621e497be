//! Writes whose answer is lost, in every way: the step's own error says that the write may have
//! happened, and nothing repeats it by itself.

use serde_json::json;

use super::{quick, run_alone, unchecked};
use crate::support::{
    Reply, TestApp, TestAppBuilder, assert_has, endless, raw, stalling, start_hostile,
};

const MAY_HAVE: &str = "its write may have happened: look at the service";

/// A host whose workflow service is at this address, and is given half a second.
async fn app_at(url: String) -> TestApp {
    quick()
        .configure(unchecked)
        .configure(move |config| {
            let workflow = config.services.get_mut("workflow").unwrap();
            (workflow.url, workflow.timeout_ms) = (Some(url), Some(500));
        })
        .start()
        .await
}

async fn assert_may_have_happened(app: &TestApp, told: &str) {
    let (step, requests) = run_alone(app, "workflow").await;
    let error = step["error"].as_str().unwrap();
    assert_has(error, &["workflow", told, MAY_HAVE]);
    assert_eq!(requests, json!(1), "{error}");

    let plan = app.create(&json!({"steps": [{"kind": "workflow"}]})).await;
    let id = json!({"planId": app.step(&plan).await["id"]});
    let (status, answer) = app.post("/mesh/retry", &id).await;
    assert_eq!(status, 409, "{answer}");
    assert_has(answer["error"].as_str().unwrap(), &["repeatWrites"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_come() {
    let urls = [
        stalling("").await,
        stalling("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"ok\":").await,
    ];
    for url in urls {
        assert_may_have_happened(&app_at(url).await, "did not answer within 500 ms").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off() {
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"] {
        let app = app_at(raw(answer).await).await;
        assert_may_have_happened(&app, "closed the connection").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_none() {
    let app = app_at(raw("SSH-2.0-OpenSSH_9.2\r\n").await).await;
    assert_may_have_happened(&app, "gave no answer").await;
    let url = endless("HTTP/1.1 200 OK\r\n\r\n[", "1,".repeat(8 << 10)).await;
    assert_may_have_happened(&app_at(url).await, "more than 1048576 bytes").await;
    let app = app_at(raw(&b"HTTP/1.1 200 OK\r\n\r\n\"\xff\""[..]).await).await;
    assert_may_have_happened(&app, "not UTF-8").await;
}

/// It is the gateway's answer: nobody knows what the service did.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_a_gateway_that_has_none() {
    for status in [502, 504] {
        let app = quick().configure(unchecked).start().await;
        app.stub("workflow")
            .answer(Reply::new(status, "text/html", "<html>"));
        assert_may_have_happened(&app, &status.to_string()).await;
    }
}

/// A no that the service said itself is no lost answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_says_no_is_not_lost() {
    for status in [400, 413, 422, 500] {
        let app = quick().configure(unchecked).start().await;
        let no = json!({"ok": false, "error": "no such project"});
        app.stub("workflow").answer(Reply::json(status, &no));
        let (step, _) = run_alone(&app, "workflow").await;
        let error = step["error"].as_str().unwrap();
        assert_has(error, &["no such project"]);
        assert!(!error.contains("may have happened"), "{error}");
    }
}

/// The answer is there, and the plugin fails over it.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_on_its_plugin() {
    let writes = |builder: TestAppBuilder| {
        builder.configure(unchecked).configure(|config| {
            let srl = config.services.get_mut("srl").unwrap();
            let route = (
                "POST /srl/check".to_owned(),
                codex_mesh::plan::Effect::Write,
            );
            srl.routes.extend([route]);
        })
    };
    let app = start_hostile(writes(TestApp::builder())).await;
    let body = json!({"goal": "interpret:panic", "steps": [{"kind": "hostile"}]});
    let plan = app.step(&app.create(&body).await).await;
    let error = plan["steps"][0]["error"].as_str().unwrap();
    assert_has(error, &["the plugin failed", MAY_HAVE]);
}
