//! A team that ships many times a day: versions follow each other while plans run, and neither a plan nor
//! the host's memory notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::echo;
use crate::support::{Process, Program, Stub, friendly, http, within};

/// Activations.
const SWAPS: usize = 1_000;

/// After so many of them a new version comes.
const EACH: usize = 10;

/// The newest versions swap among each other.
const VERSIONS: usize = 12;

/// Clients that create and run plans all the while.
const CLIENTS: usize = 4;

/// More than the memory of a host wavers by, and half of what as many versions as come here take if
/// they stay.
const GROWTH_KIB: u64 = 10 << 10;

/// Asks the host, which must agree.
async fn ask(request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).unwrap()
}

fn post(url: &str, path: &str, body: &Value) -> reqwest::RequestBuilder {
    let request = http().post(format!("{url}{path}"));
    let request = request.header("content-type", "application/json");
    request.body(body.to_string())
}

/// Creates and runs plans until it is told to stop.
async fn client(url: String, stop: Arc<AtomicBool>, done: Arc<AtomicU64>) {
    let step = json!({"kind": "echo-check"});
    let body = json!({"sessionId": "s1", "domain": "social", "goal": "g", "steps": [step, step]});
    while !stop.load(Ordering::Relaxed) {
        let answer = ask(post(&url, "/mesh/create", &body)).await;
        let mut plan = answer["plan"].clone();
        for _ in 0..2 {
            let body = json!({"planId": plan["id"]});
            plan = ask(post(&url, "/mesh/step", &body)).await["plan"].clone();
        }
        assert_eq!(plan["status"], "DONE", "{plan:#}");
        done.fetch_add(1, Ordering::Relaxed);
    }
}

struct Team {
    url: String,
    /// The digests of the versions, oldest first.
    versions: Vec<String>,
}

impl Team {
    async fn send(&mut self) {
        let (component, digest) = echo(self.versions.len().try_into().unwrap());
        let request = http().post(format!("{}/plugins", self.url));
        let request = request.header("content-type", "application/wasm");
        ask(request.body(component)).await;
        self.versions.push(digest);
    }

    async fn activate(&self, version: usize) {
        let newest = self.versions.len() - VERSIONS;
        let body = json!({"sha256": self.versions[newest + version % VERSIONS]});
        ask(post(&self.url, "/plugins/echo-check/activate", &body)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_swaps_fail_no_plan_and_take_no_memory() {
    let mut stubs = Vec::new();
    for (name, reply) in friendly() {
        stubs.push((name, Stub::answering(reply).await));
    }
    let folder = tempfile::tempdir().unwrap();
    let urls = stubs.iter().map(|(name, stub)| (*name, stub.url.as_str()));
    let (process, url) = Program::new(folder.path(), "", urls).start().await;
    let mut team = Team {
        url: url.clone(),
        versions: Vec::new(),
    };
    for _ in 0..VERSIONS {
        team.send().await;
    }
    team.activate(0).await;
    let (stop, done) = (Arc::default(), Arc::default());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(client(url.clone(), Arc::clone(&stop), Arc::clone(&done)));
    }
    let mut before = 0;
    for swap in 1..=SWAPS {
        team.activate(swap).await;
        if swap % EACH == 0 {
            team.send().await;
        }
        if swap == SWAPS / 4 {
            before = memory(&process);
        }
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(client) = within(clients.join_next()).await {
        client.unwrap();
    }
    let (plans, after) = (done.load(Ordering::Relaxed), memory(&process));
    assert!(plans >= 100, "only {plans} plans ran meanwhile");
    assert!(after < before + GROWTH_KIB, "from {before} to {after} KiB");
    eprintln!("{plans} plans over {SWAPS} swaps; memory {before} KiB, then {after} KiB");
}

/// Resident memory, in KiB.
fn memory(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.unwrap().split_whitespace().nth(1);
    kib.unwrap().parse().unwrap()
}
