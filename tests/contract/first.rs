//! Components that were built for `codex:mesh@1.0.0` run as they did.

use codex_mesh::sandbox::sha256;
use serde_json::{Value, json};

use crate::plugins::cases::passed;
use crate::plugins::{limits, named, registry};
use crate::support::{TestApp, folder, frozen, start_with};

/// Each as a file of the plugins folder.
fn files() -> Vec<(String, &'static [u8])> {
    let files = frozen().iter();
    files
        .map(|(kind, bytes)| (format!("{kind}.wasm"), bytes.as_slice()))
        .collect()
}

/// What each kind makes of the answers that were recorded for it.
#[tokio::test(flavor = "multi_thread")]
async fn they_pass_the_cases_of_their_kinds() {
    let files = files();
    let plugins = folder(files.iter().map(|(name, bytes)| (&**name, *bytes)));
    let registry = registry(plugins.path(), limits()).await;
    for (kind, bytes) in frozen() {
        let version = registry.current(kind).unwrap();
        assert_eq!(version.sha256, sha256(bytes), "{:?}", registry.notices());
        assert!(passed(&version).await.len() > 5, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_all_of_them_runs_to_its_end() {
    let files = files();
    let files = files.iter().map(|(name, bytes)| (&**name, *bytes));
    let app = start_with(TestApp::builder(), files).await;
    let (_, plugins) = app.get("/plugins").await;
    let digests: Vec<Value> = frozen()
        .values()
        .map(|bytes| json!(sha256(bytes)))
        .collect();
    for (kind, digest) in frozen().keys().zip(&digests) {
        assert_eq!(named(&plugins, kind)["sha256"], *digest);
    }
    let kinds = [
        "ops",
        "autonomy",
        "srl",
        "hardening",
        "simulation",
        "strategy",
        "trends",
        "campaign",
        "workflow",
    ];
    let steps = kinds.map(|kind| json!({"kind": kind}));
    for mode in ["SIMULATION", "DRY_RUN", "LIVE"] {
        let plan = app.create(&json!({"mode": mode, "steps": steps})).await;
        let plan = app.run(&plan).await;
        assert_eq!(plan["status"], "DONE", "{mode}: {plan:#}");
        for step in plan["steps"].as_array().unwrap() {
            assert!(step["result"].is_object(), "{mode}: {step:#}");
            assert!(digests.contains(&step["plugin"]), "{mode}: {step:#}");
        }
    }
    for kind in kinds {
        assert!(app.asked(kind) > 0, "{kind} was never asked");
    }
}
