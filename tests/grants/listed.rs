//! With a list, it is the whole truth, however a path is spelt and whichever plugin it is.

use codex_mesh::config::Config;
use codex_mesh::host::Host;
use serde_json::json;

use super::{error_of, heard, refused, run, run_default, with_hostile};
use crate::support::{TestApp, TestAppBuilder, assert_has, cache_dir, program};

const NOT: &str = "is not granted to the plugin hostile";

fn granting(routes: &[&str]) -> TestAppBuilder {
    TestApp::builder().grant("hostile", "srl", routes)
}

#[tokio::test(flavor = "multi_thread")]
async fn another_spelling_of_a_granted_route_is_not_granted() {
    let app = with_hostile(granting(&["reads", "POST /srl/write"])).await;
    for path in [
        "/srl/%77rite",
        "/srl/WRITE",
        "/SRL/write",
        "/srl//write",
        "/srl/write/",
        "/srl/write;x=1",
        "/srl/write/x",
        "/srl%2Fwrite",
        "/srl/writ",
        "/srl/write.",
        "/srl/write.json",
        "/srl/write%20",
        "/srl/write+",
        "/srl/write%3Fx",
    ] {
        let error = error_of(&app, "LIVE", &format!("interpret:call={path}")).await;
        assert_has(&error, &[NOT, path]);
        let error = refused(&app, &format!("shape:post={path}")).await;
        assert_has(&error, &[NOT, path]);
    }
    let error = refused(&app, "shape:delete").await;
    assert_has(&error, &[NOT, "DELETE /srl/check"]);
    assert!(heard(&app).iter().all(|heard| heard == "POST /srl/check"));
    let step = run(&app, "LIVE", "shape:post=/srl/write?really").await;
    assert_eq!(step["status"], "DONE", "{step:#}");
    assert_eq!(heard(&app).last().unwrap(), "POST /srl/write?really");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_below_a_granted_path_is_granted_and_nothing_beside_it() {
    let app = with_hostile(granting(&["reads", "POST /srl/jobs/*"])).await;
    for path in [
        "/srl/jobs",
        "/srl/jobs/",
        "/srl/jobs/;x",
        "/srl/jobs//",
        "/srl/Jobs/1",
        "/srl/jobsx/1",
        "/srl/%6Aobs/1",
    ] {
        let error = error_of(&app, "LIVE", &format!("interpret:call={path}")).await;
        assert_has(&error, &[NOT, path]);
    }
    for path in ["/srl/jobs/1", "/srl/jobs/1/stop?x", "/srl/jobs/%31"] {
        let step = run(&app, "LIVE", &format!("shape:post={path}")).await;
        assert_eq!(step["status"], "DONE", "{path}: {step:#}");
    }
}

/// Nobody is led to grant more than what was asked for.
#[tokio::test(flavor = "multi_thread")]
async fn no_line_is_named_that_would_grant_more() {
    let app = with_hostile(granting(&["reads"])).await;
    let long = format!("/srl/{}", "x".repeat(600));
    for path in ["/srl/*", "/*", &long] {
        let error = refused(&app, &format!("shape:post={path}")).await;
        assert_has(&error, &[NOT, "can't be granted alone"]);
        assert!(!error.contains("[plugin."), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_is_not_listed_is_refused_in_every_mode() {
    let app = with_hostile(granting(&["POST /srl/write"])).await;
    for mode in ["SIMULATION", "DRY_RUN"] {
        for goal in ["as good as gold", "shape:path=/srl/check"] {
            let error = error_of(&app, mode, goal).await;
            assert_has(&error, &["/srl/check reads", NOT, "Nothing was sent"]);
        }
    }
    let error = refused(&app, "as good as gold").await;
    let line = r#"srl = ["POST /srl/write", "POST /srl/check"]"#;
    assert_has(&error, &[NOT, line]);
    assert_eq!(heard(&app), [] as [&str; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_writes_nothing_that_is_granted_either() {
    let app = with_hostile(granting(&["reads", "POST /*"])).await;
    let error = error_of(&app, "SIMULATION", "interpret:call=/srl/write").await;
    assert_has(&error, &["a SIMULATION never writes"]);
    assert_eq!(heard(&app), ["POST /srl/check"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embedded_plugin_has_no_more_than_its_list() {
    let app = TestApp::builder()
        .grant("workflow", "workflow", &["reads"])
        .start()
        .await;
    let body = json!({"sessionId": "s1", "domain": "social", "goal": "g"});
    let (status, answer) = app.post("/mesh/create", &body).await;
    assert_eq!(status, 400, "{answer}");
    let error = answer["error"].as_str().unwrap();
    assert_has(error, &["step-4 (workflow)", "is not granted"]);
    let app = TestApp::builder()
        .grant("workflow", "workflow", &["POST /workflow/create"])
        .start()
        .await;
    assert_eq!(run_default(&app).await["status"], "DONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embedded_plugin_without_its_service_keeps_the_host_from_starting() {
    let data = tempfile::tempdir().unwrap();
    let mut config = Config {
        listen: "127.0.0.1:0".to_owned(),
        data_dir: data.path().to_owned(),
        cache_dir: Some(cache_dir()),
        ..Config::default()
    };
    let workflow = config.plugin.entry("workflow".to_owned()).or_default();
    workflow.grants = Some([("srl".to_owned(), Vec::new())].into());
    let error = format!("{:#}", Host::start(&config, program()).await.err().unwrap());
    let line = r#"workflow = ["reads"] under [plugin.workflow.grants]"#;
    assert_has(&error, &["the embedded workflow", line]);
}
