//! Below the API: clients that speak TCP by hand, end their side, or send what is no HTTP.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{TestApp, within};

async fn connect(app: &TestApp) -> TcpStream {
    let address = app.url.strip_prefix("http://").unwrap().to_owned();
    TcpStream::connect(address).await.unwrap()
}

/// All that is answered to these bytes, which the client ends with its side of the connection.
async fn ask_and_end(app: &TestApp, bytes: &[u8]) -> String {
    let mut stream = connect(app).await;
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    read(&mut stream).await
}

async fn read(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

fn post(path: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_ends_its_side_is_answered() {
    let app = TestApp::start().await;
    let plan = app
        .create(&json!({"mode": "DRY_RUN", "steps": [{"kind": "srl"}]}))
        .await;
    let answer = ask_and_end(&app, b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");

    // The answer takes a while: the service is asked first.
    let srl = app.stub("srl");
    srl.hold();
    let mut stream = connect(&app).await;
    let request = post("/mesh/run", &json!({"planId": plan["id"], "wait": true}));
    stream.write_all(&request).await.unwrap();
    stream.shutdown().await.unwrap();
    srl.asked(1).await;
    srl.release();
    let answer = read(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains(r#""status":"DONE""#), "{answer}");
}

/// A stream has no end that it could wait for: it gets what there is, and its place is free again.
#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_ends_its_side_is_told_what_there_is() {
    let app = TestApp::start().await;
    let plan = app.create(&json!({})).await;
    let id = plan["id"].as_str().unwrap();
    let watch = format!("GET /mesh/events?id={id} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let answer = ask_and_end(&app, watch.as_bytes()).await;
    assert!(answer.contains("event: created"), "{answer}");
    app.status_when(|status| status["places"]["streams"]["taken"] == 0)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_refused_as_everything_else_is() {
    let app = TestApp::start().await;
    let long = "a".repeat(70_000);
    let many: String = (0..200).map(|n| format!("x-{n}: 1\r\n")).collect();
    let large = format!("x-large: {}\r\n", "a".repeat(600_000));
    for (request, status, part) in [
        ("hello\r\n\r\n".to_owned(), 400, "RFC 9112"),
        ("GET  / HTTP/1.1\r\n\r\n".to_owned(), 400, "RFC 9112"),
        (
            "GET / HTTP/1.1\r\nbad header\r\n\r\n".to_owned(),
            400,
            "malformed",
        ),
        ("GET / HTTP/7.3\r\n\r\n".to_owned(), 400, "version"),
        (
            "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: x\r\n\r\n".to_owned(),
            400,
            "RFC 9112",
        ),
        (
            format!("GET /{long} HTTP/1.1\r\nhost: localhost\r\n\r\n"),
            414,
            "too long",
        ),
        (
            format!("GET / HTTP/1.1\r\nhost: localhost\r\n{many}\r\n"),
            431,
            "too large",
        ),
        (
            format!("GET / HTTP/1.1\r\nhost: localhost\r\n{large}\r\n"),
            431,
            "too large",
        ),
    ] {
        let mut stream = connect(&app).await;
        // The host may have answered and closed before it has read everything.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        while !String::from_utf8_lossy(&answer).contains('}') {
            let more = within(stream.read_buf(&mut answer)).await.unwrap();
            assert!(more > 0, "{}", String::from_utf8_lossy(&answer));
        }
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert!(head.contains("application/json; charset=utf-8"), "{head}");
        assert!(
            head.contains(&format!("content-length: {}", body.len())),
            "{head}"
        );
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["ok"], false);
        assert!(body["error"].as_str().unwrap().contains(part), "{body}");
    }
}
