//! What operators do: activate, deactivate, roll back, delete; across restarts.

use serde_json::json;

use super::{activate, current, echo, install, new_plan, versions};
use crate::support::{Raw, TestApp, assert_has, folder};

async fn post(app: &TestApp, what: &str) -> (u16, String) {
    let path = format!("/plugins/echo-check/{what}");
    let (status, answer) = app.post(&path, &json!({})).await;
    (
        status,
        answer["error"].as_str().unwrap_or_default().to_owned(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_activated_wins_over_the_folder_and_the_embedded_across_restarts() {
    let version = |number: u8| {
        let mut raw = Raw::new("srl");
        raw.manifest[1] = format!("{number}.0.0");
        raw.component()
    };
    let plugins = folder([("srl.wasm", version(2).as_slice())]);
    let path = plugins.path().to_owned();
    let with_folder = move || {
        let path = path.clone();
        TestApp::builder().configure(move |config| config.plugins_dir = Some(path))
    };
    let active = async |app: &TestApp| {
        let (_, answer) = app.get("/plugins/srl").await;
        let versions = answer["versions"].as_array().unwrap().clone();
        let mut active = versions.iter().filter(|version| version["active"] == true);
        let one = active.next().unwrap()["version"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(active.next().is_none());
        one
    };
    let app = TestApp::start().await;
    assert_eq!(active(&app).await, env!("CARGO_PKG_VERSION"));
    let app = with_folder().data(app.stop().await).start().await;
    assert_eq!(active(&app).await, "2.0.0");
    app.upload(&version(3)).await;
    let (status, answer) = app
        .post("/plugins/srl/activate", &json!({"version": "3.0.0"}))
        .await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(active(&app).await, "3.0.0");
    let app = with_folder().data(app.stop().await).start().await;
    assert_eq!(active(&app).await, "3.0.0");
    let (status, answer) = app.post("/plugins/srl/rollback", &json!({})).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(active(&app).await, "2.0.0");
    let app = TestApp::builder().data(app.stop().await).start().await;
    assert_eq!(
        active(&app).await,
        env!("CARGO_PKG_VERSION"),
        "the folder is gone"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_leads_back_step_by_step() {
    let app = TestApp::start().await;
    let first = install(&app, 1).await;
    let second = install(&app, 2).await;
    assert_eq!(current(&app).await, second);
    assert_eq!(post(&app, "deactivate").await.0, 200);
    assert_has(
        &new_plan(&app).await.unwrap_err(),
        &["echo-check", "deactivated"],
    );
    assert_eq!(post(&app, "rollback").await.0, 200);
    assert_eq!(current(&app).await, second);
    assert_eq!(post(&app, "rollback").await.0, 200);
    assert_eq!(current(&app).await, first);
    assert_eq!(post(&app, "rollback").await.0, 200);
    assert_has(
        &new_plan(&app).await.unwrap_err(),
        &["echo-check", "not loaded"],
    );
    let (status, error) = post(&app, "rollback").await;
    assert_eq!(status, 409);
    assert_has(&error, &["nothing to roll back"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deactivated_kind_gets_no_new_plans_and_open_ones_finish() {
    let app = TestApp::start().await;
    install(&app, 1).await;
    let open = new_plan(&app).await.unwrap();
    assert_eq!(post(&app, "deactivate").await.0, 200);
    let app = TestApp::builder().data(app.stop().await).start().await;
    assert_has(
        &new_plan(&app).await.unwrap_err(),
        &["deactivated", "activate"],
    );
    assert_eq!(app.run(&open).await["status"], "DONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_goes_only_when_nobody_needs_it() {
    let app = TestApp::start().await;
    let (component, digest) = echo(1);
    app.upload(&component).await;
    let path = format!("/plugins/echo-check/{digest}");
    activate(&app, &digest).await;
    let open = new_plan(&app).await.unwrap();
    let (status, answer) = app.request("DELETE", &path).await;
    assert_eq!(status, 409);
    assert_has(answer["error"].as_str().unwrap(), &["new plans get it"]);
    post(&app, "rollback").await;
    let (status, answer) = app.request("DELETE", &path).await;
    assert_eq!(status, 409);
    assert_has(answer["error"].as_str().unwrap(), &["open plans"]);
    assert_eq!(versions(&app).await[0]["openPlans"], 1);
    assert_eq!(app.run(&open).await["status"], "DONE");
    let (status, answer) = app.request("DELETE", &path).await;
    assert_eq!((status, answer), (200, json!({"ok": true})));
    let (status, _) = app.get("/plugins/echo-check").await;
    assert_eq!(status, 404);
    let (status, _) = app.request("DELETE", &path).await;
    assert_eq!(status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_that_can_not_be_made_says_why() {
    let app = TestApp::start().await;
    let digest = install(&app, 1).await;
    install(&app, 2).await;
    let activate = "/plugins/echo-check/activate";
    for (path, body, status, parts) in [
        (activate, json!({}), 400, ["version", "sha256"]),
        (
            activate,
            json!({"version": "1", "sha256": "2"}),
            400,
            ["either", "sha256"],
        ),
        (
            activate,
            json!({"version": "7.7.7"}),
            404,
            ["7.7.7", "0.3.1"],
        ),
        (
            activate,
            json!({"version": "0.3.1"}),
            409,
            ["several", digest.as_str()],
        ),
        (
            activate,
            json!({"sha256": "00"}),
            404,
            ["00", digest.as_str()],
        ),
        (
            "/plugins/nothing/activate",
            json!({"sha256": "00"}),
            404,
            ["nothing", "srl"],
        ),
        (
            "/plugins/nothing/deactivate",
            json!({}),
            404,
            ["nothing", "srl"],
        ),
        (
            "/plugins/nothing/rollback",
            json!({}),
            404,
            ["nothing", "srl"],
        ),
    ] {
        let (answered, answer) = app.post(path, &body).await;
        assert_eq!(answered, status, "{path} {body}: {answer}");
        assert_has(answer["error"].as_str().unwrap(), &parts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_activation_twice_is_one() {
    let app = TestApp::start().await;
    let first = install(&app, 1).await;
    let second = install(&app, 2).await;
    for _ in 0..12 {
        activate(&app, &second).await;
    }
    assert_eq!(post(&app, "rollback").await.0, 200);
    assert_eq!(current(&app).await, first);
}

/// What was activated long ago is no place to roll back to, and can go.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_choices_are_remembered() {
    let app = TestApp::start().await;
    let first = install(&app, 0).await;
    for number in 1..=10 {
        install(&app, number).await;
    }
    let path = format!("/plugins/echo-check/{first}");
    let (status, answer) = app.request("DELETE", &path).await;
    assert_eq!(status, 200, "{answer}");
    let app = TestApp::builder().data(app.stop().await).start().await;
    for _ in 1..10 {
        assert_eq!(post(&app, "rollback").await.0, 200);
    }
    assert_eq!(current(&app).await, echo(1).1);
}

/// A recipe of the configuration may need what was deactivated: the host starts and says so.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_deactivated_does_not_keep_the_host_from_starting() {
    let app = TestApp::start().await;
    let (status, _) = app.post("/plugins/ops/deactivate", &json!({})).await;
    assert_eq!(status, 200);
    let text = "[[recipe]]\nname = \"own\"\nsteps = [{ kind = \"ops\" }]\n";
    let data = app.stop().await;
    std::fs::write(data.path().join("own.toml"), text).unwrap();
    let file = data.path().join("own.toml");
    let own = codex_mesh::config::Config::load(Some(&file), [])
        .unwrap()
        .config
        .recipe;
    let app = TestApp::builder()
        .data(data)
        .configure(move |config| config.recipe = own)
        .start()
        .await;
    let body = json!({"sessionId": "s1", "domain": "social", "goal": "g", "recipe": "own"});
    let (status, answer) = app.post("/mesh/create", &body).await;
    assert_eq!(status, 400);
    let error = answer["error"].as_str().unwrap();
    assert_has(error, &["own", "\"ops\" was deactivated", "activate"]);
    assert_eq!(app.post("/plugins/ops/rollback", &json!({})).await.0, 200);
    assert_eq!(app.post("/mesh/create", &body).await.0, 200);
}

/// What a page in the operator's browser can send to another site without being asked first.
#[tokio::test(flavor = "multi_thread")]
async fn no_other_web_page_changes_anything() {
    let app = TestApp::start().await;
    install(&app, 1).await;
    for what in ["deactivate", "rollback", "activate"] {
        let path = format!("/plugins/echo-check/{what}");
        for content_type in [None, Some("text/plain")] {
            let (status, answer) = app.post_raw(&path, content_type, "{}").await;
            assert_eq!(status, 415, "{answer}");
        }
    }
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
    ] {
        let (status, answer) = app.post_raw("/plugins", content_type, echo(2).0).await;
        assert_eq!(status, 415, "{answer}");
    }
    assert_eq!(versions(&app).await.len(), 1);
    assert!(new_plan(&app).await.is_ok());
}
