//! Rows that hold what the host never wrote: each is named, and takes no other with it.

use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{Binary, TestApp, assert_has};

/// What a column of text may hold instead, and what is said of it.
const BAD: [(&str, &str); 5] = [
    ("CAST(x'7b22ff227d' AS TEXT)", "it is not UTF-8 text"),
    ("NULL", "nothing is there"),
    ("x'7b7d'", "it is not text"),
    ("17", "invalid type"),
    ("'{\"id\": 1}'", "invalid type"),
];

/// Lets every table hold anything, as a damaged file may.
fn loosen(data: &Path) -> Connection {
    let path = data.join("mesh.db");
    let database = Connection::open(&path).unwrap();
    let sql = "PRAGMA writable_schema = ON;
               UPDATE sqlite_schema SET sql = replace(replace(sql, ' NOT NULL', ''), ') STRICT', ')')
               WHERE type = 'table'";
    database.execute_batch(sql).unwrap();
    drop(database);
    Connection::open(path).unwrap()
}

fn set(database: &Connection, sql: &str, plan: &Value) {
    let changed = database.execute(sql, [plan["id"].as_str().unwrap()]);
    assert!(changed.unwrap() > 0, "{sql}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_no_text_is_named_and_left_out() {
    let app = TestApp::start().await;
    let mut plans = Vec::new();
    for _ in 0..=BAD.len() {
        plans.push(app.create(&json!({})).await);
    }
    let data = app.stop().await;
    let database = loosen(data.path());
    let good = plans.pop().unwrap();
    for ((bad, _), plan) in BAD.iter().zip(&plans) {
        // As if a host had been killed while it ran it.
        let sql = format!("UPDATE plans SET body = {bad}, run = 1, in_flight = 1 WHERE id = ?1");
        set(&database, &sql, plan);
    }
    drop(database);

    let app = TestApp::builder().data(data).start().await;
    let (status, listed) = app.get("/mesh/plans").await;
    assert_eq!(
        (status, &listed["plans"]),
        (200, &json!([good])),
        "{listed}"
    );
    let unreadable = listed["unreadable"].as_array().unwrap();
    assert_eq!(unreadable.len(), BAD.len());
    for (((_, what), plan), named) in BAD.iter().zip(&plans).zip(unreadable.iter().rev()) {
        let id = plan["id"].as_str().unwrap();
        assert_eq!(named["id"], plan["id"]);
        assert_has(named["error"].as_str().unwrap(), &[id, what]);
        let (status, answer) = app.get(&format!("/mesh/plan?id={id}")).await;
        assert_eq!(status, 500);
        assert_has(answer["error"].as_str().unwrap(), &[id, "is damaged", what]);
        assert_eq!(app.try_step(plan).await.0, 500);
    }
    let listed = Binary::bare().args(&["plans", "--url", &app.url]).ends();
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    assert_has(
        &listed.stderr,
        &[plans[0]["id"].as_str().unwrap(), BAD[0].1],
    );
    assert_has(&listed.stdout, &[good["id"].as_str().unwrap()]);
    assert_eq!(app.run(&good).await["status"], "DONE");
    // What can't be read takes no place of what is run.
    app.status_when(|status| status["runs"]["running"] == 0)
        .await;
}

/// Of what beside plans is read for all of them together.
#[tokio::test(flavor = "multi_thread")]
async fn other_rows_that_are_no_text_hold_nobody_up() {
    let app = TestApp::builder().without("brain").start().await;
    let (bad, good) = (app.create(&json!({})).await, app.create(&json!({})).await);
    let data = app.stop().await;
    let database = loosen(data.path());
    let invalid = "CAST(x'7b22ff227d' AS TEXT)";
    for (table, column) in [
        ("outbox", "content"),
        ("outbox", "session_id"),
        ("history", "entries"),
    ] {
        let sql = format!("UPDATE {table} SET {column} = {invalid} WHERE plan_id = ?1");
        set(&database, &sql, &bad);
    }
    for column in ["created_at", "rejections", "not_before"] {
        for wrong in ["'soon'", "NULL"] {
            let sql = format!("UPDATE outbox SET {column} = {wrong} WHERE plan_id = ?1");
            set(&database, &sql, &bad);
        }
    }
    let parked = format!(
        "INSERT INTO outbox (plan_id, session_id, domain, content, created_at, parked_at, last_error)
         VALUES (?1, {invalid}, {invalid}, {invalid}, NULL, 'now', {invalid})"
    );
    set(&database, &parked, &bad);
    let sql = format!("INSERT INTO plugins VALUES ({invalid}, {invalid}, {invalid}, NULL, 1)");
    database.execute(&sql, []).unwrap();
    let sql = format!("INSERT INTO plugin_choices VALUES (NULL, {invalid}, NULL, 1)");
    database.execute(&sql, []).unwrap();
    drop(database);

    let app = TestApp::builder().data(data).start().await;
    app.status_when(|status| status["brain"]["backlog"] == 0)
        .await;
    let (status, parked) = app.get("/mesh/brain/parked").await;
    assert_eq!(
        (status, &parked["events"][0]["planId"]),
        (200, &bad["id"]),
        "{parked}"
    );
    assert_eq!(app.get("/plugins").await.0, 200);
    assert_eq!(app.run(&bad).await["status"], "DONE");
    // The row of its beginning is what can't be read; what came later can.
    let id = bad["id"].as_str().unwrap();
    let (status, answer) = app.get(&format!("/mesh/history?id={id}")).await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer["history"].as_array().unwrap().len() > 4, "{answer}");
    assert_has(
        answer["unreadable"][0].as_str().unwrap(),
        &[id, "its history"],
    );
    assert_eq!(app.run(&good).await["status"], "DONE");
    app.status_when(|status| status["brain"]["backlog"] == 0)
        .await;
}
