//! What an operator allows plugins: limits for one kind, and which components may be loaded at all.

use codex_mesh::config::{Config, PluginConfig};
use codex_mesh::sandbox::sha256;
use serde_json::{Value, json};

use crate::support::{Binary, Reply, TestApp, assert_has, guest, start_hostile, start_with};

/// A host on which the hostile kind, and no other, is limited so.
async fn limited(limits: PluginConfig) -> TestApp {
    start_hostile(TestApp::builder().configure(|config| {
        config.plugin.insert("hostile".to_owned(), limits);
    }))
    .await
}

/// The hostile step of a plan with this goal, after it ran.
async fn run(app: &TestApp, goal: &str) -> Value {
    let steps = json!([{"kind": "hostile"}]);
    let plan = app.create(&json!({"goal": goal, "steps": steps})).await;
    app.step(&plan).await["steps"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_has_limits_of_its_own() {
    let app = limited(PluginConfig {
        cpu_ms: Some(35),
        memory_bytes: Some(4 << 20),
        rounds: Some(2),
        concurrent_calls: Some(1),
        ..PluginConfig::default()
    })
    .await;
    for (goal, parts) in [
        ("interpret:loop", ["more than 35 ms", "without an end"]),
        ("interpret:memory", ["4194304 bytes", "memory"]),
        ("interpret:call=/srl/check", ["2 round trips", "limit"]),
    ] {
        let step = run(&app, goal).await;
        assert_has(step["error"].as_str().unwrap(), &parts);
    }
    assert_eq!(run(&app, "as good as gold").await["status"], "DONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kind_may_say_is_its_own_limit() {
    let app = limited(PluginConfig {
        log_bytes: Some(100),
        ..PluginConfig::default()
    })
    .await;
    let step = run(&app, "interpret:log-flood").await;
    let log = step["log"].as_array().unwrap().iter();
    let size: usize = log
        .map(|line| line["message"].as_str().unwrap().len())
        .sum();
    assert!(size < 1_000, "{size} bytes of log");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_listed_is_loaded() {
    let (echo, strict) = (guest("echo-check"), guest("strict-srl"));
    let listed = sha256(echo);
    let builder = TestApp::builder().configure(move |config| {
        config.require_sha256 = vec![listed];
    });
    let app = start_with(builder, [("echo.wasm", echo), ("strict.wasm", strict)]).await;
    let (_, plugins) = app.get("/plugins").await;
    assert_eq!(super::named(&plugins, "echo-check")["sha256"], sha256(echo));
    assert_eq!(super::named(&plugins, "srl")["origin"], "embedded");
    let (status, answer) = app.upload(strict).await;
    assert_eq!(status, 400);
    let digest = sha256(strict);
    assert_has(
        answer["error"].as_str().unwrap(),
        &[&digest, "require_sha256"],
    );
}

#[test]
fn wrong_terms_are_named() {
    for (text, parts) in [
        (
            "[plugin.srl]\nmemory_bytes = 1\n",
            ["[plugin.srl]", "memory_bytes"],
        ),
        (
            "[plugin.srl]\nhanded_bytes = 99000000\n",
            ["[plugin.srl]", "handed_bytes"],
        ),
        (
            "[plugin.srl]\nresults = [\"Auto nomy\"]\n",
            ["[plugin.srl] results", "Auto nomy"],
        ),
        ("[plugin.srl]\nrounds = 0\n", ["[plugin.srl]", "rounds"]),
        (
            "[plugin.srl]\nrecord = 101\n",
            ["[plugin.srl]", "record must be at most 100"],
        ),
        ("require_sha256 = [\"abc\"]\n", ["require_sha256", "64"]),
        (
            "require_signature = [\"RWabc\"]\n",
            ["require_signature", "minisign.pub"],
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mesh.toml");
        std::fs::write(&file, text).unwrap();
        let error = Config::load(Some(&file), []).unwrap_err();
        assert_has(&format!("{error:#}"), &parts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sleeps_through_its_time_is_quarantined() {
    let app = start_hostile(TestApp::builder().configure(|config| {
        config.limits.plugin.wall_ms = 100;
        config.quarantine.failures = 3;
    }))
    .await;
    for _ in 0..3 {
        let step = run(&app, "interpret:sleep").await;
        assert_has(
            step["error"].as_str().unwrap(),
            &["the plugin failed", "took more than 100 ms"],
        );
    }
    let (_, plugins) = app.get("/plugins").await;
    assert_eq!(super::named(&plugins, "hostile")["quarantined"], true);
}

/// Calls that wait for a place while the kind is quarantined are not made: of 40 that sleep there is
/// room for two at a time, and only so many are made as it takes.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_place_is_not_called_any_more() {
    let app = start_hostile(TestApp::builder().configure(|config| {
        config.limits.plugin.concurrent_calls = 4;
        config.limits.plugin.wall_ms = 300;
        config.quarantine.failures = 3;
    }))
    .await;
    let new = json!({
        "sessionId": "s1", "domain": "social", "goal": "shape:sleep", "steps": [{"kind": "hostile"}],
    });
    let creates = (0..40).map(|_| app.post("/mesh/create", &new));
    for (status, answer) in futures_util::future::join_all(creates).await {
        // Some came after it was quarantined.
        assert!(matches!(status, 200 | 400), "{answer}");
    }
    let (_, hostile) = app.get("/plugins/hostile").await;
    let version = &hostile["versions"][0];
    assert_eq!(version["quarantined"], true);
    assert!(version["calls"].as_u64().unwrap() <= 4, "{version}");
}

/// However slowly it fails: sleeping is worth as many failures as it keeps others from calls.
#[tokio::test(flavor = "multi_thread")]
async fn long_sleep_counts_as_many_failures() {
    let app = start_hostile(TestApp::builder().configure(|config| {
        config.limits.plugin.cpu_ms = 50;
        config.limits.plugin.wall_ms = 500;
        config.quarantine.failures = 10;
    }))
    .await;
    run(&app, "interpret:sleep").await;
    let (_, plugins) = app.get("/plugins").await;
    assert_eq!(super::named(&plugins, "hostile")["quarantined"], true);
}

/// A service that answers with more than its check can take, or a client with more than a plugin can
/// read, must not take the check from everybody.
#[tokio::test(flavor = "multi_thread")]
async fn embedded_plugins_are_not_blamed_for_what_they_are_handed() {
    let dense = format!("[{}0]", "0,".repeat(500_000));
    let dense = Reply::new(200, "application/json", &dense);
    let kinds = ["autonomy", "srl", "hardening", "ops", "strategy"];
    let builder = kinds.into_iter().fold(TestApp::builder(), |builder, kind| {
        builder.service(kind, dense.clone())
    });
    let app = builder
        .configure(|config| {
            config.quarantine.failures = 2;
            config.limits.plugin.wall_ms = 60_000;
        })
        .start()
        .await;
    for kind in kinds {
        for _ in 0..3 {
            let steps = json!([{"kind": kind}]);
            let plan = app
                .create(&json!({"mode": "DRY_RUN", "steps": steps}))
                .await;
            let step = app.step(&plan).await["steps"][0].clone();
            assert_eq!(step["status"], "ERROR", "{kind}");
            let error = step["error"].as_str().unwrap();
            assert!(!error.contains("the plugin failed"), "{kind}: {error}");
        }
    }
    let (_, plugins) = app.get("/plugins").await;
    for kind in kinds {
        assert_eq!(super::named(&plugins, kind)["quarantined"], false, "{kind}");
    }
    app.create(&json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_failing_is_quarantined_until_it_is_activated() {
    let app = start_hostile(TestApp::builder().configure(|config| {
        config.quarantine.failures = 3;
    }))
    .await;
    let good = app.create(&json!({"steps": [{"kind": "hostile"}]})).await;
    for _ in 0..3 {
        let step = run(&app, "interpret:panic").await;
        assert_has(step["error"].as_str().unwrap(), &["panicked"]);
    }
    let body = json!({
        "sessionId": "s1", "domain": "social", "goal": "g", "steps": [{"kind": "hostile"}],
    });
    let (status, answer) = app.post("/mesh/create", &body).await;
    assert_eq!(status, 400);
    assert_has(
        answer["error"].as_str().unwrap(),
        &["hostile", "quarantined", "activate"],
    );
    let asked = app.asked("srl");
    let plan = app.step(&good).await;
    assert_has(
        plan["steps"][0]["error"].as_str().unwrap(),
        &["quarantined", "3 times"],
    );
    assert_eq!(app.asked("srl"), asked);
    let (_, plugins) = app.get("/plugins").await;
    assert_eq!(super::named(&plugins, "hostile")["quarantined"], true);
    let (_, versions) = app.get("/plugins/hostile").await;
    assert_eq!(versions["versions"][0]["quarantined"], true);
    assert_eq!(
        app.get("/mesh/status").await.1["quarantined"],
        json!(["hostile"])
    );
    let list = Binary::bare().args(&["plugin", "list", "--url", &app.url]);
    let lines = list.ends().stdout;
    let line = lines.lines().find(|line| line.starts_with("hostile "));
    assert_has(line.unwrap(), &["quarantined"]);
    // Others go on.
    assert_eq!(super::named(&plugins, "srl")["quarantined"], false);

    let activate = json!({"version": "6.6.6"});
    let (status, answer) = app.post("/plugins/hostile/activate", &activate).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(run(&app, "as good as gold").await["status"], "DONE");
}
