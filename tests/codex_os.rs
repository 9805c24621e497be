//! `contrib/codex-os`: the host in place of the earlier mesh, started with node as the Codex boot
//! manager does it. Where there is no node, the tests say so and do nothing.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::support::{Binary, BinaryBuilder, Port, assert_has, http, program, skipped};

const PATIENCE: Duration = Duration::from_secs(60);

/// The mesh's folder, as it is installed.
struct Mesh(TempDir);

impl Mesh {
    /// `None` where there is no node to run it.
    fn install() -> Option<Self> {
        let node = Command::new("node").arg("--version").output();
        if !node.is_ok_and(|node| node.status.success()) {
            skipped("there is no node");
            return None;
        }
        let (shipped, folder) = (shipped(), tempdir().unwrap());
        fs::create_dir(folder.path().join("dist")).unwrap();
        for file in ["package.json", "mesh.toml", "dist/index.js"] {
            fs::copy(shipped.join(file), folder.path().join(file)).unwrap();
        }
        Some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// `node dist/index.js`, from a folder that has nothing to do with it.
    fn node(&self) -> BinaryBuilder {
        BinaryBuilder::of("node")
            .arg(self.path().join("dist/index.js"))
            .current_dir(Path::new("/"))
    }

    /// With the real binary, on this port.
    fn host(&self, port: &Port) -> Binary {
        self.node()
            .env("CODEX_MESH_BIN", program())
            .env("MESH_LISTEN", port.address())
            .spawn()
    }

    /// A program that says how it was started, in this folder.
    fn stand_in(folder: &Path) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        let path = folder.join("codex-mesh");
        let script = "#!/bin/sh\necho \"$0|$*|$(pwd)|$MESH_LISTEN|$MESH_CONFIG|\"\n";
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/codex-os")
}

/// The process that node started, which listens.
fn started_by(node: &Binary) -> String {
    let parent = node.id().to_string();
    let children = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid = entry.ok()?.file_name().into_string().ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (name, rest) = stat.rsplit_once(')')?;
        let is_ours = rest.split_whitespace().nth(1) == Some(parent.as_str());
        (is_ours && name.ends_with("(codex-mesh")).then_some(pid)
    });
    children.last().unwrap()
}

async fn get(port: &Port, path: &str) -> Value {
    answer(http().get(format!("{}{path}", port.url()))).await
}

async fn create(port: &Port) -> Value {
    let body = json!({"sessionId": "s", "domain": "social", "goal": "Plan a week of short videos"});
    let request = http()
        .post(format!("{}/mesh/create", port.url()))
        .header("content-type", "application/json")
        .body(body.to_string());
    answer(request).await["plan"].clone()
}

