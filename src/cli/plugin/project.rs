//! The project of a plugin, in one of the languages of `plugin new`: what it is built with, and
//! what comes of that.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::process::Command;

use super::build;
use super::new::Language;

/// A plugin's project.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) folder: PathBuf,
    language: Language,
}

impl Project {
    /// The project in this folder.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let marks = [
            ("Cargo.toml", Language::Rust),
            ("package.json", Language::Js),
            ("app.py", Language::Python),
        ];
        let is_there = |(file, _): &&(&str, Language)| folder.join(file).is_file();
        let Some((_, language)) = marks.iter().find(is_there) else {
            bail!(
                "{} has no Cargo.toml, package.json or app.py: it is no plugin's project. \
                 `codex-mesh plugin new NAME` makes one",
                folder.display()
            );
        };
        Ok(Self {
            // Whatever a tool that runs in it takes a path to be relative to.
            folder: folder.canonicalize()?,
            language: *language,
        })
    }

    /// Where its cases are.
    pub(super) fn cases(&self) -> PathBuf {
        self.folder.join("cases")
    }

    /// Builds it, as the README.md of a new project says: the component. What the tools say goes to stderr.
    pub(super) async fn build(&self) -> anyhow::Result<PathBuf> {
        match self.language {
            Language::Rust => {
                let components = build::components(&self.folder, None).await?;
                components.into_iter().next().context("cargo made nothing")
            }
            Language::Js => {
                let remedy = "install Node.js, which brings it";
                if !self.folder.join("node_modules").is_dir() {
                    self.run("npm", &["install"], remedy).await?;
                }
                self.run("npm", &["run", "build"], remedy).await?;
                self.newest_component()
            }
            Language::Python => {
                let name = self.folder.file_name().context("the folder has no name")?;
                let file = format!("{}.wasm", name.display());
                let mut args = "-d wit -w step-plugin componentize app --stub-wasi -o"
                    .split(' ')
                    .collect::<Vec<_>>();
                args.push(&file);
                let program = self.componentize_py().await?;
                let remedy = "`pip install -r requirements.txt` brings it";
                self.run(&program, &args, remedy).await?;
                Ok(self.folder.join(&file))
            }
        }
    }

    /// The one of this shell, else the project's own, which is installed if it is missing.
    async fn componentize_py(&self) -> anyhow::Result<String> {
        const NAME: &str = "componentize-py";
        let path = env::var_os("PATH").unwrap_or_default();
        if env::split_paths(&path).any(|folder| folder.join(NAME).is_file()) {
            return Ok(NAME.to_owned());
        }
        let programs = self.folder.join(".venv/bin");
        let shown = |name: &str| programs.join(name).display().to_string();
        if !programs.join(NAME).is_file() {
            let remedy = "install Python 3 with venv (Debian: python3-venv)";
            self.run("python3", &["-m", "venv", ".venv"], remedy)
                .await?;
            let install = ["install", "-r", "requirements.txt"];
            self.run(&shown("pip"), &install, remedy).await?;
        }
        Ok(shown(NAME))
    }

    async fn run(&self, program: &str, args: &[&str], remedy: &str) -> anyhow::Result<()> {
        let mut command = Command::new(program);
        // A host's secrets may be among its variables, and are nothing for a package's scripts.
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("MESH_") {
                command.env_remove(name);
            }
        }
        let ended = command
            .args(args)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(std::io::stderr())
            .kill_on_drop(true)
            .status()
            .await
            .with_context(|| format!("{program} could not be run: {remedy}"))?;
        if !ended.success() {
            let args = args.join(" ");
            bail!("`{program} {args}` failed; it says why above");
        }
        Ok(())
    }

    /// What the build script of `package.json` made, under whatever name.
    fn newest_component(&self) -> anyhow::Result<PathBuf> {
        let mut newest = None;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|kind| kind == "wasm") {
                let changed = fs::metadata(&path)?.modified()?;
                newest = newest.max(Some((changed, path)));
            }
        }
        let (_, component) = newest.with_context(|| {
            let folder = self.folder.display();
            format!("the build script of {folder}/package.json made no *.wasm in that folder")
        })?;
        Ok(component)
    }
}
