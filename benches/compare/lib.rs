//! Builds the Extism plugin that is compared with.

use std::path::Path;
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";

/// The `srl` step kind as an Extism plugin, built as the shipped components are.
///
/// # Panics
/// When it can't be built; cargo has said why.
pub fn extism_guest() -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = folder.join("target/guest");
    // Where there is no rustup the target may be there all the same.
    let _ = Command::new("rustup")
        .args(["target", "add", TARGET])
        .status();
    let built = Command::new("cargo")
        .args([
            "build",
            "--release",
            "--locked",
            "--target",
            TARGET,
            "--target-dir",
        ])
        .arg(&target)
        .current_dir(folder.join("guest"))
        .status();
    assert!(
        built.is_ok_and(|status| status.success()),
        "the guest can't be built"
    );
    let file = target
        .join(TARGET)
        .join("release/codex_mesh_compare_guest.wasm");
    std::fs::read(file).expect("cargo made it")
}
