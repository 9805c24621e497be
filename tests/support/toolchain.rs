//! Plugins that are not in Rust, built with the commands of their READMEs. The tools come from npm
//! and PyPI and are installed once for all tests; where npm or pip is missing, or does not reach its
//! registry, the tests that need them say so and do nothing.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use codex_mesh::sandbox::sha256;
use tempfile::TempDir;

use super::binary::without_our_settings;
use super::locked;

/// What builds the plugins of one language.
pub struct Toolchain {
    /// The language, as `plugin new` calls it.
    pub language: &'static str,
    /// The example in it, whose README says how the tools are installed …
    pub example: &'static str,
    /// … and the files of it that say which.
    pins: &'static [&'static str],
    /// Succeeds where there is what installs them.
    probe: &'static str,
    /// What to say where it does not.
    missing: &'static str,
    /// The folder of a project's sources.
    sources: &'static str,
    installed: OnceLock<Result<PathBuf, String>>,
    hostile: OnceLock<Result<Vec<u8>, Missing>>,
}

/// Why a test can't be run here.
pub type Missing = &'static str;

pub static JS: Toolchain = Toolchain {
    language: "js",
    example: "trends-js",
    pins: &["package.json", "package-lock.json"],
    probe: "npm --version",
    missing: "there is no npm",
    sources: "src",
    installed: OnceLock::new(),
    hostile: OnceLock::new(),
};

pub static PYTHON: Toolchain = Toolchain {
    language: "python",
    example: "trends-python",
    pins: &["requirements.txt"],
    probe: "python3 -c 'import ensurepip'",
    missing: "there is no python3 with pip (on Debian: python3-venv)",
    sources: "",
    installed: OnceLock::new(),
    hostile: OnceLock::new(),
};

/// Says, past the test runner that hides what passing tests print, why this test did nothing.
pub fn skipped(reason: Missing) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {reason}");
}

impl Toolchain {
    /// The example, built.
    pub fn example(&'static self) -> Result<Project, Missing> {
        let tree = tree();
        let folder = tree.path().join(self.folder());
        self.build(tree, folder)
    }

    /// The hostile guest in this language: the example with other sources.
    pub fn hostile(&'static self) -> Result<&'static [u8], Missing> {
        let built = self.hostile.get_or_init(|| {
            let tree = tree();
            let folder = tree.path().join(self.folder());
            let guest = root().join("tests/guests/hostile").join(self.language);
            copy(&guest, &folder.join(self.sources));
            let project = self.build(tree, folder)?;
            Ok(fs::read(&project.component).unwrap())
        });
        built.as_deref().map_err(|missing| *missing)
    }

    /// The project in this folder, built unless the same was built before, and compiled.
    pub fn build(&'static self, tree: TempDir, folder: PathBuf) -> Result<Project, Missing> {
        let installed = self.installed.get_or_init(|| self.install());
        let tools = installed.as_deref().map_err(String::as_str)?;
        let commands = Commands::of(&folder);
        assert_eq!(commands.install, self.install_commands());
        let (kept, _lock) = locked("other-languages");
        let kept = kept.join(format!("{}.wasm", digest(&folder)));
        let modules = tools.join("node_modules");
        if modules.exists() {
            symlink(modules, folder.join("node_modules")).unwrap();
        }
        let component = folder.join(&commands.component);
        if kept.exists() {
            fs::copy(&kept, &component).unwrap();
        } else {
            succeeds(&commands.build, &folder, tools);
            // All at once: the next run must not find half of it.
            let half = kept.with_extension("half");
            fs::copy(&component, &half).unwrap();
            fs::rename(half, &kept).unwrap();
        }
        // Here and once, or every test that needs it would compile it.
        let checked = succeeds(&commands.check, &folder, tools);
        Ok(Project {
            component,
            checked,
            commands,
            folder,
            tools,
            _tree: tree,
        })
    }

    /// Where the example is.
    fn folder(&self) -> PathBuf {
        Path::new("plugins/examples").join(self.example)
    }

    fn install_commands(&self) -> String {
        Commands::of(&root().join(self.folder())).install
    }

    /// The folder of the tools, or why there is none.
    fn install(&self) -> Result<PathBuf, String> {
        let (folder, _lock) = locked(&format!("tools-{}", self.language));
        if !run(self.probe, &folder, &folder).0 {
            return Err(self.missing.to_owned());
        }
        let commands = self.install_commands();
        let mut wanted = commands.clone();
        for pin in self.pins {
            let pinned = fs::read_to_string(root().join(self.folder()).join(pin)).unwrap();
            fs::write(folder.join(pin), &pinned).unwrap();
            wanted += &pinned;
        }
        let installed = folder.join("installed");
        if fs::read_to_string(&installed).is_ok_and(|there| there == wanted) {
            return Ok(folder);
        }
        let (succeeded, said) = run(&commands, &folder, &folder);
        if !succeeded && is_offline(&said) {
            let asks = commands.lines().last().unwrap();
            return Err(format!("`{asks}` does not reach its registry"));
        }
        assert!(succeeded, "{commands}\n{said}");
        fs::write(installed, wanted).unwrap();
        Ok(folder)
    }
}

/// A project that was built.
pub struct Project {
    /// Where its component is.
    pub component: PathBuf,
    /// What `codex-mesh plugin check` said of it.
    pub checked: String,
    folder: PathBuf,
    commands: Commands,
    tools: &'static Path,
    _tree: TempDir,
}

impl Project {
    /// Runs commands in its folder, where its tools and `codex-mesh` are found; what they said.
    pub fn run(&self, commands: &str) -> String {
        succeeds(commands, &self.folder, self.tools)
    }

