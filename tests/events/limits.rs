//! What is refused, what is bounded, and when a stream ends.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::of;
use crate::support::{Events, TestApp, assert_has, http};

async fn refused(app: &TestApp, query: &str, last: Option<&str>) -> (u16, String) {
    let mut request = http().get(format!("{}/mesh/events{query}", app.url));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(body["ok"], false);
    (status, body["error"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_wrongly_is_refused() {
    let app = TestApp::start().await;
    let unknown = refused(&app, "?id=unknown", None).await;
    assert_eq!(unknown, (404, "Plan not found".to_owned()));
    for wrong in ["", "x", "-1", "1.5", "99999999999999999999"] {
        let (status, error) = refused(&app, "", Some(wrong)).await;
        assert_eq!(status, 400, "{wrong:?}");
        assert_has(&error, &["Last-Event-ID must be the id of an event"]);
        let (status, error) = refused(&app, &format!("?lastEventId={wrong}"), None).await;
        assert_eq!(status, 400, "{wrong:?}");
        assert_has(&error, &["lastEventId must be the id of an event"]);
    }
    // None of them counts as a stream any more.
    let app = TestApp::builder()
        .configure(|config| config.limits.event_streams = 1)
        .start()
        .await;
    for _ in 0..3 {
        refused(&app, "?id=unknown", None).await;
    }
    Events::open(&app.url, "", None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_stream_too_many_is_told_to_come_back() {
    let app = TestApp::builder()
        .configure(|config| config.limits.event_streams = 2)
        .start()
        .await;
    let plan = app.create(&json!({})).await;
    let first = Events::open(&app.url, "", None).await;
    let mut second = Events::open(&app.url, &of(&plan), None).await;
    let refused = Events::request(&app.url, "", None).send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    let body = refused.text().await.unwrap();
    assert_has(&body, &["\"ok\":false", "2 event streams are open"]);

    // A client that goes makes room, though nothing happens that it would be sent.
    drop(first);
    Events::room(&app.url).await;
    assert_eq!(second.next().await.unwrap().event, "created");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_where_nothing_happens_is_kept_alive() {
    // Longer than a client may be silent elsewhere.
    let app = TestApp::builder()
        .configure(|config| config.limits.client_ms = 1_000)
        .start()
        .await;
    let plan = app.create(&json!({})).await;
    let mut events = Events::open(&app.url, &of(&plan), None).await;
    assert_eq!(events.next().await.unwrap().event, "created");
    let since = Instant::now();
    assert_eq!(events.block().await.unwrap(), ":");
    assert!(since.elapsed() >= Duration::from_secs(10), "not too often");
    // And it is still the same stream.
    app.step(&plan).await;
    assert_eq!(events.next().await.unwrap().event, "started");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stops_ends_its_streams() {
    let app = TestApp::builder()
        .configure(|config| config.limits.grace_ms = 50_000)
        .start()
        .await;
    let plan = app.create(&json!({})).await;
    let mut one = Events::open(&app.url, &of(&plan), None).await;
    let mut all = Events::open(&app.url, "", None).await;
    assert_eq!(one.next().await.unwrap().event, "created");
    let since = Instant::now();
    app.stop().await;
    assert!(since.elapsed() < Duration::from_secs(20), "it waited");
    assert_eq!(one.next().await, None);
    assert_eq!(all.next().await, None);
}

/// A plan that is over may be watched: the client says when it has seen enough.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_stopped_can_be_watched_on() {
    let app = TestApp::builder().without("srl").start().await;
    let plan = app.run(&app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "ERROR");
    let mut events = Events::open(&app.url, &of(&plan), None).await;
    let stopped = |seen: &crate::support::Seen| seen.data["planStatus"] == "ERROR";
    events.until(stopped).await;
    let retry = json!({"planId": plan["id"]});
    assert_eq!(app.post("/mesh/retry", &retry).await.0, 200);
    let next = events.next().await.unwrap();
    assert_eq!(next.line(), "reset step-2 PENDING");
}
