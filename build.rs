//! Builds the shipped plugins for `wasm32-wasip2` with a cargo of its own, and embeds them.

// A module of the library as well, which is why it has public items.
#[allow(unreachable_pub)]
#[path = "src/guest_build.rs"]
mod guest_build;

use std::path::{Path, PathBuf};
use std::{env, fs};

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
    for path in [
        "build.rs",
        "src/guest_build.rs",
        "wit",
        "plugins/sdk",
        "Cargo.toml",
        "Cargo.lock",
    ] {
        println!("cargo::rerun-if-changed={path}");
    }
    // The other plugins, and all cases, are none of the host's: a change of them need not build it
    // again.
    for name in PLUGINS {
        println!("cargo::rerun-if-changed=plugins/{name}/Cargo.toml");
        println!("cargo::rerun-if-changed=plugins/{name}/src");
    }
    if let Err(error) = run() {
        println!("cargo::error={error}");
    }
}

fn run() -> Result<(), String> {
    let out = PathBuf::from(variable("OUT_DIR")?);
    guest_build::install_target(variable("RUSTC")?, Path::new("."))?;
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

/// Builds all plugins; the folder that has them.
fn build(target_folder: &Path) -> Result<PathBuf, String> {
    let mut cargo = guest_build::cargo(variable("CARGO")?);
    cargo.args(["--locked", "--profile", "plugin", "--target-dir"]);
    cargo.arg(target_folder);
    for name in PLUGINS {
        cargo.args(["--package", &format!("codex-mesh-{name}")]);
    }
    let output = cargo
        .output()
        .map_err(|error| format!("cargo could not be run: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).replace('\n', "\ncargo::error=");
        return Err(format!("the plugins do not build:\ncargo::error={said}"));
    }
    Ok(target_folder.join(guest_build::TARGET).join("plugin"))
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("{name}: {error}"))
}
