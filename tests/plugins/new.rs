//! `codex-mesh plugin new`: what it makes is built by the language's plain tool, checked, tested
//! and served as it is.

use std::fs;
use std::path::Path;
use std::process::Command;

use codex_mesh::guest_build;
use serde_json::json;
use tempfile::tempdir;

use super::named;
use crate::support::{
    Binary, BinaryBuilder, GOAL, JS, PYTHON, TestApp, Toolchain, assert_has, locked, skipped,
    start_with,
};

pub(super) fn new(kind: &str, folder: &Path) -> BinaryBuilder {
    let command = Binary::bare().args(&["plugin", "new", kind]);
    command.arg("--dir").arg(folder)
}

/// Runs a command to its good end; what it said on stdout.
#[track_caller]
pub(super) fn well(command: BinaryBuilder) -> String {
    let mut process = command.spawn();
    let said = process.stdout.rest();
    let status = process.ended();
    assert!(status.success(), "{said}{}", process.stderr.rest());
    said
}

#[track_caller]
fn ran(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The component is one that a host loads, its cases pass, and a host serves it.
async fn is_served(component: &Path, project: &Path) {
    // A debug build takes minutes for the runtime of a language where others need processors too.
    let patient = Binary::bare().env("MESH_LIMITS__PLUGIN__COMPILE_MS", "600000");
    let said = well(patient.args(&["plugin", "check"]).arg(component));
    assert_has(
        &said,
        &[
            "contract  1.1.0",
            "kind      my-step 0.1.0",
            "label     My step",
            "the host would load it",
        ],
    );
    let test = Binary::bare().args(&["plugin", "test"]).arg(component);
    let said = well(test.arg("--cases").arg(project.join("cases")));
    let files = fs::read_dir(project.join("cases")).unwrap();
    let is_case = |path: &Path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    };
    let cases = files
        .filter(|file| is_case(&file.as_ref().unwrap().path()))
        .count();
    let passed = said.lines().filter(|line| line.starts_with("ok "));
    assert_eq!(passed.count(), cases, "{said}");

    let bytes = fs::read(component).unwrap();
    let app = start_with(TestApp::builder(), [("my-step.wasm", &*bytes)]).await;
    let (_, plugins) = app.get("/plugins").await;
    assert_eq!(named(&plugins, "my-step")["service"], "srl");
    let plan = app.create(&json!({"steps": [{"kind": "my-step"}]})).await;
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    let asked = app.stub("srl").requests();
    assert_eq!(asked[0].path, "/srl/check");
    let question = json!({"sessionId": "s1", "domain": "social", "goal": GOAL, "limit": 10});
    assert_eq!(asked[0].json(), question);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rust_project_is_built_tested_and_served() {
    let (target_folder, _lock) = locked("plugin-new");
    let folder = tempdir().unwrap();
    let project = folder.path().join("made/here");
    let said = well(new("my-step", &project));
    assert_has(&said, &["README.md"]);
    // With the versions that are here already, so that nothing is downloaded.
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    fs::copy(lock, project.join("Cargo.lock")).unwrap();
    let mut build = guest_build::cargo(env!("CARGO"));
    ran(build
        .current_dir(&project)
        .args(["--release", "--offline", "--target-dir"])
        .arg(&target_folder));
    let mut test = Command::new(env!("CARGO"));
    ran(test
        .current_dir(&project)
        .args(["test", "--offline", "--target-dir"])
        .arg(&target_folder));
    let built = target_folder.join(guest_build::TARGET).join("release");
    is_served(&built.join("step_my_step.wasm"), &project).await;
}

/// What `plugin new` makes for this toolchain, built as its README says, tested and served.
async fn a_project_is_served(toolchain: &'static Toolchain, native_tests: &str) {
    let folder = tempdir().unwrap();
    let path = folder.path().to_owned();
    well(new("my-step", &path).args(&["--lang", toolchain.language]));
    match toolchain.build(folder, path.clone()) {
        Ok(project) => {
            project.run(native_tests);
            is_served(&project.component, &path).await;
        }
        Err(missing) => skipped(missing),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_javascript_project_is_built_tested_and_served() {
    a_project_is_served(&JS, "npm test").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_project_is_built_tested_and_served() {
    a_project_is_served(&PYTHON, "").await;
}

#[test]
fn a_service_of_ones_own_is_asked() {
    let folder = tempdir().unwrap();
    let own = ["--service", "my-service", "--endpoint", "/my/path"];
    well(new("my-step", folder.path()).args(&own));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_has(&read("src/lib.rs"), &["\"my-service\"", "\"/my/path\""]);
    assert_has(&read("cases/answered.json"), &["\"/my/path\""]);
    assert_has(&read("README.md"), &["[services.my-service]"]);
}

#[test]
fn what_can_not_be_made_says_why() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "an author's own").unwrap();
    let free = folder.path().join("free");
    let cases: [(&str, &Path, &[&str], &[&str]); 7] = [
        ("My-Step", &free, &[], &["\"My-Step\"", "a-z, 0-9 and -"]),
        ("../step", &free, &[], &["beginning with a letter"]),
        ("step", folder.path(), &[], &["is not empty", "--dir"]),
        ("step", &file, &[], &["can't use", "file"]),
        ("step", &free, &["--service", "a\"b"], &["--service"]),
        ("step", &free, &["--service", "brain"], &["audit log"]),
        (
            "step",
            &free,
            &["--endpoint", "//evil"],
            &["--endpoint is no path"],
        ),
    ];
    for (kind, folder, args, expected) in cases {
        let (code, said) = new(kind, folder).args(args).fails();
        assert_eq!(code, Some(1), "{said}");
        assert_has(&said, expected);
    }
    assert!(!free.exists());
    let (code, said) = new("step", &free).args(&["--lang", "cobol"]).fails();
    assert_eq!(code, Some(2), "{said}");
    assert_has(&said, &["rust", "js", "python"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "an author's own");
}
