//! Compiling is done by a process of its own: a component made to be slow, or large, to compile is
//! refused with the reason, and nobody else notices.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use codex_mesh::sandbox::Limits;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{assert_serves, limits, load_with};
use crate::support::{
    GOAL, PATIENCE, Process, Program, Raw, Stub, TestApp, assert_has, bomb, client_at, friendly,
    http, within,
};

/// Loops that keep the compiler busy for longer than any test runs.
const ENDLESS: usize = 2_000;

#[tokio::test]
async fn compiling_is_not_waited_for_without_an_end() {
    let hasty = Limits {
        compile_ms: 20,
        ..limits()
    };
    // Its own cache: whoever compiled it before must not have done the work.
    let cache = tempfile::tempdir().unwrap();
    let error = load_with(&bomb(60), hasty, cache.path()).await;
    let error = error.err().unwrap().to_string();
    assert_has(
        &error,
        &["took more than 20 ms to compile and was given up"],
    );
    let good = Raw::new("good").component();
    load_with(&good, limits(), cache.path()).await.unwrap();
}

/// A host in a process of its own, whose children can be told from those of others.
struct Host {
    process: Process,
    url: String,
    stubs: BTreeMap<&'static str, Stub>,
    _folder: TempDir,
}

impl Host {
    /// With these lines under `[limits.plugin]`, and these variables.
    async fn start(limits: &str, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut stubs = BTreeMap::new();
        for (name, reply) in friendly() {
            stubs.insert(name, Stub::answering(reply).await);
        }
        let services = stubs.iter().map(|(name, stub)| (*name, &*stub.url));
        let more = format!("[limits.plugin]\n{limits}\n");
        let program = Program::new(folder.path(), &more, services);
        let mut process = program.spawn_with(variables);
        let url = process.listening().await.unwrap();
        Self {
            process,
            url,
            stubs,
            _folder: folder,
        }
    }

    async fn send(&self, path: &str, content_type: &str, body: Vec<u8>) -> (u16, Value) {
        let request = http().post(format!("{}{path}", self.url));
        let request = request.header("content-type", content_type).body(body);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap())
    }

    /// Sends a component; what comes of it, later.
    fn upload(&self, component: Vec<u8>) -> impl Future<Output = (u16, String)> + use<> {
        self.upload_by(http(), component)
    }

    /// The same by this client.
    fn upload_by(
        &self,
        client: reqwest::Client,
        component: Vec<u8>,
    ) -> impl Future<Output = (u16, String)> + use<> {
        let url = format!("{}/plugins", self.url);
        let answer = tokio::spawn(async move {
            let request = client.post(url).body(component);
            let request = request.header("content-type", "application/wasm");
            // Some tests end their host first.
            let answer = request.send().await.ok()?;
            Some((answer.status().as_u16(), answer.text().await.ok()?))
        });
        async { within(answer).await.unwrap().unwrap() }
    }

    /// Waits until so many processes compile for this host.
    async fn compiling(&self, count: usize) -> Vec<u32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let children = children(self.process.id());
            if children.len() == count {
                return children;
            }
            assert!(Instant::now() < deadline, "{children:?}, and not {count}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// A plan runs to its end.
    async fn assert_runs_a_plan(&self) {
        let plan = json!({"sessionId": "s1", "domain": "social", "goal": GOAL, "mode": "LIVE"});
        let asked = self.stubs["workflow"].requests().len();
        let create = plan.to_string().into_bytes();
        let (status, answer) = self.send("/mesh/create", "application/json", create).await;
        assert_eq!(status, 200, "{answer}");
        let run = json!({"planId": answer["plan"]["id"], "wait": true}).to_string();
        let (status, answer) = self.send("/mesh/run", "application/json", run.into()).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["plan"]["status"], "DONE", "{answer}");
        assert_eq!(self.stubs["workflow"].requests().len(), asked + 1);
    }
}

/// The processes that compile for this one.
fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap();
    let processes = processes.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    processes
        .filter(|process| parent_of(*process) == Some(parent) && is_compiler(*process))
        .collect()
}

fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // After the name in parentheses come the state and the parent.
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(1)?.parse().ok()
}

