//! Components that were built for `codex:mesh@1.0.0` run as they did.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use codex_mesh::config::SimulatedBy;
use codex_mesh::sandbox::sha256;
use serde_json::{Value, json};

use crate::plugins::cases::{of_shipped, passes_its_cases};
use crate::plugins::{limits, named, registry};
use crate::support::{TestApp, folder, frozen, start_with};

/// What was recorded for a kind: its own cases where today's asks otherwise.
fn cases(kind: &str) -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/1.0.0/cases");
    let own = own.join(kind);
    if own.exists() { own } else { of_shipped(kind) }
}

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
        passes_its_cases(&version, &cases(kind)).await;
    }
}

/// An operator goes from one to the other and back; a plan keeps what it was created with.
#[tokio::test(flavor = "multi_thread")]
async fn they_take_turns_with_those_of_today() {
    let app = TestApp::start().await;
    let create = async || app.create(&json!({"steps": [{"kind": "srl"}]})).await;
    let activate = async |digest: &Value| {
        let body = json!({"sha256": digest});
        let (status, answer) = app.post("/plugins/srl/activate", &body).await;
        assert_eq!(status, 200, "{answer}");
    };
    let (_, plugins) = app.get("/plugins").await;
    assert_eq!(named(&plugins, "srl")["contract"], "1.1.0");
    let today = named(&plugins, "srl")["sha256"].clone();
    let of_today = create().await;

    let (status, answer) = app.upload(&frozen()["srl"]).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["plugin"]["contract"], "1.0.0");
    let first = answer["plugin"]["sha256"].clone();
    activate(&first).await;
    let of_first = create().await;
    let (_, plugins) = app.get("/plugins").await;
    assert_eq!(named(&plugins, "srl")["contract"], "1.0.0");

    activate(&today).await;
    let again_of_today = create().await;
    let mut ends = Vec::new();
    for (plan, digest) in [
        (of_today, &today),
        (of_first, &first),
        (again_of_today, &today),
    ] {
        assert_eq!(plan["steps"][0]["plugin"], *digest);
        let plan = app.run(&plan).await;
        assert_eq!(plan["status"], "DONE", "{plan:#}");
        ends.push(plan["steps"][0]["result"].clone());
    }
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:#?}");
    let (_, answer) = app.get("/plugins/srl").await;
    let versions = answer["versions"].as_array().unwrap().iter();
    let contracts = versions.map(|version| (&version["contract"], &version["calls"]));
    let contracts: BTreeMap<_, _> = contracts
        .map(|(contract, calls)| (contract.as_str().unwrap(), calls.as_u64().unwrap()))
        .collect();
    // Each was shaped twice, when it was created and when it ran, and interpreted once.
    assert_eq!(contracts, BTreeMap::from([("1.0.0", 3), ("1.1.0", 6)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_all_of_them_runs_to_its_end() {
    let files = files();
    let files = files.iter().map(|(name, bytes)| (&**name, *bytes));
    // They come from outside: what is embedded is another component by now.
    let builder = TestApp::builder()
        .grant("workflow", "workflow", &["POST /workflow/create"])
        .grant("campaign", "campaign", &["POST /campaign/create"])
        .grant("simulation", "simulation", &["POST /sim/run"])
        .configure(|config| config.policy.simulation = SimulatedBy::Engine);
    let builder = ["autonomy", "srl", "hardening"]
        .iter()
        .fold(builder, |builder, kind| {
            builder.trust(kind, &frozen()[kind])
        });
    let app = start_with(builder, files).await;
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
