//! `codex-mesh dev`: a host with everything it needs, on one machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::tempdir;

use super::Client;
use crate::support::{
    Binary, BinaryBuilder, Port, Reply, Stub, assert_has, built, http, recorded, within,
};

pub(super) const SERVICES: [&str; 10] = [
    "autonomy",
    "srl",
    "hardening",
    "workflow",
    "ops",
    "strategy",
    "simulation",
    "trends",
    "campaign",
    "brain",
];

/// Addresses of their own for all services.
struct Services(BTreeMap<&'static str, Port>);

impl Services {
    fn reserve() -> Self {
        Self(SERVICES.map(|name| (name, Port::reserve())).into())
    }

    fn url(&self, name: &str) -> String {
        self.0[name].url()
    }

    fn dev(&self, data: &Path) -> BinaryBuilder {
        let mut process = Binary::run("dev", data).env("MESH_CACHE_DIR", data.join("cache"));
        for (name, port) in &self.0 {
            let variable = format!("MESH_SERVICES__{}__URL", name.to_uppercase());
            process = process.env(&variable, port.url());
        }
        process
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_runs_to_its_end_on_local_services() {
    let (data, services) = (tempdir().unwrap(), Services::reserve());
    let mut host = services.dev(data.path()).spawn();
    host.stdout.with("compiling the plugins");
    let client = Client::new(host.url());
    assert_has(
        &host.stdout.with("curl"),
        &["curl", "/mesh/create", &client.url],
    );
    let plan = run(&client, &client.create(Value::Null).await).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");

    let workflow = plan["steps"][3]["result"]["workflow"]["id"]
        .as_str()
        .unwrap();
    let kept = get(&format!("{}/workflow/{workflow}", services.url("workflow"))).await;
    assert_eq!(kept["workflow"]["goal"], plan["goal"]);
    assert_remembered(&services.url("brain"), 6).await;
}

/// Its own edition is known to be harmless, and one that was there before it is not.
#[tokio::test(flavor = "multi_thread")]
async fn only_its_own_edition_simulates() {
    let data = tempdir().unwrap();
    let simulate = async |host: &mut Binary| {
        let client = Client::new(host.url());
        let body = json!({
            "sessionId": "s1", "domain": "social", "goal": "g", "mode": "SIMULATION",
            "steps": [{"kind": "workflow"}],
        });
        let (status, answer) = client.post("/mesh/create", &body).await;
        assert_eq!(status, 200, "{answer}");
        let plan = run(&client, &answer["plan"]).await;
        assert_eq!(plan["status"], "DONE", "{plan:#}");
        host.signal("INT");
        assert_eq!(host.ended().code(), Some(0));
        plan["steps"][0]["result"].clone()
    };
    let services = Services::reserve();
    let result = simulate(&mut services.dev(data.path()).spawn()).await;
    assert_eq!(result["scenario"], "content_only", "{result}");

    let mut services = Services::reserve();
    let port = services.0.remove("simulation").unwrap();
    let engine = Stub::on(port.listen(), |_| Reply::json(200, &json!({"ok": true})));
    let dev = services
        .dev(data.path())
        .env("MESH_SERVICES__SIMULATION__URL", &engine.url);
    let result = simulate(&mut dev.spawn()).await;
    assert_eq!(result["simulated"], false, "{result}");
    let asked = engine.requests();
    let paths: Vec<_> = asked.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["/health"]);

    // Another service that simulates has no edition of its own.
    let services = Services::reserve();
    let config = data.path().join("mesh.toml");
    let other = "[services.other]\nurl = \"http://localhost:1\"\n\
                 [services.other.routes]\n\"POST /try\" = \"simulate\"\n";
    std::fs::write(&config, other).unwrap();
    let dev = services.dev(data.path()).arg("--config").arg(&config);
    let result = simulate(&mut dev.spawn()).await;
    assert_eq!(result["simulated"], false, "{result}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outcome_depends_on_the_goal() {
    let (data, services) = (tempdir().unwrap(), Services::reserve());
    let mut host = services.dev(data.path()).spawn();
    let client = Client::new(host.url());
    let body = json!({
        "sessionId": "s1",
        "domain": "social",
        "goal": "delete database and remove all accounts",
    });
    let (status, answer) = client.post("/mesh/create", &body).await;
    assert_eq!(status, 200, "{answer}");
    let plan = run(&client, &answer["plan"]).await;
    assert_eq!(plan["status"], "ERROR");
    assert_has(
        plan["steps"][0]["error"].as_str().unwrap(),
        &["Blocked", "delete database"],
    );
    let workflows = get(&format!("{}/workflows", services.url("workflow"))).await;
    assert_eq!(workflows["workflows"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_is_warm_and_has_the_plans() {
    let (data, services) = (tempdir().unwrap(), Services::reserve());
    let mut host = services.dev(data.path()).spawn();
    let client = Client::new(host.url());
    let plan = run(&client, &client.create(Value::Null).await).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    host.signal("INT");
    assert_eq!(host.ended().code(), Some(0));

    let mut host = services.dev(data.path()).spawn();
    let client = Client::new(host.url());
    let listed = client.get("/mesh/plans").await;
    assert_eq!(listed["plans"], json!([plan]));
    let again = run(&client, &client.create(Value::Null).await).await;
    assert_eq!(again["status"], "DONE", "{again:#}");
    host.signal("INT");
    assert_eq!(host.ended().code(), Some(0));
    let said = host.stdout.rest();
    assert!(!said.contains("compiling"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_answers_is_not_replaced() {
    let (data, mut services) = (tempdir().unwrap(), Services::reserve());
    let friendly = recorded(
        "srl-check-dependencies-stubbed.json",
        "all_healthy_no_findings",
    );
    let port = services.0.remove("srl").unwrap();
    let srl = Stub::on(port.listen(), move |request| match request.path.as_str() {
        // Whatever it says, it is there.
        "/health" => Reply::new(500, "text/plain", "unwell"),
        _ => friendly.clone(),
    });
    let mut host = services
        .dev(data.path())
        .env("MESH_SERVICES__SRL__URL", &srl.url)
        .spawn();
    for name in SERVICES {
        let line = host.stdout.with(&format!("  {name} "));
        let (url, state) = match name {
            "srl" => (srl.url.clone(), "was already there"),
            _ => (services.url(name), "local edition"),
        };
        assert_has(&line, &[&url, state]);
    }
    let client = Client::new(host.url());
    let steps = json!([{"kind": "autonomy"}, {"kind": "srl"}]);
    let plan = run(&client, &client.create(steps).await).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    let asked = srl.requests();
    let paths: Vec<_> = asked.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["/health", "/srl/check"]);
}

/// The README's way to a campaign: two plugins that were built, and the grant that one needs.
#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_launched_once_it_is_granted() {
    let readme = include_str!("../../README.md");
    let (_, grant) = readme.split_once("printf '").unwrap();
    let grant = grant.split_once('\'').unwrap().0.replace("\\n", "\n");
    let (data, services) = (tempdir().unwrap(), Services::reserve());
    let launch = json!({
        "sessionId": "s1", "domain": "social", "goal": "Plan a week of short videos",
        "mode": "LIVE", "recipe": "campaign-launch",
    });
    let config = data.path().join("mesh.toml");
    let dev = || {
        let dev = services.dev(data.path()).arg("--config").arg(&config);
        dev.arg("--plugins").arg(&built().folder)
    };
    std::fs::write(&config, "").unwrap();
    let mut host = dev().spawn();
    // Its plugins may still be loaded.
    let create = async |client: &Client| loop {
        match client.post("/mesh/create", &launch).await {
            (503, _) => tokio::time::sleep(Duration::from_millis(20)).await,
            created => return created,
        }
    };
    let (status, answer) = within(create(&Client::new(host.url()))).await;
    assert_eq!(status, 400, "{answer}");
    let error = answer["error"].as_str().unwrap();
    assert_has(error, &["(campaign)", "[plugin.campaign.grants]"]);
    host.signal("INT");
    assert_eq!(host.ended().code(), Some(0));

    std::fs::write(&config, grant).unwrap();
    let mut host = dev().spawn();
    let client = Client::new(host.url());
    let (status, answer) = within(create(&client)).await;
    assert_eq!(status, 200, "{answer}");
    let plan = run(&client, &answer["plan"]).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_starts_no_local_service() {
    let (data, services) = (tempdir().unwrap(), Services::reserve());
    let mut process = Binary::run("serve", data.path());
    for (name, port) in &services.0 {
        let variable = format!("MESH_SERVICES__{}__URL", name.to_uppercase());
        process = process.env(&variable, port.url());
    }
    let mut host = process.spawn();
    let client = Client::new(host.url());
    let plan = run(&client, &client.create(Value::Null).await).await;
    let error = plan["steps"][0]["error"].as_str().unwrap();
    assert_has(error, &["autonomy", "refused the connection"]);
}

/// Steps until the plan is done or stops.
async fn run(client: &Client, plan: &Value) -> Value {
    let mut plan = plan.clone();
    for _ in 0..plan["steps"].as_array().unwrap().len() {
        plan = client.step(&plan).await;
        if plan["status"] == "ERROR" {
            break;
        }
    }
    plan
}

async fn get(url: &str) -> Value {
    let text = http().get(url).send().await.unwrap().text().await.unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Waits until the local Brain has so many records, all of them ours.
async fn assert_remembered(brain: &str, count: usize) {
    let all = async {
        loop {
            let answer = get(&format!("{brain}/v2/memory/all")).await;
            let records = answer["records"].as_array().unwrap().clone();
            if records.len() >= count {
                return records;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let records = within(all).await;
    assert_eq!(records.len(), count);
    for record in records {
        assert_eq!(record["sessionId"], "mesh-s1");
    }
}
