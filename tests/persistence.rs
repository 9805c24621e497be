//! What is on disk: plans that survive a restart, one host a folder, a cache that is not trusted.

mod cache;

use std::sync::Arc;

use codex_mesh::config::Config;
use codex_mesh::host::Host;
use serde_json::json;

use crate::support::{TestApp, assert_has, cache_dir, program, within};

#[tokio::test(flavor = "multi_thread")]
async fn plans_survive_a_restart() {
    let app = TestApp::builder().without("srl").start().await;
    let pending = app.create(&json!({"goal": "Wait for the restart"})).await;
    let stopped = app.run(&app.create(&json!({})).await).await;
    let running = app.step(&app.create(&json!({})).await).await;
    let before = app.get("/mesh/plans").await;

    let app = TestApp::builder().data(app.stop().await).start().await;
    assert_eq!(app.get("/mesh/plans").await, before);
    for plan in [&pending, &stopped, &running] {
        assert_eq!(app.plan(plan).await, *plan);
    }
    assert_eq!(app.try_step(&stopped).await.0, 409);
    assert_eq!(app.run(&pending).await["status"], "DONE");
    let finished = app.run(&running).await;
    assert_eq!(finished["status"], "DONE");
    // What autonomy said before the restart is known after it, and not asked again.
    assert_eq!(finished["steps"][0], running["steps"][0]);
    assert_eq!(app.asked("autonomy"), 1);
    let planned = &app.stub("srl").requests()[1].json()["plannedActions"];
    assert_has(&planned.to_string(), &["Decompose into steps"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_goes_on_after_a_restart() {
    let app = TestApp::start().await;
    let old = app.create(&json!({})).await;
    app.create(&json!({})).await;
    let (_, page) = app.get("/mesh/plans?limit=1").await;
    let cursor = page["nextCursor"].as_str().unwrap().to_owned();
    let app = TestApp::builder().data(app.stop().await).start().await;
    let new = app.create(&json!({})).await;
    let (_, page) = app
        .get(&format!("/mesh/plans?limit=1&cursor={cursor}"))
        .await;
    assert_eq!(page, json!({"ok": true, "plans": [old]}));
    let (_, page) = app.get("/mesh/plans?limit=1").await;
    assert_eq!(page["plans"], json!([new]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stops_lets_the_step_under_way_end() {
    let app = Arc::new(TestApp::start().await);
    let plan = app.create(&json!({})).await;
    app.stub("autonomy").hold();
    let caller = tokio::spawn({
        let (app, plan) = (Arc::clone(&app), plan.clone());
        async move { app.try_step(&plan).await }
    });
    let autonomy = app.stub("autonomy").clone();
    autonomy.asked(1).await;
    // The caller hangs up, so that the step is all that is left.
    caller.abort();
    assert!(within(caller).await.is_err());
    let app = Arc::into_inner(app).unwrap();
    let stopping = tokio::spawn(app.stop());
    autonomy.release();
    let data = within(stopping).await.unwrap();
    let app = TestApp::builder().data(data).start().await;
    assert_eq!(app.plan(&plan).await["steps"][0]["status"], "DONE");
    assert_eq!(app.asked("autonomy"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_host_on_a_data_folder_is_refused() {
    let app = TestApp::start().await;
    let second = Config {
        listen: "127.0.0.1:0".to_owned(),
        data_dir: app.data.path().to_owned(),
        cache_dir: Some(cache_dir()),
        ..Config::default()
    };
    let refused = Host::start(&second, program()).await.err().unwrap();
    let folder = app.data.path().display().to_string();
    let parts = ["another codex-mesh", folder.as_str(), "--data-dir"];
    assert_has(&format!("{refused:#}"), &parts);
    // The first one does not notice.
    let plan = app.run(&app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "DONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_a_pipe_is_not_waited_for() {
    let data = tempfile::tempdir().unwrap();
    let lock = data.path().join("lock");
    let made = std::process::Command::new("mkfifo").arg(&lock).status();
    assert!(made.unwrap().success());
    let config = Config {
        listen: "127.0.0.1:0".to_owned(),
        data_dir: data.path().to_owned(),
        cache_dir: Some(cache_dir()),
        ..Config::default()
    };
    let refused = within(Host::start(&config, program())).await.err().unwrap();
    let lock = lock.display().to_string();
    assert_has(
        &format!("{refused:#}"),
        &[&lock, "not a regular file", "remove it"],
    );
}
