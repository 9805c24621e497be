//! How guests are built: what they are compiled for, and by a cargo that knows nothing of the one
//! that may have started this process. `build.rs` includes this file, so it needs nothing but the
//! standard library.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// What guests are compiled for: plain `cargo build` makes a component for it.
pub const TARGET: &str = "wasm32-wasip2";

/// `cargo build` for [`TARGET`], with this cargo.
pub fn cargo(program: impl AsRef<OsStr>) -> Command {
    let mut cargo = Command::new(program);
    cargo.args(["build", "--target", TARGET]);
    // An outer build's settings (flags, wrappers, the features and paths of its package) are
    // meant for the host, not for the guests.
    for (name, _) in env::vars_os() {
        if is_of_outer_build(&name.to_string_lossy()) {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Makes sure that the toolchain which builds in `folder`, and whose compiler is `rustc`, can
/// build for [`TARGET`]. Where rustup does not install what a `rust-toolchain.toml` names by
/// itself, it is asked to.
///
/// # Errors
/// What is missing, and what to do about it, for a person.
pub fn install_target(rustc: impl AsRef<OsStr>, folder: &Path) -> Result<(), String> {
    if target_is_installed(rustc.as_ref(), folder)? {
        return Ok(());
    }
    let missing = format!(
        "the target {TARGET} is missing, and plugins are built for it. With rustup: `rustup \
         target add {TARGET}`. Without: install your distribution's standard library for it"
    );
    let added = Command::new("rustup")
        .current_dir(folder)
        .args(["target", "add", TARGET])
        .output();
    match added {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "{missing}. rustup said: {}",
            String::from_utf8_lossy(&output.stderr)
        )),
        Err(error) => Err(format!("{missing}. rustup could not be run: {error}")),
    }
}

fn target_is_installed(rustc: &OsStr, folder: &Path) -> Result<bool, String> {
    let output = Command::new(rustc)
        .current_dir(folder)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|error| {
            format!("rustc could not be run: {error}. Install Rust with rustup: https://rustup.rs")
        })?;
    let library = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(library.trim()).is_dir())
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
