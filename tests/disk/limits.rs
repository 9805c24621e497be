//! What the system lets a process open and write: as much as there may be is taken, and too little is an
//! error with its remedy, and no end.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Binary, assert_has, http};

/// The limit of open files of a process, and how far it may raise that itself.
fn open_files(process: u32) -> (u64, u64) {
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let mut numbers = line
        .unwrap()
        .split_whitespace()
        .filter_map(|word| word.parse().ok());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

#[test]
fn as_many_files_as_there_may_be_are_opened() {
    let data = tempfile::tempdir().unwrap();
    let mut host = Binary::limited("serve", data.path(), "ulimit -Sn 128").spawn();
    host.url();
    let (limit, most) = open_files(host.id());
    assert_eq!(limit, most);
}

#[test]
fn too_few_open_files_are_named_with_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let (code, said) = Binary::limited("serve", data.path(), "ulimit -n 32").fails();
    assert_eq!(code, Some(1), "{said}");
    assert_has(&said, &["64 open files", "ulimit -n", "LimitNOFILE"]);
    let mut host = Binary::limited("serve", data.path(), "ulimit -n 512").spawn();
    host.url();
    host.stderr
        .with("512 files may be open at the same time, and the host may need");
}

/// The system ends a process that writes past it, unless the process says that it wants an error.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_may_not_grow_is_an_error_and_no_end() {
    let data = tempfile::tempdir().unwrap();
    // In blocks of 512 bytes: the log of the database gets so large first.
    let mut host = Binary::limited("serve", data.path(), "ulimit -f 4096").spawn();
    let url = host.url();
    let body = json!({"sessionId": "s", "domain": "social", "goal": "g".repeat(9_000)}).to_string();
    let mut created = 0;
    let refused: Value = loop {
        let request = http().post(format!("{url}/mesh/create"));
        let request = request.header("content-type", "application/json");
        let answer = request.body(body.clone()).send().await.unwrap();
        if answer.status() != 200 {
            assert_eq!(answer.status(), 503);
            break serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        }
        created += 1;
        assert!(created < 5_000, "nothing is limited");
    };
    assert_eq!(refused["ok"], false);
    let health = http().get(format!("{url}/health")).send().await.unwrap();
    assert_eq!(health.status(), 200);
    host.signal("TERM");
    host.stdout.with("stopped");
}
