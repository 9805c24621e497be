//! The database's write-ahead log: a host that stops leaves none, and one that runs keeps it small.

use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use super::assert_intact;
use crate::support::{Binary, TestApp, assert_has, http, within};

/// Larger than the log may be, in bytes.
const LARGE: u64 = 80 << 20;

/// How many plans a copy of the database alone has.
fn plans_in_copy(data: &Path) -> i64 {
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::copy(data.join("mesh.db"), elsewhere.path().join("mesh.db")).unwrap();
    assert_intact(elsewhere.path());
    let copy = Connection::open(elsewhere.path().join("mesh.db")).unwrap();
    let count = copy.query_row("SELECT count(*) FROM plans", [], |row| row.get(0));
    count.unwrap()
}

fn assert_folded(data: &Path, plans: i64) {
    for ending in ["wal", "shm"] {
        let file = data.join(format!("mesh.db-{ending}"));
        assert!(!file.exists(), "{} is left", file.display());
    }
    assert_eq!(plans_in_copy(data), plans);
}

/// Another program with the database open.
fn another_program(data: &Path) -> Connection {
    let database = Connection::open(data.join("mesh.db")).unwrap();
    // Else this one would empty the log.
    let at = |_: &rusqlite::Row<'_>| Ok(());
    let set = database.query_row("PRAGMA wal_autocheckpoint = 0", [], at);
    set.unwrap();
    database
}

/// Writes so much that the log is too large.
fn enlarge(database: &Connection) {
    let sql = "CREATE TABLE IF NOT EXISTS ballast (x);
               INSERT INTO ballast VALUES (zeroblob(80 << 20));
               DELETE FROM ballast";
    database.execute_batch(sql).unwrap();
}

fn log_bytes(status: &Value) -> u64 {
    status["store"]["logBytes"].as_u64().unwrap()
}

async fn create(url: &str) -> bool {
    let body = json!({"sessionId": "s", "domain": "social", "goal": "g".repeat(5_000)});
    let request = http().post(format!("{url}/mesh/create"));
    let request = request.header("content-type", "application/json");
    let answer = request.body(body.to_string()).send().await;
    answer.is_ok_and(|answer| answer.status() == 200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stops_leaves_one_file_with_everything() {
    let app = TestApp::start().await;
    for _ in 0..20 {
        app.create(&json!({})).await;
    }
    let data = app.stop().await;
    assert_folded(data.path(), 20);
    // And again, also of what nothing is added to.
    let app = TestApp::builder().data(data).start().await;
    let data = app.stop().await;
    assert_folded(data.path(), 20);
}

/// With requests under way, by either signal.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_stopped_under_load_leaves_one_file_with_everything() {
    for signal in ["TERM", "INT"] {
        let data = tempfile::tempdir().unwrap();
        let mut host = Binary::run("serve", data.path()).spawn();
        let url = host.url();
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let url = url.clone();
            clients.spawn(async move {
                let mut created = 0;
                while create(&url).await {
                    created += 1;
                }
                created
            });
        }
        let under_way = async { while !create(&url).await {} };
        within(under_way).await;
        host.signal(signal);
        let created: i64 = within(clients.join_all()).await.into_iter().sum();
        assert!(host.ended().success());
        let kept = plans_in_copy(data.path());
        // One whose answer was cut off may be there as well.
        assert!(
            (created + 1..=created + 9).contains(&kept),
            "{created}, {kept}"
        );
        assert_folded(data.path(), kept);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_fails_to_start_leaves_one_file_with_everything() {
    let app = TestApp::start().await;
    app.create(&json!({})).await;
    let data = app.stop().await;
    let recipe = "[{ name = \"r\", domains = [\"social\"], steps = [{ kind = \"none-such\" }] }]";
    let host = Binary::run("serve", data.path()).env("MESH_RECIPE", recipe);
    let (code, stderr) = host.fails();
    assert_eq!(code, Some(1));
    assert_has(&stderr, &["none-such"]);
    assert_folded(data.path(), 1);
}

/// What a host leaves that was killed is folded in by the next one.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_host_leaves_is_folded_in() {
    let data = tempfile::tempdir().unwrap();
    let mut host = Binary::run("serve", data.path()).spawn();
    assert!(create(&host.url()).await);
    host.signal("KILL");
    host.ended();
    assert_eq!(plans_in_copy(data.path()), 0, "it is only in the log");
    let mut host = Binary::run("serve", data.path()).spawn();
    host.url();
    assert_eq!(plans_in_copy(data.path()), 1);
    host.signal("TERM");
    host.ended();
    assert_folded(data.path(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_emptied_once_it_is_large() {
    let app = TestApp::start().await;
    enlarge(&another_program(app.data.path()));
    let (_, status) = app.get("/mesh/status").await;
    assert!(log_bytes(&status) > LARGE, "{status}");
    app.create(&json!({})).await;
    app.status_when(|status| log_bytes(status) < 1 << 20).await;
}

/// One who reads for long is named, and once it is done the log shrinks by itself.
#[tokio::test(flavor = "multi_thread")]
async fn one_who_reads_for_long_is_named() {
    let data = tempfile::tempdir().unwrap();
    let mut host = Binary::run("serve", data.path()).spawn();
    let url = host.url();
    let log = || async {
        let answer = http()
            .get(format!("{url}/mesh/status"))
            .send()
            .await
            .unwrap();
        let status = answer.text().await.unwrap();
        log_bytes(&serde_json::from_str(&status).unwrap())
    };
    assert!(create(&url).await);
    let reader = another_program(data.path());
    reader.execute_batch("BEGIN; SELECT * FROM plans").unwrap();
    enlarge(&another_program(data.path()));
    assert!(create(&url).await);
    host.stderr.with("another program reads the database");
    assert!(log().await > LARGE);
    reader.execute_batch("COMMIT").unwrap();
    let shrunk = async {
        while log().await > 1 << 20 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    within(shrunk).await;
    // One that reads as the host stops is named as well, and nothing is lost.
    reader.execute_batch("BEGIN; SELECT * FROM plans").unwrap();
    assert!(create(&url).await);
    host.signal("TERM");
    host.stderr.with("another program uses the database");
    assert!(host.ended().success());
    let count = "SELECT count(*) FROM plans";
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(reader.query_row(count, [], |row| row.get(0)), Ok(3));
}
