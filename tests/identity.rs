//! Every call says which call it is, so that a service can tell a repetition from a new one; and
//! nothing that is secret goes where it is not meant to.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Port, Reply, Request, TestApp, friendly_reply};

const STEPS: [&str; 4] = ["autonomy", "srl", "hardening", "workflow"];

fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    let mut values = request.headers.get_all(name).iter();
    let value = values.next().unwrap_or_else(|| panic!("no {name}"));
    assert!(values.next().is_none(), "more than one {name}");
    value.to_str().unwrap()
}

/// The trace and the span of a W3C `traceparent`, version 00.
fn trace(request: &Request) -> (String, String) {
    let value = header(request, "traceparent");
    let parts: Vec<&str> = value.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    assert_eq!(lengths, [2, 32, 16, 2], "{value}");
    let lower_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    assert!(
        parts.iter().all(|part| part.chars().all(lower_hex)),
        "{value}"
    );
    assert_eq!(parts[0], "00", "{value}");
    for id in &parts[1..3] {
        assert!(id.chars().any(|c| c != '0'), "all zero: {value}");
    }
    (parts[1].to_owned(), parts[2].to_owned())
}

/// 503 for the first `failures` requests, then the friendly answer.
fn fail_first(app: &TestApp, name: &str, failures: usize) {
    let (mut left, good) = (failures, friendly_reply(name));
    app.stub(name).answer_with(move |_| {
        if left == 0 {
            return good.clone();
        }
        left -= 1;
        Reply::json(503, &json!({"ok": false, "error": "not now"})).header("retry-after", "0")
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_has_its_own_key_and_a_plan_is_one_trace() {
    let app = TestApp::start().await;
    let (mut keys, mut traces, mut spans) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for round in 0..2 {
        let plan = app.run(&app.create(&json!({})).await).await;
        assert_eq!(plan["status"], "DONE", "{plan}");
        let id = plan["id"].as_str().unwrap();
        let mut of_this_plan = BTreeSet::new();
        for (index, name) in STEPS.iter().enumerate() {
            let requests = app.stub(name).requests();
            assert_eq!(requests.len(), round + 1, "{name}");
            let request = &requests[round];
            let key = header(request, "idempotency-key");
            assert_eq!(key, format!("{id}/step-{}/1/1", index + 1));
            assert!(keys.insert(key.to_owned()));
            let (trace, span) = trace(request);
            of_this_plan.insert(trace);
            assert!(spans.insert(span), "a span is used twice");
        }
        assert_eq!(of_this_plan.len(), 1, "{of_this_plan:?}");
        traces.extend(of_this_plan);
    }
    assert_eq!((keys.len(), traces.len()), (8, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_tried_again_is_the_same_call() {
    let app = TestApp::builder()
        .configure(|config| config.retry.first_wait_ms = 5)
        .start()
        .await;
    fail_first(&app, "srl", 2);
    let plan = app.run(&app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "DONE", "{plan}");
    let requests = app.stub("srl").requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        let id = plan["id"].as_str().unwrap();
        assert_eq!(
            header(request, "idempotency-key"),
            format!("{id}/step-2/1/1")
        );
        assert_eq!(trace(request).0, trace(&requests[0]).0);
        assert_eq!(request.body, requests[0].body);
    }
}

/// The workflow service answers 503 once: the write is repeated, with its key, only where the
/// operator says that the service honours keys.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_repeated_only_where_keys_are_honoured() {
    for idempotent in [false, true] {
        let app = TestApp::builder()
            .configure(move |config| {
                config.retry.first_wait_ms = 5;
                config.services.get_mut("workflow").unwrap().idempotent = idempotent;
            })
            .start()
            .await;
        fail_first(&app, "workflow", 1);
        let plan = app.run(&app.create(&json!({})).await).await;
        let requests = app.stub("workflow").requests();
        let keys: BTreeSet<&str> = requests
            .iter()
            .map(|request| header(request, "idempotency-key"))
            .collect();
        assert_eq!(keys.len(), 1, "{keys:?}");
        let expected = if idempotent {
            ("DONE", 2)
        } else {
            ("ERROR", 1)
        };
        let found = (plan["status"].as_str().unwrap(), requests.len());
        assert_eq!(found, expected, "{plan}");
    }
}

/// What an operator configures for one service reaches that service, and nothing else: not the
/// plan, not its history, not Brain.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_reach_only_their_service() {
    let secret = "hunter2-of-autonomy";
    let port = Port::reserve();
    let gone = port.url().replace("http://", "http://user:hunter2-of-srl@");
    let app = TestApp::builder()
        .configure(move |config| {
            let key = |value: &str| serde_json::from_value(json!({"x-api-key": value})).unwrap();
            for (name, value) in [("autonomy", secret), ("brain", "hunter2-of-brain")] {
                config.services.get_mut(name).unwrap().headers = key(value);
            }
            config.services.get_mut("srl").unwrap().url = Some(gone);
            config.retry.tries = 1;
        })
        .start()
        .await;
    let plan = app.run(&app.create(&json!({})).await).await;
    assert_eq!(plan["steps"][1]["status"], "ERROR", "{plan}");
    assert_eq!(
        header(&app.stub("autonomy").requests()[0], "x-api-key"),
        secret
    );

    app.status_when(|status| status["brain"]["backlog"] == 0)
        .await;
    let told = app.stub("brain").requests();
    assert_eq!(told.len(), 4, "created, two steps, stopped");
    for request in &told {
        assert_eq!(header(request, "x-api-key"), "hunter2-of-brain");
        assert!(!request.body.contains("hunter2"), "{}", request.body);
        // Brain knows neither, and its records are no calls of a plan.
        assert!(!request.headers.contains_key("idempotency-key"));
        let content = request.json()["content"].as_str().unwrap().to_owned();
        serde_json::from_str::<Value>(&content).unwrap();
    }
    let id = plan["id"].as_str().unwrap();
    let shown = [
        plan.to_string(),
        app.get(&format!("/mesh/history?id={id}"))
            .await
            .1
            .to_string(),
        app.get("/mesh/status").await.1.to_string(),
        app.get("/plugins").await.1.to_string(),
    ];
    for text in shown {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
