//! Proxies: none that the environment names, and the one that the operator names for a service.

use serde_json::{Value, json};

use super::{quick, run_alone, unchecked};
use crate::support::{
    Binary, Port, Reply, Stub, TestApp, assert_has, friendly, friendly_reply, within,
};

/// What clients of other programs obey, in every spelling.
const VARIABLES: [&str; 6] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Every call of a host, to services and to Brain, and of the command line to its host.
#[tokio::test(flavor = "multi_thread")]
async fn the_environments_proxy_sees_nothing() {
    let proxy = Stub::answering(Reply::json(200, &json!({"ok": true}))).await;
    let folder = tempfile::tempdir().unwrap();
    let mut stubs = Vec::new();
    let mut text = String::new();
    for (name, reply) in friendly() {
        let stub = Stub::answering(reply).await;
        text.push_str(&format!("[services.{name}]\nurl = {:?}\n", stub.url));
        stubs.push((name, stub));
    }
    let config = folder.path().join("mesh.toml");
    std::fs::write(&config, text).unwrap();
    let under_proxy = |mut command: crate::support::BinaryBuilder| {
        for variable in VARIABLES {
            command = command.env(variable, &proxy.url);
        }
        command.env_remove("NO_PROXY").env_remove("no_proxy")
    };
    let host = Binary::run("serve", folder.path())
        .arg("--config")
        .arg(&config);
    let mut host = under_proxy(host).spawn();
    let url = host.url();
    let goal = [
        "--domain",
        "social",
        "--goal",
        "Plan a week of videos",
        "--json",
    ];
    let run = Binary::bare().arg("run").args(&goal).args(&["--url", &url]);
    let ended = tokio::task::spawn_blocking({
        let run = under_proxy(run);
        move || run.ends()
    });
    let ended = within(ended).await.unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for (name, stub) in &stubs {
        if ["autonomy", "srl", "hardening", "workflow", "brain"].contains(name) {
            stub.asked(1).await;
        }
    }
    assert_eq!(proxy.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_asked_through_its_proxy() {
    let proxy = Stub::answering(friendly_reply("srl")).await;
    let url = proxy.url.replace("http://", "http://mesh:pr0xy-passw0rd@");
    let app = quick()
        .configure(move |config| {
            let srl = config.services.get_mut("srl").unwrap();
            srl.url = Some("http://srl.invalid:5540/base".to_owned());
            srl.proxy = Some(url);
        })
        .start()
        .await;
    let (step, _) = run_alone(&app, "srl").await;
    assert_eq!(step["status"], "DONE", "{step}");
    let asked = &proxy.requests()[0];
    assert_eq!(asked.headers["host"], "srl.invalid:5540");
    let credentials = asked.headers["proxy-authorization"].to_str().unwrap();
    assert!(credentials.starts_with("Basic "), "{credentials}");
    assert_eq!(run_alone(&app, "hardening").await.0["status"], "DONE");
    assert_eq!(proxy.requests().len(), 1, "only srl has one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_gone_is_named_without_its_password() {
    let port = Port::reserve();
    for scheme in ["http", "https"] {
        let url = port.url().replace("http://", "http://mesh:pr0xy-passw0rd@");
        let app = through(&format!("{scheme}://workflow.invalid"), url).await;
        let (step, requests) = run_alone(&app, "workflow").await;
        let error = step["error"].as_str().unwrap();
        let proxy = format!("(through the proxy {})", port.url());
        assert_has(error, &[&proxy, "refused", "(nothing was sent)"]);
        assert!(!error.contains("pr0xy-passw0rd"), "{error}");
        assert_eq!(requests, json!(3));
    }
}

/// What is asked of a service over TLS goes through the proxy unseen, or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_makes_no_way_through_is_told() {
    let proxy = Stub::answering(Reply::json(403, &json!({}))).await;
    let app = through("https://workflow.invalid", proxy.url.clone()).await;
    let (step, _) = run_alone(&app, "workflow").await;
    let error = step["error"].as_str().unwrap();
    assert_has(error, &["through the proxy", "(nothing was sent)"]);
    let bodies: Vec<Value> = proxy
        .requests()
        .iter()
        .map(|asked| json!(asked.body))
        .collect();
    assert!(bodies.iter().all(|body| body == ""), "{bodies:?}");
}

/// A host whose workflow service is at this address, behind this proxy.
async fn through(url: &str, proxy: String) -> TestApp {
    let url = url.to_owned();
    quick()
        .configure(unchecked)
        .configure(move |config| {
            let workflow = config.services.get_mut("workflow").unwrap();
            (workflow.url, workflow.proxy) = (Some(url), Some(proxy));
        })
        .start()
        .await
}
