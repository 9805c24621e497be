//! `codex-mesh plugin build`: makes components of plugin crates, with the command that an author
//! would type, and puts them into a plugins folder. A host that looks at the folder meanwhile
//! finds the old component or the new one, and never a part of one.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail};
use clap::Args;
use serde::Deserialize;
use tokio::process::Command;

use crate::guest_build;
use crate::output::print;
use crate::sandbox::sha256;
use crate::text::plain;

/// Each crate is built as `cargo build --release --target wasm32-wasip2` builds it, in its folder.
#[derive(Debug, Args)]
pub(super) struct BuildArgs {
    /// The crates: folders with a Cargo.toml
    #[arg(required = true, value_name = "DIR")]
    crates: Vec<PathBuf>,
    /// The plugins folder; made where there is none
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Where cargo keeps what it compiles [default: where it does without this flag]
    #[arg(long, value_name = "DIR")]
    target_dir: Option<PathBuf>,
}

pub(super) async fn run(args: &BuildArgs) -> anyhow::Result<()> {
    let target_dir = args.target_dir.as_deref().map(std::path::absolute);
    let target_dir = target_dir.transpose().context("--target-dir")?;
    let mut built: BTreeMap<OsString, &Path> = BTreeMap::new();
    for folder in &args.crates {
        for component in components(folder, target_dir.as_deref()).await? {
            let name = component.file_name().context("cargo named no file")?;
            if let Some(other) = built.insert(name.to_owned(), folder) {
                bail!(
                    "{} and {} both build {}",
                    other.display(),
                    folder.display(),
                    name.display()
                );
            }
            let bytes =
                fs::read(&component).with_context(|| format!("can't read {component:?}"))?;
            let file = put(&args.out, name, &bytes)
                .with_context(|| format!("can't write to the plugins folder {:?}", args.out))?;
            let file = plain(&file.display().to_string());
            let (size, digest) = (bytes.len(), sha256(&bytes));
            print(&format!("{file}  {size} bytes  sha256 {digest}\n"))?;
        }
    }
    Ok(())
}

/// Builds the crate in this folder: the components that cargo made of it.
pub(super) async fn components(
    folder: &Path,
    target_dir: Option<&Path>,
) -> anyhow::Result<Vec<PathBuf>> {
    let shown = folder.display();
    if !folder.join("Cargo.toml").is_file() {
        bail!("{shown} has no Cargo.toml: it is no crate");
    }
    // As cargo will name it in its messages.
    let folder = folder.canonicalize()?;
    guest_build::install_target(program("RUSTC", "rustc"), &folder).map_err(anyhow::Error::msg)?;
    let mut cargo = Command::from(guest_build::cargo(program("CARGO", "cargo")));
    cargo
        .kill_on_drop(true)
        .current_dir(&folder)
        .args(["--release", "--message-format=json-render-diagnostics"])
        .stdout(Stdio::piped())
        // What it does and what is wrong, as it happens.
        .stderr(Stdio::inherit());
    if let Some(target_dir) = target_dir {
        cargo.arg("--target-dir").arg(target_dir);
    }
    let output = cargo
        .spawn()
        .context("cargo could not be run. Install Rust with rustup: https://rustup.rs")?
        .wait_with_output()
        .await?;
    if !output.status.success() {
        bail!("{shown} does not build; cargo says why above");
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let components = made(&said, &folder.join("Cargo.toml"));
    if components.is_empty() {
        bail!(
            "{shown} builds no component: a plugin is a library crate whose Cargo.toml has \
             crate-type = [\"cdylib\"] under [lib]"
        );
    }
    Ok(components)
}

/// A program of the toolchain: under `cargo run` the one that is running, and else the usual one.
fn program(variable: &str, usual: &str) -> OsString {
    std::env::var_os(variable).unwrap_or_else(|| usual.into())
}

/// One of cargo's messages, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: PathBuf,
    target: Target,
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

/// The components that cargo says it made of this manifest's own library, and of no dependency.
fn made(said: &str, manifest: &Path) -> Vec<PathBuf> {
    said.lines()
        // The other messages have other fields.
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter(|message| message.reason == "compiler-artifact")
        .filter(|message| message.manifest_path == manifest)
        .filter(|message| {
            message
                .target
                .crate_types
                .iter()
                .any(|kind| kind == "cdylib")
        })
        .flat_map(|message| message.filenames)
        .filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == "wasm")
        })
        .collect()
}

/// Puts a component into the folder, all at once: its path.
fn put(folder: &Path, name: &OsStr, bytes: &[u8]) -> std::io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let mut part = OsString::from(".");
    part.push(name);
    // Not `.wasm` at the end, which a host would load; and another build has another name.
    part.push(format!(".{}.part", std::process::id()));
    let part = folder.join(part);
    let file = folder.join(name);
    let written = File::create(&part)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&part, &file));
    if let Err(error) = written {
        // There may be nothing to remove.
        let _ = fs::remove_file(&part);
        return Err(error);
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "/p/Cargo.toml";

    fn artifact(manifest: &str, kind: &str, file: &str) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","manifest_path":"{manifest}",
                "target":{{"crate_types":["{kind}","rlib"]}},
                "filenames":["/t/libp.rlib","{file}"],"fresh":true}}"#
        )
        .replace('\n', "")
    }

    #[test]
    fn only_the_crates_own_component_is_taken() {
        let said = [
            r#"{"reason":"build-script-executed","package_id":"x"}"#.to_owned(),
            artifact("/dependency/Cargo.toml", "cdylib", "/t/dependency.wasm"),
            artifact(MANIFEST, "bin", "/t/tool.wasm"),
            artifact(MANIFEST, "cdylib", "/t/p.wasm"),
            "not a message".to_owned(),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ]
        .join("\n");
        let expected = [PathBuf::from("/t/p.wasm")];
        assert_eq!(made(&said, Path::new(MANIFEST)), expected);
        assert!(made(&said, Path::new("/other/Cargo.toml")).is_empty());
        assert!(made("", Path::new(MANIFEST)).is_empty());
    }
}
