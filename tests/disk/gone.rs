//! A data folder that is deleted, moved, replaced or unmounted under a host: nothing is sent that
//! could not be recorded, and nothing is said to be stored that is lost.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{SmallDisk, assert_intact, assert_says, plan, succeeds};
use crate::support::{Program, TestApp, within};

/// What every refusal says.
const GONE: &str = "the database is not in its place any more";

/// A host whose data folder can be taken away, with plans whose next step is a write.
struct World {
    app: TestApp,
    folder: TempDir,
    plans: Vec<Value>,
}

impl World {
    async fn begin() -> Self {
        Self::begin_in(tempfile::tempdir().unwrap()).await
    }

    /// With its data in `data`, in this folder.
    async fn begin_in(folder: TempDir) -> Self {
        let data = folder.path().join("data");
        let app = TestApp::builder()
            .configure(move |config| config.data_dir = data)
            .start()
            .await;
        let mut plans = Vec::new();
        for _ in 0..3 {
            let mut plan = app.create(&json!({})).await;
            for _ in 0..3 {
                plan = app.step(&plan).await;
            }
            plans.push(plan);
        }
        app.status_when(|status| status["brain"]["backlog"] == 0)
            .await;
        Self { app, folder, plans }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Asserts that nothing is sent or said to be stored, and that it is told why.
    async fn assert_refuses(&self, how: &str) {
        let (_, status) = self.app.get("/mesh/status").await;
        let trouble = status["store"]["trouble"].as_str();
        assert!(
            trouble.is_some_and(|trouble| trouble.contains(GONE)),
            "{how}: {status}"
        );
        for plan in &self.plans {
            assert_says(&self.app.try_step(plan).await, GONE);
        }
        let body = json!({"sessionId": "s", "domain": "social", "goal": "g"});
        assert_says(&self.app.post("/mesh/create", &body).await, GONE);
        let id = &self.plans[0]["id"];
        assert_says(
            &self.app.post("/mesh/run", &json!({"planId": id})).await,
            GONE,
        );
        let body = json!({"planId": id, "by": "somebody", "reason": "no"});
        assert_says(&self.app.post("/mesh/cancel", &body).await, GONE);
        assert_eq!(self.app.asked("workflow"), 0, "{how}: it was sent");
        for before in &self.plans {
            let now = plan(&self.app, before).await;
            let steps = (&now["steps"], &before["steps"]);
            assert!(steps.0 == steps.1, "{how}: {now:#} is no longer {before:#}");
        }
    }

    /// Asserts that it is as if nothing had been.
    async fn assert_goes_on(self) {
        let well = |status: &Value| status["store"]["trouble"] == json!(null);
        self.app.status_when(well).await;
        for (index, plan) in self.plans.iter().enumerate() {
            assert_eq!(self.app.step(plan).await["status"], "DONE");
            assert_eq!(self.app.asked("workflow"), index + 1);
        }
        self.app.create(&json!({})).await;
        let data = self.path("data");
        self.app.stop().await;
        assert_intact(&data);
    }
}

fn copy(from: &Path, to: &Path) {
    let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
    assert!(succeeds("cp", &["-a", from, to]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_from_a_data_folder_that_was_deleted() {
    let world = World::begin().await;
    fs::remove_dir_all(world.path("data")).unwrap();
    world.assert_refuses("deleted").await;
    let body = json!({"sessionId": "s", "domain": "social", "goal": "g"});
    let said = world.app.post("/mesh/create", &body).await;
    assert_says(&said, "mesh.db is missing");
    assert_says(&said, "restart the host");
    // Another's, in its place, is left alone.
    fs::create_dir(world.path("data")).unwrap();
    world.assert_refuses("made anew").await;
    world.app.stop().await;
    let left = fs::read_dir(world.folder.path().join("data")).unwrap();
    assert_eq!(left.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_file_of_the_database_is_missed() {
    for file in ["mesh.db", "mesh.db-wal", "mesh.db-shm"] {
        let world = World::begin().await;
        let (file, aside) = (world.path("data").join(file), world.path("aside"));
        fs::rename(&file, &aside).unwrap();
        world.assert_refuses("moved").await;
        copy(&aside, &file);
        world.assert_refuses("a copy").await;
        fs::rename(&aside, &file).unwrap();
        world.assert_goes_on().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_that_was_moved_is_used_once_it_is_back() {
    let world = World::begin().await;
    let (data, aside) = (world.path("data"), world.path("aside"));
    fs::rename(&data, &aside).unwrap();
    world.assert_refuses("moved").await;
    copy(&aside, &data);
    world.assert_refuses("a copy").await;
    fs::remove_dir_all(&data).unwrap();
    symlink(&aside, &data).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    world.app.create(&json!({})).await;
    fs::remove_file(&data).unwrap();
    symlink(elsewhere.path(), &data).unwrap();
    world.assert_refuses("a link that leads elsewhere").await;
    fs::remove_file(&data).unwrap();
    fs::rename(&aside, &data).unwrap();
    world.assert_goes_on().await;
}

/// A plan that is run waits for its folder, and is then run to its end: nothing twice, nothing left out.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_run_waits_until_the_folder_is_back() {
    let world = World::begin().await;
    let (data, aside) = (world.path("data"), world.path("aside"));
    let hardening = world.app.stub("hardening").clone();
    let before = world.app.asked("hardening");
    let new = world.app.create(&json!({})).await;
    hardening.hold();
    let run = json!({"planId": new["id"]});
    assert_eq!(world.app.post("/mesh/run", &run).await.0, 200);
    hardening.asked(before + 1).await;
    fs::rename(&data, &aside).unwrap();
    hardening.release();
    let is_said = |status: &Value| status["store"]["trouble"] != json!(null);
    world.app.status_when(is_said).await;
    // Its step has ended, and where that can't be stored nothing else begins.
    world.assert_refuses("moved").await;
    fs::rename(&aside, &data).unwrap();
    let ended = async {
        loop {
            let plan = plan(&world.app, &new).await;
            if plan["status"] == "DONE" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    within(ended).await;
    assert_eq!(world.app.asked("hardening"), before + 1, "asked again");
    assert_eq!(world.app.asked("workflow"), 1);
}

/// What is in its place is a database too, of another host.
#[tokio::test(flavor = "multi_thread")]
async fn another_hosts_database_in_its_place_is_not_taken_for_its_own() {
    let (world, other) = (World::begin().await, World::begin().await);
    let (data, aside) = (world.path("data"), world.path("aside"));
    fs::rename(&data, &aside).unwrap();
    symlink(other.path("data"), &data).unwrap();
    world.assert_refuses("another database").await;
    let (_, listed) = world.app.get("/mesh/plans").await;
    assert_eq!(listed["plans"].as_array().unwrap().len(), world.plans.len());
    other.assert_goes_on().await;
    fs::remove_file(&data).unwrap();
    fs::rename(&aside, &data).unwrap();
    world.assert_goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_from_a_disk_that_was_unmounted() {
    let Some(disk) = SmallDisk::mount("nothing_is_sent_from_a_disk_that_was_unmounted") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(disk.path().join("mesh")).unwrap();
    let at = folder.path().join("data");
    fs::create_dir(&at).unwrap();
    let (mesh, at) = (disk.path().join("mesh"), at.to_str().unwrap().to_owned());
    let bind = || succeeds("mount", &["--bind", mesh.to_str().unwrap(), &at]);
    assert!(bind());
    let world = World::begin_in(folder).await;
    assert!(succeeds("umount", &["-l", &at]));
    world.assert_refuses("unmounted").await;
    assert!(bind());
    let elsewhere = tempfile::tempdir().unwrap();
    let over = elsewhere.path().to_str().unwrap();
    assert!(succeeds("mount", &["--bind", over, &at]));
    world.assert_refuses("hidden by another").await;
    assert!(succeeds("umount", &["-l", &at]));
    world.assert_goes_on().await;
    assert!(succeeds("umount", &["-l", &at]));
}

/// The files are the same, and what was in them is not there any more.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_added_to_a_file_of_which_something_was_cut_off() {
    let empty = |path: &Path| fs::write(path, "").unwrap();
    let halve = |path: &Path| {
        let length = fs::metadata(path).unwrap().len();
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_len(length / 2)
            .unwrap();
    };
    let ways: [&dyn Fn(&Path); 2] = [&empty, &halve];
    for file in ["mesh.db", "mesh.db-wal"] {
        for cut in ways {
            let world = World::begin().await;
            let file = world.path("data").join(file);
            cut(&file);
            let left = fs::read(&file).unwrap();
            let body = json!({"sessionId": "s", "domain": "social", "goal": "g"});
            for plan in &world.plans {
                assert_says(&world.app.try_step(plan).await, GONE);
                let created = world.app.post("/mesh/create", &body).await;
                assert_says(&created, "something was cut off");
                assert_says(&created, file.to_str().unwrap());
            }
            assert_eq!(world.app.asked("workflow"), 0);
            // All else is told also where the backlog can't be read.
            let (code, status) = world.app.get("/mesh/status").await;
            let trouble = status["store"]["trouble"].as_str();
            assert!(
                trouble.is_some_and(|trouble| trouble.contains(GONE)),
                "{status}"
            );
            assert_eq!((code, &status["ok"]), (200, &json!(true)));
            world.app.stop().await;
            assert!(fs::read(&file).unwrap() == left, "something was added");
        }
    }
}

/// Another program may do what it likes with the database, as a program does that uses SQLite.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_program_made_smaller_is_whole() {
    let world = World::begin().await;
    let other = Connection::open(world.path("data").join("mesh.db")).unwrap();
    for round in 0..4 {
        let sql = "CREATE TABLE ballast (x); INSERT INTO ballast VALUES (zeroblob(1 << 20))";
        other.execute_batch(sql).unwrap();
        world.app.create(&json!({})).await;
        other.execute_batch("DROP TABLE ballast; VACUUM").unwrap();
        if round % 2 == 0 {
            world.app.create(&json!({})).await;
        }
        let how = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"][round];
        let sql = format!("PRAGMA wal_checkpoint({how})");
        other.query_row(&sql, [], |_| Ok(())).unwrap();
        world.app.create(&json!({})).await;
        world.app.create(&json!({})).await;
    }
    drop(other);
    world.assert_goes_on().await;
}

/// Whatever leads to it, and whatever became of the lock file.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_one_hosts_by_whatever_path() {
    let world = World::begin().await;
    let data = world.path("data");
    let [linked, hard, copied] = ["linked", "hard", "copied"].map(|name| world.path(name));
    for folder in [&linked, &hard, &copied] {
        fs::create_dir(folder).unwrap();
    }
    fs::remove_file(data.join("lock")).unwrap();
    symlink(data.join("mesh.db"), linked.join("mesh.db")).unwrap();
    fs::hard_link(data.join("mesh.db"), hard.join("mesh.db")).unwrap();
    for folder in [&data, &linked, &hard] {
        let program = Program::new(world.folder.path(), "", []).keeping(folder);
        let mut second = program.spawn();
        assert!(second.listening().await.is_none(), "{}", folder.display());
        assert_eq!(second.ended().await.code(), Some(1));
        let log = program.log();
        assert!(log.contains("another codex-mesh uses it"), "{log}");
        assert!(log.contains("--data-dir"), "{log}");
        fs::remove_file(world.path("log")).unwrap();
    }
    world.assert_goes_on().await;
}
