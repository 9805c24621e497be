//! Killed while a service has a request and has not answered it: the one moment of which the host
//! can't know how it went.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::world::is_interrupted;
use crate::support::{GOAL, Process, Program, Reply, Stub, friendly};

/// A host in a process of its own, with its services.
struct Setup {
    program: Program,
    process: Process,
    url: String,
    stubs: BTreeMap<&'static str, Stub>,
    client: reqwest::Client,
    _folder: TempDir,
}

impl Setup {
    async fn new(more: &str) -> Self {
        codex_mesh::services::install_tls();
        let mut stubs = BTreeMap::new();
        for (name, reply) in friendly() {
            stubs.insert(name, Stub::answering(reply).await);
        }
        let folder = tempfile::tempdir().unwrap();
        let services = stubs.iter().map(|(name, stub)| (*name, stub.url.as_str()));
        let program = Program::new(folder.path(), more, services);
        let (process, url) = program.start().await;
        Self {
            program,
            process,
            url,
            stubs,
            client: reqwest::Client::new(),
            _folder: folder,
        }
    }

    async fn create(&self) -> Value {
        let body = json!({"sessionId": "s", "domain": "social", "goal": GOAL});
        self.post("/mesh/create", &body).await["plan"].take()
    }

    async fn step(&self, plan: &Value) -> Value {
        let body = json!({"planId": plan["id"]});
        self.post("/mesh/step", &body).await["plan"].take()
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.client.post(format!("{}{path}", self.url));
        let request = request.header("content-type", "application/json");
        let response = request.body(body.to_string()).send().await.unwrap();
        serde_json::from_str(&response.text().await.unwrap()).unwrap()
    }

