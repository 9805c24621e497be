//! A plugins folder, or a file in it, that never answers keeps nothing else from working: neither the
//! other files nor a request, nor the end of the host.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Binary, BinaryBuilder, GOAL, PATIENCE, Raw, Stalled, assert_has, folder, guest, http, within,
};

/// A host that is asked how it does.
pub struct Host {
    binary: Binary,
    pub url: String,
}

/// One with this plugins folder, of whose files those whose paths begin so get no answers to these calls.
fn start(plugins: &Path, calls: &str, under: &Path) -> (Host, Stalled, TempDir) {
    let stalled = Stalled::calls(calls, under);
    let data = tempfile::tempdir().unwrap();
    let mut host = Binary::run("serve", data.path());
    for (name, value) in stalled.variables() {
        host = host.env(name, value);
    }
    (Host::of(host.arg("--plugins").arg(plugins)), stalled, data)
}

impl Host {
    /// Started in this way.
    pub fn of(binary: BinaryBuilder) -> Self {
        let mut binary = binary.spawn();
        let url = binary.url();
        Self { binary, url }
    }

    /// Waits until nothing is being loaded any more; the plugins then.
    pub async fn loaded(&self) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let plugins = self.get("/plugins").await;
            if plugins["loading"] == json!([]) {
                return plugins;
            }
            assert!(Instant::now() < deadline, "{plugins:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = http().get(format!("{}{path}", self.url)).send();
        let text = within(answer).await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Waits until new plans may have this kind.
    pub async fn serves(&self, kind: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let plugins = self.get("/plugins").await;
            let mut kinds = plugins["plugins"].as_array().unwrap().iter();
            if kinds.any(|plugin| plugin["kind"] == kind) {
                return;
            }
            assert!(Instant::now() < deadline, "no {kind} in {plugins:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Its threads that ask a file system.
    fn asking(&self) -> usize {
        let threads = fs::read_dir(format!("/proc/{}/task", self.binary.id())).unwrap();
        let names = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("comm")));
        // One that ended meanwhile has no name.
        names.flatten().filter(|name| name.trim() == "disk").count()
    }

    /// It stops when it is told to, whatever waits; everything that it logged.
    pub fn stops(mut self) -> String {
        self.binary.signal("TERM");
        assert!(self.binary.ended().success());
        self.binary.stderr.rest()
    }
}

fn component(kind: &str) -> Vec<u8> {
    Raw::new(kind).component()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_never_answers_keeps_no_good_file_from_being_used() {
    for calls in ["stat", "open"] {
        let (good, late) = (component("good"), component("late"));
        let plugins = folder([("z-good.wasm", good.as_slice())]);
        let elsewhere = folder([("late.wasm", late.as_slice())]);
        let link = plugins.path().join("a-link.wasm");
        symlink(elsewhere.path().join("late.wasm"), &link).unwrap();
        let (mut host, stalled, _data) = start(plugins.path(), calls, &link);
        assert_eq!(host.get("/health").await["ok"], true);
        host.serves("good").await;
        let said = host.binary.stderr.with("a-link.wasm");
        let told = host.get("/mesh/status").await["plugins"]["notices"].to_string();
        assert_has(&told, &["a-link.wasm", "does not answer"]);
        assert_has(
            &said,
            &["does not answer", "Remove it, or mend what it is on"],
        );
        // Another file is taken while that one waits.
        fs::write(plugins.path().join("new.wasm"), component("new")).unwrap();
        host.serves("new").await;
        assert_eq!(host.get("/health").await["ok"], true);
        stalled.answer();
        host.serves("late").await;
        let log = host.stops();
        assert_eq!(log.matches("does not answer").count(), 1, "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_never_answers_is_looked_at_by_one_thread() {
    let good = component("good");
    let plugins = folder([("good.wasm", good.as_slice())]);
    let (mut host, stalled, _data) = start(plugins.path(), "list", plugins.path());
    assert_eq!(host.get("/health").await["ok"], true);
    let said = host.binary.stderr.with("plugins folder");
    assert_has(&said, &["does not answer", "mend what it is on"]);
    assert_eq!(host.asking(), 1);
    stalled.answer();
    host.serves("good").await;
    host.stops();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_files_that_never_answer_hold_a_few_threads() {
    let good = component("good");
    let plugins = folder([("z-good.wasm", good.as_slice())]);
    for n in 0..8 {
        let link = plugins.path().join(format!("stuck-{n}.wasm"));
        symlink(plugins.path().join("z-good.wasm"), link).unwrap();
    }
    let stuck = plugins.path().join("stuck-");
    let (mut host, _stalled, _data) = start(plugins.path(), "stat", &stuck);
    host.serves("good").await;
    host.binary.stderr.with("no other links");
    assert!(host.asking() <= 4, "{} threads", host.asking());
    fs::write(plugins.path().join("new.wasm"), component("new")).unwrap();
    host.serves("new").await;
    host.stops();
}

/// Holds a lease of a file until it is killed: whoever opens the file waits for that, unless they say
/// that they do not wait (fcntl(2), F_SETLEASE).
const HOLDING: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
int main(int count, char **words) {
    signal(SIGIO, SIG_IGN);
    int file = open(words[1], O_RDWR);
    if (fcntl(file, F_SETLEASE, F_WRLCK)) return 77;
    write(1, "held\n", 5);
    for (;;) pause();
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_another_program_holds_is_not_waited_for_and_tried_again() {
    let tools = tempfile::tempdir().unwrap();
    let (source, holding) = (tools.path().join("h.c"), tools.path().join("h"));
    fs::write(&source, HOLDING).unwrap();
    let mut cc = Command::new("cc");
    cc.arg("-o").arg(&holding).arg(&source);
    assert!(cc.status().unwrap().success());
    let held = component("held");
    let plugins = folder([("held.wasm", held.as_slice())]);
    let mut holder = BinaryBuilder::of(&holding)
        .arg(plugins.path().join("held.wasm"))
        .spawn();
    holder.stdout.with("held");
    let data = tempfile::tempdir().unwrap();
    let mut host = Host::of(
        Binary::run("serve", data.path())
            .arg("--plugins")
            .arg(plugins.path()),
    );
    let said = host.binary.stderr.with("held.wasm");
    assert_has(&said, &["another program holds it", "it is tried again"]);
    assert_eq!(host.loaded().await["notices"].as_array().unwrap().len(), 1);
    assert!(host.asking() <= 1);
    drop(holder);
    host.serves("held").await;
    host.stops();
}

/// Nobody is to get past the check that an operator put in the place of an embedded one.
#[tokio::test(flavor = "multi_thread")]
async fn an_embedded_kind_takes_the_place_of_none_that_does_not_answer() {
    let plugins = folder([("srl.wasm", guest("strict-srl"))]);
    let data = tempfile::tempdir().unwrap();
    let binary = || {
        Binary::run("serve", data.path())
            .arg("--plugins")
            .arg(plugins.path())
    };
    let create = async |host: &Host| {
        let plan = json!({"sessionId": "s1", "domain": "social", "goal": GOAL, "mode": "DRY_RUN"});
        let request = http().post(format!("{}/mesh/create", host.url));
        let request = request.header("content-type", "application/json");
        let answer = within(request.body(plan.to_string()).send()).await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str::<Value>(&text).unwrap())
    };
    let host = Host::of(binary());
    host.loaded().await;
    let (_, before) = create(&host).await;
    host.stops();
    let stalled = Stalled::calls("open", &plugins.path().join("srl.wasm"));
    let mut again = binary();
    for (name, value) in stalled.variables() {
        again = again.env(name, value);
    }
    let mut host = Host::of(again);
    host.binary.stderr.with("does not answer");
    let (status, said) = create(&host).await;
    assert_eq!(status, 503, "{said}");
    assert_has(
        &said.to_string(),
        &["srl", "is not loaded yet", "do not answer"],
    );
    stalled.answer();
    let mut after = create(&host).await;
    while after.0 == 503 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        after = create(&host).await;
    }
    let srl = |answer: &Value| answer["plan"]["steps"][1]["plugin"].clone();
    assert_eq!(srl(&after.1), srl(&before));
    host.stops();
}

/// Before it listens there is nothing to let end.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_data_folder_never_answers_can_be_stopped() {
    let data = tempfile::tempdir().unwrap();
    let stalled = Stalled::calls("stat open list", data.path());
    let mut host = Binary::run("serve", data.path());
    for (name, value) in stalled.variables() {
        host = host.env(name, value);
    }
    let mut host = host.env_remove("MESH_CACHE_DIR").spawn();
    within(catches_sigterm(host.id())).await;
    host.signal("TERM");
    assert!(host.ended().success());
    assert_has(&host.stdout.rest(), &["stopped before it had started"]);
}

/// Waits until the process takes this signal (proc_pid_status(5), SigCgt).
async fn catches_sigterm(process: u32) {
    let caught = || {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        u64::from_str_radix(mask.unwrap().trim(), 16).unwrap() & 1 << 14 != 0
    };
    while !caught() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
