//! Plugins from a folder: what is none is skipped by name and reason, and the host starts anyway;
//! what is one works with no rebuild. `build` is the command that makes them, `chain` what two of
//! them are for.

mod build;
pub mod cases;
mod chain;
mod check;
mod dev;
mod examples;
mod loading;
mod new;
mod record;
mod refused;
mod room;
mod stalled;
mod terms;

use std::fs;
use std::ops::Deref;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use codex_mesh::config::Config;
use codex_mesh::registry::{Parts, Registry, Terms};
use codex_mesh::sandbox::{CompileCache, Limits, Sandbox};
use codex_mesh::store::SqliteStore;
use serde_json::{Value, json};

use tempfile::TempDir;

use crate::support::{
    GOAL, Raw, TestApp, assert_has, cache_dir, folder, guest, program, start_with, within,
};

/// A registry with the data folder that it works in.
pub struct Loaded {
    registry: Arc<Registry>,
    _data: TempDir,
}

impl Loaded {
    /// What the operator should know.
    pub fn notices(&self) -> Vec<String> {
        self.registry.plugins_state().notices
    }
}

impl Deref for Loaded {
    type Target = Registry;

    fn deref(&self) -> &Registry {
        &self.registry
    }
}

/// The registry over this folder, as the host has it once everything is loaded.
pub async fn registry(folder: &Path, limits: Limits) -> Loaded {
    registry_under(Terms::default(), folder, limits).await
}

/// The same where the operator allows this.
async fn registry_under(terms: Terms, folder: &Path, limits: Limits) -> Loaded {
    let data = tempfile::tempdir().unwrap();
    let parts = Parts {
        sandbox: Arc::new(Sandbox::new(limits, program().into()).unwrap()),
        cache: Arc::new(CompileCache::open(&cache_dir()).unwrap()),
        catalogue: Config::default().catalogue().unwrap(),
        terms,
        store: Arc::new(SqliteStore::open(data.path()).unwrap()),
        shelf: data.path().join("plugins"),
        folder: Some(folder.to_owned()),
    };
    let registry = Arc::new(Registry::load(parts).await.unwrap());
    tokio::select! {
        () = Arc::clone(&registry).watch() => unreachable!("it is watched for good"),
        () = within(registry.settled()) => {}
    }
    registry.check().await.unwrap();
    Loaded {
        registry,
        _data: data,
    }
}

pub fn limits() -> Limits {
    Limits {
        concurrent_calls: 4,
        wall_ms: 60_000,
        ..Limits::default()
    }
}

fn kinds(registry: &Registry) -> Vec<String> {
    let kinds = registry.offered();
    kinds
        .iter()
        .map(|version| version.manifest.kind.clone())
        .collect()
}

const EMBEDDED: [&str; 7] = [
    "autonomy",
    "hardening",
    "ops",
    "simulation",
    "srl",
    "strategy",
    "workflow",
];

