//! Secret headers reach their service, and nobody else.

use std::collections::BTreeMap;

use codex_mesh::config::{Config, Secret, ServiceConfig};
use serde_json::{Value, json};

use crate::support::{GOAL, Port, Reply, TestApp, start_hostile};

const SECRET: &str = "s3cr3t-7f1c";

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_header_reaches_its_service_alone() {
    let app = with_secrets().await;
    let plan = app.run(&app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    let srl = &app.stub("srl").requests()[0];
    assert_eq!(srl.headers["authorization"], format!("Bearer {SECRET}"));
    assert_eq!(srl.headers["x-api-key"], SECRET);
    app.stub("brain").asked(6).await;
    for service in ["autonomy", "hardening", "workflow", "brain"] {
        for request in app.stub(service).requests() {
            let request = format!("{:?} {}", request.headers, request.body);
            assert!(!request.contains(SECRET), "{service}: {request}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_nowhere() {
    let app = with_secrets().await;
    let plan = app.create(&json!({})).await;
    assert_hidden(&plan);
    let done = app.run(&plan).await;
    assert_hidden(&done);
    let stopped = app.create(&json!({})).await;
    app.stub("srl").answer(Reply::new(500, "text/plain", "no"));
    let stopped = app.run(&stopped).await;
    assert_eq!(stopped["status"], "ERROR");
    assert_hidden(&stopped);
    let path = format!("/mesh/plan?id={}", stopped["id"].as_str().unwrap());
    for path in [path.as_str(), "/mesh/plans", "/plugins", "/health"] {
        assert_hidden(&app.get(path).await.1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_an_address_is_sent_and_shown_nowhere() {
    let app = TestApp::builder()
        .configure(|config| {
            let srl = config.services.get_mut("srl").unwrap();
            let url = srl.url.clone().unwrap();
            srl.url = Some(url.replace("http://", &format!("http://mesh:{SECRET}@")));
            let closed = Port::reserve().address();
            let hardening = config.services.get_mut("hardening").unwrap();
            hardening.url = Some(format!("http://mesh:{SECRET}@{closed}"));
        })
        .start()
        .await;
    let plan = app.run(&app.create(&json!({})).await).await;
    assert_eq!(plan["steps"][1]["status"], "DONE", "{plan:#}");
    let srl = &app.stub("srl").requests()[0];
    let sent = srl.headers["authorization"].to_str().unwrap();
    assert!(sent.starts_with("Basic "), "{sent}");
    // The message of the failed step names the address, and no more of it than it should.
    assert_eq!(plan["steps"][2]["status"], "ERROR");
    assert_hidden(&plan);
}

/// As whom the host speaks to a service is not a plugin's to say.
#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_does_not_replace_the_password_in_an_address() {
    let builder = TestApp::builder().configure(|config| {
        let srl = config.services.get_mut("srl").unwrap();
        let url = srl.url.clone().unwrap();
        srl.url = Some(url.replace("http://", &format!("http://mesh:{SECRET}@")));
    });
    let app = start_hostile(builder).await;
    let goal = "shape:header=authorization: Bearer mine";
    let steps = json!([{"kind": "hostile"}]);
    let plan = app
        .step(&app.create(&json!({"goal": goal, "steps": steps})).await)
        .await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    let requests = app.stub("srl").requests();
    let sent = requests[0].headers["authorization"].to_str().unwrap();
    assert!(sent.starts_with("Basic "), "{sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_no_part_of_what_is_printed_of_the_configuration() {
    let mut config = Config::default();
    config.services.insert("srl".to_owned(), secrets());
    let printed = format!("{config:?} {:?}", config.catalogue().unwrap());
    assert!(!printed.contains(SECRET), "{printed}");
    assert!(printed.contains("x-api-key"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_not_stored() {
    let app = with_secrets().await;
    app.run(&app.create(&json!({})).await).await;
    let mut stored = Vec::new();
    for entry in std::fs::read_dir(app.data.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            stored.extend(std::fs::read(path).unwrap());
        }
    }
    let has = |text: &str| {
        stored
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(has(GOAL), "the database is not where it was looked for");
    assert!(!has(SECRET));
}

async fn with_secrets() -> TestApp {
    TestApp::builder()
        .configure(|config| {
            let srl = config.services.get_mut("srl").unwrap();
            srl.headers = secrets().headers;
        })
        .start()
        .await
}

fn secrets() -> ServiceConfig {
    let secret = |value: String| -> Secret { serde_json::from_value(json!(value)).unwrap() };
    let headers = BTreeMap::from([
        (
            "Authorization".to_owned(),
            secret(format!("Bearer {SECRET}")),
        ),
        ("x-api-key".to_owned(), secret(SECRET.to_owned())),
    ]);
    ServiceConfig {
        headers,
        ..ServiceConfig::default()
    }
}

#[track_caller]
fn assert_hidden(answer: &Value) {
    let answer = answer.to_string();
    assert!(!answer.contains(SECRET), "{answer}");
    assert!(!answer.to_lowercase().contains("authorization"), "{answer}");
}
