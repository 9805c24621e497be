//! No web page reaches the API through the browser of somebody who does, unless the operator named it.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{TestApp, TestAppBuilder, assert_has, folder, within};

/// Sends the lines of a request's head, and nothing else; the answer's head and body.
async fn ask(app: &TestApp, lines: &[&str]) -> (u16, String, Value) {
    ask_with(app, lines, "").await
}

async fn ask_with(app: &TestApp, lines: &[&str], body: &str) -> (u16, String, Value) {
    let address = app.url.strip_prefix("http://").unwrap();
    let mut stream = within(TcpStream::connect(address)).await.unwrap();
    let length = format!("content-length: {}", body.len());
    let lines = [lines, &[&length, "connection: close", "", body]].concat();
    stream
        .write_all(lines.join("\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = Vec::new();
    within(stream.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (
        status,
        head.to_lowercase(),
        serde_json::from_str(body).unwrap_or(Value::Null),
    )
}

fn named() -> TestAppBuilder {
    TestApp::builder().configure(|config| {
        config.http.hosts = vec!["Mesh.internal.".to_owned()];
        config.http.cors_origins = vec!["https://Console.example:443".to_owned()];
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_answers_to_its_own_names_only() {
    let app = named().start().await;
    for host in [
        "localhost",
        "LOCALHOST:1",
        "localhost.",
        "127.0.0.1",
        "10.1.2.3:80",
        "[::1]",
        "[::1]:5565",
        "mesh.internal",
        "MESH.INTERNAL.:8080",
    ] {
        let (status, _, answer) =
            ask(&app, &["GET /health HTTP/1.1", &format!("Host: {host}")]).await;
        assert_eq!((status, &answer["ok"]), (200, &json!(true)), "{host}");
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "xlocalhost",
        "mesh",
        "mesh.internal.evil:80",
        "127.1",
        "127.0.0.1.nip.io",
        "2130706433",
        "0x7f.1",
        "localhost..",
    ] {
        let host = format!("Host: {host}");
        for request in [
            "GET /health",
            "GET /mesh/plans",
            "POST /mesh/create",
            "OPTIONS /mesh/create",
        ] {
            let (status, head, answer) = ask(&app, &[&format!("{request} HTTP/1.1"), &host]).await;
            assert!(
                status == 421 || host.ends_with(".."),
                "{request} {host}: {head}"
            );
            assert_eq!(answer["ok"], false, "{request} {host}");
        }
    }
    let (_, _, answer) = ask(&app, &["GET /health HTTP/1.1", "Host: evil.example"]).await;
    assert_has(
        answer["error"].as_str().unwrap(),
        &["evil.example", "[http] hosts"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_names_one_host() {
    let app = TestApp::start().await;
    let cases: [(&[&str], u16); 11] = [
        (&["GET /health HTTP/1.1"], 400),
        (&["GET /health HTTP/1.1", "Host:"], 400),
        (
            &["GET /health HTTP/1.1", "Host: localhost", "Host: localhost"],
            400,
        ),
        (
            &["GET /health HTTP/1.1", "Host: localhost, evil.example"],
            400,
        ),
        (&["GET /health HTTP/1.1", "Host: user@localhost"], 400),
        (&["GET /health HTTP/1.1", "Host: localhost:65536"], 400),
        (
            &[
                "GET /health HTTP/1.1",
                "Host: localhost",
                "X-Forwarded-Host: evil.example",
            ],
            200,
        ),
        (
            &["GET http://evil.example/health HTTP/1.1", "Host: localhost"],
            421,
        ),
        (
            &["GET http://localhost/health HTTP/1.1", "Host: evil.example"],
            421,
        ),
        (
            &["GET http://localhost/health HTTP/1.1", "Host: localhost"],
            200,
        ),
        // As old health checks ask; browsers don't.
        (&["GET /health HTTP/1.0"], 200),
    ];
    for (lines, expected) in cases {
        let (status, head, answer) = ask(&app, lines).await;
        assert_eq!(status, expected, "{lines:?}: {head}");
        assert_eq!(answer["ok"], expected == 200, "{lines:?}");
    }
}

const CREATE: &str = r#"{"sessionId":"s","domain":"social","goal":"g"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn another_page_changes_nothing() {
    let app = named().start().await;
    let post = "POST /mesh/create HTTP/1.1";
    let json = "content-type: application/json";
    for (host, origin, expected) in [
        ("localhost:5565", "http://localhost:5565", 200),
        ("LOCALHOST:5565", "http://localhost:5565", 200),
        ("mesh.internal", "http://mesh.internal", 200),
        // Behind a proxy that speaks TLS.
        ("mesh.internal", "https://mesh.internal", 200),
        ("mesh.internal:443", "https://mesh.internal", 200),
        ("localhost", "https://console.example", 200),
        ("localhost", "https://console.example:444", 403),
        ("localhost", "http://console.example", 403),
        ("localhost:5565", "http://localhost:3000", 403),
        ("localhost:5565", "http://127.0.0.1:5565", 403),
        ("localhost", "http://evil.example", 403),
        ("localhost", "null", 403),
        ("localhost", "", 403),
        ("localhost", "localhost", 403),
        ("localhost", "http://localhost@evil.example", 403),
    ] {
        let (host, from) = (format!("Host: {host}"), format!("Origin: {origin}"));
        let (status, head, answer) = ask_with(&app, &[post, &host, &from, json], CREATE).await;
        assert_eq!(status, expected, "{host} {origin}: {head}");
        if expected == 403 {
            assert_has(answer["error"].as_str().unwrap(), &["[http] cors_origins"]);
        }
    }
    // One good origin hides no other.
    let two = [
        post,
        "Host: localhost",
        "Origin: http://localhost",
        "Origin: http://evil.example",
        json,
    ];
    assert_eq!(ask_with(&app, &two, CREATE).await.0, 403);
    let (_, plans) = app.get("/mesh/plans").await;
    assert_eq!(plans["plans"].as_array().unwrap().len(), 6);
    for request in [
        "POST /mesh/run",
        "POST /mesh/approve",
        "POST /mesh/cancel",
        "POST /plugins",
        "POST /plugins/srl/rollback",
        "DELETE /plugins/srl/x",
        "PUT /health",
    ] {
        let head = [
            &format!("{request} HTTP/1.1"),
            "Host: localhost",
            "Origin: http://evil.example",
            json,
        ];
        assert_eq!(ask_with(&app, &head, "{}").await.0, 403, "{request}");
    }
}

/// By default no page may read an answer, and the ones that are named may.
#[tokio::test(flavor = "multi_thread")]
async fn pages_that_are_named_use_the_api_from_a_browser() {
    let preflight = [
        "OPTIONS /mesh/create HTTP/1.1",
        "Host: localhost",
        "Origin: https://console.example",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: content-type",
    ];
    let read = [
        "GET /mesh/plans HTTP/1.1",
        "Host: localhost",
        "Origin: https://console.example",
    ];
    let app = TestApp::start().await;
    for request in [&preflight[..], &read] {
        let (_, head, _) = ask(&app, request).await;
        assert!(!head.contains("access-control"), "{head}");
    }
    let app = named().start().await;
    let (status, head, _) = ask(&app, &preflight).await;
    assert_eq!(status, 200);
    assert_has(
        &head,
        &[
            "access-control-allow-origin: https://console.example",
            "content-type",
            "post",
        ],
    );
    let (status, head, _) = ask(&app, &read).await;
    assert_eq!(status, 200);
    assert_has(
        &head,
        &[
            "access-control-allow-origin: https://console.example",
            "retry-after",
        ],
    );
    let other = [
        "GET /mesh/plans HTTP/1.1",
        "Host: localhost",
        "Origin: https://evil.example",
    ];
    let (_, head, _) = ask(&app, &other).await;
    assert!(!head.contains("access-control-allow-origin"), "{head}");
}

#[test]
fn a_name_or_an_origin_that_is_none_is_refused_at_start() {
    for (line, part) in [
        (r#"hosts = ["http://mesh"]"#, "\"http://mesh\" is no name"),
        (r#"hosts = ["mesh:80"]"#, "\"mesh:80\" is no name"),
        (r#"hosts = ["*"]"#, "\"*\" is no name"),
        (r#"hosts = [""]"#, "\"\" is no name"),
        (
            r#"hosts = ["10.0.0.1"]"#,
            "addresses and localhost are always taken",
        ),
        (r#"cors_origins = ["*"]"#, "there is none for all"),
        (r#"cors_origins = ["null"]"#, "\"null\" is no origin"),
        (r#"cors_origins = ["console.example"]"#, "is no origin"),
        (
            r#"cors_origins = ["https://console.example/"]"#,
            "is no origin",
        ),
        (r#"cors_origins = ["file://x"]"#, "is no origin"),
        (r#"unknown_fields = "allow""#, "unknown variant"),
    ] {
        let text = format!("[http]\n{line}\n");
        let toml = folder([("mesh.toml", text.as_bytes())]);
        let loaded = codex_mesh::config::Config::load(Some(&toml.path().join("mesh.toml")), []);
        assert_has(&format!("{:#}", loaded.unwrap_err()), &[part]);
    }
}