pub fn named<'a>(plugins: &'a Value, kind: &str) -> &'a Value {
    let plugins = plugins["plugins"].as_array().unwrap();
    let mut found = plugins.iter().filter(|plugin| plugin["kind"] == kind);
    let plugin = found
        .next()
        .unwrap_or_else(|| panic!("no {kind} in {plugins:#?}"));
    assert!(found.next().is_none(), "{kind} twice");
    plugin
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_in_kind_is_used_with_no_rebuild() {
    let component = guest("echo-check");
    let app = start_with(TestApp::builder(), [("echo.wasm", component)]).await;
    let (status, plugins) = app.get("/plugins").await;
    assert_eq!(status, 200);
    let plugin = named(&plugins, "echo-check");
    assert_eq!(plugin["version"], "0.3.1");
    assert_eq!(plugin["label"], "Run echo check");
    assert_eq!(plugin["service"], "srl");
    assert_eq!(plugin["size"], component.len());
    assert_eq!(plugin["sha256"], codex_mesh::sandbox::sha256(component));
    assert!(plugin["origin"].as_str().unwrap().ends_with("echo.wasm"));

    let steps = json!([{"kind": "echo-check"}, {"kind": "srl"}]);
    let plan = app.create(&json!({"steps": steps})).await;
    assert_eq!(plan["steps"][0]["label"], "Run echo check");
    assert_eq!(plan["steps"][0]["payload"], json!({"echo": GOAL}));
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(plan["steps"][0]["result"]["status"], 200);
    let sent = app.stub("srl").requests();
    assert_eq!(sent[0].path, "/srl/check");
    assert_eq!(sent[0].json(), json!({"echo": GOAL}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_is_not_loaded_is_refused_by_name() {
    let app = TestApp::start().await;
    let body = json!({
        "sessionId": "s1", "domain": "social", "goal": GOAL, "steps": [{"kind": "echo-check"}],
    });
    let (status, answer) = app.post("/mesh/create", &body).await;
    assert_eq!(status, 400, "{answer}");
    let error = answer["error"].as_str().unwrap();
    assert_has(
        error,
        &["steps[0].kind", "echo-check", "autonomy, hardening, ops"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_no_kind_gives_is_noted() {
    let named = ["autonomy", "autonmy"].map(str::to_owned);
    let terms = Terms {
        needs: [("srl".to_owned(), named.into())].into(),
        ..Terms::default()
    };
    let plugins = folder([]);
    let registry = registry_under(terms, plugins.path(), limits()).await;
    let notices = registry.notices();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert_has(&notices[0], &["[plugin.srl] results", "autonmy", "loaded"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_replaces_an_embedded_kind_and_says_so() {
    let plugins = folder([("srl.wasm", guest("strict-srl"))]);
    let registry = registry(plugins.path(), limits()).await;
    assert_eq!(kinds(&registry), EMBEDDED);
    assert_eq!(registry.notices().len(), 1, "{:?}", registry.notices());
    let file = plugins.path().join("srl.wasm").display().to_string();
    assert_has(
        &registry.notices()[0],
        &[&file, "replaces the embedded kind srl"],
    );

    let strict = guest("strict-srl");
    let builder = TestApp::builder().trust("srl", strict);
    let app = start_with(builder, [("srl.wasm", strict)]).await;
    let (_, plugins) = app.get("/plugins").await;
    assert_eq!(named(&plugins, "srl")["version"], "9.9.9");
    assert_eq!(named(&plugins, "autonomy")["origin"], "embedded");
    let plan = app.create(&json!({})).await;
    let plan = app.run(&plan).await;
    assert_eq!(plan["steps"][1]["label"], "Run strict self-regulation");
    let error = plan["steps"][1]["error"].as_str().unwrap();
    assert_has(error, &["Blocked", "the strict edition refuses everything"]);
    assert_eq!(app.stub("srl").requests()[0].path, "/srl/strict");
    assert_eq!(
        app.asked("hardening"),
        0,
        "what follows a refusal is not begun"
    );
}

/// The first by name stays, however the folder is listed, and every time.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_files_with_one_kind_the_first_by_name_stays() {
    let version = |version: &str| {
        let mut raw = Raw::new("twin");
        raw.manifest[1] = version.to_owned();
        raw.component()
    };
    let (first, second, third) = (version("1.0.0"), version("2.0.0"), version("3.0.0"));
    for _ in 0..3 {
        let files = [("c.wasm", &third), ("a.wasm", &first), ("b.wasm", &second)];
        let plugins = folder(files.map(|(name, bytes)| (name, bytes.as_slice())));
        let registry = registry(plugins.path(), limits()).await;
        let twin = registry.current("twin").unwrap();
        assert_eq!(twin.manifest.version.to_string(), "1.0.0");
        let [b, c] = &registry.notices()[..] else {
            panic!("{:?}", registry.notices());
        };
        for (notice, file) in [(b, "b.wasm"), (c, "c.wasm")] {
            assert_has(
                notice,
                &[file, "is skipped", "a.wasm", "already serves the kind twin"],
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_regular_file_is_skipped() {
    let good = Raw::new("good").component();
    let plugins = folder([("z-good.wasm", good.as_slice())]);
    let path = |name: &str| plugins.path().join(name);
    fs::create_dir(path("folder.wasm")).unwrap();
    let made = Command::new("mkfifo").arg(path("pipe.wasm")).status();
    assert!(made.unwrap().success());
    symlink(path("nowhere"), path("dangling.wasm")).unwrap();
    symlink("/dev/zero", path("device.wasm")).unwrap();
    symlink(path("z-good.wasm"), path("link.wasm")).unwrap();
    symlink(path("loop.wasm"), path("loop.wasm")).unwrap();
    fs::write(path("named.wasm"), Raw::new("named").component()).unwrap();
    let made = Command::new("mkfifo")
        .arg(path("named.wasm.minisig"))
        .status();
    assert!(made.unwrap().success());
    fs::write(path("readme.txt"), "not looked at").unwrap();
    fs::write(path("x.wasm.bak"), "not looked at").unwrap();
    let registry = registry(plugins.path(), limits()).await;
    assert!(registry.current("good").is_ok());
    let expected = [
        ("dangling.wasm", "No such file"),
        ("device.wasm", "not a regular file"),
        ("folder.wasm", "not a regular file"),
        ("loop.wasm", "Too many levels of symbolic links"),
        ("named.wasm", "its signature"),
        ("pipe.wasm", "not a regular file"),
        ("z-good.wasm", "already serves the kind good"),
    ];
    assert_eq!(
        registry.notices().len(),
        expected.len(),
        "{:#?}",
        registry.notices()
    );
    for (notice, (file, reason)) in registry.notices().iter().zip(expected) {
        assert_has(notice, &[file, "is skipped", reason]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_over_the_size_limit_is_skipped() {
    let good = Raw::new("good").component();
    // Just fits, and just does not.
    let size = guest("hostile").len();
    let limit = |component_bytes| Limits {
        component_bytes,
        ..limits()
    };
    let plugins = folder([
        ("good.wasm", good.as_slice()),
        ("hostile.wasm", guest("hostile")),
    ]);
    let all = registry(plugins.path(), limit(size.max(1 << 20))).await;
    assert!(all.current("hostile").is_ok(), "{:?}", all.notices());
    // A file that does not end: it is not read to find out how large it is.
    let sparse = fs::File::create(plugins.path().join("large.wasm")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    let some = registry(plugins.path(), limit(1 << 20)).await;
    assert!(some.current("good").is_ok());
    assert_eq!(some.notices().len(), 1, "{:?}", some.notices());
    assert_has(
        &some.notices()[0],
        &["large.wasm is skipped", "more than 1048576 bytes"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_stops_the_start() {
    let plugins = folder([]);
    let mut config = Config {
        data_dir: plugins.path().join("data"),
        cache_dir: Some(cache_dir()),
        listen: "127.0.0.1:0".to_owned(),
        ..Config::default()
    };
    config.plugins_dir = Some(plugins.path().join("missing"));
    let error = codex_mesh::host::Host::start(&config, program())
        .await
        .err()
        .unwrap();
    assert_has(&format!("{error:#}"), &["plugins folder", "missing"]);
}
