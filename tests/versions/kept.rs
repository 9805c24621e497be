//! A plan keeps the versions that it was created with, whatever becomes of them.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use codex_mesh::sandbox::sha256;

use super::{activate, current, echo, install, new_plan, versions};
use crate::support::{Raw, TestApp, folder, within};

#[tokio::test(flavor = "multi_thread")]
async fn an_activation_changes_new_plans_only() {
    let app = TestApp::start().await;
    let first = install(&app, 1).await;
    let old = new_plan(&app).await.unwrap();
    let second = install(&app, 2).await;
    let new = new_plan(&app).await.unwrap();
    for (plan, digest) in [(&old, &first), (&new, &second)] {
        assert_eq!(plan["steps"][0]["plugin"], **digest);
        let before = calls(&app, digest).await;
        assert_eq!(app.step(plan).await["status"], "DONE");
        assert_eq!(calls(&app, digest).await, before + 2, "shape and interpret");
    }
}

async fn calls(app: &TestApp, digest: &str) -> u64 {
    let versions = versions(app).await;
    let version = versions
        .iter()
        .find(|version| version["sha256"] == digest)
        .unwrap();
    version["calls"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_from_a_file_outlives_the_file() {
    let (component, digest) = echo(1);
    let plugins = folder([("echo.wasm", component.as_slice())]);
    let path = plugins.path().to_owned();
    let app = TestApp::builder()
        .configure(move |config| config.plugins_dir = Some(path))
        .start()
        .await;
    let plan = new_plan(&app).await.unwrap();
    assert_eq!(plan["steps"][0]["plugin"], digest);
    let app = TestApp::builder().data(app.stop().await).start().await;
    assert!(new_plan(&app).await.is_err());
    assert_eq!(app.step(&plan).await["status"], "DONE");
    assert_eq!(versions(&app).await[0]["origin"], "kept");
}

/// Also one that somebody tampered with on disk is not run as what it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_kept_component_is_what_its_digest_says() {
    let app = TestApp::start().await;
    let digest = install(&app, 1).await;
    let plan = new_plan(&app).await.unwrap();
    let data = app.stop().await;
    let file = data.path().join(format!("plugins/{digest}.wasm"));
    fs::write(&file, echo(2).0).unwrap();
    let app = TestApp::builder().data(data).start().await;
    let plan = app.step(&plan).await;
    assert_eq!(plan["status"], "ERROR");
    let error = plan["steps"][0]["error"].as_str().unwrap();
    assert!(error.contains("damaged"), "{error}");
    // Another version of the kind still works.
    let second = install(&app, 3).await;
    assert_eq!(current(&app).await, second);
    activate(&app, &second).await;
}

/// What somebody sent is theirs to remove, wherever else it is found.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_stays_when_the_same_file_goes() {
    let (component, digest) = echo(1);
    let plugins = folder([("echo.wasm", component.as_slice())]);
    let path = plugins.path().to_owned();
    let app = TestApp::builder()
        .configure(move |config| config.plugins_dir = Some(path))
        .start()
        .await;
    assert_eq!(app.upload(&component).await.0, 200);
    let data = app.stop().await;
    // The clean-up of each start is over once its answer to a later request is there.
    let app = TestApp::builder().data(data).start().await;
    let app = TestApp::builder().data(app.stop().await).start().await;
    assert_eq!(versions(&app).await[0]["origin"], "upload");
    activate(&app, &digest).await;
    assert_eq!(current(&app).await, digest);
}

/// A plan that is over may go back to a step only with what it was created with.
#[tokio::test(flavor = "multi_thread")]
async fn a_finished_plan_whose_plugin_is_gone_stays_as_it_is() {
    let app = TestApp::start().await;
    let digest = install(&app, 1).await;
    let plan = app.run(&new_plan(&app).await.unwrap()).await;
    assert_eq!(plan["status"], "DONE");
    app.post("/plugins/echo-check/rollback", &serde_json::json!({}))
        .await;
    let path = format!("/plugins/echo-check/{digest}");
    assert_eq!(app.request("DELETE", &path).await.0, 200);
    let body = serde_json::json!({"planId": plan["id"], "stepId": "step-1"});
    let (status, answer) = app.post("/mesh/retry", &body).await;
    assert_eq!(status, 409, "{answer}");
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .contains("not kept any more"),
        "{answer}"
    );
    assert_eq!(app.plan(&plan).await, plan);
}

/// The folder is filled again with what comes along.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_component_is_healed_by_sending_it_again() {
    let app = TestApp::start().await;
    let digest = install(&app, 1).await;
    let file = app.data.path().join(format!("plugins/{digest}.wasm"));
    fs::write(&file, "nothing").unwrap();
    let (component, _) = echo(1);
    assert_eq!(app.upload(&component).await.0, 200);
    assert_eq!(fs::read(&file).unwrap(), component);
}

/// Whatever is in the place of a component, a start neither waits for it nor reads it to no end.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_component_file_is_replaced_by_one() {
    let app = TestApp::start().await;
    let (_, plugins) = app.get("/plugins").await;
    let digest = plugins["plugins"][0]["sha256"].as_str().unwrap().to_owned();
    let mut data = app.stop().await;
    let file = data.path().join(format!("plugins/{digest}.wasm"));
    let component = fs::read(&file).unwrap();
    for put in ["pipe", "endless", "empty"] {
        fs::remove_file(&file).unwrap();
        match put {
            "pipe" => {
                let made = Command::new("mkfifo").arg(&file).status();
                assert!(made.unwrap().success());
            }
            "endless" => symlink("/dev/zero", &file).unwrap(),
            _ => fs::write(&file, "").unwrap(),
        }
        let app = within(TestApp::builder().data(data).start()).await;
        data = app.stop().await;
        assert!(fs::symlink_metadata(&file).unwrap().is_file(), "{put}");
        assert!(fs::read(&file).unwrap() == component, "{put}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_removed_or_refused_leaves_no_file() {
    let cache = tempfile::tempdir().unwrap();
    let path = cache.path().to_owned();
    let builder = TestApp::builder().configure(move |config| config.cache_dir = Some(path));
    let app = builder.start().await;
    let files = |digest: &str| {
        let shelf = fs::read_dir(app.data.path().join("plugins")).unwrap();
        let names = shelf.chain(fs::read_dir(&cache).unwrap());
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(digest)).count()
    };
    let (component, digest) = echo(1);
    assert_eq!(app.upload(&component).await.0, 200);
    assert_eq!(files(&digest), 2, "the component and its compiled form");
    let path = format!("/plugins/echo-check/{digest}");
    let (status, answer) = app.request("DELETE", &path).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(files(&digest), 0);
    // It compiles; only then does it turn out what it is.
    let refused = Raw {
        describe: "unreachable".to_owned(),
        ..Raw::new("bad")
    };
    let refused = refused.component();
    let (status, answer) = app.upload(&refused).await;
    assert_eq!(status, 400, "{answer}");
    assert_eq!(files(&sha256(&refused)), 0);
}
