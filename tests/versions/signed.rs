//! `require_signature`: beside the embedded components only what is signed by a listed key is loaded,
//! wherever it comes from.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::cli::mesh;
use super::watched::{put, serves};
use super::{activate, current, echo, new_plan};
use crate::support::{Binary, Raw, Signer, TestApp, TestAppBuilder, assert_has, folder, within};

/// A host with these lists.
fn requiring(keys: &[&Signer], digests: &[&str]) -> TestAppBuilder {
    let keys = keys.iter().map(|signer| signer.key()).collect();
    let digests = digests.iter().map(|digest| (*digest).to_owned()).collect();
    TestApp::builder().configure(|config| {
        config.require_signature = keys;
        config.require_sha256 = digests;
    })
}

/// The signature of this component on the shelf, if there is one.
fn kept(data: &Path, digest: &str) -> Option<String> {
    fs::read_to_string(data.join(format!("plugins/{digest}.wasm.minisig"))).ok()
}

fn error(answer: &Value) -> &str {
    answer["error"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_a_listed_key_signed_is_taken() {
    let (ours, also_ours, other) = (Signer::new(1), Signer::new(2), Signer::new(3));
    let app = requiring(&[&ours, &also_ours], &[]).start().await;
    let ((one, first), (two, second)) = (echo(1), echo(2));
    let signature = ours.sign(&one);
    let mut changed = one.clone();
    *changed.last_mut().unwrap() ^= 1;
    let comment = signature.replace("1795400000", "1795400001");
    let cases: [(&[u8], Option<&str>, &str); 9] = [
        (&one, None, "no signature"),
        (
            &one,
            Some(&other.sign(&one)),
            "by no key in require_signature",
        ),
        (&changed, Some(&signature), "does not fit it"),
        (&two, Some(&signature), "does not fit it"),
        (&one, Some(&comment), "does not fit it"),
        (
            &one,
            Some(&ours.sign_unhashed(&one)),
            "not of the hashed kind",
        ),
        (
            &one,
            Some("not a signature"),
            "not in the format of minisign",
        ),
        (&one, Some(""), "not in the format of minisign"),
        (&one, Some(&signature.repeat(20)), "up to 4096 bytes"),
    ];
    for (component, signature, part) in cases {
        let (status, answer) = app.upload_signed(component, signature).await;
        assert_eq!(status, 400, "{signature:?}: {answer}");
        assert_has(error(&answer), &[part]);
        let (status, _) = app.get("/plugins/echo-check").await;
        assert_eq!(status, 404, "{signature:?}: something was kept");
    }
    assert_eq!(kept(app.data.path(), &first), None);
    for (component, signer, digest) in [(&one, &ours, &first), (&two, &also_ours, &second)] {
        let signature = signer.sign(component);
        let (status, answer) = app.upload_signed(component, Some(&signature)).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(kept(app.data.path(), digest), Some(signature));
    }
    activate(&app, &first).await;
    let plan = app.run(&new_plan(&app).await.unwrap()).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_is_no_base64_is_named() {
    let app = TestApp::start().await;
    let (status, answer) = app.upload_with(&echo(1).0, "plugin-signature", "%").await;
    assert_eq!(status, 400, "{answer}");
    assert_has(error(&answer), &["plugin-signature", "base64", ".minisig"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_version_is_as_good_as_its_signature() {
    let (ours, other) = (Signer::new(1), Signer::new(2));
    let (component, digest) = echo(1);
    let app = requiring(&[&ours], &[]).start().await;
    let signature = ours.sign(&component);
    app.upload_signed(&component, Some(&signature)).await;
    activate(&app, &digest).await;
    let [first, second] = [new_plan(&app).await.unwrap(), new_plan(&app).await.unwrap()];

    let app = requiring(&[&ours], &[])
        .data(app.stop().await)
        .start()
        .await;
    assert_eq!(app.run(&first).await["status"], "DONE");

    let app = requiring(&[&other], &[])
        .data(app.stop().await)
        .start()
        .await;
    assert_has(&new_plan(&app).await.unwrap_err(), &["does not load"]);
    let plan = app.step(&second).await;
    assert_eq!(plan["status"], "ERROR", "{plan:#}");
    assert_has(
        plan["steps"][0]["error"].as_str().unwrap(),
        &[
            "kept version of echo-check",
            "by no key in require_signature",
        ],
    );

    // Back on the list, and let go of.
    let app = requiring(&[&ours], &[])
        .data(app.stop().await)
        .start()
        .await;
    let retry = serde_json::json!({"planId": second["id"]});
    assert_eq!(app.post("/mesh/retry", &retry).await.0, 200);
    assert_eq!(app.run(&app.plan(&second).await).await["status"], "DONE");
    let rollback = serde_json::json!({});
    assert_eq!(
        app.post("/plugins/echo-check/rollback", &rollback).await.0,
        200
    );
    assert!(kept(app.data.path(), &digest).is_some());
    let path = format!("/plugins/echo-check/{digest}");
    let (status, answer) = app.request("DELETE", &path).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(kept(app.data.path(), &digest), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn either_list_is_enough() {
    let ours = Signer::new(1);
    let ((listed, digest), (signed, _), (neither, other)) = (echo(1), echo(2), echo(3));
    let app = requiring(&[&ours], &[&digest]).start().await;
    let (status, answer) = app.upload(&listed).await;
    assert_eq!(status, 200, "{answer}");
    let (status, answer) = app.upload_signed(&signed, Some(&ours.sign(&signed))).await;
    assert_eq!(status, 200, "{answer}");
    let (status, answer) = app.upload(&neither).await;
    assert_eq!(status, 400, "{answer}");
    let parts = [&*other, "not in require_sha256", "no signature"];
    assert_has(error(&answer), &parts);
}

/// A host that wants signatures, and watches a folder with these files.
async fn watching<'a>(
    ours: &Signer,
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> (TestApp, TempDir) {
    let plugins = folder(files);
    let path = plugins.path().to_owned();
    let app = requiring(&[ours], &[]).configure(move |config| config.plugins_dir = Some(path));
    (app.start().await, plugins)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_in_the_folder_counts_when_it_is_there() {
    let ours = Signer::new(1);
    let ((one, first), (two, second)) = (echo(1), echo(2));
    let signature = ours.sign(&one);
    let files = [
        ("echo.wasm", &*one),
        ("echo.wasm.minisig", signature.as_bytes()),
    ];
    let (app, plugins) = watching(&ours, files).await;
    serves(&app, Some(&first)).await;
    assert_eq!(kept(app.data.path(), &first), Some(signature));

    // Another component, with a signature that is none, changes nothing.
    put(plugins.path(), "echo.wasm.minisig", &[b'x'; 5_000]);
    put(plugins.path(), "echo.wasm", &two);
    // What comes after it is served: so it was looked at.
    let marker = Raw::new("marker").component();
    let signature = ours.sign(&marker);
    put(plugins.path(), "marker.wasm.minisig", signature.as_bytes());
    put(plugins.path(), "marker.wasm", &marker);
    within(async {
        while app.get("/plugins/marker").await.0 != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(current(&app).await, first);

    let signature = ours.sign(&two);
    put(plugins.path(), "echo.wasm.minisig", signature.as_bytes());
    serves(&app, Some(&second)).await;
    assert_eq!(kept(app.data.path(), &second), Some(signature));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_waits_in_the_folder_for_its_signature() {
    let ours = Signer::new(1);
    let (component, digest) = echo(1);
    let (app, plugins) = watching(&ours, [("echo.wasm", &*component)]).await;
    // It was looked at when the host started, and refused.
    assert_has(&new_plan(&app).await.unwrap_err(), &["not loaded"]);
    let signature = ours.sign(&component);
    put(plugins.path(), "echo.wasm.minisig", signature.as_bytes());
    serves(&app, Some(&digest)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn push_sends_the_signature_beside_the_file() {
    let ours = Signer::new(1);
    let app = requiring(&[&ours], &[]).start().await;
    let (component, digest) = echo(1);
    let files = folder([("echo.wasm", &*component)]);
    let file = files.path().join("echo.wasm").display().to_string();
    let (ok, said) = mesh(&app, &["push", &file]).await;
    assert!(!ok, "{said}");
    assert_has(&said, &["no signature"]);
    let signature = files.path().join("echo.wasm.minisig");
    fs::write(&signature, ours.sign(&component)).unwrap();
    let (ok, said) = mesh(&app, &["push", &file, "--activate"]).await;
    assert!(ok, "{said}");
    serves(&app, Some(&digest)).await;

    fs::write(&signature, [b'x'; 5_000]).unwrap();
    let (ok, said) = mesh(&app, &["push", &file]).await;
    assert!(!ok, "{said}");
    assert_has(&said, &["echo.wasm.minisig", "more than 4096 bytes"]);
}

#[test]
fn check_says_whether_the_signature_fits() {
    let (ours, other) = (Signer::new(1), Signer::new(2));
    let (component, _) = echo(1);
    let signature = ours.sign(&component);
    let files = folder([
        ("echo.wasm", &*component),
        ("echo.wasm.minisig", signature.as_bytes()),
        ("bare.wasm", &*component),
    ]);
    let ours_fits = format!("signature by {}", ours.key());
    let cases: [(&str, Option<String>, bool, &[&str]); 4] = [
        (
            "echo.wasm",
            Some(ours.key()),
            true,
            &[&ours_fits, "would load it"],
        ),
        (
            "echo.wasm",
            Some(other.key()),
            false,
            &["PROBLEM", "by no key", "minisign -S"],
        ),
        (
            "bare.wasm",
            Some(ours.key()),
            false,
            &["PROBLEM", "no signature"],
        ),
        ("bare.wasm", None, true, &["would load it"]),
    ];
    for (name, key, fits, parts) in cases {
        let mut check = Binary::bare()
            .args(&["plugin", "check"])
            .arg(files.path().join(name));
        if let Some(key) = key {
            check = check.args(&["--require-signature", &key]);
        }
        let ended = check.ends();
        assert_eq!(ended.code, Some(i32::from(!fits)), "{name}: {ended:?}");
        assert_has(&ended.stdout, parts);
    }
}

#[test]
fn a_wrong_key_keeps_the_host_from_starting() {
    let data = tempfile::tempdir().unwrap();
    let (code, said) = Binary::run("serve", data.path())
        .args(&["--require-signature", "RWabc"])
        .fails();
    assert_eq!(code, Some(1), "{said}");
    assert_has(&said, &["require_signature", "RWabc", "minisign.pub"]);
}

/// What nobody can tell to be good does not take the place of what is.
#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_only_replaced_by_one_that_fits() {
    let (ours, other) = (Signer::new(1), Signer::new(2));
    let (component, digest) = echo(1);
    let app = requiring(&[&ours], &[&digest]).start().await;
    let mut stored = Vec::new();
    for signature in [
        other.sign(&component),
        ours.sign(&component),
        "garbage".to_owned(),
    ] {
        let (status, answer) = app.upload_signed(&component, Some(&signature)).await;
        assert_eq!(status, 200, "{answer}");
        stored.push(kept(app.data.path(), &digest).unwrap());
    }
    assert_eq!(stored[0], other.sign(&component));
    assert_eq!(stored[1..], [ours.sign(&component), ours.sign(&component)]);
}

/// An update of the host ends no plan that was created with what came with the host before it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_shipped_with_an_earlier_host_stays_allowed() {
    let app = TestApp::start().await;
    let (component, digest) = echo(1);
    assert_eq!(app.upload(&component).await.0, 200);
    activate(&app, &digest).await;
    let plans = [new_plan(&app).await.unwrap(), new_plan(&app).await.unwrap()];
    let mut data = app.stop().await;
    for (plan, origin, status) in [
        (&plans[0], "upload", "ERROR"),
        (&plans[1], "embedded", "DONE"),
    ] {
        let database = rusqlite::Connection::open(data.path().join("mesh.db")).unwrap();
        let changed = database.execute(
            "UPDATE plugins SET origin = ?1 WHERE sha256 = ?2",
            [origin, &digest],
        );
        assert_eq!(changed.unwrap(), 1);
        drop(database);
        let app = requiring(&[&Signer::new(1)], &[]).data(data).start().await;
        let plan = app.step(plan).await;
        assert_eq!(plan["steps"][0]["status"], status, "{origin}: {plan:#}");
        data = app.stop().await;
    }
}

/// What is in its place may be anything: it is not waited for, asked for only where it is required,
/// and replaced by a signature that comes again.
#[tokio::test(flavor = "multi_thread")]
async fn a_kept_signature_that_is_none_is_no_more_than_that() {
    let ours = Signer::new(1);
    let (component, digest) = echo(1);
    let app = TestApp::start().await;
    let signature = ours.sign(&component);
    assert_eq!(app.upload_signed(&component, Some(&signature)).await.0, 200);
    activate(&app, &digest).await;
    let plans = [(); 3].map(|()| new_plan(&app));
    let mut plans = futures_util::future::join_all(plans).await.into_iter();
    let mut data = app.stop().await;
    let file = data.path().join(format!("plugins/{digest}.wasm.minisig"));
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    for (required, status) in [(false, "DONE"), (true, "ERROR")] {
        let keys = required.then_some(&ours);
        let app = requiring(keys.as_slice(), &[]).data(data).start().await;
        let plan = app.step(&plans.next().unwrap().unwrap()).await;
        assert_eq!(plan["steps"][0]["status"], status, "{plan:#}");
        data = app.stop().await;
    }
    fs::remove_dir(&file).unwrap();
    fs::write(&file, [0; 9_000]).unwrap();
    let app = requiring(&[&ours], &[]).data(data).start().await;
    assert_eq!(app.upload_signed(&component, Some(&signature)).await.0, 200);
    assert_eq!(kept(app.data.path(), &digest), Some(signature));
    let plan = app.step(&plans.next().unwrap().unwrap()).await;
    assert_eq!(plan["steps"][0]["status"], "DONE", "{plan:#}");
}