    async fn get(&self, path: &str, plan: &Value) -> Value {
        let id = plan["id"].as_str().unwrap();
        let response = self.client.get(format!("{}{path}?id={id}", self.url));
        let text = response.send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Kills the host once the service has the request of the plan's next step, and starts it
    /// again; the plan as it is then.
    async fn kill_while_asking(&mut self, service: &str, plan: &Value) -> Value {
        self.cut_off(service, "/mesh/step", plan).await;
        self.restart(plan).await
    }

    async fn cut_off(&mut self, service: &str, path: &str, plan: &Value) {
        let stub = self.stubs[service].clone();
        let asked = stub.requests().len();
        stub.hold();
        let mut body = json!({"planId": plan["id"]});
        if path == "/mesh/run" {
            body["wait"] = json!(true);
        }
        let request = self
            .client
            .post(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .body(body.to_string());
        let stepping = tokio::spawn(async move { request.send().await });
        stub.asked(asked + 1).await;
        self.process.kill();
        assert!(stepping.await.unwrap().is_err(), "nothing was acknowledged");
        stub.release();
    }

    /// The plan as it is after a start.
    async fn restart(&mut self, plan: &Value) -> Value {
        (self.process, self.url) = self.program.start().await;
        self.get("/mesh/plan", plan).await["plan"].take()
    }

    /// Starts where the host dies at its first commit, which here is that of its recovery.
    async fn die_in_recovery(&mut self, place: &str) {
        let failpoint = format!("{place}:1");
        let variables = [("CODEX_MESH_FAILPOINT", failpoint.as_str())];
        self.process = self.program.spawn_with(&variables);
        assert!(self.process.listening().await.is_none(), "it lived on");
        self.process.ended().await;
    }

    async fn transitions(&self, plan: &Value) -> Vec<String> {
        let answer = self.get("/mesh/history", plan).await;
        let entries = answer["history"].as_array().unwrap().iter();
        entries
            .map(|entry| {
                let field = |name: &str| entry[name].as_str().unwrap().to_owned();
                let step = entry["step"].as_str().unwrap_or_default();
                format!("{} {step} {}", field("transition"), field("status"))
            })
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_in_flight_is_asked_again() {
    let mut setup = Setup::new("").await;
    let plan = setup.create().await;
    let plan = setup.step(&plan).await;
    let plan = setup.kill_while_asking("srl", &plan).await;
    let statuses = |plan: &Value| {
        let steps = plan["steps"].as_array().unwrap().iter();
        let of = |step: &Value| step["status"].as_str().unwrap().to_owned();
        steps.map(of).collect::<Vec<_>>()
    };
    assert_eq!(statuses(&plan), ["DONE", "PENDING", "PENDING", "PENDING"]);
    let mut plan = plan;
    for _ in 0..3 {
        plan = setup.step(&plan).await;
    }
    assert_eq!(plan["status"], "DONE", "{plan}");
    let asked = |name: &str| setup.stubs[name].requests();
    assert_eq!(
        ["autonomy", "srl", "hardening"].map(|n| asked(n).len()),
        [1, 2, 1]
    );
    let keys = asked("srl")
        .into_iter()
        .map(|r| r.headers["idempotency-key"].clone());
    let keys: Vec<_> = keys.collect();
    assert_eq!(keys[0], keys[1], "it is the same call");
}

async fn up_to_the_write(setup: &Setup) -> Value {
    let mut plan = setup.create().await;
    for _ in 0..3 {
        plan = setup.step(&plan).await;
    }
    plan
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_in_flight_is_an_error_and_not_repeated() {
    let mut setup = Setup::new("").await;
    let plan = up_to_the_write(&setup).await;
    let plan = setup.kill_while_asking("workflow", &plan).await;
    assert_eq!(plan["status"], "ERROR", "{plan}");
    assert!(is_interrupted(&plan["steps"][3]), "{plan}");
    let transitions = setup.transitions(&plan).await;
    let end = [
        "started step-4 IN_PROGRESS",
        "sent step-4 IN_PROGRESS",
        "interrupted step-4 ERROR",
    ];
    assert!(
        transitions.ends_with(&end.map(str::to_owned)),
        "{transitions:?}"
    );

    let refused = setup
        .post("/mesh/step", &json!({"planId": plan["id"]}))
        .await;
    assert_eq!(refused["ok"], false, "{refused}");
    assert!(
        refused["error"].as_str().unwrap().contains("interrupted"),
        "{refused}"
    );
    setup.process.kill();
    (setup.process, setup.url) = setup.program.start().await;
    assert_eq!(
        setup.get("/mesh/plan", &plan).await["plan"],
        plan,
        "it stays so"
    );
    assert_eq!(setup.stubs["workflow"].requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_in_flight_is_repeated_where_keys_are_honoured() {
    let mut setup = Setup::new("[services.workflow]\nidempotent = true\n").await;
    let plan = up_to_the_write(&setup).await;
    let plan = setup.kill_while_asking("workflow", &plan).await;
    assert_eq!(plan["steps"][3]["status"], "PENDING", "{plan}");
    let plan = setup.step(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan}");
    let requests = setup.stubs["workflow"].requests();
    assert_eq!(requests.len(), 2);
    let key = |index: usize| requests[index].headers["idempotency-key"].clone();
    assert_eq!(key(0), key(1));
    assert_eq!(requests[0].body, requests[1].body);
    let end = [
        "sent step-4 IN_PROGRESS",
        "interrupted step-4 PENDING",
        "started step-4 IN_PROGRESS",
        "sent step-4 IN_PROGRESS",
        "finished step-4 DONE",
    ];
    let transitions = setup.transitions(&plan).await;
    assert!(
        transitions.ends_with(&end.map(str::to_owned)),
        "{transitions:?}"
    );
}

/// A simulation acts, as far as the host knows, and no key is known to be honoured meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_in_flight_is_an_error_and_not_repeated() {
    let more = "[policy]\nsimulation = \"engine\"\n[services.simulation]\nidempotent = true\n";
    for path in ["/mesh/step", "/mesh/run"] {
        let mut setup = Setup::new(more).await;
        let body = json!({"sessionId": "s", "domain": "social", "goal": GOAL,
            "mode": "SIMULATION", "steps": [{"kind": "workflow"}]});
        let plan = setup.post("/mesh/create", &body).await["plan"].take();
        setup.cut_off("simulation", path, &plan).await;
        let plan = setup.restart(&plan).await;
        assert_eq!(plan["status"], "ERROR", "{plan}");
        assert!(is_interrupted(&plan["steps"][0]), "{plan}");
        assert_eq!(setup.stubs["simulation"].requests().len(), 1);
    }
}

/// A write that may have happened stays one, whatever becomes of the next try of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_in_flight_is_not_forgotten_when_the_next_try_is_not_sent() {
    let more = "[retry]\ntries = 1\n[breaker]\nfailures = 1\n\
                [services.workflow]\nidempotent = true\n";
    let mut setup = Setup::new(more).await;
    let plan = up_to_the_write(&setup).await;
    let plan = setup.kill_while_asking("workflow", &plan).await;
    let other = up_to_the_write(&setup).await;
    setup.stubs["workflow"].answer(Reply::json(503, &json!({})));
    setup.step(&other).await;
    let asked = setup.stubs["workflow"].requests().len();
    let plan = setup.step(&plan).await;
    assert_eq!(plan["steps"][3]["status"], "ERROR", "{plan}");
    assert_eq!(
        setup.stubs["workflow"].requests().len(),
        asked,
        "it was sent"
    );
    let mut retry = json!({"planId": plan["id"]});
    let refused = setup.post("/mesh/retry", &retry).await;
    let error = refused["error"].as_str().unwrap();
    assert!(error.contains("repeatWrites"), "{error}");
    retry["repeatWrites"] = json!(true);
    let plan = setup.post("/mesh/retry", &retry).await["plan"].take();
    assert_eq!(plan["steps"][3]["attempt"], 2, "{plan}");
}

/// Killed again before and after the commit with which it settles what the first kill left.
#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_recovers() {
    for place in ["before", "after"] {
        let mut setup = Setup::new("").await;
        let plan = up_to_the_write(&setup).await;
        setup.cut_off("workflow", "/mesh/step", &plan).await;
        setup.die_in_recovery(place).await;
        let plan = setup.restart(&plan).await;
        assert!(is_interrupted(&plan["steps"][3]), "{plan}");
        let transitions = setup.transitions(&plan).await;
        let interruptions = transitions.iter().filter(|t| t.starts_with("interrupted"));
        assert_eq!(interruptions.count(), 1, "{transitions:?}");
        assert_eq!(setup.stubs["workflow"].requests().len(), 1);
    }
}

/// A plan that can't be read any more must not take the others, or the host, with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_plan_does_not_keep_the_host_from_starting() {
    let mut setup = Setup::new("").await;
    let damaged = up_to_the_write(&setup).await;
    let whole = up_to_the_write(&setup).await;
    setup.process.kill();
    let database = Connection::open(setup.program.data().join("mesh.db")).unwrap();
    let sql = "UPDATE plans SET body = '{\"id\":', in_flight = 1 WHERE id = ?1";
    let changed = database.execute(sql, [damaged["id"].as_str().unwrap()]);
    assert_eq!(changed, Ok(1));
    drop(database);
    (setup.process, setup.url) = setup.program.start().await;
    assert_eq!(setup.get("/mesh/plan", &whole).await["plan"], whole);
    assert_eq!(setup.step(&whole).await["status"], "DONE");
    let answer = setup.get("/mesh/plan", &damaged).await;
    assert_eq!(answer["ok"], false, "{answer}");
    let log = setup.program.log();
    let id = damaged["id"].as_str().unwrap();
    assert!(log.contains(id) && log.contains("damaged"), "{log}");
}

/// A write that is only shown was not sent: wherever the host dies, it can be shown again.
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_is_never_interrupted_for_good() {
    for commit in 1..=5 {
        let mut setup = Setup::new("").await;
        setup.process.kill();
        // Its deliveries would be commits too, at any moment.
        setup.stubs["brain"].hold();
        let failpoint = format!("after:{commit}");
        let variables = [("CODEX_MESH_FAILPOINT", failpoint.as_str())];
        setup.process = setup.program.spawn_with(&variables);
        if let Some(url) = setup.process.listening().await {
            setup.url = url;
            dry_run(&setup).await;
        }
        setup.process.kill();
        (setup.process, setup.url) = setup.program.start().await;
        let plans = setup
            .client
            .get(format!("{}/mesh/plans", setup.url))
            .send()
            .await
            .unwrap();
        let plans: Value = serde_json::from_str(&plans.text().await.unwrap()).unwrap();
        for plan in plans["plans"].as_array().unwrap() {
            assert_ne!(plan["status"], "ERROR", "after commit {commit}: {plan:#}");
            let plan = setup.step(plan).await;
            assert_eq!(plan["status"], "DONE", "after commit {commit}: {plan:#}");
        }
        assert_eq!(setup.stubs["workflow"].requests().len(), 0);
    }
}

/// Creates a plan that would only write, and runs it, as far as the host lives.
async fn dry_run(setup: &Setup) {
    let post = |path: &str, body: Value| {
        let request = setup.client.post(format!("{}{path}", setup.url));
        request
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
    };
    let body = json!({"sessionId": "s", "domain": "social", "goal": GOAL, "mode": "DRY_RUN",
        "steps": [{"kind": "workflow"}]});
    let Ok(created) = post("/mesh/create", body).await else {
        return;
    };
    let Ok(created) = created.text().await else {
        return;
    };
    let created: Value = serde_json::from_str(&created).unwrap();
    // The host may die of it: what it left behind is looked at afterwards.
    let _ = post("/mesh/step", json!({"planId": created["plan"]["id"]})).await;
}
