//! What a plugin is granted is told: of those that are loaded, and of a file before it is.

use serde_json::{Value, json};

use super::with_hostile;
use crate::support::{Binary, TestApp, assert_has, built, folder, guest};

async fn granted(app: &TestApp, kind: &str) -> Value {
    let (_, answer) = app.get("/plugins").await;
    let mut plugins = answer["plugins"].as_array().unwrap().iter();
    let listed = plugins.find(|plugin| plugin["kind"] == kind).unwrap();
    let (_, answer) = app.get(&format!("/plugins/{kind}")).await;
    assert_eq!(answer["versions"][0]["granted"], listed["granted"]);
    listed["granted"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_tells_what_is_granted() {
    let app = with_hostile(TestApp::builder().grant("srl", "srl", &["reads"])).await;
    let only_reads = json!({"service": "srl", "routes": ["reads"], "secrets": []});
    assert_eq!(granted(&app, "hostile").await, only_reads);
    assert_eq!(granted(&app, "srl").await, only_reads);
    let all = ["DELETE /*", "GET /*", "PATCH /*", "POST /*", "PUT /*"];
    assert_eq!(
        granted(&app, "workflow").await,
        json!({"service": "workflow", "routes": all, "secrets": []})
    );
    let routes = ["POST /srl/b", "reads", "POST /srl/a/*"];
    let app = with_hostile(TestApp::builder().grant("hostile", "srl", &routes)).await;
    assert_eq!(
        granted(&app, "hostile").await["routes"],
        json!(["reads", "POST /srl/a/*", "POST /srl/b"])
    );
}

/// A file that would need a grant is no bad file.
#[test]
fn what_a_file_would_need_is_told() {
    let folder = folder([
        ("mesh.toml", b"".as_slice()),
        ("reads.wasm", guest("hostile")),
    ]);
    let config = folder.path().join("mesh.toml");
    let file = built().folder.join("codex_mesh_campaign.wasm");
    let line = r#"campaign = ["reads", "POST /campaign/create"] under [plugin.campaign.grants]"#;
    let check = |text: &str, file: &std::path::Path| {
        std::fs::write(&config, text).unwrap();
        let command = Binary::bare().args(&["plugin", "check"]).arg(file);
        command.arg("--config").arg(&config).ends()
    };
    let ended = check("", &file);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let parts = ["granted   reads", "POST /campaign/create writes", line];
    assert_has(&ended.stdout, &parts);

    let granting = "[plugin.campaign.grants]\ncampaign = [\"reads\", \"POST /campaign/*\"]\n";
    let ended = check(granting, &file);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_has(&ended.stdout, &["granted   reads, POST /campaign/*"]);
    assert!(!ended.stdout.contains("note "), "{}", ended.stdout);

    let ended = check("[plugin.campaign.grants]\nsrl = [\"reads\"]\n", &file);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let parts = ["PROBLEM", "the service campaign is not granted"];
    assert_has(&ended.stdout, &parts);

    let ended = check("", &folder.path().join("reads.wasm"));
    assert_has(&ended.stdout, &["granted   reads"]);
    assert!(!ended.stdout.contains("note "), "{}", ended.stdout);
}
