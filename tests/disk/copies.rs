//! What is not the database that the host left: emptied, of another program, without its log, older or
//! newer. It is not started on, is left as it is, and the way out is told and works.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{assert_intact, assert_says};
use crate::support::{Binary, TestApp, assert_has, http};

/// A data folder that hosts of the real program are started on.
struct World(TempDir);

impl World {
    fn begin() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.data().join(name)
    }

    /// Starts a host, creates so many plans, and ends it by this signal.
    async fn create(&self, plans: usize, signal: &str) {
        let mut host = Binary::run("serve", &self.data()).spawn();
        let url = host.url();
        for _ in 0..plans {
            let body = json!({"sessionId": "s", "domain": "social", "goal": "g"});
            let request = http().post(format!("{url}/mesh/create"));
            let request = request.header("content-type", "application/json");
            let answer = request.body(body.to_string()).send().await.unwrap();
            assert_eq!(answer.status(), 200);
        }
        host.signal(signal);
        host.ended();
    }

    /// Every file that matters, with what is in it.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let names = ["mesh.db", "mesh.db-wal", "mesh.mark"];
        let files = names.iter().map(|name| self.file(name));
        let has_something = |file: &fs::Metadata| file.is_file() && file.len() > 0;
        let there = files.filter(|file| fs::metadata(file).is_ok_and(|file| has_something(&file)));
        there
            .map(|file| (file.clone(), fs::read(file).unwrap()))
            .collect()
    }

    /// Asserts that no host starts, that this is said, and that nothing is changed.
    fn assert_refused(&self, what: &[&str]) {
        // Also the second time.
        for _ in 0..2 {
            let before = self.files();
            let (code, stderr) = Binary::run("serve", &self.data()).fails();
            assert_eq!(code, Some(1), "{stderr}");
            let file = self.file("mesh.db");
            assert_has(&stderr, &[file.to_str().unwrap()]);
            assert_has(&stderr, what);
            assert!(self.files() == before, "something was changed: {stderr}");
        }
    }

    /// Asserts that a host starts, has so many plans, and loses nothing from then on.
    async fn assert_has_plans(&self, plans: usize) {
        for kept in [plans, plans + 1] {
            let mut host = Binary::run("serve", &self.data()).spawn();
            let url = host.url();
            let listed = http()
                .get(format!("{url}/mesh/plans"))
                .send()
                .await
                .unwrap();
            let listed: Value = serde_json::from_str(&listed.text().await.unwrap()).unwrap();
            assert_eq!(listed["plans"].as_array().unwrap().len(), kept);
            drop(host);
            self.create(1, "KILL").await;
        }
        self.create(0, "TERM").await;
        assert_intact(&self.data());
    }
}

