//! A disk that is full, can't be written, or is gone: errors that say so, nothing corrupt, and when it
//! is over the host goes on by itself.
//!
//! Much of it needs real disks that fail, which only root can make; elsewhere these tests say that they
//! were skipped.

mod copies;
mod gone;
mod limits;
mod locked;
mod log;
mod private;
mod rows;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Program, Request, Stub, TestApp, friendly};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder that is a small disk of its own.
struct SmallDisk {
    folder: Arc<TempDir>,
}

impl SmallDisk {
    /// `None` where there is no right to mount.
    fn mount(test: &str) -> Option<Self> {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let at = folder.path().to_str().unwrap();
        let args = ["-t", "tmpfs", "-o", "size=16m", "tmpfs", at];
        if !succeeds("mount", &args) {
            println!("SKIPPED {test}: no disk can be mounted here, which takes root");
            return None;
        }
        Some(Self { folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves no byte free.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let mut filler = File::create(&path).unwrap();
        for size in [4_096, 1] {
            while filler.write_all(&vec![0; size]).is_ok() {}
        }
        path
    }

    fn remount(&self, how: &str) {
        let at = self.path().to_str().unwrap();
        let options = format!("remount,{how}");
        assert!(succeeds("mount", &["-o", &options, at]), "{options}");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a host that is still ending may have files open.
        succeeds("umount", &["-l", self.path().to_str().unwrap()]);
    }
}

fn succeeds(program: &str, args: &[&str]) -> bool {
    let output = Command::new(program).args(args).output();
    output.is_ok_and(|output| output.status.success())
}

fn assert_intact(data: &Path) {
    let database = rusqlite::Connection::open(data.join("mesh.db")).unwrap();
    let verdict: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
}

fn assert_says(answer: &(u16, Value), what: &str) {
    let (status, body) = answer;
    assert_eq!((*status, &body["ok"]), (503, &json!(false)), "{body}");
    let error = body["error"].as_str().unwrap();
    assert!(error.contains(what), "{error}");
}

async fn plan(app: &TestApp, plan: &Value) -> Value {
    let id = plan["id"].as_str().unwrap();
    let (status, answer) = app.get(&format!("/mesh/plan?id={id}")).await;
    assert_eq!(status, 200, "{answer}");
    answer["plan"].clone()
}

/// Waits until the plan's step stands so.
async fn step_becomes(app: &TestApp, of: &Value, index: usize, status: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let plan = plan(app, of).await;
        if plan["steps"][index]["status"] == status {
            return plan;
        }
        assert!(Instant::now() < deadline, "not {status}: {plan}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Creates plans until there is no room for one more; those that there was room for.
async fn create_until_refused(app: &TestApp, what: &str) -> Vec<Value> {
    let body = json!({"sessionId": "s", "domain": "social", "goal": "g".repeat(5_000)});
    let mut created = Vec::new();
    for _ in 0..500 {
        let answer = app.post("/mesh/create", &body).await;
        if answer.0 == 200 {
            created.push(answer.1["plan"].clone());
        } else {
            assert_says(&answer, what);
            return created;
        }
    }
    panic!("the disk never gets full");
}

/// Runs first steps until the end of one can't be stored; which plan's it was.
async fn step_until_refused(app: &TestApp, plans: &[Value], what: &str) -> usize {
    for (index, plan) in plans.iter().enumerate() {
        let answer = app.try_step(plan).await;
        if answer.0 != 200 {
            assert_says(&answer, what);
            assert_says(&answer, "the step ended, but its end could not be stored");
            return index;
        }
    }
    panic!("there is still room");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_and_outlived() {
    let Some(disk) = SmallDisk::mount("a_full_disk_is_said_and_outlived") else {
        return;
    };
    let app = TestApp::builder()
        .data(Arc::clone(&disk.folder))
        .start()
        .await;
    let mut plans = Vec::new();
    for _ in 0..40 {
        plans.push(app.create(&json!({})).await);
    }
    let filler = disk.fill();
    let full = "the disk is full";
    plans.extend(create_until_refused(&app, full).await);
    let cut = step_until_refused(&app, &plans, full).await;

    // What is stored can be read, and what could not be stored is not repeated.
    let stuck = plan(&app, &plans[cut]).await;
    assert_eq!(stuck["steps"][0]["status"], "IN_PROGRESS", "{stuck}");
    assert_eq!(app.try_step(&stuck).await.0, 409);
    let asked = app.stub("autonomy").requests().len();
    assert_eq!(asked, cut + 1);
    assert_eq!(app.get("/health").await.0, 200);
    assert_eq!(app.get("/mesh/plans").await.0, 200);

    std::fs::remove_file(filler).unwrap();
    let ended = step_becomes(&app, &stuck, 0, "DONE").await;
    assert_eq!(app.stub("autonomy").requests().len(), asked, "asked again");
    let ended = app.run(&ended).await;
    assert_eq!(ended["status"], "DONE", "{ended}");
    app.status_when(|status| status["brain"]["backlog"] == 0)
        .await;

    let app = TestApp::builder().data(app.stop().await).start().await;
    assert_eq!(plan(&app, &ended).await, ended);
    for (index, before) in plans.iter().enumerate() {
        let expected = if index < cut { "DONE" } else { "PENDING" };
        if index != cut {
            let now = plan(&app, before).await;
            assert_eq!(now["steps"][0]["status"], expected, "{now}");
        }
    }
    assert_intact(app.stop().await.path());
}

/// A write whose claim can't be stored is not sent.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_that_was_not_recorded() {
    let Some(disk) = SmallDisk::mount("nothing_is_written_that_was_not_recorded") else {
        return;
    };
    let app = TestApp::builder()
        .data(Arc::clone(&disk.folder))
        .start()
        .await;
    let mut plans = Vec::new();
    for _ in 0..30 {
        let mut plan = app.create(&json!({})).await;
        for _ in 0..3 {
            plan = app.step(&plan).await;
        }
        plans.push(plan);
    }
    app.status_when(|status| status["brain"]["backlog"] == 0)
        .await;
    let filler = disk.fill();
    create_until_refused(&app, "the disk is full").await;
    let refused = write_until_unrecorded(&app, &plans).await;
    std::fs::remove_file(filler).unwrap();
    for (index, sent) in refused {
        let expected = if sent == 0 { "PENDING" } else { "DONE" };
        let plan = step_becomes(&app, &plans[index], 3, expected).await;
        let plan = if sent == 0 {
            app.step(&plan).await
        } else {
            plan
        };
        assert_eq!(plan["status"], "DONE", "{plan}");
        let id = plan["id"].as_str().unwrap();
        let of_this = |request: &&Request| {
            let key = request.headers["idempotency-key"].to_str().unwrap();
            key.starts_with(id)
        };
        let requests = app.stub("workflow").requests();
        assert_eq!(requests.iter().filter(of_this).count(), 1);
    }
    assert_intact(app.stop().await.path());
}

/// Runs the writes of these plans until the claim of one can't be stored. Which plans' were
/// refused, and how often each was sent all the same: once where the claim still found room.
async fn write_until_unrecorded(app: &TestApp, plans: &[Value]) -> Vec<(usize, usize)> {
    let mut refused = Vec::new();
    for (index, plan) in plans.iter().enumerate() {
        let asked = app.stub("workflow").requests().len();
        let answer = app.try_step(plan).await;
        let sent = app.stub("workflow").requests().len() - asked;
        if answer.0 == 200 {
            assert_eq!(sent, 1);
            continue;
        }
        assert_says(&answer, "the disk is full");
        refused.push((index, sent));
        if sent == 0 {
            return refused;
        }
    }
    panic!("every claim found room: {refused:?}");
}

/// Makes the files unwritable even for who has them open, as a disk that has failed is.
fn freeze(data: &Path, frozen: bool) -> bool {
    let flag = if frozen { "+i" } else { "-i" };
    ["mesh.db", "mesh.db-wal"]
        .iter()
        .all(|file| succeeds("chattr", &[flag, data.join(file).to_str().unwrap()]))
}

/// Thaws however the test ends: what is frozen can't even be removed.
struct Frozen<'a>(&'a Path);

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        freeze(self.0, false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_turns_read_only_is_said_and_outlived() {
    let app = TestApp::start().await;
    let data = Arc::clone(&app.data);
    let frozen = Frozen(data.path());
    let plan = app.create(&json!({})).await;
    app.status_when(|status| status["brain"]["backlog"] == 0)
        .await;
    let body = json!({"sessionId": "s", "domain": "social", "goal": "g"});
    if !freeze(data.path(), true) || app.post("/mesh/create", &body).await.0 == 200 {
        println!("SKIPPED read-only: files can't be frozen here, which takes root and ext4");
        return;
    }
    let what = "the database can't be written";
    assert_says(&app.post("/mesh/create", &body).await, what);
    assert_says(&app.try_step(&plan).await, what);
    assert_eq!(app.get("/mesh/plans").await.0, 200);
    drop(frozen);
    let plan = step_becomes(&app, &plan, 0, "DONE").await;
    assert_eq!(app.stub("autonomy").requests().len(), 1, "asked again");
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan}");
    assert_intact(app.stop().await.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_does_not_start_on_a_read_only_disk() {
    let Some(disk) = SmallDisk::mount("a_host_does_not_start_on_a_read_only_disk") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut stubs = Vec::new();
    for (name, reply) in friendly() {
        stubs.push((name, Stub::answering(reply).await));
    }
    let services = stubs.iter().map(|(name, stub)| (*name, stub.url.as_str()));
    let program = Program::new(folder.path(), "", services).keeping(disk.path());
    let (mut process, _) = program.start().await;
    process.kill();

    disk.remount("ro");
    let mut process = program.spawn();
    assert!(process.listening().await.is_none(), "it started");
    assert_eq!(process.ended().await.code(), Some(1));
    let log = program.log();
    assert!(log.contains("Read-only file system"), "{log}");
    assert!(log.contains(disk.path().to_str().unwrap()), "{log}");

    disk.remount("rw");
    let (mut process, _) = program.start().await;
    process.kill();
    assert_intact(disk.path());
}
