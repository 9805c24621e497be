//! `codex-mesh plugin dev`, and the two commands before it: from nothing to a plugin that serves
//! plans, and what is changed is swapped in while the host runs.

mod tools;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use super::named;
use super::new::{new, well};
use crate::support::{Binary, BinaryBuilder, Ended, Port, TestApp, assert_has, locked, within};

/// A project that `plugin new` made, in Rust. It is built with what was built here before.
struct Author {
    folder: TempDir,
    _lock: File,
}

impl Author {
    fn begins() -> Self {
        let (target, lock) = locked("plugin-new");
        let folder = tempdir().unwrap();
        let author = Self {
            folder,
            _lock: lock,
        };
        well(new("my-step", &author.project()));
        // Nothing is downloaded.
        let versions = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
        fs::copy(versions, author.project().join("Cargo.lock")).unwrap();
        let cargo = format!("[build]\ntarget-dir = {target:?}\n[net]\noffline = true\n");
        fs::create_dir(author.project().join(".cargo")).unwrap();
        fs::write(author.project().join(".cargo/config.toml"), cargo).unwrap();
        author
    }

    fn project(&self) -> PathBuf {
        self.folder.path().join("my-step")
    }

    fn command(&self, command: &str) -> BinaryBuilder {
        let command = Binary::bare().args(&["plugin", command, "my-step"]);
        command.current_dir(self.folder.path())
    }

    fn dev(&self, url: &str, args: &[&str]) -> BinaryBuilder {
        self.command("dev").args(&["--url", url]).args(args)
    }

    fn once(&self, url: &str) -> Ended {
        self.dev(url, &["--once"]).ends()
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let file = self.project().join(file);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "no {from:?} in {text}");
        fs::write(file, text.replace(from, to)).unwrap();
    }
}

/// What new plans get of the kind.
async fn offered(app: &TestApp) -> Value {
    let (_, plugins) = app.get("/plugins").await;
    named(&plugins, "my-step").clone()
}

/// Waits until new plans get a version that calls itself so; its digest.
async fn serves(app: &TestApp, label: &str) -> String {
    within(async {
        loop {
            let plugin = offered(app).await;
            if plugin["label"] == label {
                return plugin["sha256"].as_str().unwrap().to_owned();
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
}

/// How many cases a project has.
fn cases(project: &Path) -> usize {
    let files = fs::read_dir(project.join("cases")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".json")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_commands_lead_from_nothing_to_a_plugin_that_serves_plans() {
    let author = Author::begins();
    let said = well(author.command("test"));
    let cases = cases(&author.project());
    assert_eq!(said.matches("ok  ").count(), cases, "{said}");

    let app = TestApp::start().await;
    let ended = author.once(&app.url);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let plugin = offered(&app).await;
    let sha256 = plugin["sha256"].as_str().unwrap();
    let kilobytes = plugin["size"].as_u64().unwrap().div_ceil(1_000);
    assert_eq!(ended.stdout.lines().count(), 1, "{}", ended.stdout);
    assert_has(
        &ended.stdout,
        &[
            &format!("built {kilobytes} KB in "),
            &format!(" s · {cases} cases passed · my-step 0.1.0 ("),
            &format!("({}…) serves new plans", &sha256[..12]),
        ],
    );
    let plan = app.create(&json!({"steps": [{"kind": "my-step"}]})).await;
    assert_eq!(app.run(&plan).await["status"], "DONE");

    // The same once more changes nothing.
    let ended = author.once(&app.url);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (_, versions) = app.get("/plugins/my-step").await;
    assert_eq!(versions["versions"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_good_leaves_the_host_alone() {
    let author = Author::begins();
    well(author.command("test"));
    let port = Port::reserve();
    let ended = author.once(&port.url());
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_has(
        &ended.stderr,
        &["cases passed · no host answers at", "`codex-mesh dev`"],
    );

    let app = TestApp::start().await;
    let service = (
        "const SERVICE: &str = \"srl\"",
        "const SERVICE: &str = \"x\"",
    );
    let limit = ("const DEFAULT: u64 = 10", "const DEFAULT: u64 = 11");
    let syntax = ("pub struct Plugin;", "pub struct Plugin");
    for ((from, to), expected) in [
        (
            service,
            ["the service \"x\" is not configured", "would not load"],
        ),
        (limit, ["+       \"limit\": 11", "cases failed"]),
        (syntax, ["src/lib.rs", "does not build"]),
    ] {
        author.edit("src/lib.rs", from, to);
        let ended = author.once(&app.url);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_has(&(ended.stdout + &ended.stderr), &expected);
        author.edit("src/lib.rs", to, from);
    }
    let (status, _) = app.get("/plugins/my-step").await;
    assert_eq!(status, 404, "the host got one of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_swapped_in_while_the_host_runs() {
    let author = Author::begins();
    well(author.command("test"));
    let port = Port::reserve();
    let mut dev = author.dev(&port.url(), &[]).spawn();
    dev.stdout.with("until Ctrl-C");
    dev.stdout.with("no host answers at");
    let address = port.address();
    let app = TestApp::builder()
        .configure(move |config| config.listen = address)
        .start()
        .await;
    dev.stdout.with("my-step 0.1.0");
    let first = serves(&app, "My step").await;

    // The same version number.
    author.edit("src/lib.rs", "\"My step\"", "\"Changed\"");
    dev.stdout.with("serves new plans");
    let second = serves(&app, "Changed").await;
    assert_ne!(first, second);

    author.edit("src/lib.rs", "pub struct Plugin;", "pub struct Plugin");
    dev.stdout.with("nothing was swapped in");
    dev.stderr.with("src/lib.rs");
    dev.stderr.with("does not build");
    assert_eq!(offered(&app).await["sha256"], second.as_str());
    author.edit("src/lib.rs", "\"Changed\"", "\"Mended\"");
    author.edit("src/lib.rs", "pub struct Plugin", "pub struct Plugin;");
    let third = serves(&app, "Mended").await;

    author.edit("cases/answered.json", "\"limit\": 10", "\"limit\": 11");
    dev.stdout.with("FAILED  an answer is the result");
    dev.stdout.with("nothing was swapped in");
    dev.stderr.with("1 of");
    author.edit("src/lib.rs", "\"Mended\"", "\"Untested\"");
    dev.stdout.with("nothing was swapped in");
    assert_eq!(offered(&app).await["sha256"], third.as_str());
    author.edit("cases/answered.json", "\"limit\": 11", "\"limit\": 10");
    serves(&app, "Untested").await;

    dev.signal("INT");
    assert_eq!(dev.ended().code(), Some(0));
    assert_has(&dev.stdout.rest(), &["stopped"]);
}
