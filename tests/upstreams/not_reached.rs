//! Services that can't be connected to, in every way: nothing was sent, so a write is tried again,
//! its step says so, and to retry it asks for no courage.

use serde_json::{Value, json};

use super::{quick, run_alone, unchecked};
use crate::support::{Binary, Full, Port, Reply, Stub, TestApp, assert_has, hangs_up, within};

/// A host whose workflow service is at this address, and is given so long.
async fn app_at(url: &str, timeout_ms: u64) -> TestApp {
    let url = url.to_owned();
    quick()
        .configure(unchecked)
        .configure(move |config| {
            let workflow = config.services.get_mut("workflow").unwrap();
            (workflow.url, workflow.timeout_ms) = (Some(url), Some(timeout_ms));
        })
        .start()
        .await
}

/// Asserts that a write to this address is tried three times, and that its plan may be taken back.
async fn assert_unsent(url: &str, timeout_ms: u64, told: &[&str]) {
    let app = app_at(url, timeout_ms).await;
    let (step, requests) = run_alone(&app, "workflow").await;
    let error = step["error"].as_str().unwrap();
    assert_has(error, &["workflow at ", url, "(nothing was sent)"]);
    assert_has(error, told);
    assert_eq!(requests, json!(3), "{error}");
    assert_eq!(step.get("sent"), None, "{step}");

    let plan = app.create(&json!({"steps": [{"kind": "workflow"}]})).await;
    let plan = app.step(&plan).await;
    let (status, answer) = app
        .post("/mesh/retry", &json!({"planId": plan["id"]}))
        .await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_where_nothing_listens() {
    let port = Port::reserve();
    assert_unsent(&port.url(), 30_000, &["refused the connection"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_an_unknown_name() {
    let told = ["could not be found by name"];
    assert_unsent("http://does-not-exist.invalid:1234", 30_000, &told).await;
}

/// No route leads to the address of everybody.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_where_no_way_leads() {
    let told = ["can't be reached from here", "is its address right"];
    assert_unsent("http://255.255.255.255:81", 30_000, &told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_without_tls() {
    let plain = Stub::answering(Reply::json(200, &json!({}))).await;
    let url = plain.url.replace("http://", "https://");
    assert_unsent(&url, 30_000, &["over TLS"]).await;
    assert_eq!(plain.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_while_tls_is_not_set_up() {
    let url = hangs_up().await.replace("http://", "https://");
    let told = ["closed the connection before it was set up"];
    assert_unsent(&url, 30_000, &told).await;
}

/// Also where the request's own time is over before that of connecting is.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_while_it_is_not_connected() {
    let full = Full::new().await;
    let told = ["could not be connected to within 300 ms"];
    assert_unsent(&full.url, 300, &told).await;
}

/// And a read says the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_says_so_too() {
    let app = TestApp::builder().without("srl").start().await;
    let (step, _) = run_alone(&app, "srl").await;
    let told = ["srl at ", "refused the connection", "(nothing was sent)"];
    assert_has(step["error"].as_str().unwrap(), &told);
}

/// A host that has no descriptor left can't connect to anything: its own trouble, which says nothing
/// of the service, and passes.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_without_a_descriptor() {
    let workflow = Stub::answering(crate::support::friendly_reply("workflow")).await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("mesh.toml");
    let text = format!(
        "[policy]\nlive_requires = []\n[breaker]\nfailures = 1\n[services.workflow]\nurl = {:?}\n",
        workflow.url
    );
    std::fs::write(&config, text).unwrap();
    let mut host = Binary::limited("serve", folder.path(), "ulimit -n 100")
        .arg("--config")
        .arg(&config)
        .spawn();
    let url = host.url();
    let client = crate::support::http();
    let post = async |path: &str, body: Value| -> Value {
        let request = client.post(format!("{url}{path}"));
        let request = request.header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    };
    let body = json!({"sessionId": "s", "domain": "social", "goal": "Plan a week of videos",
        "steps": [{"kind": "workflow"}]});
    let plan = post("/mesh/create", body).await["plan"].clone();
    let id = json!({"planId": plan["id"]});
    // The client's own connection stays open; these take every descriptor that is left. No more of
    // them than the system lets wait to be accepted, or the last one is never connected.
    let address = url.strip_prefix("http://").unwrap().to_owned();
    let mut taken = Vec::new();
    for _ in 0..100 {
        taken.push(tokio::net::TcpStream::connect(&address).await.unwrap());
    }
    within(async {
        while descriptors(host.id()) < 100 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let answer = post("/mesh/step", id.clone()).await;
    let error = answer["plan"]["steps"][0]["error"].as_str();
    let error = error.unwrap_or_else(|| panic!("{answer:#}"));
    assert_has(error, &["no room", "ulimit -n", "(nothing was sent)"]);
    assert_eq!(workflow.requests().len(), 0);

    drop(taken);
    within(async {
        while descriptors(host.id()) >= 90 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(post("/mesh/retry", id.clone()).await["ok"], true);
    let answer = post("/mesh/step", id).await;
    assert_eq!(answer["plan"]["status"], "DONE", "{answer:#}");
}

/// The descriptors that a process has open.
fn descriptors(process: u32) -> usize {
    let open = std::fs::read_dir(format!("/proc/{process}/fd"));
    open.unwrap().count()
}
