//! The clock of the system is set ahead and back: no wait gets longer, nothing goes at once.
//!
//! The real program runs with a library before the system's own that shifts what the clock says by what
//! is in a file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use codex_mesh::plan::{Plan, Starter, Transition};
use codex_mesh::store::{Retention, SqliteStore, Store};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{GOAL, Program, Reply, Stub, TestApp, http, within};

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// Adds the seconds in the file `TEST_CLOCK` to what the clock says.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    const char *path = getenv("TEST_CLOCK");
    if (result == 0 && clock == CLOCK_REALTIME && path) {
        FILE *file = fopen(path, "r");
        long shift = 0;
        if (file) {
            if (fscanf(file, "%ld", &shift) == 1) now->tv_sec += shift;
            fclose(file);
        }
    }
    return result;
}
"#;

/// A clock that can be set.
struct Clock {
    folder: TempDir,
    library: PathBuf,
}

impl Clock {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (source, library) = (folder.path().join("c.c"), folder.path().join("c.so"));
        std::fs::write(&source, SHIM).unwrap();
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .status()
            .unwrap();
        assert!(built.success());
        let clock = Self { folder, library };
        clock.set(0);
        clock
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("shift")
    }

    /// By so many seconds from the true time. The file is never half written.
    fn set(&self, shift: i64) {
        let new = self.folder.path().join("new");
        std::fs::write(&new, shift.to_string()).unwrap();
        std::fs::rename(new, self.file()).unwrap();
    }

    /// The host, with this clock.
    async fn start(&self, program: &Program) -> (crate::support::Process, String) {
        let (library, file) = (self.library.to_str().unwrap(), self.file());
        let variables = [
            ("LD_PRELOAD", library),
            ("TEST_CLOCK", file.to_str().unwrap()),
        ];
        let mut process = program.spawn_with(&variables);
        let url = process.listening().await.unwrap();
        (process, url)
    }
}

