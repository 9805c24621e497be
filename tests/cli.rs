//! The command line against a running host: what it shows, what it asks, and how it exits.

mod lost;
mod run;
mod show;
mod terminal;

use serde_json::Value;

use crate::support::{Binary, BinaryBuilder, Ended, Reply, TestApp, recorded};

/// `codex-mesh` with these arguments, against this host.
fn mesh(url: &str, args: &[&str]) -> BinaryBuilder {
    Binary::bare()
        .args(args)
        .env("MESH_URL", url)
        .env("USER", "ada")
}

/// `codex-mesh run` with these arguments beside.
fn run(url: &str, args: &[&str]) -> BinaryBuilder {
    mesh(url, &["run", "--domain", "social", "--goal", "Grow"]).args(args)
}

/// An answer of autonomy's with which a person has to approve the write.
fn unsure() -> Reply {
    recorded("autonomy-evaluate.json", "low_confidence_approval")
}

/// A host whose plans wait for an approval before they write.
async fn host_that_asks() -> TestApp {
    TestApp::builder()
        .service("autonomy", unsure())
        .start()
        .await
}

/// The only plan of the host.
async fn only_plan(app: &TestApp) -> Value {
    let (_, answer) = app.get("/mesh/plans").await;
    let plans = answer["plans"].as_array().unwrap();
    assert_eq!(plans.len(), 1, "{plans:?}");
    plans[0].clone()
}

/// Every line as JSON.
fn json_lines(output: &str) -> Vec<Value> {
    let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
    output.lines().map(line).collect()
}

/// Nothing in it but text and line ends.
fn assert_plain(ended: &Ended) {
    let is_odd = |c: char| {
        c != '\n' && (c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2028}'))
    };
    for output in [&ended.stdout, &ended.stderr] {
        assert!(!output.contains(is_odd), "{output:?}");
    }
}