async fn answer(request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await.unwrap().text().await.unwrap();
    serde_json::from_str(&answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_kills_what_listens_can_start_it_again_with_all_plans() {
    let Some(mesh) = Mesh::install() else { return };
    let port = Port::reserve();
    let mut node = mesh.host(&port);
    node.url();
    assert_eq!(get(&port, "/health").await["service"], "codex-mesh");
    let plan = create(&port).await;

    let kill = Command::new("kill")
        .args(["-9", &started_by(&node)])
        .status();
    assert!(kill.unwrap().success());
    assert_eq!(node.ended().signal(), Some(9));

    let mut node = mesh.host(&port);
    node.url();
    let plans = get(&port, "/mesh/plans").await;
    assert_eq!(plans["plans"], json!([plan]));
    assert!(mesh.path().join("data").is_dir());

    // What is shipped beside is the host's configuration.
    let plugins = get(&port, "/plugins").await;
    let hardening = plugins["plugins"].as_array().unwrap().iter();
    let mut hardening = hardening.filter(|plugin| plugin["kind"] == "hardening");
    let known_bad = &hardening.next().unwrap()["settings"]["knownBad"];
    assert_eq!(
        *known_bad,
        json!(["orchestrator", "telemetry", "stability"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_and_exit_codes_are_passed_on() {
    let Some(mesh) = Mesh::install() else { return };
    let port = Port::reserve();
    for signal in ["TERM", "INT"] {
        let mut node = mesh.host(&port);
        node.url();
        node.signal(signal);
        assert_eq!(node.ended().code(), Some(0), "{signal}");
        assert_has(&node.stdout.rest(), &["stopped"]);
    }
    let ended = mesh
        .node()
        .env("CODEX_MESH_BIN", program())
        .arg("--no-such-flag")
        .ends();
    assert_eq!(ended.code, Some(2));
    assert_has(&ended.stderr, &["--no-such-flag"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_leaves_no_host_behind() {
    let Some(mesh) = Mesh::install() else { return };
    let port = Port::reserve();
    let mut node = mesh.host(&port);
    node.url();
    let host = started_by(&node);
    node.signal("KILL");
    assert_eq!(node.ended().signal(), Some(9));
    let deadline = Instant::now() + PATIENCE;
    while fs::read_to_string(format!("/proc/{host}/cmdline")).is_ok_and(|line| !line.is_empty()) {
        assert!(Instant::now() < deadline, "the host goes on");
        std::thread::sleep(Duration::from_millis(5));
    }
    mesh.host(&port).url();
}

#[test]
fn it_listens_where_the_earlier_mesh_did_unless_somebody_says_otherwise() {
    let Some(mesh) = Mesh::install() else { return };
    let program = Mesh::stand_in(&mesh.path().join("bin"));
    let said = |run: &dyn Fn(BinaryBuilder) -> BinaryBuilder| {
        let ended = run(mesh.node().env("CODEX_MESH_BIN", &program)).ends();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let parts = ended.stdout.trim().split('|').map(str::to_owned);
        let parts: Vec<String> = parts.collect();
        (
            parts[1].clone(),
            parts[2].clone(),
            parts[3].clone(),
            parts[4].clone(),
        )
    };
    let (home, own) = (
        mesh.path().canonicalize().unwrap(),
        mesh.path().join("mesh.toml"),
    );
    let (home, config) = (home.display().to_string(), own.display().to_string());

    let (arguments, folder, listen, file) = said(&|node| node);
    assert_eq!((arguments.as_str(), folder), ("serve", home));
    assert_eq!((listen.as_str(), file), ("", config.clone()));
    let listens = "0.0.0.0:5565";
    assert_has(
        &fs::read_to_string(&own).unwrap(),
        &[&format!("listen = \"{listens}\"")],
    );

    // A configuration that says nothing of it, or none at all.
    fs::write(&own, "# listen = \"1.2.3.4:5\"\n").unwrap();
    assert_eq!(said(&|node| node).2, listens);
    fs::remove_file(&own).unwrap();
    assert_eq!(
        said(&|node| node),
        (
            "serve".into(),
            said(&|node| node).1,
            listens.into(),
            String::new()
        )
    );

    // Whoever says something is obeyed.
    let named = said(&|node| node.env("MESH_LISTEN", "127.0.0.1:1"));
    assert_eq!(named.2, "127.0.0.1:1");
    let flagged = said(&|node| node.arg("--listen=127.0.0.1:1"));
    assert_eq!(
        (flagged.0.as_str(), flagged.2.as_str()),
        ("serve --listen=127.0.0.1:1", "")
    );
    let other = mesh.path().join("other.toml");
    fs::write(&other, "listen = \"127.0.0.1:1\"\n").unwrap();
    let filed = said(&|node| node.env("MESH_CONFIG", &other));
    assert_eq!(
        (filed.2.as_str(), filed.3),
        ("", other.display().to_string())
    );
    assert_eq!(said(&|node| node.arg("--config").arg("other.toml")).2, "");
}

#[test]
fn the_binary_is_found_on_the_path_or_beside_and_else_it_says_what_to_do() {
    let Some(mesh) = Mesh::install() else { return };
    let node = tempdir().unwrap();
    let real = Command::new("sh").args(["-c", "command -v node"]).output();
    let real = String::from_utf8(real.unwrap().stdout).unwrap();
    symlink(real.trim(), node.path().join("node")).unwrap();
    let bin = mesh.path().join("bin");
    let path = format!("{}:{}", bin.display(), node.path().display());
    let run = || mesh.node().env("PATH", &path).ends();

    let ended = run();
    assert_eq!(ended.code, Some(127));
    assert_has(
        &ended.stderr,
        &[
            "no codex-mesh binary",
            "cargo build --release",
            "CODEX_MESH_BIN",
        ],
    );
    let ended = mesh.node().env("CODEX_MESH_BIN", "/no/such").ends();
    assert_eq!(ended.code, Some(127));
    assert_has(&ended.stderr, &["CODEX_MESH_BIN is /no/such"]);

    let beside = Mesh::stand_in(mesh.path());
    assert_has(&run().stdout, &[beside.to_str().unwrap()]);
    let on_path = Mesh::stand_in(&bin);
    assert_has(&run().stdout, &[on_path.to_str().unwrap()]);

    fs::write(&on_path, "#!/no/such/interpreter\n").unwrap();
    let ended = run();
    assert_eq!(ended.code, Some(127));
    assert_has(&ended.stderr, &["can't be run"]);
}
