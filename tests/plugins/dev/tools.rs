//! Projects whose tools stand in for the real ones: what is run in each language, and what becomes
//! of many versions, of which building real ones would take too long.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use super::super::new::{new, well};
use crate::support::{Binary, BinaryBuilder, TestApp, assert_has, within};
use crate::versions::echo;

/// A project, with tools of its own.
struct Project {
    folder: TempDir,
}

impl Project {
    /// With these files, which are empty.
    fn with(files: &[&str]) -> Self {
        let project = Self {
            folder: tempdir().unwrap(),
        };
        fs::create_dir(project.path("my-step")).unwrap();
        fs::create_dir(project.path("tools")).unwrap();
        for file in files {
            fs::write(project.path("my-step").join(file), "").unwrap();
        }
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A tool that notes how it was called, and then does this.
    fn tool(&self, name: &str, script: &str) {
        let file = self.path("tools").join(name);
        let log = self.path("log");
        let script = format!(
            "#!/bin/sh\necho \"{name} $*\" >> '{}'\n{script}\n",
            log.display()
        );
        fs::write(&file, script).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What the tools make.
    fn makes(&self, component: &[u8]) {
        let aside = self.path("aside");
        fs::write(&aside, component).unwrap();
        fs::rename(aside, self.path("my-step/component.bin")).unwrap();
    }

    /// How the tools were called.
    fn log(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    fn dev(&self, url: &str) -> BinaryBuilder {
        let path = std::env::var("PATH").unwrap();
        Binary::bare()
            .args(&["plugin", "dev", "my-step", "--url", url])
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", self.path("tools").display()))
            .env("MESH_SECRETS__TOKEN", "s3cr3t-value")
    }
}

/// It builds nothing where it is told what is a host's.
const NPM: &str = "env | grep -q ^MESH_SECRETS && exit 9; case $1 in install) mkdir node_modules ;; *) cp component.bin any.wasm ;; esac";

#[tokio::test(flavor = "multi_thread")]
async fn a_javascript_project_is_built_by_its_script() {
    let app = TestApp::start().await;
    let project = Project::with(&["package.json"]);
    project.tool("npm", NPM);
    let (component, digest) = echo(1);
    project.makes(&component);
    for _ in 0..2 {
        let ended = project.dev(&app.url).arg("--once").ends();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let expected = format!("no cases · echo-check 0.3.1 ({}…)", &digest[..12]);
        assert_has(&ended.stdout, &[&expected]);
    }
    // What is there already is not installed again.
    assert_eq!(
        project.log(),
        ["npm install", "npm run build", "npm run build"]
    );

    project.tool("npm", "echo 'the tool has its reasons'; exit 3");
    let ended = project.dev(&app.url).arg("--once").ends();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_has(
        &ended.stderr,
        &["the tool has its reasons", "`npm run build` failed"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_project_is_built_as_its_readme_says() {
    let app = TestApp::start().await;
    let project = Project::with(&["app.py"]);
    project.tool("componentize-py", "cp component.bin my-step.wasm");
    project.makes(&echo(1).0);
    let ended = project.dev(&app.url).arg("--once").ends();
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let made = project.path("made/my-step");
    well(new("my-step", &made).args(&["--lang", "python"]));
    let readme = fs::read_to_string(made.join("README.md")).unwrap();
    let command = &project.log()[0];
    assert!(readme.lines().any(|line| line == command), "{command}");

    // The project's own is taken where there is one.
    let own = project.path("my-step/.venv/bin");
    fs::create_dir_all(&own).unwrap();
    fs::rename(
        project.path("tools/componentize-py"),
        own.join("componentize-py"),
    )
    .unwrap();
    project.makes(&echo(2).0);
    let ended = project.dev(&app.url).arg("--once").ends();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_built_says_what_to_do() {
    let project = Project::with(&[]);
    let (code, said) = project.dev("http://127.0.0.1:1").fails();
    assert_eq!(code, Some(1), "{said}");
    assert_has(
        &said,
        &["my-step has no Cargo.toml", "codex-mesh plugin new"],
    );
    for (file, remedy) in [
        ("package.json", "install Node.js"),
        ("app.py", "install Python 3"),
    ] {
        let project = Project::with(&[file]);
        let dev = project.dev("http://127.0.0.1:1").arg("--once");
        let (code, said) = dev.env("PATH", "").fails();
        assert_eq!(code, Some(1), "{said}");
        assert_has(&said, &["could not be run", remedy]);
    }
}

/// The digests of what the host has, and the one that new plans get.
async fn kept(app: &TestApp) -> (Vec<String>, Option<String>) {
    let (status, answer) = app.get("/plugins/echo-check").await;
    assert_eq!(status, 200, "{answer}");
    let versions = answer["versions"].as_array().unwrap();
    let digest = |version: &Value| version["sha256"].as_str().unwrap().to_owned();
    let active = versions.iter().find(|version| version["active"] == true);
    (versions.iter().map(digest).collect(), active.map(digest))
}

/// As many as a rollback may lead back to are kept, and what somebody else sent.
#[tokio::test(flavor = "multi_thread")]
async fn versions_that_nobody_needs_do_not_pile_up() {
    let app = TestApp::start().await;
    let (others, other) = echo(200);
    assert_eq!(app.upload(&others).await.0, 200);
    let project = Project::with(&["package.json"]);
    project.tool("npm", NPM);
    project.makes(&echo(0).0);
    let _dev = project.dev(&app.url).spawn();
    let mut digests = Vec::new();
    for number in 0..13 {
        let (component, digest) = echo(number);
        project.makes(&component);
        within(async {
            while kept(&app).await.1.as_ref() != Some(&digest) {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        })
        .await;
        digests.push(digest);
    }
    within(async {
        loop {
            let (kept, _) = kept(&app).await;
            assert!(kept.contains(&other), "it was not ours to remove");
            if digests[..3].iter().all(|digest| !kept.contains(digest)) {
                assert!(digests[3..].iter().all(|digest| kept.contains(digest)));
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
}
