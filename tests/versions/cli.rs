//! What operators do, from the shell.

use std::process::{Command, Output};

use super::{current, echo};
use crate::support::{TestApp, assert_has, folder};

pub async fn mesh(app: &TestApp, args: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codex-mesh"));
    command
        .args(["plugin"])
        .args(args)
        .env("MESH_URL", &app.url);
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output {
        status,
        stdout,
        stderr,
    } = run.await.unwrap();
    let said = [stdout, stderr].concat();
    (status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_is_pushed_activated_rolled_back_and_removed() {
    let app = TestApp::start().await;
    let ((one, first), (two, second)) = (echo(1), echo(2));
    let files = folder([("one.wasm", one.as_slice()), ("two.wasm", two.as_slice())]);
    let file = |name: &str| files.path().join(name).display().to_string();
    let (ok, said) = mesh(&app, &["push", &file("one.wasm"), "--activate"]).await;
    assert!(ok, "{said}");
    assert_has(&said, &["echo-check 0.3.1", &first, "activated"]);
    assert_eq!(current(&app).await, first);
    let (ok, said) = mesh(&app, &["push", &file("two.wasm")]).await;
    assert!(ok, "{said}");
    assert_has(
        &said,
        &[&second, "codex-mesh plugin activate echo-check --sha256"],
    );
    assert_eq!(current(&app).await, first);

    let (ok, said) = mesh(&app, &["activate", "echo-check", "--sha256", &second]).await;
    assert!(ok, "{said}");
    assert_eq!(current(&app).await, second);
    let (ok, said) = mesh(&app, &["list", "echo-check"]).await;
    assert!(ok, "{said}");
    assert_has(&said, &["* 0.3.1", &first, &second, "1 open plans"]);
    let (ok, said) = mesh(&app, &["rollback", "echo-check"]).await;
    assert!(ok, "{said}");
    assert_eq!(current(&app).await, first);
    let (ok, said) = mesh(&app, &["remove", "echo-check", &first]).await;
    assert!(!ok);
    assert_has(&said, &["error", "new plans get it"]);
    let (ok, said) = mesh(&app, &["deactivate", "echo-check"]).await;
    assert!(ok && !said.contains('*'), "{said}");
    let (ok, said) = mesh(&app, &["list"]).await;
    assert!(
        ok && said.contains("srl") && !said.contains("echo-check"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_said() {
    let app = TestApp::start().await;
    let core = folder([("core.wasm", b"\0asm\x01\0\0\0".as_slice())]);
    let file = core.path().join("core.wasm").display().to_string();
    for (args, parts) in [
        (vec!["push", &file], ["refused", "core WebAssembly module"]),
        (
            vec!["push", "/nowhere.wasm"],
            ["can't read", "/nowhere.wasm"],
        ),
        (
            vec!["activate", "srl", "--version", "7.7.7"],
            ["srl", "7.7.7"],
        ),
        (vec!["rollback", "srl"], ["srl", "nothing to roll back"]),
        (vec!["list", "nothing"], ["nothing", "not loaded"]),
    ] {
        let (ok, said) = mesh(&app, &args).await;
        assert!(!ok, "{said}");
        assert_has(&said, &parts);
    }
}
