//! The examples in other languages than Rust: built as their READMEs say, they pass the same tests as
//! the shipped plugins, and a host serves them.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::cases::passes_its_cases;
use super::{limits, named, registry};
use crate::support::{
    GOAL, JS, PYTHON, TestApp, Toolchain, assert_has, folder, skipped, start_with,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_javascript_example_passes_its_cases_and_is_served() {
    is_served(&JS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_example_passes_its_cases_and_is_served() {
    is_served(&PYTHON).await;
}

async fn is_served(toolchain: &'static Toolchain) {
    let project = match toolchain.example() {
        Ok(project) => project,
        Err(missing) => return skipped(missing),
    };
    let kind = toolchain.example;
    let title = format!("kind      {kind} 0.1.0");
    assert_has(&project.checked, &[&title, "the host would load it"]);
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/examples/cases");
    // As its author would see it, and as every shipped plugin's are tested.
    let said = project.test();
    let passed = said.lines().filter(|line| line.starts_with("ok "));
    assert_eq!(
        passed.count(),
        fs::read_dir(&cases).unwrap().count(),
        "{said}"
    );
    let component = fs::read(&project.component).unwrap();
    let plugins = folder([("example.wasm", &*component)]);
    let registry = registry(plugins.path(), limits()).await;
    passes_its_cases(&registry.current(kind).unwrap(), &cases).await;

    let app = start_with(TestApp::builder(), [("example.wasm", &*component)]).await;
    let (_, plugins) = app.get("/plugins").await;
    assert_eq!(named(&plugins, kind)["size"], component.len());
    let step = json!({"kind": kind, "settings": {"platform": "youtube"}});
    let plan = app.create(&json!({"steps": [step]})).await;
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(plan["steps"][0]["result"]["summary"], "Pets in clothes.");
    let asked = app.stub("trends").requests();
    assert_eq!(asked[0].path, "/trends/query");
    let question = json!({"sessionId": "s1", "platform": "youtube", "niche": GOAL});
    assert_eq!(asked[0].json(), question);
}
