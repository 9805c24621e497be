//! `codex-mesh run` whose host goes away, and comes back or does not.

use serde_json::{Value, json};

use super::{json_lines, run};
use crate::support::{Port, Process, Program, Stub, assert_has, friendly, http};

struct World {
    program: Program,
    address: String,
    srl: Stub,
    _port: Port,
    _stubs: Vec<Stub>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (mut stubs, mut urls, mut srl) = (Vec::new(), Vec::new(), None);
        for (name, reply) in friendly() {
            let stub = Stub::answering(reply).await;
            urls.push((name, stub.url.clone()));
            if name == "srl" {
                srl = Some(stub.clone());
            }
            stubs.push(stub);
        }
        let services = urls.iter().map(|(name, url)| (*name, url.as_str()));
        let port = Port::reserve();
        Self {
            program: Program::new(folder.path(), "", services),
            address: port.address(),
            srl: srl.unwrap(),
            _port: port,
            _stubs: stubs,
            _folder: folder,
        }
    }

    async fn start(&self) -> (Process, String) {
        let mut process = self
            .program
            .spawn_with(&[("MESH_LISTEN", self.address.as_str())]);
        let url = process.listening().await;
        (
            process,
            url.unwrap_or_else(|| panic!("{}", self.program.log())),
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_comes_back_is_followed_on() {
    let world = World::new().await;
    let (mut host, url) = world.start().await;
    world.srl.hold();
    let mut process = run(&url, &["--json"]).spawn();
    world.srl.asked(1).await;
    process
        .stdout
        .with("\"transition\":\"sent\",\"step\":\"step-2\"");
    host.kill();
    let lost = process.stderr.with("the connection to the host is lost");
    assert!(!lost.is_empty());
    let (_host, url) = world.start().await;
    world.srl.release();
    assert_eq!(process.ended().code(), Some(0), "{}", process.stderr.rest());

    let mut lines = json_lines(&process.stdout.rest());
    let last = lines.pop().unwrap();
    assert_eq!(last["ok"], true);
    let id = last["plan"]["id"].as_str().unwrap();
    let history = http().get(format!("{url}/mesh/history?id={id}")).send();
    let history: Value =
        serde_json::from_str(&history.await.unwrap().text().await.unwrap()).unwrap();
    let mut expected = history["history"].as_array().unwrap().clone();
    for entry in &mut expected {
        entry["planId"] = json!(id);
    }
    // What had begun when the host was killed began again; nothing else is missing or there twice.
    let forgotten: Vec<&Value> = lines
        .iter()
        .filter(|line| !expected.contains(line))
        .collect();
    assert!(!forgotten.is_empty());
    for line in &forgotten {
        assert_eq!(line["step"], "step-2", "{line}");
        assert_eq!(line["status"], "IN_PROGRESS", "{line}");
    }
    let kept: Vec<Value> = lines
        .iter()
        .filter(|line| expected.contains(line))
        .cloned()
        .collect();
    assert_eq!(kept, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_does_not_come_back_is_given_up() {
    let world = World::new().await;
    let (mut host, url) = world.start().await;
    world.srl.hold();
    let mut process = run(&url, &[]).spawn();
    world.srl.asked(1).await;
    host.kill();
    assert_eq!(process.ended().code(), Some(1));
    assert_has(
        &process.stdout.rest(),
        &["the connection to the host is lost"],
    );
    assert_has(&process.stderr.rest(), &["the host did not come back"]);
}
