//! What holds for a kind without a list: the host's own plugins may do everything, others read.

use codex_mesh::registry::embedded;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{CHECKS, ask, error_of, heard, refused, run, run_default, with_hostile};
use crate::support::{Raw, TestApp, assert_has, folder, guest, start_with};

/// The line that the operator is told to add.
const LINE: &str = r#"srl = ["reads", "POST /srl/write"] under [plugin.hostile.grants]"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_from_outside_only_reads() {
    let app = with_hostile(TestApp::builder()).await;
    for goal in ["as good as gold", "shape:path=/srl/anything"] {
        assert_eq!(run(&app, "LIVE", goal).await["status"], "DONE", "{goal}");
    }
    assert_eq!(heard(&app), ["POST /srl/check", "GET /srl/anything"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_plan_that_would_write_ungranted_is_not_created() {
    let app = with_hostile(TestApp::builder()).await;
    let error = refused(&app, "shape:post=/srl/write").await;
    assert_has(
        &error,
        &["step-4 (hostile)", "POST /srl/write writes", LINE],
    );
    assert_has(&error, &["DRY_RUN"]);
    assert_eq!(app.asked("srl"), 0);
}

/// Whether it is asked for first or later, and whatever the manifest says.
#[tokio::test(flavor = "multi_thread")]
async fn an_ungranted_follow_up_write_is_not_sent() {
    let app = with_hostile(TestApp::builder()).await;
    let error = error_of(&app, "LIVE", "interpret:call=/srl/write").await;
    assert_has(&error, &["the plugin's request is refused", LINE]);
    assert_has(&error, &["Nothing was sent"]);
    assert_eq!(heard(&app), ["POST /srl/check"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_that_is_named_is_what_it_takes() {
    let app = with_hostile(TestApp::builder()).await;
    let error = error_of(&app, "LIVE", "interpret:call=/srl/write").await;
    let (_, line) = error.split_once("needs ").unwrap();
    let (line, table) = line.split_once(" under ").unwrap();
    let table = table.split_once(']').unwrap().0;
    let text = format!("{table}]\n{line}\n");
    let toml = folder([("mesh.toml", text.as_bytes())]);
    let path = toml.path().join("mesh.toml");
    let granting = codex_mesh::config::Config::load(Some(&path), []).unwrap();
    let plugins = granting.config.plugin;
    let app = with_hostile(TestApp::builder().configure(|config| config.plugin = plugins)).await;
    let (_, answer) = ask(&app, "LIVE", "interpret:call=/srl/write").await;
    // It wants the same again, which the operator's line does not make two of.
    let (error, _) = app.run_until_held(&answer["plan"]).await;
    assert_has(&error, &["step-4", "wants to do more"]);
    assert_eq!(heard(&app), ["POST /srl/check", "POST /srl/write"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ungranted_write_is_shown_in_a_dry_run() {
    let app = with_hostile(TestApp::builder()).await;
    for goal in ["shape:post=/srl/write", "interpret:call=/srl/write"] {
        let step = run(&app, "DRY_RUN", goal).await;
        assert_eq!(step["status"], "DONE", "{step:#}");
        assert_eq!(step["result"]["wouldSend"]["endpoint"], "/srl/write");
    }
    assert_eq!(heard(&app), ["POST /srl/check"]);
}

/// A component that takes the place of an embedded one, under its name.
fn usurper() -> Vec<u8> {
    let mut raw = Raw::new("workflow");
    raw.manifest[3] = "workflow".to_owned();
    raw.manifest[4] = "/workflow/create".to_owned();
    raw.component()
}

async fn install(app: &TestApp, component: &[u8]) -> String {
    let (status, answer) = app.upload(component).await;
    assert_eq!(status, 200, "{answer}");
    let digest = answer["plugin"]["sha256"].as_str().unwrap().to_owned();
    let body = json!({"sha256": digest});
    let (status, answer) = app.post("/plugins/workflow/activate", &body).await;
    assert_eq!(status, 200, "{answer}");
    digest
}

#[tokio::test(flavor = "multi_thread")]
async fn who_replaces_an_embedded_kind_does_not_inherit_what_it_may() {
    let app = TestApp::start().await;
    install(&app, &usurper()).await;
    let steps: Vec<Value> = CHECKS.iter().map(|kind| json!({"kind": kind})).collect();
    let steps = [steps, vec![json!({"kind": "workflow"})]].concat();
    let body = json!({"sessionId": "s1", "domain": "social", "goal": "g", "steps": steps});
    let (status, answer) = app.post("/mesh/create", &body).await;
    assert_eq!(status, 400, "{answer}");
    assert_has(
        answer["error"].as_str().unwrap(),
        &[r#"workflow = ["reads", "POST /workflow/create"] under [plugin.workflow.grants]"#],
    );
    let (_, answer) = app.post("/plugins/workflow/rollback", &json!({})).await;
    assert_eq!(answer["ok"], true, "{answer}");
    assert_eq!(run_default(&app).await["status"], "DONE");
}

/// It is the component that counts, not the way it came.
#[tokio::test(flavor = "multi_thread")]
async fn an_embedded_component_that_is_found_elsewhere_too_is_still_embedded() {
    let mut shipped = embedded::COMPONENTS.iter();
    let (_, workflow) = shipped.find(|(name, _)| *name == "workflow").unwrap();
    let app = start_with(TestApp::builder(), [("workflow.wasm", *workflow)]).await;
    assert_eq!(run_default(&app).await["status"], "DONE");
    install(&app, workflow).await;
    assert_eq!(run_default(&app).await["status"], "DONE");
    let app = TestApp::builder().data(app.stop().await).start().await;
    assert_eq!(run_default(&app).await["status"], "DONE");
}

/// An open plan goes on with what was part of the host when it was created.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_part_of_an_earlier_host_keeps_what_it_may() {
    let app = TestApp::start().await;
    let digest = install(&app, &usurper()).await;
    let data = app.stop().await;
    let database = Connection::open(data.path().join("mesh.db")).unwrap();
    let update = "UPDATE plugins SET origin = 'embedded' WHERE sha256 = ?1";
    assert_eq!(database.execute(update, [&digest]).unwrap(), 1);
    drop(database);
    let app = TestApp::builder().data(data).start().await;
    let plan = app.create(&json!({})).await;
    assert_eq!(plan["steps"][3]["plugin"], digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_may_ask_nobody_whom_its_kind_was_not_granted() {
    let app = TestApp::builder()
        .grant("hostile", "ops", &["reads"])
        .start()
        .await;
    let (status, answer) = app.upload(guest("hostile")).await;
    assert_eq!(status, 400, "{answer}");
    let expected = r#"srl = ["reads"] under [plugin.hostile.grants]"#;
    let error = answer["error"].as_str().unwrap();
    assert_has(error, &["the service srl is not granted", expected]);
}
