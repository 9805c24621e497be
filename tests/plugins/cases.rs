//! Recorded cases: those of every shipped plugin pass, and `codex-mesh plugin test` says what a
//! plugin did otherwise than its cases expect.

use std::fs;
use std::path::{Path, PathBuf};

use codex_mesh::cases::{self, Case, Expected, Report, Runner, Verdict};
use codex_mesh::plan::Effect;
use codex_mesh::registry::PluginVersion;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use super::{limits, registry};
use crate::support::{Binary, BinaryBuilder, assert_has, built, cache_dir, folder, guest};

pub async fn run(kind: &PluginVersion, case: &Case) -> Report {
    let runner = Runner {
        plugin: &kind.plugin,
        manifest: &kind.manifest,
        effect: Effect::Read,
        rounds: 4,
    };
    runner.run(case).await
}

/// Where the cases of a shipped kind are.
pub fn of_shipped(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("plugins/{kind}/cases"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shipped_plugin_passes_its_cases() {
    let files = built().files.iter();
    let plugins = folder(files.map(|(name, bytes)| (&**name, &**bytes)));
    let registry = registry(plugins.path(), limits()).await;
    assert_eq!(registry.offered().len(), 9);
    for kind in registry.offered() {
        let name = &kind.manifest.kind;
        passes_its_cases(&kind, &of_shipped(name)).await;
    }
}

/// The kind passes every case in the folder, and no kind of end is left out.
pub async fn passes_its_cases(kind: &PluginVersion, folder: &Path) {
    let name = &kind.manifest.kind;
    let cases = cases::read(folder).unwrap();
    let mut ends = Vec::new();
    for (case, expected) in &cases {
        let report = run(kind, expected).await;
        assert!(report.passed(), "{name}, {case}: {report:#?}");
        ends.push(match &expected.verdict {
            Some(Expected::Word(_) | Expected::Verdict(Verdict::Done(_))) => "yes",
            Some(Expected::Verdict(Verdict::Failed(_))) => "no answer",
            Some(Expected::Verdict(Verdict::Retry(_))) => "busy",
            _ => "other",
        });
    }
    for end in ["yes", "no answer", "busy"] {
        assert!(ends.contains(&end), "{name} has no case of {end}");
    }
    assert!(cases.iter().any(|(_, case)| case.shape.is_some()), "{name}");
}

/// A folder with these cases.
fn written(cases: &[(&str, Value)]) -> TempDir {
    let folder = tempdir().unwrap();
    for (name, case) in cases {
        fs::write(folder.path().join(name), case.to_string()).unwrap();
    }
    folder
}

fn component(folder: &TempDir, bytes: &[u8]) -> PathBuf {
    let file = folder.path().join("plugin.wasm");
    fs::write(&file, bytes).unwrap();
    file
}

fn test(component: &Path, cases: &Path) -> BinaryBuilder {
    let command = Binary::bare().args(&["plugin", "test"]).arg(component);
    command.arg("--cases").arg(cases)
}

/// The exit code, and what was said on stdout and stderr.
fn outcome(command: BinaryBuilder) -> (Option<i32>, String, String) {
    let mut process = command.spawn();
    let stdout = process.stdout.rest();
    let status = process.ended();
    (status.code(), stdout, process.stderr.rest())
}

/// The hostile guest at a goal that tells it what to do.
fn hostile(goal: &str, rest: &Value) -> Value {
    let mut case = json!({"context": {"plan": {"goal": goal}}});
    let rest = rest.as_object().unwrap().clone();
    case.as_object_mut().unwrap().extend(rest);
    case
}

#[test]
fn cases_that_pass_are_told_with_time_memory_and_log() {
    let log = hostile(
        "shape:log-forged",
        &json!({"shape": {"request": {
        "path": "/srl/check", "body": null}}}),
    );
    let usual = json!({"method": "POST", "path": "/srl/check", "body": {"usual": true}});
    let good = json!({"name": "as good as gold", "shape": {"request": usual},
        "exchanges": [{"request": usual, "response": {"body": {"a": [1.0]}}}],
        "verdict": {"done": {"a": [1]}}});
    let rounds = hostile(
        "interpret:call=/srl/again",
        &json!({
        "exchanges": [{"response": {}}, {"request": {"path": "/srl/again",
            "body": {"again": true}}, "response": {}}],
        "verdict": {"call": {"path": "/srl/again", "body": {"again": true}}}}),
    );
    let cases = written(&[("good.json", good), ("rounds.json", rounds)]);
    let file = component(&cases, guest("hostile"));
    let (code, said, complaints) = outcome(test(&file, cases.path()));
    assert_eq!(code, Some(0), "{said}{complaints}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert_has(
        lines[0],
        &[
            "ok",
            "as good as gold",
            "shape ",
            " µs ",
            " KiB",
            "interpret ",
        ],
    );
    assert_eq!(lines[1].matches("interpret").count(), 2, "{said}");

    // A log is shown as it was written, and can't pass for a line of ours.
    let cases = written(&[("log.json", log)]);
    let file = component(&cases, guest("hostile"));
    let (_, said, _) = outcome(test(&file, cases.path()));
    assert_has(&said, &["shape error: a\\u{1b}[31m\\u{0}\\nERROR forged"]);
    assert!(
        !said.contains('\u{1b}') && !said.contains("\nERROR"),
        "{said:?}"
    );
}

#[test]
fn what_a_case_did_not_expect_is_shown_line_by_line() {
    let wrong = json!({"shape": {"request": {"path": "/srl/check", "body": {"usual": false}}},
        "exchanges": [{"response": {"status": 500, "body": "<p>"}}],
        "verdict": {"blocked": "no"}});
    let cases = written(&[
        ("wrong.json", wrong),
        (
            "right.json",
            json!({"shape": {"request":
        {"path": "/srl/check", "body": "{\"usual\": true}"}}}),
        ),
    ]);
    let file = component(&cases, guest("hostile"));
    let (code, said, complaints) = outcome(test(&file, cases.path()));
    assert_eq!(code, Some(1), "{said}");
    assert_has(&complaints, &["1 of 2 cases failed"]);
    assert_has(
        &said,
        &[
            "ok      right",
            "FAILED  wrong",
            "shape: - expected, + came",
            "-       \"usual\": false",
            "+       \"usual\": true",
            "verdict: - expected, + came",
            "-   \"blocked\": \"no\"",
            "+   \"fault\": \"the host refuses its result, which is not JSON",
        ],
    );

    let (code, said, _) = outcome(test(&file, cases.path()).arg("--json"));
    assert_eq!(code, Some(1));
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        [&told[0]["ok"], &told[1]["ok"]],
        [&json!(true), &json!(false)]
    );
    assert_eq!(told[1]["name"], "wrong");
    assert_eq!(
        told[1]["mismatches"][1]["expected"],
        json!({"blocked": "no"})
    );
    let shape = &told[1]["calls"][0];
    assert_eq!(shape["function"], "shape");
    assert!(
        shape["memoryBytes"].as_u64().unwrap() >= 64 << 10,
        "{shape}"
    );
    assert!(shape["micros"].is_u64() && shape["log"].is_array());
}

/// As in `codex-mesh plugin test … | head`.
#[test]
fn nobody_has_to_read_to_the_end() {
    let cases = written(&[(
        "good.json",
        json!({"shape": {"request": {"path": "/srl/check",
        "body": {"usual": true}}}}),
    )]);
    let file = component(&cases, guest("hostile"));
    let mut reader = std::process::Command::new(env!("CARGO_BIN_EXE_codex-mesh"))
        .args(["plugin", "test"])
        .arg(file)
        .arg("--cases")
        .arg(cases.path())
        .env("MESH_CACHE_DIR", cache_dir())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(reader.stdout.take());
    let ended = reader.wait_with_output().unwrap();
    assert!(
        ended.status.success(),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
}

#[test]
fn the_hosts_limits_are_kept() {
    let spins = hostile("shape:loop", &json!({"shape": {"error": "never"}}));
    let hoards = hostile("shape:memory", &json!({"shape": {"error": "never"}}));
    let rounds = vec![json!({"response": {}}); 5];
    let rounds = hostile(
        "interpret:call=/srl/again",
        &json!({"exchanges": rounds, "verdict": {"failed": "never"}}),
    );
    let other = hostile(
        "interpret:call=/srl/again",
        &json!({"exchanges": [{"response": {}}, {"request": {"path": "/other"}, "response": {}}],
            "verdict": {"failed": "never"}}),
    );
    let stops = json!({"exchanges": [{"response": {"body": {}}}, {"response": {}}],
        "verdict": {"failed": "never"}});
    let all = [
        ("a.json", spins, "it ran for more than 200 ms"),
        ("b.json", hoards, "16777216 bytes of memory"),
        (
            "c.json",
            rounds,
            "the number of exchanges, which the host limits",
        ),
        ("d.json", other, "the request of exchange 2"),
        ("e.json", stops, "(any request)"),
    ];
    let cases = written(&all.clone().map(|(name, case, _)| (name, case)));
    let file = component(&cases, guest("hostile"));
    let (code, said, complaints) = outcome(test(&file, cases.path()));
    assert_eq!(code, Some(1), "{said}");
    assert_has(&complaints, &["5 of 5 cases failed"]);
    let expected = all.map(|(_, _, expected)| expected);
    assert_has(&said, &expected);
}

#[test]
fn what_can_not_be_run_says_why() {
    let nothing = tempdir().unwrap();
    let good = written(&[("good.json", json!({"shape": {"error": "never"}}))]);
    let wrong = written(&[("wrong.json", json!({"shapes": {}}))]);
    let component = component(&good, guest("echo-check"));
    let not_there = good.path().join("nowhere");
    let text = good.path().join("good.json");
    let cases: [(&Path, &Path, &[&str]); 5] = [
        (&component, nothing.path(), &["has no cases", "*.json"]),
        (&component, &not_there, &["can't read", "nowhere"]),
        (
            &component,
            wrong.path(),
            &["wrong.json", "unknown field `shapes`"],
        ),
        (&not_there, good.path(), &["nowhere", "No such file"]),
        (
            &text,
            good.path(),
            &["good.json", "not WebAssembly", "plugin check"],
        ),
    ];
    for (file, cases, expected) in cases {
        let (code, said) = test(file, cases).fails();
        assert_eq!(code, Some(1), "{said}");
        assert_has(&said, expected);
    }
    let (code, said) = test(&component, good.path())
        .env("MESH_LIMITS__PLUGIN__COMPONENT_BYTES", "1000")
        .fails();
    assert_eq!(code, Some(1), "{said}");
    assert_has(&said, &["more than 1000 bytes"]);
}
