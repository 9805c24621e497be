//! The file, then `MESH_…` variables, then flags: each overrules the one before.

use codex_mesh::config::Config;
use codex_mesh::plan::ApprovalMode;
use serde_json::json;
use tempfile::tempdir;

use super::{Client, file};
use crate::support::{Binary, Port, Reply, Stub, assert_has, recorded};

#[tokio::test(flavor = "multi_thread")]
async fn port_zero_prints_the_port_it_took() {
    let data = tempdir().unwrap();
    let mut host = Binary::run("serve", data.path()).spawn();
    let url = host.url();
    assert!(!url.ends_with(":0"), "{url}");
    let client = Client::new(url);
    assert_eq!(client.get("/health").await["ok"], true);
    assert_eq!(client.default_mode().await, "LIVE");
    assert!(data.path().join("mesh.db").is_file());
}

#[test]
fn sections_are_read_from_the_file() {
    let (_folder, path) = file("[approval]\nmode = \"advise\"\n[run]\nretries = 9\n");
    let config = Config::load(Some(&path), []).unwrap().config;
    assert_eq!(
        (config.approval.mode, config.run.retries),
        (ApprovalMode::Advise, 9)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_win_over_the_file_and_flags_over_both() {
    let folders = [(); 3].map(|()| tempdir().unwrap());
    let [of_file, of_variable, of_flag] = folders.each_ref().map(|folder| folder.path());
    let (_folder, config) = file(&format!(
        "listen = \"nonsense\"\ndata_dir = {of_file:?}\ndefault_mode = \"dry_run\"\n"
    ));

    let mut host = Binary::bare()
        .arg("serve")
        .arg("--config")
        .arg(&config)
        .env("MESH_LISTEN", "127.0.0.1:0")
        .spawn();
    assert_eq!(Client::new(host.url()).default_mode().await, "DRY_RUN");
    assert!(of_file.join("mesh.db").exists());
    drop(host);

    let mut host = Binary::run("serve", of_variable)
        .env("MESH_CONFIG", &config)
        .env("MESH_DEFAULT_MODE", "SIMULATION")
        .spawn();
    assert_eq!(Client::new(host.url()).default_mode().await, "SIMULATION");
    assert!(of_variable.join("mesh.db").exists());
    drop(host);

    let mut host = Binary::bare()
        .args(&["serve", "--listen", "127.0.0.1:0", "--default-mode", "live"])
        .arg("--config")
        .arg(&config)
        .arg("--data-dir")
        .arg(of_flag)
        .env("MESH_LISTEN", "nonsense as well")
        .env("MESH_DATA_DIR", of_variable)
        .env("MESH_DEFAULT_MODE", "SIMULATION")
        .spawn();
    assert_eq!(Client::new(host.url()).default_mode().await, "LIVE");
    assert!(of_flag.join("mesh.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_can_be_in_the_file() {
    let data = tempdir().unwrap();
    let srl = Stub::answering(friendly_srl()).await;
    let (_folder, config) = file(&format!(
        r#"
        listen = "127.0.0.1:0"
        data_dir = {:?}
        default_mode = "DRY_RUN"
        [services.srl]
        url = "{}/base/"
        timeout_ms = 50000
        [services.srl.headers]
        x-api-key = "of the file"
        [services.srl.routes]
        "POST /srl/*" = "read"
        [services.my-own_service]
        url = "http://localhost:1"
        [policy]
        live_requires = ["srl"]
        [limits]
        body_bytes = 2000
        steps = 2
        [limits.plugin]
        cpu_ms = 500
        "#,
        data.path(),
        srl.url,
    ));
    let mut host = Binary::bare()
        .arg("serve")
        .arg("--config")
        .arg(config)
        .spawn();
    let client = Client::new(host.url());
    let plan = client
        .step(&client.create(json!([{"kind": "srl"}])).await)
        .await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    let asked = &srl.requests()[0];
    assert_eq!(asked.path, "/base/srl/check");
    assert_eq!(asked.headers["x-api-key"], "of the file");

    let three = json!({"sessionId": "s", "domain": "social", "goal": "g", "steps": [1, 2, 3]});
    let (status, answer) = client.post("/mesh/create", &three).await;
    assert_eq!(status, 400);
    assert_has(answer["error"].as_str().unwrap(), &["1 to 2"]);
    let long = json!({"goal": "g".repeat(2000)});
    assert_eq!(client.post("/mesh/create", &long).await.0, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_can_be_in_variables() {
    let data = tempdir().unwrap();
    let srl = Stub::answering(friendly_srl()).await;
    let mut host = Binary::run("serve", data.path())
        .env("MESH_SERVICES__SRL__URL", &srl.url)
        .env("MESH_SERVICES__SRL__TIMEOUT_MS", "300")
        .env("MESH_SERVICES__SRL__HEADERS__X_API_KEY", "12345")
        .env("MESH_SERVICES__SRL__HEADERS__AUTHORIZATION", "Bearer \"x\"")
        .env("MESH_POLICY__LIVE_REQUIRES", "[\"srl\"]")
        .env("MESH_LIMITS__STEPS", "2")
        .env("MESH_LIMITS__PLUGIN__CPU_MS", "500")
        .spawn();
    let client = Client::new(host.url());
    let steps = json!([{"kind": "srl"}, {"kind": "workflow"}]);
    let plan = client.step(&client.create(steps).await).await;
    assert_eq!(plan["steps"][0]["status"], "DONE", "{plan:#}");
    let asked = &srl.requests()[0];
    assert_eq!(asked.headers["x-api-key"], "12345");
    assert_eq!(asked.headers["authorization"], "Bearer \"x\"");

    srl.hold();
    let plan = client
        .step(&client.create(json!([{"kind": "srl"}])).await)
        .await;
    let error = plan["steps"][0]["error"].as_str().unwrap();
    assert_has(error, &["did not answer within 300 ms"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_of_the_file_is_changed_by_variables_not_replaced() {
    let data = tempdir().unwrap();
    let srl = Stub::answering(friendly_srl()).await;
    let wrong = Port::reserve().url();
    let text = format!(
        "[services.srl]\nurl = \"{wrong}\"\nheaders = {{ x-one = \"1\", x-two = \"2\" }}\n"
    );
    let (_folder, config) = file(&text);
    let mut host = Binary::run("serve", data.path())
        .arg("--config")
        .arg(config)
        .env("MESH_SERVICES__SRL__URL", &srl.url)
        .env("MESH_SERVICES__SRL__HEADERS__X_TWO", "changed")
        .spawn();
    let client = Client::new(host.url());
    let plan = client
        .step(&client.create(json!([{"kind": "srl"}])).await)
        .await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    let headers = &srl.requests()[0].headers;
    assert_eq!(headers["x-one"], "1");
    assert_eq!(headers["x-two"], "changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_variable_is_a_warning() {
    let data = tempdir().unwrap();
    let unknown = [
        "MESH_LISTN",
        "MESH_SERVICES__SRL__ULR",
        "MESH_LISTEN__PORT",
        "MESH_",
    ];
    let mut process = Binary::run("serve", data.path());
    for name in unknown {
        process = process.env(name, "127.0.0.1:1");
    }
    let mut host = process.env("OTHER_LISTEN", "x").spawn();
    assert_eq!(Client::new(host.url()).get("/health").await["ok"], true);
    host.signal("TERM");
    assert!(host.ended().success());
    let said = host.stderr.rest();
    for name in unknown {
        assert_has(&said, &[&format!("{name} is not known")]);
    }
    assert!(!said.contains("OTHER_LISTEN"), "{said}");
    assert!(!said.contains("MESH_DATA_DIR"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugins_folder_comes_from_every_source() {
    let data = tempdir().unwrap();
    let folder = tempdir().unwrap();
    let bad = folder.path().join("not-a-plugin.wasm");
    std::fs::write(&bad, "nothing").unwrap();
    let (_folder, config) = file(&format!("plugins_dir = {:?}\n", folder.path()));
    let missing = folder.path().join("missing");
    let run = || Binary::run("serve", data.path());
    let sources = [
        run().arg("--config").arg(&config),
        run().env("MESH_PLUGINS_DIR", folder.path()),
        run()
            .env("MESH_PLUGINS_DIR", &missing)
            .arg("--plugins")
            .arg(folder.path()),
    ];
    for source in sources {
        let mut host = source.spawn();
        let plugins = Client::new(host.url()).get("/plugins").await;
        assert_eq!(plugins["plugins"].as_array().map(Vec::len), Some(7));
        host.stderr.with("not-a-plugin.wasm is skipped");
    }
}

fn friendly_srl() -> Reply {
    recorded(
        "srl-check-dependencies-stubbed.json",
        "all_healthy_no_findings",
    )
}

#[test]
fn a_secret_may_come_in_a_variable() {
    let variable = |value: &str| [("MESH_SECRETS__SRL_TOKEN".to_owned(), value.to_owned())];
    for (set, value) in [
        ("s3cr3t-value", "s3cr3t-value"),
        ("1234567890", "1234567890"),
        ("s3cr3t-value\n", "s3cr3t-value"),
    ] {
        let loaded = Config::load(None, variable(set)).unwrap();
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        let secrets = loaded.config.secrets().unwrap();
        assert_eq!(secrets.get("srl_token").unwrap(), value);
        let printed = format!(
            "{:?} {secrets:?} {:?}",
            loaded.config,
            loaded.config.redactor()
        );
        assert!(!printed.contains(value), "{printed}");
    }
    let error = Config::load(None, variable("s3cr3t")).unwrap_err();
    assert_has(&format!("{error:#}"), &["[secrets] srl_token", "8 to 4096"]);
    assert!(!format!("{error:#}").contains("s3cr3t"), "{error:#}");
}

#[test]
fn the_secret_of_a_variable_is_not_printed() {
    let data = tempdir().unwrap();
    let (code, said) = Binary::run("serve", data.path())
        .env("MESH_SERVICES__SRL__HEADERS__X_KEY", "s3cr3t\u{7}")
        .env("RUST_LOG", "trace")
        .fails();
    assert_eq!(code, Some(1));
    assert_has(&said, &["[services.srl]", "x-key", "not legal"]);
    assert!(!said.contains("s3cr3t"), "{said}");
}
