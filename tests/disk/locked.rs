//! Another program that holds the database locked: what is asked for meanwhile is not done, and told so.

use std::sync::Arc;

use rusqlite::Connection;
use serde_json::json;

use super::{assert_intact, assert_says, step_becomes};
use crate::support::{Binary, TestApp, assert_has, http};

const LOCKED: &str = "another program holds the database locked";

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_program_locks_is_said_and_outlived() {
    let app = TestApp::start().await;
    let data = Arc::clone(&app.data);
    let read = app.create(&json!({})).await;
    let mut write = app.create(&json!({})).await;
    for _ in 0..3 {
        write = app.step(&write).await;
    }
    let other = Connection::open(data.path().join("mesh.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let body = json!({"sessionId": "s", "domain": "social", "goal": "g"});
    let request = http().post(format!("{}/mesh/create", app.url));
    let request = request.header("content-type", "application/json");
    let answer = request.body(body.to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    assert_says(&app.post("/mesh/create", &body).await, LOCKED);
    let cancel = json!({"planId": read["id"], "by": "somebody", "reason": "no"});
    assert_says(&app.post("/mesh/cancel", &cancel).await, LOCKED);
    assert_says(&app.try_step(&write).await, LOCKED);
    assert_eq!(
        app.asked("workflow"),
        0,
        "a write was sent that is not recorded"
    );
    // A read is not recorded before it is sent, and its end is kept until it can be.
    assert_says(&app.try_step(&read).await, LOCKED);
    for path in [
        "/mesh/plans",
        "/mesh/status",
        "/plugins",
        "/mesh/brain/parked",
    ] {
        assert_eq!(app.get(path).await.0, 200, "{path}");
    }

    let is_said = |status: &serde_json::Value| {
        let trouble = status["store"]["trouble"].as_str();
        trouble.is_some_and(|trouble| trouble.contains(LOCKED))
    };
    app.status_when(is_said).await;

    other.execute_batch("COMMIT").unwrap();
    app.status_when(|status| !is_said(status)).await;
    let read = step_becomes(&app, &read, 0, "DONE").await;
    assert_eq!(app.asked("autonomy"), 2, "asked again");
    assert_eq!(app.run(&read).await["status"], "DONE");
    assert_eq!(app.step(&write).await["status"], "DONE");
    assert_intact(app.stop().await.path());
}

/// That an event arrived is kept until it can be stored, so that it does not arrive again and again.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_arrived_is_not_sent_again_while_that_cannot_be_stored() {
    let app = TestApp::start().await;
    let brain = app.stub("brain").clone();
    brain.hold();
    app.create(&json!({})).await;
    brain.asked(1).await;
    let other = Connection::open(app.data.path().join("mesh.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    brain.release();
    let mut waits = Vec::new();
    while waits.len() < 3 {
        let status = app.status_when(|status| {
            let last = &status["brain"]["lastError"];
            let said = last["error"].as_str().unwrap_or_default();
            said.contains(LOCKED) && !waits.contains(&last["at"])
        });
        waits.push(status.await["brain"]["lastError"]["at"].clone());
    }
    assert_eq!(app.asked("brain"), 1, "sent again");
    other.execute_batch("COMMIT").unwrap();
    app.status_when(|status| status["brain"]["backlog"] == 0)
        .await;
    assert_eq!(app.asked("brain"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_does_not_start_where_another_program_lets_nobody_read() {
    let data = TestApp::start().await.stop().await;
    let other = Connection::open(data.path().join("mesh.db")).unwrap();
    let sql = "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; SELECT * FROM plans";
    other.execute_batch(sql).unwrap();
    let (code, stderr) = Binary::run("serve", data.path()).fails();
    assert_eq!(code, Some(1));
    assert_has(&stderr, &[LOCKED]);
    drop(other);
    let mut host = Binary::run("serve", data.path()).spawn();
    host.url();
}