/// A process that has only just been made is still as its parent is.
fn is_compiler(process: u32) -> bool {
    let line = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
    line.starts_with("codex-mesh\0compile\0")
}

fn kill(process: u32) {
    let kill = std::process::Command::new("kill")
        .args(["-9", &process.to_string()])
        .status();
    assert!(kill.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_slow_to_compile_is_ended_and_nobody_waits_for_it() {
    let host = Host::start("compile_ms = 10000", &[]).await;
    let (first, second) = (host.upload(bomb(ENDLESS)), host.upload(bomb(ENDLESS + 1)));
    let compiling = host.compiling(2).await;
    for _ in 0..3 {
        host.assert_runs_a_plan().await;
    }
    assert_eq!(children(host.process.id()), compiling, "both still compile");
    for (status, answer) in [first.await, second.await] {
        assert_eq!(status, 400, "{answer}");
        assert_has(&answer, &["more than 10000 ms to compile", "given up"]);
    }
    assert!(children(host.process.id()).is_empty(), "they are gone");
    let (status, answer) = host.upload(Raw::new("good").component()).await;
    assert_eq!(status, 200, "{answer}");
    host.assert_runs_a_plan().await;
}

/// One client may have two components compiled; those of others are, at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_client_sends_keeps_no_other_from_having_theirs_compiled() {
    let host = Host::start("compile_ms = 3600000", &[]).await;
    let _endless = [host.upload(bomb(ENDLESS)), host.upload(bomb(ENDLESS + 1))];
    let compiling = host.compiling(2).await;
    let (status, answer) = host.upload(Raw::new("third").component()).await;
    assert_eq!(status, 429, "{answer}");
    let other = client_at("127.0.0.2");
    let good = Raw::new("good").component();
    let (status, answer) = host.upload_by(other, good).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(children(host.process.id()), compiling, "both still compile");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_much_memory_to_compile_is_refused() {
    let builder = TestApp::builder();
    let app = builder
        .configure(|config| config.limits.plugin.compile_memory_bytes = 64 << 20)
        .start()
        .await;
    let (status, answer) = app.upload(&bomb(ENDLESS)).await;
    assert_eq!(status, 400, "{answer}");
    assert_has(
        answer["error"].as_str().unwrap(),
        &["more than 67108864 bytes of memory to compile", "given up"],
    );
    let (status, answer) = app.upload(&Raw::new("good").component()).await;
    assert_eq!(status, 200, "{answer}");
    assert_serves(&app).await;
}

/// No secret, and nothing else that the host was told.
#[tokio::test(flavor = "multi_thread")]
async fn the_compiler_has_no_variables_of_the_host() {
    let secret = ("MESH_SERVICES__SRL__HEADERS__AUTHORIZATION", "Bearer hush");
    let host = Host::start("", &[secret, ("OTHER", "hush")]).await;
    let _upload = host.upload(bomb(ENDLESS));
    let compiler = host.compiling(1).await[0];
    let variables = fs::read_to_string(format!("/proc/{compiler}/environ")).unwrap();
    assert!(variables.contains("RAYON_NUM_THREADS"), "{variables:?}");
    for part in ["MESH_", "hush", "PATH"] {
        assert!(!variables.contains(part), "{variables:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiler_that_is_killed_is_no_fault_of_the_component() {
    let host = Host::start("", &[]).await;
    let upload = host.upload(bomb(ENDLESS));
    kill(host.compiling(1).await[0]);
    let (status, answer) = upload.await;
    assert_eq!(status, 503, "{answer}");
    assert_has(
        &answer,
        &["the compiler ended before it was done", "signal: 9"],
    );
    assert!(children(host.process.id()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiler_does_not_outlive_its_host() {
    let mut host = Host::start("", &[]).await;
    let upload = host.upload(bomb(ENDLESS));
    let compiler = host.compiling(1).await[0];
    drop(upload);
    host.process.kill();
    let gone = async {
        // Whose parent is another by now.
        while is_alive(compiler) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within(gone).await;
}

/// Whether the process is there and has not ended.
fn is_alive(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with('Z'))
}