    /// What its README says to test it with, run.
    pub fn test(&self) -> String {
        self.run(&self.commands.test)
    }
}

/// What a README says to type where nothing is done for you: in the last of its `sh` blocks.
struct Commands {
    install: String,
    build: String,
    check: String,
    test: String,
    /// What is built, by its name in the folder.
    component: String,
}

impl Commands {
    fn of(project: &Path) -> Self {
        let readme = fs::read_to_string(project.join("README.md")).unwrap();
        let (_, block) = readme.rsplit_once("```sh\n").unwrap();
        let lines: Vec<&str> = block.lines().take_while(|line| *line != "```").collect();
        let [install @ .., build, check, test] = &lines[..] else {
            panic!("not four lines: {lines:?}");
        };
        let component = check.strip_prefix("codex-mesh plugin check ").unwrap();
        assert!(test.starts_with("codex-mesh plugin test "), "{test}");
        Self {
            install: install.join("\n"),
            build: (*build).to_owned(),
            check: (*check).to_owned(),
            test: (*test).to_owned(),
            component: component.to_owned(),
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The contract and the examples, as deep as they are here: they name it by a relative path.
fn tree() -> TempDir {
    let tree = tempfile::tempdir().unwrap();
    for folder in ["wit", "plugins/examples"] {
        copy(&root().join(folder), &tree.path().join(folder));
    }
    tree
}

/// Every file in the folder, but what an author at work has installed or built in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if ["node_modules", ".venv", "__pycache__"].contains(&&*name) || name.ends_with(".wasm") {
            continue;
        }
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all.sort();
    all
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let copy = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(file, copy).unwrap();
    }
}

/// Of everything that a project's component is made of.
fn digest(folder: &Path) -> String {
    let mut all = fs::read(root().join("wit/mesh.wit")).unwrap();
    for file in files(folder) {
        let name = file.strip_prefix(folder).unwrap().display().to_string();
        let content = fs::read(&file).unwrap();
        all.extend(format!("\n{name} {}\n", content.len()).into_bytes());
        all.extend(content);
    }
    sha256(&all)
}

#[track_caller]
fn succeeds(commands: &str, folder: &Path, tools: &Path) -> String {
    let (succeeded, said) = run(commands, folder, tools);
    assert!(succeeded, "{commands}\n{said}");
    said
}

/// Whether these commands succeeded, and what they said.
fn run(commands: &str, folder: &Path, tools: &Path) -> (bool, String) {
    let ours = Path::new(env!("CARGO_BIN_EXE_codex-mesh")).parent();
    let mut path = vec![tools.join(".venv/bin"), ours.unwrap().to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let mut shell = Command::new("sh");
    without_our_settings(&mut shell);
    let output = shell
        .args(["-ec", commands])
        .current_dir(folder)
        .env("PATH", std::env::join_paths(path).unwrap())
        // A debug build of the compiler takes its time for an interpreter.
        .env("MESH_LIMITS__PLUGIN__COMPILE_MS", "900000")
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    (output.status.success(), said)
}

/// Whether it was the network: how npm and pip say that.
fn is_offline(said: &str) -> bool {
    const SIGNS: [&str; 8] = [
        "ENOTFOUND",
        "EAI_AGAIN",
        "ECONNREFUSED",
        "ECONNRESET",
        "ETIMEDOUT",
        "ERR_SOCKET_TIMEOUT",
        "Failed to establish a new connection",
        "timed out",
    ];
    SIGNS.iter().any(|sign| said.contains(sign))
}
