//! SIGTERM, SIGHUP and Ctrl-C: what is under way ends, the exit code is 0.

use serde_json::json;
use tempfile::tempdir;

use super::Client;
use crate::support::{Binary, Stub, recorded, within};

#[test]
fn each_signal_stops_it_cleanly() {
    let data = tempdir().unwrap();
    for command in ["serve", "dev"] {
        for signal in ["TERM", "INT", "HUP"] {
            let mut process = Binary::run(command, data.path());
            for service in super::dev::SERVICES {
                // Not on this machine, so that nothing is started in its place.
                let name = format!("MESH_SERVICES__{}__URL", service.to_uppercase());
                process = process.env(&name, "http://does-not-exist.invalid");
            }
            let mut host = process.spawn();
            host.url();
            host.signal(signal);
            host.stdout.with("stopping");
            host.stdout.with("stopped");
            let status = host.ended();
            assert_eq!(status.code(), Some(0), "{command} {signal}: {status}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_under_way_ends_and_is_answered() {
    let data = tempdir().unwrap();
    let srl = Stub::answering(recorded(
        "srl-check-dependencies-stubbed.json",
        "all_healthy_no_findings",
    ))
    .await;
    let mut host = Binary::run("serve", data.path())
        .env("MESH_SERVICES__SRL__URL", &srl.url)
        .spawn();
    let client = Client::new(host.url());
    let plan = client.create(json!([{"kind": "srl"}])).await;
    srl.hold();
    let step = tokio::spawn(async move { client.step(&plan).await });
    srl.asked(1).await;
    host.signal("TERM");
    host.stdout.with("stopping");
    srl.release();
    let plan = within(step).await.unwrap();
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(host.ended().code(), Some(0));

    let mut host = Binary::run("serve", data.path()).spawn();
    let path = format!("/mesh/plan?id={}", plan["id"].as_str().unwrap());
    let stored = Client::new(host.url()).get(&path).await;
    assert_eq!(stored["plan"], plan);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_does_not_keep_it() {
    let data = tempdir().unwrap();
    let mut host = Binary::run("serve", data.path()).spawn();
    let client = Client::new(host.url());
    assert_eq!(client.get("/health").await["ok"], true);
    host.signal("TERM");
    assert_eq!(host.ended().code(), Some(0));
    drop(client);
}

/// `nohup` starts a program with SIGHUP ignored, so that it outlives the terminal.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_started_with_nohup_outlives_its_terminal() {
    let data = tempdir().unwrap();
    let mut host = Binary::limited("serve", data.path(), "trap '' HUP").spawn();
    let client = Client::new(host.url());
    host.signal("HUP");
    assert_eq!(client.get("/health").await["ok"], true);
    host.signal("TERM");
    host.stdout.with("stopping");
    assert_eq!(host.ended().code(), Some(0));
}
