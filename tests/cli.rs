//! The command line against a running host: what it shows, what it asks, and how it exits.

mod lost;
mod output;
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
    for output in [&ended.stdout, &ended.stderr] {
        assert_only_text(output);
    }
}

/// Characters that are not seen, or do something: to a terminal, or to the order of a text.
const UNSEEN: &str = "\u{1b}[31m\u{9b}2J\u{7}\u{ad}\u{34f}\u{61c}\u{115f}\u{180e}\u{200b}\u{200f}\u{2028}\
    \u{202e}\u{2060}\u{2066}\u{2069}\u{2800}\u{3164}\u{fe0f}\u{feff}\u{ffa0}\u{fffb}\u{e0041}\u{e0100}";

#[track_caller]
fn assert_only_text(output: &str) {
    let is_odd = |c: char| c != '\n' && (c.is_control() || UNSEEN.contains(c) && !c.is_ascii());
    assert!(!output.contains(is_odd), "{output:?}");
}
