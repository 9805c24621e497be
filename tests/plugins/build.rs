//! `codex-mesh plugin build`: what it puts where, and what it says of mistakes.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use tempfile::{TempDir, tempdir};

use super::{EMBEDDED, kinds, limits, registry};
use crate::support::{Binary, BinaryBuilder, assert_has, built, folder};

/// A crate of nothing but its library.
fn krate(name: &str, kind: &str, source: &str) -> TempDir {
    let folder = tempdir().unwrap();
    let manifest = format!(
        "[package]\nname = \"{name}\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"{kind}\"]\n"
    );
    fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    fs::write(folder.path().join("src/lib.rs"), source).unwrap();
    folder
}

fn build(crates: &[&Path], out: &Path) -> BinaryBuilder {
    let command = Binary::bare().args(&["plugin", "build"]);
    let command = crates.iter().fold(command, BinaryBuilder::arg);
    command.arg("--out").arg(out)
}

/// The names of the files in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_built_is_named_and_serves_its_kinds() {
    let built = built();
    let names: Vec<_> = built.files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["codex_mesh_campaign.wasm", "codex_mesh_trends.wasm"]
    );
    let said: Vec<&str> = built.said.lines().collect();
    // In the order they were asked for.
    let expected = ["codex_mesh_trends.wasm", "codex_mesh_campaign.wasm"].map(|name| {
        let bytes = &built.files[name];
        format!(
            "{}  {} bytes  sha256 {}",
            built.folder.join(name).display(),
            bytes.len(),
            codex_mesh::sandbox::sha256(bytes)
        )
    });
    assert_eq!(said, expected);

    let files = built.files.iter();
    let plugins = folder(files.map(|(name, bytes)| (&**name, &**bytes)));
    let registry = registry(plugins.path(), limits()).await;
    assert!(registry.notices().is_empty(), "{:?}", registry.notices());
    let mut expected = [&EMBEDDED[..], &["campaign", "trends"]].concat();
    expected.sort_unstable();
    assert_eq!(kinds(&registry), expected);
}

#[test]
fn a_component_is_replaced_all_at_once() {
    let krate = krate("minimal", "cdylib", "");
    let out = tempdir().unwrap();
    let file = out.path().join("minimal.wasm");
    fs::write(&file, "the old one").unwrap();
    let mut reader = File::open(&file).unwrap();
    let mut command = build(&[krate.path()], out.path()).spawn();
    let status = command.ended();
    assert!(status.success(), "{}", command.stderr.rest());
    assert!(fs::read(&file).unwrap().starts_with(b"\0asm"));
    let mut old = String::new();
    reader.read_to_string(&mut old).unwrap();
    assert_eq!(old, "the old one", "a reader must not see it change");
    assert_eq!(names(out.path()), ["minimal.wasm"], "nothing else is left");
}

#[test]
fn what_can_not_be_built_says_why() {
    let empty = tempdir().unwrap();
    let not_there = empty.path().join("nowhere");
    let library = krate("library", "rlib", "");
    let mistaken = krate(
        "mistaken",
        "cdylib",
        "compile_error!(\"the author's own mistake\");",
    );
    let cases: [(&Path, &[&str]); 4] = [
        (empty.path(), &["has no Cargo.toml"]),
        (&not_there, &["has no Cargo.toml"]),
        (library.path(), &["builds no component", "cdylib"]),
        (
            mistaken.path(),
            &["the author's own mistake", "src/lib.rs", "does not build"],
        ),
    ];
    for (folder, expected) in cases {
        let out = empty.path().join("out");
        let (code, said) = build(&[folder], &out).fails();
        assert_eq!(code, Some(1), "{said}");
        assert_has(&said, expected);
        assert_has(&said, &[&folder.display().to_string()]);
        assert!(!out.exists(), "nothing was built");
    }
}

#[test]
fn two_crates_with_one_file_name_do_not_replace_each_other() {
    let (one, two) = (krate("twin", "cdylib", ""), krate("twin", "cdylib", ""));
    let out = tempdir().unwrap();
    let (code, said) = build(&[one.path(), two.path()], out.path()).fails();
    assert_eq!(code, Some(1), "{said}");
    let folders = [&one, &two].map(|krate| krate.path().display().to_string());
    assert_has(
        &said,
        &[&format!(
            "{} and {} both build twin.wasm",
            folders[0], folders[1]
        )],
    );
}

#[test]
fn without_a_toolchain_it_says_what_to_install() {
    let krate = krate("minimal", "cdylib", "");
    let out = krate.path().join("out");
    let (code, said) = build(&[krate.path()], &out)
        .env("PATH", "")
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .fails();
    assert_eq!(code, Some(1), "{said}");
    assert_has(
        &said,
        &["rustc could not be run", "rustup", "https://rustup.rs"],
    );
}

#[test]
fn a_folder_that_can_not_be_written_is_named() {
    let krate = krate("minimal", "cdylib", "");
    let out = krate.path().join("Cargo.toml");
    let (code, said) = build(&[krate.path()], &out).fails();
    assert_eq!(code, Some(1), "{said}");
    assert_has(
        &said,
        &[
            "can't write to the plugins folder",
            &out.display().to_string(),
        ],
    );
}
