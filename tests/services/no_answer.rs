//! Every way to get no answer, each with a message of its own.

use std::time::Instant;

use serde_json::{Value, json};

use super::{ask_srl, srl_at};
use crate::support::{
    Full, PATIENCE, Port, Reply, Stub, TestApp, assert_has, endless, padded, raw, stalling,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_is_told() {
    let port = Port::reserve();
    let app = srl_at(port.url()).await;
    assert_error(&ask_srl(&app).await, &port.url(), "refused the connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_hangs_is_given_up() {
    let app = TestApp::builder()
        .configure(|config| config.services.get_mut("srl").unwrap().timeout_ms = Some(300))
        .start()
        .await;
    app.stub("srl").hold();
    let began = Instant::now();
    let step = ask_srl(&app).await;
    assert_error(&step, &app.stub("srl").url, "did not answer within 300 ms");
    assert!(began.elapsed() < PATIENCE / 2, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_stalls_halfway_is_given_up() {
    let stalled = stalling("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"ok\":").await;
    let url = stalled.clone();
    let app = TestApp::builder()
        .configure(move |config| {
            let srl = config.services.get_mut("srl").unwrap();
            (srl.url, srl.timeout_ms) = (Some(url), Some(300));
        })
        .start()
        .await;
    assert_error(
        &ask_srl(&app).await,
        &stalled,
        "did not answer within 300 ms",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_takes_no_more_connections_is_told() {
    let full = Full::new().await;
    let app = srl_at(full.url.clone()).await;
    let told = "could not be connected to within 5000 ms";
    assert_error(&ask_srl(&app).await, &full.url, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_over_the_limit_is_told() {
    let app = TestApp::start().await;
    app.stub("srl").answer(padded_to((1 << 20) + 1));
    let url = app.stub("srl").url.clone();
    assert_error(&ask_srl(&app).await, &url, "more than 1048576 bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_at_the_limit_is_taken() {
    let app = TestApp::start().await;
    app.stub("srl").answer(padded_to(1 << 20));
    let step = ask_srl(&app).await;
    assert_eq!(step["status"], "DONE", "{}", step["error"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_end_is_cut_at_the_limit() {
    let url = endless("HTTP/1.1 200 OK\r\n\r\n[", "1,".repeat(8 << 10)).await;
    let app = srl_at(url.clone()).await;
    assert_error(&ask_srl(&app).await, &url, "more than 1048576 bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_is_the_operators() {
    let app = TestApp::builder()
        .configure(|config| config.limits.answer_bytes = 1000)
        .start()
        .await;
    let url = app.stub("srl").url.clone();
    app.stub("srl").answer(padded_to(1000));
    assert_eq!(ask_srl(&app).await["status"], "DONE");
    app.stub("srl").answer(padded_to(1001));
    assert_error(&ask_srl(&app).await, &url, "more than 1000 bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_text_is_told() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\n";
    let url = raw([&head[..], b"\"\xff\xfe\""].concat()).await;
    let app = srl_at(url.clone()).await;
    assert_error(&ask_srl(&app).await, &url, "not UTF-8");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_is_told() {
    let answers = [
        "",
        "HTTP/1.1 200 OK\r\ncontent-",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"ok\":true",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"ok\"\r\n",
    ];
    for answer in answers {
        let url = raw(answer).await;
        let app = srl_at(url.clone()).await;
        assert_error(&ask_srl(&app).await, &url, "closed the connection");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_http_is_told() {
    let url = raw(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()).await;
    let app = srl_at(url.clone()).await;
    assert_error(&ask_srl(&app).await, &url, "gave no answer: invalid HTTP");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_host_is_told() {
    let app = srl_at("http://does-not-exist.invalid:1234").await;
    let url = "http://does-not-exist.invalid:1234";
    assert_error(&ask_srl(&app).await, url, "could not be found by name");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_tls_is_told() {
    let plain = Stub::answering(Reply::json(200, &json!({}))).await;
    let url = plain.url.replace("http://", "https://");
    let app = srl_at(url.clone()).await;
    assert_error(&ask_srl(&app).await, &url, "TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let elsewhere = Stub::answering(Reply::json(200, &json!({"ok": true}))).await;
    let app = TestApp::start().await;
    for status in [301, 302, 303, 307, 308] {
        let redirect = Reply::new(status, "text/plain", "").header("location", &elsewhere.url);
        app.stub("srl").answer(redirect);
        let step = ask_srl(&app).await;
        let told = step["error"].as_str().unwrap();
        assert_has(
            told,
            &["srl", &status.to_string(), "redirects are never followed"],
        );
    }
    assert_eq!(elsewhere.requests().len(), 0);
    assert_eq!(app.asked("srl"), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_leaves_nothing_under_way() {
    let app = TestApp::builder().without("autonomy").start().await;
    let plan = app.step(&app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "ERROR");
    let stored = app.plan(&plan).await;
    assert_eq!(stored, plan);
    let statuses: Vec<_> = stored["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["status"])
        .collect();
    assert_eq!(statuses, ["ERROR", "PENDING", "PENDING", "PENDING"]);
    assert_eq!(app.try_step(&plan).await.0, 409);
    assert_eq!(app.asked("srl"), 0);
}

/// Asserts a failed step that names its service, the address, and what happened.
#[track_caller]
fn assert_error(step: &Value, url: &str, told: &str) {
    assert_eq!(step["status"], "ERROR", "{step}");
    assert!(step["finishedAt"].is_string(), "{step}");
    let error = step["error"].as_str().unwrap();
    assert!(error.starts_with(&format!("srl at {url} ")), "{error}");
    assert_has(error, &[told]);
}

/// A friendly answer with as much white space as makes it this long.
fn padded_to(length: usize) -> Reply {
    let body = json!({"ok": true, "allowExecution": true, "requireApproval": false});
    Reply::new(200, "application/json", &padded(&body, length))
}
