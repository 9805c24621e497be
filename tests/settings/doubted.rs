//! A check that says no only because of services that the host itself reaches and finds healthy: the
//! step's error says so, and what to set.

use std::time::{Duration, Instant};

use codex_mesh::config::ServiceConfig;
use serde_json::{Value, json};

use super::known_bad::{found, knowing, stock};
use super::set;
use crate::support::{Reply, Stub, TestApp, TestAppBuilder, assert_has, endless};

/// A host that knows these services besides.
fn beside(builder: TestAppBuilder, services: &[(&str, &str)]) -> TestAppBuilder {
    let services: Vec<(String, String)> = services
        .iter()
        .map(|(name, url)| ((*name).to_owned(), (*url).to_owned()))
        .collect();
    builder.configure(move |config| {
        for (name, url) in services {
            let service = ServiceConfig {
                url: Some(url),
                ..ServiceConfig::default()
            };
            config.services.insert(name, service);
        }
    })
}

/// The error of the hardening step of a DRY_RUN.
async fn error(builder: TestAppBuilder, answer: Reply) -> String {
    let app = builder.service("hardening", answer).start().await;
    let steps = json!([{"kind": "hardening"}]);
    let plan = app
        .create(&json!({"mode": "DRY_RUN", "steps": steps}))
        .await;
    let step = app.step(&plan).await["steps"][0].clone();
    assert_eq!(step["status"], "ERROR", "{step:#}");
    step["error"].as_str().unwrap().to_owned()
}

async fn well() -> Stub {
    Stub::with(|request| match request.path.as_str() {
        "/health" | "/telemetry/health" => Reply::json(200, &json!({"ok": true})),
        _ => Reply::json(404, &json!({"ok": false})),
    })
    .await
}

const DOUBT: &str = "the host itself reaches";

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_reaches_is_said_with_what_to_set() {
    let well = well().await;
    let names = ["orchestrator", "telemetry", "stability"];
    let services = names.map(|name| (name, &*well.url));
    let error = error(beside(TestApp::builder(), &services), stock()).await;
    let set = "knownBad = [\"orchestrator\", \"stability\", \"telemetry\"] under \
               [plugin.hardening.settings]";
    assert_has(&error, &["Blocked: [CRITICAL]", DOUBT, set]);
    assert_eq!(well.requests().len(), 3, "each once");
    // And that is what it takes.
    let toml = "[plugin.hardening.settings]\n\
                knownBad = [\"orchestrator\", \"stability\", \"telemetry\"]\n";
    let app = super::set(TestApp::builder(), toml).service("hardening", stock());
    let app = app.start().await;
    let plan = app.create(&json!({"mode": "DRY_RUN"})).await;
    assert_eq!(app.run(&plan).await["status"], "DONE");
}

/// Only those that it takes are named, beside those that are set already.
#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_named_than_it_takes() {
    let well = well().await;
    let issues = [
        (
            "SERVICE_DOWN",
            "CRITICAL",
            "Service telemetry is not healthy.",
        ),
        (
            "SERVICE_DOWN",
            "CRITICAL",
            "Service optimizer is not healthy.",
        ),
        (
            "HIGH_LATENCY",
            "WARN",
            "Service strategy has high latency: 4000ms.",
        ),
    ];
    let builder = knowing("hardening", &["optimizer"], "");
    let services = [("telemetry", &*well.url), ("strategy", &*well.url)];
    let error = error(beside(builder, &services), found(&issues)).await;
    assert_has(&error, &["knownBad = [\"optimizer\", \"telemetry\"] under"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_not_said_of_what_the_host_does_not_find_healthy() {
    let well = well().await;
    let sick = Stub::answering(Reply::json(503, &json!({"ok": true}))).await;
    let no = Stub::answering(Reply::json(200, &json!({"ok": false}))).await;
    let html = Stub::answering(Reply::new(404, "text/html", "<p>")).await;
    let login = Stub::answering(Reply::new(200, "text/html", "<p>")).await;
    let red = Stub::answering(Reply::json(200, &json!({"ok": true, "status": "RED"}))).await;
    let stubs = [&sick.url, &no.url, &html.url, &login.url, &red.url];
    for other in stubs
        .into_iter()
        .map(String::as_str)
        .chain(["http://127.0.0.1:9"])
    {
        let services = [
            ("orchestrator", &*well.url),
            ("telemetry", &*well.url),
            ("stability", other),
        ];
        let error = error(beside(TestApp::builder(), &services), stock()).await;
        assert!(!error.contains(DOUBT), "{other}: {error}");
    }
    // Nor of anything else that stops it.
    let issues = [
        (
            "SERVICE_DOWN",
            "CRITICAL",
            "Service telemetry is not healthy.",
        ),
        ("LOOP_RISK", "CRITICAL", "the same thing again and again"),
    ];
    let services = [("telemetry", &*well.url)];
    let error = error(beside(TestApp::builder(), &services), found(&issues)).await;
    assert!(!error.contains(DOUBT), "{error}");
}

/// Who can't be told to be well in a moment isn't.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_hangs_holds_nobody_up() {
    let (well, hanging) = (well().await, well().await);
    hanging.hold();
    let services = [
        ("orchestrator", &*well.url),
        ("telemetry", &*well.url),
        ("stability", &*hanging.url),
    ];
    let begun = Instant::now();
    let error = error(beside(TestApp::builder(), &services), stock()).await;
    assert!(!error.contains(DOUBT), "{error}");
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    let endless = endless("HTTP/1.1 200 OK\r\n\r\n", "x").await;
    let services = [("telemetry", &*endless)];
    let issues = [(
        "SERVICE_DOWN",
        "CRITICAL",
        "Service telemetry is not healthy.",
    )];
    let error = self::error(beside(TestApp::builder(), &services), found(&issues)).await;
    assert!(!error.contains(DOUBT), "{error}");
}

/// Where a check says yes, or no plan would go on with another setting, nobody else is asked.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_without_need() {
    let well = well().await;
    let names = ["orchestrator", "telemetry", "stability"];
    let services = names.map(|name| (name, &*well.url));
    let app = beside(TestApp::builder(), &services).start().await;
    assert_eq!(
        app.run(&app.create(&json!({})).await).await["status"],
        "DONE"
    );
    let text = "[plugin.hardening.settings]\n\
                knownBad = [\"orchestrator\", \"telemetry\", \"stability\"]\n";
    let builder = beside(set(TestApp::builder(), text), &services);
    let app = builder.service("hardening", stock()).start().await;
    let plan = app.create(&json!({"mode": "DRY_RUN"})).await;
    assert_eq!(app.run(&plan).await["status"], "DONE");
    assert_eq!(well.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ops_is_doubted_alike() {
    let well = well().await;
    let red = json!({"ok": true, "status": "RED", "services": [
        {"service": "Telemetry", "port": 4950, "healthy": false, "error": "404"},
        {"service": "Brain", "port": 4100, "healthy": true},
    ]});
    let builder = beside(TestApp::builder(), &[("telemetry", &*well.url)]);
    let app = builder.service("ops", Reply::json(200, &red)).start().await;
    let plan = app
        .create(&json!({"mode": "DRY_RUN", "steps": [{"kind": "ops"}]}))
        .await;
    let step: Value = app.step(&plan).await["steps"][0].clone();
    let error = step["error"].as_str().unwrap();
    assert_has(
        error,
        &["operations are RED", DOUBT, "[plugin.ops.settings]"],
    );
    assert_has(error, &["knownBad = [\"telemetry\"]"]);
}
