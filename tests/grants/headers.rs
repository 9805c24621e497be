//! Which headers a plugin may set is a list, which the operator extends by name.

use serde_json::json;

use super::{error_of, heard, refused, run, with_hostile};
use crate::support::{TestApp, TestAppBuilder, assert_has, folder};

fn granting(names: &[&str]) -> TestAppBuilder {
    TestApp::builder().grant_headers("hostile", "srl", names)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_that_is_named_is_what_it_takes() {
    let app = with_hostile(granting(&["x-team"])).await;
    let goal = "shape:header=x-tenant: growth";
    let error = refused(&app, goal).await;
    let (_, line) = error.split_once("needs ").unwrap();
    let (line, table) = line.split_once(" under ").unwrap();
    assert_eq!(line, r#"srl = ["x-team", "x-tenant"]"#);
    let table = table.split_once(']').unwrap().0;
    let text = format!("{table}]\n{line}\n");
    let toml = folder([("mesh.toml", text.as_bytes())]);
    let path = toml.path().join("mesh.toml");
    let granting = codex_mesh::config::Config::load(Some(&path), []).unwrap();
    let plugins = granting.config.plugin;
    let app = with_hostile(TestApp::builder().configure(|config| config.plugin = plugins)).await;
    let step = run(&app, "LIVE", goal).await;
    assert_eq!(step["status"], "DONE", "{step:#}");
    let requests = app.stub("srl").requests();
    assert_eq!(requests.last().unwrap().headers["x-tenant"], "growth");
}

/// However the operator writes it; and another name that some servers read alike is another one.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_granted_in_capitals_or_not() {
    let app = with_hostile(granting(&["X-Tenant"])).await;
    for name in ["x-tenant", "X-TENANT"] {
        let step = run(&app, "LIVE", &format!("shape:header={name}: a")).await;
        assert_eq!(step["status"], "DONE", "{step:#}");
    }
    let error = error_of(&app, "LIVE", "interpret:ask=header=x_tenant: a").await;
    assert_has(
        &error,
        &["the header x_tenant is not granted", "Nothing was sent"],
    );
    let (_, answer) = app.get("/plugins/hostile").await;
    assert_eq!(
        answer["versions"][0]["granted"]["headers"],
        json!(["x-tenant"])
    );
}

/// In every mode; a DRY_RUN shows a write that has it, as it sends none.
#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_is_not_granted_is_sent_in_no_mode() {
    let app = with_hostile(TestApp::builder()).await;
    for mode in ["SIMULATION", "DRY_RUN"] {
        let error = error_of(&app, mode, "shape:header=x-user: root").await;
        assert_has(&error, &["the header x-user is not granted"]);
    }
    assert!(heard(&app).is_empty(), "{:?}", heard(&app));
}