fn copy(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_emptied_or_removed_is_not_begun_anew() {
    let world = World::begin();
    world.create(2, "TERM").await;
    let (database, aside) = (world.file("mesh.db"), world.file("mesh.aside"));
    copy(&database, &aside);
    let said = [
        "is missing or empty",
        "put back a copy",
        "To begin anew, remove",
    ];
    fs::write(&database, "").unwrap();
    world.assert_refused(&said);
    fs::remove_file(&database).unwrap();
    world.assert_refused(&said);
    copy(&aside, &database);
    world.assert_has_plans(2).await;
    // A host before this one left no mark.
    fs::remove_file(world.file("mesh.mark")).unwrap();
    fs::write(&database, "").unwrap();
    world.assert_refused(&said);
    // As it says.
    fs::remove_file(&database).unwrap();
    world.assert_has_plans(0).await;
}

/// SQLite would take what is missing for new, and remove the log.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_its_database_is_kept() {
    let world = World::begin();
    world.create(2, "KILL").await;
    let (database, aside) = (world.file("mesh.db"), world.file("mesh.aside"));
    fs::rename(&database, &aside).unwrap();
    fs::remove_file(world.file("mesh.mark")).unwrap();
    world.assert_refused(&["is missing or empty"]);
    fs::rename(&aside, &database).unwrap();
    world.assert_has_plans(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_database_of_the_host_is_left_alone() {
    type Spoil = fn(&Path);
    let foreign: Spoil = |path| {
        fs::remove_file(path).unwrap();
        let database = Connection::open(path).unwrap();
        let sql = "CREATE TABLE plans (id); PRAGMA user_version = 2; PRAGMA journal_mode = WAL";
        database.execute_batch(sql).unwrap();
    };
    let foreign_new: Spoil = |path| {
        fs::remove_file(path).unwrap();
        let database = Connection::open(path).unwrap();
        database
            .execute_batch("CREATE TABLE cookies (name)")
            .unwrap();
    };
    let newer: Spoil = |path| {
        let database = Connection::open(path).unwrap();
        database.execute_batch("PRAGMA user_version = 99").unwrap();
    };
    let no_table: Spoil = |path| {
        let database = Connection::open(path).unwrap();
        database.execute_batch("DROP TABLE outbox").unwrap();
    };
    let text: Spoil = |path| fs::write(path, "plans are elsewhere").unwrap();
    let short: Spoil = |path| fs::write(path, "SQ").unwrap();
    let cut: Spoil = |path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    let zeroed: Spoil = |path| {
        let mut bytes = fs::read(path).unwrap();
        bytes[100..4_096].fill(0);
        fs::write(path, bytes).unwrap();
    };
    let ways: [(Spoil, &[&str]); 8] = [
        (foreign, &["of another program", "--data-dir"]),
        (foreign_new, &["of another program", "--data-dir"]),
        (
            newer,
            &["a newer codex-mesh", "schema 99", "start that one"],
        ),
        (no_table, &["damaged", "tables are missing"]),
        (text, &["is not a database", "move it away"]),
        (short, &["is not a database", "move it away"]),
        (cut, &["damaged", "put back a copy"]),
        (zeroed, &["damaged"]),
    ];
    let world = World::begin();
    world.create(2, "TERM").await;
    let (database, aside) = (world.file("mesh.db"), world.file("mesh.aside"));
    copy(&database, &aside);
    for (spoil, said) in ways {
        spoil(&database);
        world.assert_refused(said);
        copy(&aside, &database);
    }
    // A folder instead.
    fs::remove_file(&database).unwrap();
    fs::create_dir(&database).unwrap();
    world.assert_refused(&["not a regular file"]);
    fs::remove_dir(&database).unwrap();
    copy(&aside, &database);
    world.assert_has_plans(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_its_log_is_not_taken_for_whole() {
    let world = World::begin();
    world.create(1, "TERM").await;
    world.create(3, "KILL").await;
    let (log, aside) = (world.file("mesh.db-wal"), world.file("mesh.aside"));
    copy(&log, &aside);
    let said = [
        "lacks what was committed last",
        "its log (-wal) is missing",
        "remove",
        "mesh.mark",
    ];
    fs::remove_file(&log).unwrap();
    world.assert_refused(&said);
    fs::write(&log, "").unwrap();
    world.assert_refused(&said);
    let bytes = fs::read(&aside).unwrap();
    fs::write(&log, &bytes[..bytes.len() / 2]).unwrap();
    world.assert_refused(&said);
    copy(&aside, &log);
    world.assert_has_plans(4).await;
    // As a host before this one left it, which folded nothing in and left no mark.
    let left = ["mesh.mark", "mesh.db"].map(|name| world.file(name));
    left.iter().for_each(|file| fs::remove_file(file).unwrap());
    let database = Connection::open(world.file("mesh.db")).unwrap();
    let at = |_: &rusqlite::Row<'_>| Ok(());
    let set = database.query_row("PRAGMA journal_mode = WAL", [], at);
    set.unwrap();
    drop(database);
    world.assert_refused(&["nothing is in it", "its log (-wal) is missing"]);
    fs::remove_file(world.file("mesh.db")).unwrap();
    world.assert_has_plans(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_is_taken_only_when_it_is_meant() {
    let world = World::begin();
    world.create(1, "TERM").await;
    let (database, aside) = (world.file("mesh.db"), world.file("mesh.aside"));
    copy(&database, &aside);
    world.create(2, "TERM").await;
    let (newest, newest_mark) = (fs::read(&database).unwrap(), world.file("mesh.mark"));
    copy(&aside, &database);
    world.assert_refused(&[
        "lacks what was committed last",
        "an older copy",
        "a backup",
        "mesh.mark",
    ]);
    fs::write(&database, newest).unwrap();
    world.assert_has_plans(3).await;
    // As it says.
    copy(&aside, &database);
    fs::remove_file(newest_mark).unwrap();
    world.assert_has_plans(1).await;
}

/// The copy and the log together would be a mixture.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_under_a_newer_log_is_not_mixed_with_it() {
    let world = World::begin();
    world.create(1, "TERM").await;
    let (database, aside) = (world.file("mesh.db"), world.file("mesh.aside"));
    copy(&database, &aside);
    world.create(90, "TERM").await;
    world.create(3, "KILL").await;
    let newest = fs::read(&database).unwrap();
    copy(&aside, &database);
    world.assert_refused(&["lacks what was committed last", "an older copy"]);
    // Nor another host's.
    let other = World::begin();
    other.create(1, "TERM").await;
    copy(&other.file("mesh.db"), &database);
    world.assert_refused(&["another database than the one", "-wal"]);
    fs::write(&database, newest).unwrap();
    world.assert_has_plans(94).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_hosts_database_is_taken_only_when_it_is_meant() {
    let (world, other) = (World::begin(), World::begin());
    world.create(1, "TERM").await;
    other.create(5, "TERM").await;
    let own = fs::read(world.file("mesh.db")).unwrap();
    copy(&other.file("mesh.db"), &world.file("mesh.db"));
    world.assert_refused(&[
        "another database than the one",
        "put that one back",
        "mesh.mark",
    ]);
    // Also where that has come further.
    copy(&world.file("mesh.mark"), &world.file("mesh.aside"));
    fs::remove_file(world.file("mesh.mark")).unwrap();
    world.assert_has_plans(5).await;
    fs::write(world.file("mesh.db"), own).unwrap();
    world.assert_refused(&["another database than the one"]);
    copy(&world.file("mesh.aside"), &world.file("mesh.mark"));
    world.assert_has_plans(1).await;
}

/// What is damaged further in shows when it is needed, and is told with what to do.
#[tokio::test(flavor = "multi_thread")]
async fn damage_that_shows_later_is_told() {
    let app = TestApp::start().await;
    for _ in 0..20 {
        app.create(&json!({})).await;
    }
    let marked = app
        .create(&json!({"goal": "the plan of which a page is damaged"}))
        .await;
    let data = app.stop().await;
    let file = data.path().join("mesh.db");
    let mut bytes = fs::read(&file).unwrap();
    let id = marked["id"].as_str().unwrap().as_bytes();
    // The row begins with these columns.
    let row = [id, b"s1socialPENDING"].concat();
    let at = bytes
        .windows(row.len())
        .position(|part| part == row)
        .unwrap();
    let page = at / 4_096 * 4_096;
    bytes[page..page + 4_096].fill(0);
    fs::write(&file, bytes).unwrap();
    let app = TestApp::builder().data(data).start().await;
    let what = "the database is damaged";
    assert_says(&app.get("/mesh/plans").await, what);
    assert_says(&app.get("/mesh/plans").await, "put back a copy");
    assert_says(&app.try_step(&marked).await, what);
    assert_eq!(app.get("/health").await.0, 200);
}

/// Of a folder whatever its name, and of a link to a database elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_found_whatever_its_path_looks_like() {
    let world = World::begin();
    let odd = world.0.path().join("da?ta #1%20é&x=1");
    let elsewhere = world.0.path().join("elsewhere.db");
    fs::create_dir(&odd).unwrap();
    symlink(&odd, world.data()).unwrap();
    symlink(&elsewhere, odd.join("mesh.db")).unwrap();
    world.create(2, "KILL").await;
    assert!(world.0.path().join("elsewhere.db-wal").exists());
    let kept = fs::read(&elsewhere).unwrap();
    fs::write(&elsewhere, "").unwrap();
    world.assert_refused(&["is missing or empty"]);
    fs::write(&elsewhere, kept).unwrap();
    world.assert_has_plans(2).await;
}

/// A host that was killed at any commit, or whose folder was copied whole, is never refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_was_killed_is_never_refused() {
    for (place, commit) in [
        ("before", 1),
        ("after", 1),
        ("before", 3),
        ("after", 3),
        ("after", 5),
    ] {
        let world = World::begin();
        let point = format!("{place}:{commit}");
        let mut host = Binary::run("serve", &world.data())
            .env("CODEX_MESH_FAILPOINT", &point)
            .spawn();
        host.ended();
        world.create(1, "KILL").await;
        world.create(1, "TERM").await;
        let elsewhere = World::begin();
        let copied = std::process::Command::new("cp")
            .arg("-a")
            .args([world.data(), elsewhere.data()])
            .status();
        assert!(copied.unwrap().success());
        elsewhere.assert_has_plans(2).await;
        // What is not a mark says nothing.
        for mark in ["", "codex-mesh-mark 1 x y z\n", "\0\0\0"] {
            fs::write(world.file("mesh.mark"), mark).unwrap();
            world.create(0, "TERM").await;
        }
        world.assert_has_plans(2).await;
    }
}

/// One of an earlier host, which had no mark.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_an_earlier_host_is_taken() {
    let app = TestApp::start().await;
    let plan = app.create(&json!({})).await;
    let data = app.stop().await;
    let database = Connection::open(data.path().join("mesh.db")).unwrap();
    let sql = "DROP TABLE mark; PRAGMA user_version = 3; PRAGMA application_id = 0";
    database.execute_batch(sql).unwrap();
    drop(database);
    let earlier = fs::read(data.path().join("mesh.db")).unwrap();
    fs::remove_file(data.path().join("mesh.mark")).unwrap();
    let app = TestApp::builder().data(data).start().await;
    assert_eq!(app.run(&plan).await["status"], "DONE");
    let data = app.stop().await;
    // And is an older copy from then on.
    fs::write(data.path().join("mesh.db"), earlier).unwrap();
    let (code, stderr) = Binary::run("serve", data.path()).fails();
    assert_eq!(code, Some(1));
    assert_has(&stderr, &["lacks what was committed last", "an older copy"]);
}
