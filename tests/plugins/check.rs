//! `codex-mesh plugin check`: what it says of a file is what the host does with it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::support::{Binary, BinaryBuilder, Raw, assert_has, guest};

fn check(files: &[PathBuf]) -> BinaryBuilder {
    let command = Binary::bare().args(&["plugin", "check"]);
    files.iter().fold(command, BinaryBuilder::arg)
}

/// The exit code, and what was said on stdout.
fn outcome(command: BinaryBuilder) -> (Option<i32>, String) {
    let mut process = command.spawn();
    let said = process.stdout.rest();
    (process.ended().code(), said)
}

fn write(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let file = folder.path().join(name);
    fs::write(&file, bytes).unwrap();
    file
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[test]
fn what_the_host_would_load_is_told() {
    let folder = tempdir().unwrap();
    let bytes = guest("strict-srl");
    let file = write(&folder, "srl.wasm", bytes);
    let (code, said) = outcome(check(std::slice::from_ref(&file)));
    assert_eq!(code, Some(0), "{said}");
    assert_has(
        &said,
        &[
            &file.display().to_string(),
            &format!("size      {} bytes of 67108864", bytes.len()),
            &codex_mesh::sandbox::sha256(bytes),
            "contract  1.1.0",
            "exports   codex:mesh/step@1.1.0",
            "imports   wasi:",
            "(granted)",
            "kind      srl 9.9.9",
            "asks      srl: GET /srl/strict",
            "note      LIVE plans must have a srl, and it does not count as one until",
            "under [policy.trusted.srl]",
            "note      it would replace the shipped plugin of the kind srl",
            "ok        the host would load it",
        ],
    );
    assert!(
        !said.contains("PROBLEM") && !said.contains("REFUSED"),
        "{said}"
    );
}

#[test]
fn what_the_operators_settings_do_not_fit_is_told() {
    let folder = tempdir().unwrap();
    let file = write(&folder, "srl.wasm", guest("strict-srl"));
    let config = folder.path().join("mesh.toml");
    fs::write(&config, "[plugin.srl.settings]\na = 1\n").unwrap();
    let (code, said) = outcome(check(&[file]).arg("--config").arg(&config));
    assert_eq!(code, Some(1), "{said}");
    let parts = [
        "PROBLEM   [plugin.srl.settings] does not fit srl 9.9.9",
        "remedy",
    ];
    assert_has(&said, &parts);
}

/// Each file, a part of the problem, and a part of its remedy.
fn refused() -> Vec<(&'static str, Vec<u8>, &'static str, &'static str)> {
    let good = Raw::new("good").component();
    let altered = Raw {
        wit: Raw::new("x").wit.replace(
            "    settings-schema: string,",
            "    settings-schema: string, extra: u32,",
        ),
        ..Raw::new("altered")
    };
    let spins = Raw {
        describe: "(loop (br 0)) unreachable".to_owned(),
        ..Raw::new("spins")
    };
    let step = "codex:mesh/step@1.1.0";
    vec![
        (
            "empty",
            Vec::new(),
            "the file is empty",
            "name the file that the build made",
        ),
        (
            "text",
            b"hello".to_vec(),
            "not WebAssembly",
            "target/wasm32-wasip2/release",
        ),
        (
            "module",
            Raw::new("x").module(),
            "core WebAssembly module",
            "wasm-tools component new",
        ),
        (
            "cut",
            good[..good.len() - 1].to_vec(),
            "does not compile",
            "build it again",
        ),
        (
            "nothing",
            wat("(component)"),
            step,
            "step-plugin of this host's wit/mesh.wit",
        ),
        (
            "altered",
            altered.component(),
            "expected record of 8 fields",
            "as it is",
        ),
        (
            "spins",
            spins.component(),
            "ran for more than 200 ms",
            "[limits.plugin]",
        ),
    ]
}

#[test]
fn every_problem_has_its_remedy() {
    let folder = tempdir().unwrap();
    let cases = refused();
    let files: Vec<PathBuf> = cases
        .iter()
        .map(|(name, bytes, ..)| write(&folder, name, bytes))
        .collect();
    let (code, said) = outcome(check(&files).arg("--json"));
    assert_eq!(code, Some(1), "{said}");
    let told: Value = serde_json::from_str(&said).unwrap();
    for (index, (name, bytes, problem, remedy)) in cases.iter().enumerate() {
        let told = &told[index];
        assert_eq!(told["ok"], false, "{name}");
        assert_eq!(told["bytes"], bytes.len(), "{name}");
        let [only] = &told["problems"].as_array().unwrap()[..] else {
            panic!("{name}: {told:#}");
        };
        assert_has(only["problem"].as_str().unwrap(), &[problem]);
        assert_has(only["remedy"].as_str().unwrap(), &[remedy]);
    }
    let exports = |name: &str| {
        let index = cases.iter().position(|case| case.0 == name).unwrap();
        told[index]["boundary"]["exports"].clone()
    };
    assert_eq!(exports("nothing"), json!([]));
}

#[test]
fn every_import_that_is_not_granted_is_named() {
    let instance = |name| format!(r#"(import "{name}" (instance (export "f" (func))))"#);
    let imports = [
        "wasi:sockets/tcp@0.2.0",
        "codex:mesh/log@1.0.0",
        "wasi:http/outgoing-handler@0.2.0",
    ];
    let component = format!("(component {})", imports.map(instance).concat());
    let folder = tempdir().unwrap();
    let file = write(&folder, "networked.wasm", &wat(&component));
    let (code, said) = outcome(check(&[file]));
    assert_eq!(code, Some(1), "{said}");
    assert_has(
        &said,
        &[
            "imports   wasi:sockets/tcp@0.2.0 (REFUSED)",
            "imports   codex:mesh/log@1.0.0 (granted)",
            "imports   wasi:http/outgoing-handler@0.2.0 (REFUSED)",
            "PROBLEM   it imports wasi:sockets/tcp@0.2.0, which the host does not grant",
            "PROBLEM   it imports wasi:http/outgoing-handler@0.2.0, which the host does not grant",
        ],
    );
    assert_eq!(said.matches("remedy").count(), 2, "{said}");
}

#[test]
fn everything_that_is_wrong_with_a_manifest_is_told_at_once() {
    let mut raw = Raw::new("Not a kind");
    raw.manifest[1] = "one".to_owned();
    raw.manifest[2] = "a\u{1b}[31m".to_owned();
    raw.manifest[3] = "nowhere".to_owned();
    raw.manifest[4] = "//evil".to_owned();
    raw.manifest[5] = "x".repeat(1_001);
    raw.manifest[6] = "[]".to_owned();
    let folder = tempdir().unwrap();
    let file = write(&folder, "wrong.wasm", &raw.component());
    let (code, said) = outcome(check(std::slice::from_ref(&file)));
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(said.matches("PROBLEM").count(), 7, "{said}");
    assert_eq!(said.matches("remedy").count(), 7, "{said}");
    assert_has(
        &said,
        &["label     a\\u{1b}[31m", "\"nowhere\" is not configured"],
    );
    assert!(!said.contains('\u{1b}'));

    // What is wrong for one host is right for another.
    raw = Raw::new("elsewhere");
    raw.manifest[3] = "nowhere".to_owned();
    fs::write(&file, raw.component()).unwrap();
    let config = folder.path().join("mesh.toml");
    fs::write(
        &config,
        "[services.nowhere]\nurl = \"http://localhost:1\"\n",
    )
    .unwrap();
    let (code, said) = outcome(check(std::slice::from_ref(&file)));
    assert_eq!(code, Some(1), "{said}");
    let (code, said) = outcome(check(&[file]).arg("--config").arg(&config));
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_file_that_can_not_be_read_is_named() {
    let folder = tempdir().unwrap();
    let good = write(&folder, "good.wasm", &Raw::new("good").component());
    let missing = folder.path().join("missing.wasm");
    let folder_path: &Path = folder.path();
    let files = [missing, folder_path.to_owned(), good];
    let (code, said) = outcome(check(&files));
    assert_eq!(code, Some(1), "{said}");
    assert_has(
        &said,
        &["missing.wasm", "No such file", "not a regular file"],
    );
    assert_eq!(said.matches("ok        the host would load it").count(), 1);
    let small = check(&files).env("MESH_LIMITS__PLUGIN__COMPONENT_BYTES", "100");
    let (_, said) = outcome(small);
    assert_has(&said, &["more than 100 bytes", "component_bytes"]);
}
