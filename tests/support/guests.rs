//! The guests under `tests/guests`, built once for all tests by a cargo of their own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::{TestApp, TestAppBuilder};

const TARGET: &str = "wasm32-wasip2";
const GUESTS: [&str; 4] = ["hostile", "echo-check", "strict-srl", "networked"];

/// The component of a guest.
pub fn guest(name: &str) -> &'static [u8] {
    static BUILT: OnceLock<BTreeMap<&str, Vec<u8>>> = OnceLock::new();
    &BUILT.get_or_init(build)[name]
}

/// A plugins folder with these files.
pub fn folder<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// A host with these files in its plugins folder. They are only read while it starts.
pub async fn start_with<'a>(
    builder: TestAppBuilder,
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> TestApp {
    let folder = folder(files);
    let path = folder.path().to_owned();
    builder
        .configure(move |config| config.plugins_dir = Some(path))
        .start()
        .await
}

/// A host with the hostile guest.
pub async fn start_hostile(builder: TestAppBuilder) -> TestApp {
    start_with(builder, [("hostile.wasm", guest("hostile"))]).await
}

fn build() -> BTreeMap<&'static str, Vec<u8>> {
    let target_folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests");
    fs::create_dir_all(&target_folder).unwrap();
    // Another test run must not replace a file while it is read here.
    let lock = File::create(target_folder.join("tests.lock")).unwrap();
    lock.lock().unwrap();
    run_cargo(&target_folder);
    let built = target_folder.join(TARGET).join("plugin");
    GUESTS
        .into_iter()
        .map(|name| (name, read(&built, name)))
        .collect()
}

fn read(built: &Path, name: &str) -> Vec<u8> {
    let file: PathBuf = built.join(format!("guest_{}.wasm", name.replace('-', "_")));
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn run_cargo(target_folder: &Path) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--locked", "--profile", "plugin"])
        .args(["--target", TARGET, "--target-dir"])
        .arg(target_folder);
    for name in GUESTS {
        cargo.args(["--package", &format!("guest-{name}")]);
    }
    // As in build.rs: the outer build's settings are meant for the host, not for the guests.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if is_of_outer_build(&name) {
            cargo.env_remove(&*name);
        }
    }
    let output = cargo.output().unwrap();
    assert!(
        output.status.success(),
        "the guests do not build:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn is_of_outer_build(name: &str) -> bool {
    const NAMES: [&str; 9] = [
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_MAKEFLAGS",
        "CARGO_MANIFEST_DIR",
        "CARGO_TARGET_DIR",
        "CLIPPY_ARGS",
        "CLIPPY_CONF_DIR",
        "MAKEFLAGS",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTFLAGS",
    ];
    const PREFIXES: [&str; 5] = [
        "CARGO_BUILD_",
        "CARGO_CFG_",
        "CARGO_FEATURE_",
        "CARGO_PKG_",
        "CARGO_PROFILE_",
    ];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
