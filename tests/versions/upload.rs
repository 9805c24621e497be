//! Sending a component changes nothing until it is activated, and a bad one changes nothing at all.

use std::fs;

use serde_json::json;

use super::{activate, current, echo, install, new_plan, versions};
use crate::support::{Raw, TestApp, assert_has};

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_described_and_waits_to_be_activated() {
    let app = TestApp::start().await;
    let (component, digest) = echo(1);
    let (status, answer) = app.upload(&component).await;
    assert_eq!((status, &answer["ok"]), (200, &json!(true)), "{answer}");
    let plugin = &answer["plugin"];
    assert_eq!(
        (&plugin["kind"], &plugin["version"]),
        (&json!("echo-check"), &json!("0.3.1"))
    );
    assert_eq!(
        (&plugin["sha256"], &plugin["origin"]),
        (&json!(digest), &json!("upload"))
    );
    assert_eq!(plugin["size"], component.len());
    assert_has(
        &new_plan(&app).await.unwrap_err(),
        &["echo-check", "not loaded"],
    );
    assert_eq!(versions(&app).await[0]["active"], false);

    activate(&app, &digest).await;
    let plan = app.run(&new_plan(&app).await.unwrap()).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    let version = &versions(&app).await[0];
    assert_eq!(
        (&version["active"], &version["openPlans"]),
        (&json!(true), &json!(0))
    );
    assert!(version["calls"].as_u64().unwrap() >= 3, "{version}");
    assert_eq!(version["errors"], 0);
    assert!(version["averageMicros"].as_u64().unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_upload_is_refused_with_its_reason_and_changes_nothing() {
    let app = TestApp::builder()
        .configure(|config| config.limits.plugin.component_bytes = 8 << 20)
        .start()
        .await;
    let digest = install(&app, 1).await;
    let before = (app.get("/plugins").await, versions(&app).await);
    let mut wrong = Raw::new("echo-check");
    wrong.manifest[3] = "nowhere".to_owned();
    let (good, _) = echo(2);
    for (bytes, status, parts) in [
        (Vec::new(), 400, ["refused", "empty"]),
        (b"<html>".to_vec(), 400, ["refused", "not WebAssembly"]),
        (good[..good.len() / 2].to_vec(), 400, ["refused", "compile"]),
        (wrong.component(), 400, ["manifest", "nowhere"]),
        (vec![0; (8 << 20) + 1], 413, ["size limit", "8388608"]),
    ] {
        let (answered, answer) = app.upload(&bytes).await;
        assert_eq!(answered, status, "{answer}");
        assert_has(answer["error"].as_str().unwrap(), &parts);
    }
    assert_eq!((app.get("/plugins").await, versions(&app).await), before);
    assert_eq!(current(&app).await, digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_component_twice_is_one_version() {
    let app = TestApp::start().await;
    let (component, _) = echo(1);
    for _ in 0..2 {
        let (status, answer) = app.upload(&component).await;
        assert_eq!(status, 200, "{answer}");
    }
    assert_eq!(versions(&app).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_bounded_together_and_what_goes_makes_room() {
    let app = TestApp::start().await;
    let shelf = fs::read_dir(app.data.path().join("plugins")).unwrap();
    let kept: u64 = shelf
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    let data = app.stop().await;
    let ((one, first), (two, _)) = (echo(1), echo(2));
    let most = kept + u64::try_from(one.len()).unwrap();
    let app = TestApp::builder()
        .configure(move |config| config.limits.plugin.kept_bytes = most)
        .data(data);
    let app = app.start().await;
    assert_eq!(app.upload(&one).await.0, 200);
    let (status, answer) = app.upload(&two).await;
    assert_eq!(status, 409, "{answer}");
    let said = [
        format!("{most} of {most}"),
        "kept_bytes under [limits.plugin]".to_owned(),
    ];
    assert_has(
        answer["error"].as_str().unwrap(),
        &[&said[0], &said[1], "delete some"],
    );
    // The same once more needs none.
    assert_eq!(app.upload(&one).await.0, 200);
    let path = format!("/plugins/echo-check/{first}");
    assert_eq!(app.request("DELETE", &path).await.0, 200);
    assert_eq!(app.upload(&two).await.0, 200);
}
