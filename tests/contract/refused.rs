//! Components of another major version, or that use what a later minor version added: refused
//! wherever a host meets them, with what to do.

use std::fs;

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::plugins::{limits, registry};
use crate::support::{Binary, Raw, TestApp, assert_has, folder, guest, start_with};

/// What is said of every one that was built for another major version.
const OTHER: [&str; 4] = [
    "built for codex:mesh@2.0.0",
    "speaks codex:mesh 1.0 to 1.1",
    "`codex-mesh plugin new`",
    "a host that speaks 2.0",
];

/// What is said of every one that was built for a later minor version.
const NEWER: [&str; 4] = [
    "built for codex:mesh@1.2.0",
    "speaks codex:mesh 1.0 to 1.1",
    "`codex-mesh plugin new`",
    "update the host",
];

/// What a host says of it when it is in its plugins folder, if it is not loaded.
async fn notice(component: &[u8]) -> Option<String> {
    let plugins = folder([("new.wasm", component)]);
    let registry = registry(plugins.path(), limits()).await;
    let notices = registry.notices();
    assert!(notices.len() <= 1, "{notices:?}");
    notices.into_iter().next()
}

/// What `codex-mesh plugin check` says of it.
fn checked(component: &[u8]) -> Value {
    let folder = tempdir().unwrap();
    let file = folder.path().join("new.wasm");
    fs::write(&file, component).unwrap();
    let check = Binary::bare().args(&["plugin", "check", "--json"]);
    let mut process = check.arg(&file).spawn();
    let said = process.stdout.rest();
    process.ended();
    let mut reports: Vec<Value> = serde_json::from_str(&said).unwrap();
    reports.remove(0)
}

/// A component of 1.2.0, which added to the contract; `imports` is what it uses of it.
fn newer(imports: &str) -> Vec<u8> {
    let today = Raw::new("newer");
    let wit = today
        .wit
        .replace("codex:mesh@1.1.0;", "codex:mesh@1.2.0;")
        .replace(
            "  now: func()",
            "  @since(version = 1.2.0)\n  sleep: func(ms: u64);\n  now: func()",
        )
        .replace(
            "world step-plugin {",
            "interface history { count: func() -> u32; }\nworld step-plugin { import history;",
        );
    let raw = Raw {
        wit,
        items: format!("{imports}\n{}", today.items),
        ..today
    };
    raw.component()
}

const NOW: &str = r#"(import "codex:mesh/clock@1.2.0" "now" (func (result i64)))"#;
const SLEEP: &str = r#"(import "codex:mesh/clock@1.2.0" "sleep" (func (param i64)))"#;
const HISTORY: &str = r#"(import "codex:mesh/history@1.2.0" "count" (func (result i32)))"#;

#[tokio::test(flavor = "multi_thread")]
async fn another_major_version_is_refused_in_every_way_in() {
    let component = guest("future");
    assert_has(&notice(component).await.unwrap(), &["new.wasm is skipped"]);
    assert_has(&notice(component).await.unwrap(), &OTHER);

    let app = start_with(TestApp::builder(), [("new.wasm", component)]).await;
    let before = app.get("/plugins").await;
    let (status, answer) = app.upload(component).await;
    assert_eq!(status, 400, "{answer}");
    assert_has(answer["error"].as_str().unwrap(), &["refused"]);
    assert_has(answer["error"].as_str().unwrap(), &OTHER);
    assert_eq!(app.get("/plugins").await, before);
    let plan = app.create(&json!({})).await;
    assert_eq!(app.run(&plan).await["status"], "DONE");

    let report = checked(component);
    assert_eq!(report["ok"], false, "{report:#}");
    assert_eq!(report["contract"], "2.0.0");
    let [problem] = &report["problems"].as_array().unwrap()[..] else {
        panic!("{report:#}");
    };
    assert_has(problem["problem"].as_str().unwrap(), &OTHER);
    assert_has(problem["remedy"].as_str().unwrap(), &["wit/mesh.wit"]);
}

/// Whether it is what it imports, or what it exports.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_told_by_every_name_in_a_component() {
    let import = r#"(component (import "codex:mesh/log@2.0.0" (instance)))"#;
    let raw = Raw::new("future");
    let without_imports = Raw {
        wit: raw.wit.replace("codex:mesh@1.1.0;", "codex:mesh@2.0.0;"),
        ..raw
    };
    for component in [wat::parse_str(import).unwrap(), without_imports.component()] {
        assert_has(&notice(&component).await.unwrap(), &OTHER);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_later_minor_version_added_is_named() {
    for (imports, missing) in [
        (HISTORY.to_owned(), "codex:mesh/history@1.2.0"),
        (SLEEP.to_owned(), "sleep"),
        (format!("{NOW}{SLEEP}"), "sleep"),
    ] {
        let component = newer(&imports);
        let notice = notice(&component).await.unwrap();
        assert_has(&notice, &NEWER);
        assert_has(&notice, &["new.wasm is skipped", missing]);
        let report = checked(&component);
        assert_eq!(report["contract"], "1.2.0", "{report:#}");
        let problems = report["problems"].as_array().unwrap();
        assert_eq!(problems.len(), 1, "{report:#}");
        assert_has(problems[0]["problem"].as_str().unwrap(), &[missing]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_minor_version_that_uses_nothing_new_is_loaded() {
    for imports in ["", NOW] {
        let component = newer(imports);
        assert_eq!(notice(&component).await, None);
        let report = checked(&component);
        assert_eq!(report["ok"], true, "{report:#}");
        assert_eq!(report["contract"], "1.2.0");
        let notes = report["notes"].as_array().unwrap();
        assert_has(
            notes[0].as_str().unwrap(),
            &["newer host", "codex:mesh@1.1.0"],
        );
    }
}
