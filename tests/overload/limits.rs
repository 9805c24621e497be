//! Past a limit: 503 with `Retry-After`, and what is under way goes on.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{connect, until_closed};
use crate::support::{TestApp, assert_has, http, within};

#[tokio::test(flavor = "multi_thread")]
async fn one_step_too_many_is_told_to_come_back() {
    let app = TestApp::builder()
        .configure(|config| config.limits.concurrent_steps = 2)
        .start()
        .await;
    let autonomy = app.stub("autonomy").clone();
    autonomy.hold();
    let plans = [app.create(&json!({})).await, app.create(&json!({})).await];
    let third = app.create(&json!({})).await;
    let running = plans.clone().map(|plan| {
        let request = step(&app, &plan);
        tokio::spawn(async move { request.send().await.unwrap().status().as_u16() })
    });
    within(autonomy.asked(2)).await;
    let (_, status) = app.get("/mesh/status").await;
    assert_eq!(status["steps"], json!({"running": 2, "limit": 2}));

    let refused = step(&app, &third).send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    let body: Value = serde_json::from_str(&refused.text().await.unwrap()).unwrap();
    assert_eq!(body["ok"], false);
    assert_has(body["error"].as_str().unwrap(), &["2 steps are running"]);
    assert_eq!(app.plan(&third).await["status"], "PENDING");

    autonomy.release();
    for answer in running {
        assert_eq!(within(answer).await.unwrap(), 200);
    }
    assert_eq!(app.step(&third).await["steps"][0]["status"], "DONE");
}

fn step(app: &TestApp, plan: &Value) -> reqwest::RequestBuilder {
    http()
        .post(format!("{}/mesh/step", app.url))
        .header("content-type", "application/json")
        .body(json!({"planId": plan["id"]}).to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_is_told_to_come_back() {
    let app = TestApp::builder()
        .configure(|config| config.limits.connections = 2)
        .start()
        .await;
    let mut held = vec![connect(&app).await, connect(&app).await];
    // Held for certain once they were answered.
    for stream in &mut held {
        stream
            .write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await
            .unwrap();
        within(stream.readable()).await.unwrap();
    }
    let answer = until_closed(&mut connect(&app).await).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert_has(
        &answer,
        &[
            "retry-after: 1",
            "{\"ok\":false,\"error\":\"too many connections",
        ],
    );

    drop(held);
    within(async {
        while !health(&app).await {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

async fn health(app: &TestApp) -> bool {
    let answer = http().get(format!("{}/health", app.url)).send().await;
    answer.is_ok_and(|answer| answer.status().as_u16() == 200)
}
