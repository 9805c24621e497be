//! What every route has in common, and the two that tell about the host itself.

use codex_mesh::registry::embedded::COMPONENTS;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{TestApp, assert_has, http, padded, within};

#[tokio::test(flavor = "multi_thread")]
async fn health_says_who_answers() {
    let app = TestApp::start().await;
    let expected = json!({
        "ok": true,
        "service": "codex-mesh",
        "version": "1.0.0",
        "mode": "SEMI_AUTONOMOUS_MESH",
    });
    assert_eq!(app.get("/health").await, (200, expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_json_in_utf_8_with_ok_first() {
    let app = TestApp::start().await;
    let plan = app.create(&json!({})).await;
    let id = plan["id"].as_str().unwrap();
    let srl = app.get("/plugins/srl").await.1;
    let sha256 = srl["versions"][0]["sha256"].as_str().unwrap();
    let person = json!({"planId": id, "stepId": "step-1", "by": "Ada", "reason": "none"});
    let large = padded(&json!({}), (1 << 20) + 1);
    let requests = [
        ("GET", "/health", String::new()),
        ("HEAD", "/health", String::new()),
        ("GET", "/nope", String::new()),
        ("PUT", "/health", String::new()),
        ("GET", "/recipes", String::new()),
        ("GET", "/plugins", String::new()),
        ("GET", "/plugins/srl", String::new()),
        ("GET", "/plugins/srl/recordings", String::new()),
        ("POST", "/plugins", String::new()),
        (
            "POST",
            "/plugins/srl/activate",
            json!({"sha256": sha256}).to_string(),
        ),
        ("POST", "/plugins/srl/rollback", "{}".to_owned()),
        ("DELETE", &format!("/plugins/srl/{sha256}"), String::new()),
        ("GET", "/mesh/plans", String::new()),
        ("GET", &format!("/mesh/plan?id={id}"), String::new()),
        ("GET", "/mesh/plan?id=x", String::new()),
        ("GET", &format!("/mesh/history?id={id}"), String::new()),
        ("GET", "/mesh/status", String::new()),
        ("GET", "/mesh/brain/parked", String::new()),
        ("GET", "/mesh/events?lastEventId=x", String::new()),
        ("POST", "/mesh/brain/resend", "{}".to_owned()),
        ("POST", "/mesh/create", "{".to_owned()),
        ("POST", "/mesh/create", large),
        ("POST", "/mesh/skip", person.to_string()),
        ("POST", "/mesh/step", json!({"planId": id}).to_string()),
    ];
    for (method, path, body) in requests {
        let request = http().request(method.parse().unwrap(), format!("{}{path}", app.url));
        let request = request
            .header("content-type", "application/json")
            .body(body);
        let answer = within(request.send()).await.unwrap();
        let content_type = answer.headers()["content-type"].to_str().unwrap();
        assert_eq!(
            content_type, "application/json; charset=utf-8",
            "{method} {path}"
        );
        let ok = format!("{{\"ok\":{}", answer.status().is_success());
        let text = answer.text().await.unwrap();
        assert!(
            text.starts_with(&ok) || method == "HEAD",
            "{method} {path}: {text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_route_is_404() {
    let app = TestApp::start().await;
    let paths = [
        "/",
        "/mesh",
        "/mesh/",
        "/mesh/plan/",
        "/mesh/create/x",
        "/MESH/plans",
        "/nope?x=1",
    ];
    for path in paths {
        for method in ["GET", "POST", "DELETE"] {
            let (status, body) = app.request(method, path).await;
            assert_eq!(status, 404, "{method} {path}");
            let without_query = path.split('?').next().unwrap();
            assert_error(&body, &["no route", method, without_query]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_is_405() {
    let app = TestApp::start().await;
    let routes = [
        ("/health", "POST"),
        ("/mesh/create", "GET"),
        ("/mesh/create", "PUT"),
        ("/mesh/step", "GET"),
        ("/mesh/step", "DELETE"),
        ("/mesh/plan", "POST"),
        ("/mesh/plans", "PATCH"),
        ("/recipes", "POST"),
        ("/plugins", "PUT"),
        ("/plugins", "OPTIONS"),
        ("/plugins/srl", "POST"),
        ("/plugins/srl/activate", "GET"),
    ];
    for (path, method) in routes {
        let (status, body) = app.request(method, path).await;
        assert_eq!(status, 405, "{method} {path}");
        assert_error(&body, &[path, "does not take", method]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_json_is_400() {
    let app = TestApp::start().await;
    let deep = "[".repeat(100_000);
    let bodies: [&[u8]; 7] = [
        b"",
        b"{",
        b"{} {}",
        b"{'planId':'x'}",
        b"{\"planId\":\"\xff\"}",
        b"planId=x",
        deep.as_bytes(),
    ];
    for path in ["/mesh/create", "/mesh/step"] {
        for body in bodies {
            let (status, answer) = app
                .post_raw(path, Some("application/json"), body.to_vec())
                .await;
            assert_eq!(status, 400, "{path} {answer}");
            assert_error(&answer, &["not JSON"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_content_type_is_415() {
    let app = TestApp::start().await;
    let types = [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonp"),
        Some("text/plain; x=application/json"),
    ];
    for path in ["/mesh/create", "/mesh/step"] {
        for content_type in types {
            let (status, answer) = app.post_raw(path, content_type, "{}").await;
            assert_eq!(status, 415, "{path} {content_type:?}");
            assert_error(&answer, &["application/json"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_taken_whatever_its_parameters() {
    let app = TestApp::start().await;
    let body = json!({"sessionId": "s", "domain": "social", "goal": "Write a summary"});
    for content_type in ["application/json; charset=utf-8", "Application/JSON"] {
        let (status, answer) = app
            .post_raw("/mesh/create", Some(content_type), body.to_string())
            .await;
        assert_eq!((status, &answer["ok"]), (200, &json!(true)), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_one_mebibyte_is_413() {
    let app = TestApp::start().await;
    for path in ["/mesh/create", "/mesh/step"] {
        for more in [1, 4 << 20] {
            let body = plan_of((1 << 20) + more);
            let (status, answer) = app.post_raw(path, Some("application/json"), body).await;
            assert_eq!(status, 413, "{path} with {more} bytes more");
            assert_error(&answer, &["size limit", "1048576"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_one_mebibyte_is_read() {
    let app = TestApp::start().await;
    let body = plan_of(1 << 20);
    let (status, answer) = app
        .post_raw("/mesh/create", Some("application/json"), body)
        .await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seven_plugins_are_listed() {
    let app = TestApp::start().await;
    let (status, answer) = app.get("/plugins").await;
    assert_eq!((status, &answer["ok"]), (200, &json!(true)));
    let listed: Vec<_> = answer["plugins"]
        .as_array()
        .unwrap()
        .iter()
        .map(|plugin| ["kind", "label", "service"].map(|field| plugin[field].as_str().unwrap()))
        .collect();
    let expected = [
        ["autonomy", "Evaluate autonomy decision", "autonomy"],
        ["hardening", "Run hardening check", "hardening"],
        ["ops", "Check operations health", "ops"],
        ["simulation", "Run simulation", "simulation"],
        ["srl", "Run self-regulation (SRL)", "srl"],
        ["strategy", "Plan strategy", "strategy"],
        ["workflow", "Create workflow", "workflow"],
    ];
    assert_eq!(listed, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_listed_with_its_version_and_what_it_is_made_of() {
    let app = TestApp::start().await;
    let (_, answer) = app.get("/plugins").await;
    for plugin in answer["plugins"].as_array().unwrap() {
        semver::Version::parse(plugin["version"].as_str().unwrap()).unwrap();
        let (_, bytes) = COMPONENTS
            .iter()
            .find(|(name, _)| plugin["kind"] == *name)
            .unwrap();
        let digest = Sha256::digest(bytes);
        let sha256: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(plugin["sha256"], json!(sha256), "{plugin}");
        assert_eq!(plugin["size"], json!(bytes.len()), "{plugin}");
        assert_eq!(plugin["origin"], "embedded", "{plugin}");
    }
}

/// A plan to create, with as much white space as makes it this long.
fn plan_of(length: usize) -> String {
    let body = json!({"sessionId": "s", "domain": "social", "goal": "Write a summary"});
    padded(&body, length)
}

/// Asserts the one shape of every error.
fn assert_error(body: &Value, parts: &[&str]) {
    let error = body["error"].as_str().unwrap();
    assert_eq!(body, &json!({"ok": false, "error": error}));
    assert_has(error, parts);
}
