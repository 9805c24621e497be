//! Clients that take their time: they are let go, and nobody else notices.

use tokio::io::AsyncWriteExt;

use super::{connect, until_closed};
use crate::support::{TestApp, assert_has};

async fn impatient() -> TestApp {
    TestApp::builder()
        .configure(|config| config.limits.client_ms = 300)
        .start()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_end_is_given_up() {
    let app = impatient().await;
    let mut stream = connect(&app).await;
    stream
        .write_all(b"POST /mesh/create HTTP/1.1\r\nhost: localhost\r\nx-slow: ")
        .await
        .unwrap();
    let answer = until_closed(&mut stream).await;
    assert!(!answer.contains(" 200 "), "{answer}");
    assert_eq!(app.get("/health").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_end_is_given_up() {
    let app = impatient().await;
    let mut stream = connect(&app).await;
    let head = "POST /mesh/create HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 100\r\n\r\n{\"goal\":";
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = until_closed(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_has(
        &answer,
        &["{\"ok\":false,\"error\":\"the body did not arrive in time\"}"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_connection_is_closed() {
    let app = impatient().await;
    let mut silent = connect(&app).await;
    assert_eq!(until_closed(&mut silent).await, "");
    let mut idle = connect(&app).await;
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let answer = until_closed(&mut idle).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// The system counts no silence that is longer than 32,767 s.
#[tokio::test(flavor = "multi_thread")]
async fn clients_may_be_silent_for_a_day() {
    let app = TestApp::builder()
        .configure(|config| config.limits.client_ms = 24 * 60 * 60 * 1_000)
        .start()
        .await;
    assert_eq!(app.get("/health").await.0, 200);
}