async fn post(url: &str, path: &str, body: &Value) -> Value {
    let request = http().post(format!("{url}{path}"));
    let request = request
        .header("content-type", "application/json")
        .body(body.to_string());
    let answer = request.send().await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

async fn get(url: &str, path: &str) -> Value {
    let answer = http().get(format!("{url}{path}")).send().await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

async fn create(url: &str) -> Value {
    let body = json!({
        "sessionId": "s1", "domain": "social", "goal": GOAL, "mode": "DRY_RUN",
        "steps": [{"kind": "srl"}],
    });
    post(url, "/mesh/create", &body).await["plan"].clone()
}

/// The plan, once it is so.
async fn when(url: &str, plan: &Value, status: &str) -> Value {
    let path = format!("/mesh/plan?id={}", plan["id"].as_str().unwrap());
    let look = async {
        loop {
            let plan = get(url, &path).await["plan"].clone();
            if plan["status"] == status {
                return plan;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(look).await
}

/// Is busy once, for so long, and then fine.
async fn busy_once(seconds: u64) -> Stub {
    let fine = crate::support::friendly_reply("srl");
    let stub = Stub::answering(fine.clone()).await;
    let mut first = true;
    stub.answer_with(move |_| {
        if !std::mem::take(&mut first) {
            return fine.clone();
        }
        Reply::json(503, &json!({"ok": false, "error": "busy"}))
            .header("retry-after", &seconds.to_string())
    });
    stub
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_is_as_long_as_it_was_to_be_when_the_clock_is_set_back() {
    let (clock, folder) = (Clock::new(), tempfile::tempdir().unwrap());
    let srl = busy_once(3).await;
    let program = Program::new(folder.path(), "", [("srl", srl.url.as_str())]);
    let (_host, url) = clock.start(&program).await;
    let plan = create(&url).await;
    post(&url, "/mesh/run", &json!({"planId": plan["id"]})).await;
    let waits = when(&url, &plan, "WAITING").await;
    assert_eq!(waits["steps"][0]["retry"]["afterMs"], 3_000);
    clock.set(-HOUR);
    let done = when(&url, &plan, "DONE").await;
    // No moment comes twice, so nothing took less than no time.
    assert!(done["updatedAt"].as_str() >= waits["updatedAt"].as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_is_no_longer_after_a_start_with_a_clock_that_was_set_back() {
    let (clock, folder) = (Clock::new(), tempfile::tempdir().unwrap());
    let srl = busy_once(3).await;
    let program = Program::new(folder.path(), "", [("srl", srl.url.as_str())]);
    clock.set(HOUR);
    let (mut host, url) = clock.start(&program).await;
    let plan = create(&url).await;
    post(&url, "/mesh/run", &json!({"planId": plan["id"]})).await;
    when(&url, &plan, "WAITING").await;
    host.kill();
    host.gone().await;
    clock.set(0);
    let (_host, url) = clock.start(&program).await;
    let done = when(&url, &plan, "DONE").await;
    let path = format!("/mesh/history?id={}", done["id"].as_str().unwrap());
    for entry in get(&url, &path).await["history"].as_array().unwrap() {
        assert!(entry["durationMs"].as_i64().unwrap_or(0) >= 0, "{entry}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_ahead_removes_nothing() {
    let (clock, folder) = (Clock::new(), tempfile::tempdir().unwrap());
    let srl = Stub::answering(crate::support::friendly_reply("srl")).await;
    let program = Program::new(folder.path(), "", [("srl", srl.url.as_str())]);
    let (mut host, url) = clock.start(&program).await;
    for _ in 0..6 {
        let plan = create(&url).await;
        let body = json!({"planId": plan["id"], "wait": true});
        assert_eq!(
            post(&url, "/mesh/run", &body).await["plan"]["status"],
            "DONE"
        );
    }
    for (before, shift) in [100 * DAY, 300 * DAY].into_iter().enumerate() {
        host.kill();
        host.gone().await;
        clock.set(shift);
        let url;
        (host, url) = clock.start(&program).await;
        // This is said by the clean-up, which does nothing after it.
        let said = async {
            let warning = "if it is wrong, set it right";
            while program.log().matches(warning).count() <= before {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        within(said).await;
        let plans = get(&url, "/mesh/plans").await;
        assert_eq!(plans["plans"].as_array().unwrap().len(), 6);
    }
}

/// A store with so many plans, all of them like this one and as old as 1970.
async fn store_with(count: usize, finished: bool) -> (TempDir, Vec<Plan>) {
    let app = TestApp::start().await;
    let mut plan: Plan = serde_json::from_value(app.create(&json!({})).await).unwrap();
    for step in &mut plan.steps {
        step.plugin = None;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let mut plans = Vec::new();
    for number in 0..count {
        plan.id = format!("plan-{number}");
        store.create(Arc::new(plan.clone())).await.unwrap();
        plans.push(plan.clone());
    }
    store.close().await;
    let status = if finished { "DONE" } else { "PENDING" };
    let database = database(folder.path());
    let old = "UPDATE plans SET updated_at = 0, status = ?1";
    database.execute(old, [status]).unwrap();
    let now = "INSERT INTO clean_up (only_one, seen) VALUES (1, unixepoch() * 1000)";
    database.execute(now, []).unwrap();
    (folder, plans)
}

fn database(folder: &Path) -> Connection {
    Connection::open(folder.join("mesh.db")).unwrap()
}

fn kept(days: u64) -> Retention {
    let age = Duration::from_secs(days * 24 * 60 * 60);
    Retention {
        events: age,
        plans: age,
        idle: age,
    }
}

async fn clean_up(store: &SqliteStore) {
    while store.clean_up(kept(1)).await.unwrap() {}
}

fn plans(folder: &Path) -> i64 {
    let count = "SELECT count(*) FROM plans";
    database(folder)
        .query_row(count, [], |row| row.get(0))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_old_goes_a_part_a_day() {
    for (there, left) in [(2_000, 1_800), (250, 150), (50, 1)] {
        let (folder, _) = store_with(there, true).await;
        // A restart, or another look, is no new day.
        for _ in 0..2 {
            let store = SqliteStore::open(folder.path()).unwrap();
            clean_up(&store).await;
            clean_up(&store).await;
            store.close().await;
            assert_eq!(plans(folder.path()), left);
        }
        let yesterday = "UPDATE clean_up SET day = day - 1";
        database(folder.path()).execute(yesterday, []).unwrap();
        let store = SqliteStore::open(folder.path()).unwrap();
        clean_up(&store).await;
        store.close().await;
        assert!(left == 1 || plans(folder.path()) < left);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_that_nobody_goes_on_with_are_removed_and_those_under_way_stay() {
    let (folder, plans_there) = store_with(5, false).await;
    let run = "UPDATE plans SET run = 1 WHERE id = 'plan-0'";
    database(folder.path()).execute(run, []).unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let begun = &plans_there[1].id;
    let start = Transition::Start(Starter::Client);
    store.apply(begun, &start).await.unwrap();
    assert!(store.plan("plan-2").await.unwrap().is_some());
    clean_up(&store).await;
    for (id, stays) in [
        ("plan-0", true),
        ("plan-1", true),
        ("plan-2", false),
        ("plan-3", false),
        // With it would go the highest number of a change.
        ("plan-4", true),
    ] {
        assert_eq!(store.plan(id).await.unwrap().is_some(), stays, "{id}");
    }
    store.close().await;
}
