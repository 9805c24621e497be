//! The guests under `tests/guests`, built once for all tests by a cargo of their own, and the
//! plugins that are not embedded, built once by `codex-mesh plugin build`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use codex_mesh::guest_build;
use tempfile::TempDir;

use super::{Binary, TestApp, TestAppBuilder};

const GUESTS: [&str; 8] = [
    "clock",
    "hostile",
    "echo-check",
    "follower",
    "future",
    "strict-srl",
    "networked",
    "payer",
];

/// The step kinds that were shipped with the first contract.
const FROZEN: [&str; 9] = [
    "autonomy",
    "srl",
    "hardening",
    "workflow",
    "simulation",
    "ops",
    "strategy",
    "trends",
    "campaign",
];

/// The component of a guest.
pub fn guest(name: &str) -> &'static [u8] {
    static BUILT: OnceLock<BTreeMap<&str, Vec<u8>>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let packages = GUESTS.map(|name| (name, format!("guest-{name}")));
        build(".", &packages)
    });
    &built[name]
}

/// The components of the step kinds as they were when the contract was `codex:mesh@1.0.0`, by kind:
/// built of their first sources and with their first dependencies.
pub fn frozen() -> &'static BTreeMap<&'static str, Vec<u8>> {
    static BUILT: OnceLock<BTreeMap<&str, Vec<u8>>> = OnceLock::new();
    BUILT.get_or_init(|| {
        let packages = FROZEN.map(|kind| (kind, format!("codex-mesh-{kind}")));
        build("tests/contract/1.0.0", &packages)
    })
}

/// What `codex-mesh plugin build` made of `plugins/trends` and `plugins/campaign`.
pub struct Built {
    /// Where it put them.
    pub folder: PathBuf,
    /// What it said on stdout.
    pub said: String,
    /// Everything in the folder, by name.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// The plugins that are not embedded.
pub fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(build_with_the_command)
}

/// A host with the plugins that are not embedded.
pub async fn start_built() -> TestApp {
    let files = &built().files;
    let files = files.iter().map(|(name, bytes)| (&**name, &**bytes));
    let granted = ["reads", "POST /campaign/*"];
    start_with(
        TestApp::builder().grant("campaign", "campaign", &granted),
        files,
    )
    .await
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

/// A host with the hostile guest, which may ask its service for everything.
pub async fn start_hostile(builder: TestAppBuilder) -> TestApp {
    start_hostile_as(guest("hostile"), builder).await
}

/// The same with this component of it.
pub async fn start_hostile_as(component: &[u8], builder: TestAppBuilder) -> TestApp {
    let builder = may_ask_for_everything(builder);
    start_with(builder, [("hostile.wasm", component)]).await
}

/// Grants the hostile guest everything of its service, and the headers that it tries.
pub fn may_ask_for_everything(builder: TestAppBuilder) -> TestAppBuilder {
    let everything = ["GET /*", "POST /*", "PUT /*", "PATCH /*", "DELETE /*"];
    let numbered: Vec<String> = (0..32).map(|n| format!("x-{n}")).collect();
    let numbered = numbered.iter().map(String::as_str);
    let headers: Vec<&str> = numbered.chain(["authorization", "x-team"]).collect();
    let builder = builder.grant("hostile", "srl", &everything);
    builder.grant_headers("hostile", "srl", &headers)
}

/// Builds packages of a workspace; their components, by name.
fn build(workspace: &str, packages: &[(&'static str, String)]) -> BTreeMap<&'static str, Vec<u8>> {
    let (target_folder, _lock) = locked("guests");
    run_cargo(workspace, packages, &target_folder);
    let built = target_folder.join(guest_build::TARGET).join("plugin");
    packages
        .iter()
        .map(|(name, package)| (*name, read(&built, package)))
        .collect()
}

fn build_with_the_command() -> Built {
    let (target_folder, _lock) = locked("plugin-build");
    let folder = target_folder.join("plugins.d");
    // What an earlier run left would be taken for what this one builds.
    let _ = fs::remove_dir_all(&folder);
    let mut command = Binary::bare()
        .args(&["plugin", "build", "plugins/trends", "plugins/campaign"])
        .arg("--out")
        .arg(&folder)
        .arg("--target-dir")
        .arg(&target_folder)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .spawn();
    // Not `ended`: the first build compiles everything, which may take its time.
    let said = command.stdout.rest();
    let status = command.ended();
    assert!(status.success(), "{status}: {}", command.stderr.rest());
    let files = fs::read_dir(&folder).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    });
    Built {
        files: files.collect(),
        folder,
        said,
    }
}

/// A folder for a cargo of its own, and what keeps other test runs away: they must not replace a
/// file while it is read here.
pub fn locked(name: &str) -> (PathBuf, File) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("tests.lock")).unwrap();
    lock.lock().unwrap();
    (folder, lock)
}

fn read(built: &Path, package: &str) -> Vec<u8> {
    let file: PathBuf = built.join(format!("{}.wasm", package.replace('-', "_")));
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn run_cargo(workspace: &str, packages: &[(&str, String)], target_folder: &Path) {
    let mut cargo = guest_build::cargo(env!("CARGO"));
    cargo
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(workspace))
        .args(["--locked", "--profile", "plugin", "--target-dir"])
        .arg(target_folder);
    for (_, package) in packages {
        cargo.args(["--package", package]);
    }
    let output = cargo.output().unwrap();
    assert!(
        output.status.success(),
        "the guests in {workspace} do not build:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
