//! Builds the shipped plugins for `wasm32-wasip2` with a cargo of its own, and embeds them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const TARGET: &str = "wasm32-wasip2";
const PLUGINS: [&str; 7] = [
    "autonomy",
    "srl",
    "hardening",
    "workflow",
    "simulation",
    "ops",
    "strategy",
];

fn main() {
    for path in ["build.rs", "wit", "plugins", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={path}");
    }
    if let Err(error) = run() {
        println!("cargo::error={error}");
    }
}

fn run() -> Result<(), String> {
    let out = PathBuf::from(variable("OUT_DIR")?);
    install_target()?;
    let built = build(&out.join("plugins"))?;
    let entries: String = PLUGINS
        .iter()
        .map(|name| {
            let file = built.join(format!("codex_mesh_{name}.wasm"));
            format!(
                "    ({name:?}, include_bytes!({:?})),\n",
                file.display().to_string()
            )
        })
        .collect();
    let source = format!(
        "/// Name and component of each shipped plugin.\n\
         pub const COMPONENTS: &[(&str, &[u8])] = &[\n{entries}];\n"
    );
    fs::write(out.join("embedded.rs"), source).map_err(|error| error.to_string())
}

/// Where rustup does not install what `rust-toolchain.toml` names by itself, it is asked to.
fn install_target() -> Result<(), String> {
    if target_is_installed()? {
        return Ok(());
    }
    let missing = format!(
        "the target {TARGET} is missing, and the plugins are built for it. With rustup: `rustup \
         target add {TARGET}`. Without: install your distribution's standard library for it"
    );
    let added = Command::new("rustup")
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

fn target_is_installed() -> Result<bool, String> {
    let output = Command::new(variable("RUSTC")?)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|error| format!("rustc could not be run: {error}"))?;
    let folder = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(folder.trim()).is_dir())
}

/// Builds all plugins; the folder that has them.
fn build(target_folder: &Path) -> Result<PathBuf, String> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .args([
            "build",
            "--locked",
            "--profile",
            "plugin",
            "--target",
            TARGET,
        ])
        .arg("--target-dir");
    cargo.arg(target_folder);
    for name in PLUGINS {
        cargo.args(["--package", &format!("codex-mesh-{name}")]);
    }
    // The outer build's settings (flags, wrappers, the features and paths of this package) are
    // meant for the host, not for the guests.
    for (name, _) in env::vars() {
        if is_of_outer_build(&name) {
            cargo.env_remove(name);
        }
    }
    let output = cargo
        .output()
        .map_err(|error| format!("cargo could not be run: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).replace('\n', "\ncargo::error=");
        return Err(format!("the plugins do not build:\ncargo::error={said}"));
    }
    Ok(target_folder.join(TARGET).join("plugin"))
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

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("{name}: {error}"))
}
