//! A plan that the host drives: at once, to its end, without the client, across a restart, and
//! never beside a step of the same plan.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::tempdir;

use super::{busy, decide, decided, failing, refused, run, statuses};
use crate::support::{Door, Program, Stub, TestApp, assert_has, friendly, friendly_reply, within};

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_at_once_and_goes_on() {
    let app = TestApp::start().await;
    app.stub("autonomy").hold();
    let plan = app.create(&json!({})).await;
    let plan = decided(&app, "run", &plan, &json!({})).await;
    assert!(plan["run"]["since"].is_string());
    app.stub("autonomy").release();
    let plan = run(&app, &plan).await;
    assert_eq!((&plan["status"], plan.get("run")), (&json!("DONE"), None));
    for service in ["autonomy", "srl", "hardening", "workflow"] {
        assert_eq!(app.asked(service), 1, "{service}");
    }
    // What is finished is answered as it is.
    assert_eq!(run(&app, &plan).await, plan);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_at_an_error_and_says_so() {
    let app = TestApp::builder().service("srl", failing()).start().await;
    let plan = run(&app, &app.create(&json!({})).await).await;
    assert_eq!((&plan["status"], plan.get("run")), (&json!("ERROR"), None));
    assert_eq!(statuses(&plan), ["DONE", "ERROR", "PENDING", "PENDING"]);
    let error = refused(&app, "run", &plan, &json!({})).await;
    assert_has(&error, &["stopped at step-2", "out of order", "retry"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_never_beside_a_step() {
    let app = TestApp::start().await;
    app.stub("autonomy").hold();
    let plan = app.create(&json!({})).await;
    decided(&app, "run", &plan, &json!({})).await;
    app.stub("autonomy").asked(1).await;
    let (status, answer) = app.try_step(&plan).await;
    assert_eq!(status, 409);
    assert_has(answer["error"].as_str().unwrap(), &["being run to its end"]);
    // To ask again changes nothing.
    decided(&app, "run", &plan, &json!({})).await;
    app.stub("autonomy").release();
    assert_eq!(run(&app, &plan).await["status"], "DONE");

    app.stub("autonomy").hold();
    let plan = app.create(&json!({})).await;
    let stepping = app.try_step(&plan);
    let running = async {
        app.stub("autonomy").asked(2).await;
        let error = refused(&app, "run", &plan, &json!({})).await;
        assert_has(&error, &["step-1 is running"]);
        app.stub("autonomy").release();
    };
    let ((status, _), ()) = tokio::join!(stepping, running);
    assert_eq!(status, 200);
    assert_eq!(app.asked("autonomy"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_waits_as_long_as_it_says() {
    let app = TestApp::start().await;
    app.stub("srl").hold();
    let plan = app.create(&json!({})).await;
    let plan = decided(&app, "run", &plan, &json!({"wait": true, "timeoutMs": 1})).await;
    assert!(plan["run"]["since"].is_string(), "it goes on: {plan:#}");
    app.stub("srl").release();
    assert_eq!(run(&app, &plan).await["status"], "DONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_when_the_client_is_gone() {
    let app = TestApp::start().await;
    app.stub("srl").hold();
    let plan = app.create(&json!({})).await;
    {
        let fields = json!({"wait": true});
        let waiting = decide(&app, "run", &plan, &fields);
        tokio::select! {
            _ = waiting => panic!("srl is held"),
            _ = app.stub("srl").asked(1) => {}
        }
    }
    app.stub("srl").release();
    assert_eq!(run(&app, &plan).await["status"], "DONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_after_the_host_was_stopped() {
    let app = TestApp::start().await;
    app.stub("srl").hold();
    let plan = app.create(&json!({})).await;
    decided(&app, "run", &plan, &json!({})).await;
    app.stub("srl").asked(1).await;
    let srl = app.stub("srl").clone();
    let hardening = app.stub("hardening").clone();
    let stopping = tokio::spawn(app.stop());
    srl.release();
    let data = within(stopping).await.unwrap();
    let asked = hardening.requests().len();
    let app = TestApp::builder().data(data).start().await;
    let plan = run(&app, &plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(
        (app.asked("autonomy"), app.asked("srl")),
        (0, 0),
        "they were done before"
    );
    assert_eq!(app.asked("hardening") + asked, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_after_the_host_was_killed() {
    let folder = tempdir().unwrap();
    let mut stubs = Vec::new();
    for (name, reply) in friendly() {
        stubs.push((name, Stub::answering(reply).await));
    }
    let stub = |name: &str| {
        stubs
            .iter()
            .find(|(other, _)| *other == name)
            .unwrap()
            .1
            .clone()
    };
    let services = stubs.iter().map(|(name, stub)| (*name, stub.url.as_str()));
    let program = Program::new(folder.path(), "", services);
    stub("srl").hold();
    let (mut host, url) = program.start().await;
    let plan = {
        let client = Client(url);
        let body = json!({"sessionId": "s", "domain": "social", "goal": "Plan a week of videos"});
        let plan = client.post("/mesh/create", &body).await;
        client
            .post("/mesh/run", &json!({"planId": plan["id"]}))
            .await
    };
    stub("srl").asked(1).await;
    host.kill();
    stub("srl").release();
    let (_host, url) = program.start().await;
    let client = Client(url);
    let body = json!({"planId": plan["id"], "wait": true});
    let plan = client.post("/mesh/run", &body).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(stub("workflow").requests().len(), 1);
}

/// A step that its service asked to try again later is tried then, also by a host that was not there
/// when it was asked; nobody has to do anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_was_promised_survives_a_crash() {
    let folder = tempdir().unwrap();
    let mut stubs = Vec::new();
    for (name, reply) in friendly() {
        stubs.push((name, reply.clone(), Stub::answering(reply).await));
    }
    let (_, friendly, srl) = stubs.iter().find(|(name, ..)| *name == "srl").unwrap();
    let services = stubs
        .iter()
        .map(|(name, _, stub)| (*name, stub.url.as_str()));
    let program = Program::new(folder.path(), "[retry]\ntries = 1\n", services);
    srl.answer(busy(1));
    let (mut host, url) = program.start().await;
    let client = Client(url);
    let body = json!({"sessionId": "s", "domain": "social", "goal": "Plan a week of videos"});
    let plan = client.post("/mesh/create", &body).await;
    client
        .post("/mesh/run", &json!({"planId": plan["id"]}))
        .await;
    let waits = |plan: &Value| plan["steps"][1]["retry"]["count"] == 1;
    client.when(&plan, waits).await;
    host.kill();
    srl.answer(friendly.clone());
    let (_host, url) = program.start().await;
    let plan = Client(url).when(&plan, |plan| plan["run"].is_null()).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(srl.requests().len(), 2);
}

/// A host that starts before its services, and is killed while it waits for them: reads and writes
/// alike are tried again until they are there, each write once.
#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_services_that_start_later() {
    let folder = tempdir().unwrap();
    let mut stubs = Vec::new();
    let mut doors = BTreeMap::new();
    for (name, reply) in friendly() {
        if ["autonomy", "workflow"].contains(&name) {
            doors.insert(name, Door::closed());
        } else {
            stubs.push((name, Stub::answering(reply).await));
        }
    }
    let services = stubs.iter().map(|(name, stub)| (*name, stub.url.clone()));
    let services = services.chain(doors.iter().map(|(name, door)| (*name, door.url())));
    let services: Vec<_> = services.collect();
    let services = services.iter().map(|(name, url)| (*name, url.as_str()));
    let quick = "[run]\nretries = 1000\nfirst_wait_ms = 10\nlongest_wait_ms = 2000\n\
                 [breaker]\nopen_ms = 50\n";
    let program = Program::new(folder.path(), quick, services);
    let (mut host, url) = program.start().await;
    let client = Client(url);
    let body = json!({"sessionId": "s", "domain": "social", "goal": "Plan a week of videos"});
    let plan = client.post("/mesh/create", &body).await;
    let plan = client
        .post("/mesh/run", &json!({"planId": plan["id"]}))
        .await;
    let waits = |step: usize, times: u64| {
        move |plan: &Value| plan["steps"][step]["retry"]["count"].as_u64() >= Some(times)
    };
    let waiting = client.when(&plan, waits(0, 2)).await;
    let reason = waiting["steps"][0]["retry"]["reason"].as_str().unwrap();
    assert_has(reason, &["autonomy at ", "(nothing was sent)"]);
    host.kill();

    let (mut host, url) = program.start().await;
    let client = Client(url);
    let autonomy = doors.get_mut("autonomy").unwrap();
    let autonomy = autonomy.open(|_| friendly_reply("autonomy")).await;
    // It waits for more than a second then, so that the host is not killed with the write under way.
    let waiting = client.when(&plan, waits(3, 8)).await;
    assert!(waiting["run"]["since"].is_string(), "{waiting:#}");
    host.kill();

    let (_host, url) = program.start().await;
    let workflow = doors.get_mut("workflow").unwrap();
    let workflow = workflow.open(|_| friendly_reply("workflow")).await;
    let plan = Client(url).when(&plan, |plan| plan["run"].is_null()).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(autonomy.requests().len(), 1);
    assert_eq!(workflow.requests().len(), 1);
}

/// Not for ever: then it is an error, which says so.
#[tokio::test(flavor = "multi_thread")]
async fn it_waits_so_often_for_a_service_that_does_not_start() {
    let app = TestApp::builder()
        .without("srl")
        .configure(|config| {
            (config.run.retries, config.run.first_wait_ms) = (3, 1);
            config.retry.first_wait_ms = 1;
            (config.breaker.failures, config.breaker.open_ms) = (2, 10);
        })
        .start()
        .await;
    let plan = run(&app, &app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "ERROR");
    let error = plan["steps"][1]["error"].as_str().unwrap();
    assert_has(error, &["srl at ", "nothing was sent", "limit", "3"]);
    assert_eq!(plan["steps"][1]["attempt"], 4);
}

/// A client of a host in another process.
struct Client(String);

impl Client {
    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = crate::support::http().post(format!("{}{path}", self.0));
        let request = request
            .header("content-type", "application/json")
            .body(body.to_string());
        let text = request.send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["ok"], true, "{answer:#}");
        answer["plan"].clone()
    }

    /// The plan once it is so.
    async fn when(&self, plan: &Value, so: impl Fn(&Value) -> bool) -> Value {
        let id = plan["id"].as_str().unwrap();
        let looking = async {
            loop {
                let request = crate::support::http().get(format!("{}/mesh/plan?id={id}", self.0));
                let text = request.send().await.unwrap().text().await.unwrap();
                let answer: Value = serde_json::from_str(&text).unwrap();
                if so(&answer["plan"]) {
                    return answer["plan"].clone();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        within(looking).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_runs_are_refused_and_nothing_is_lost() {
    let app = TestApp::builder()
        .configure(|config| config.run.plans = 1)
        .start()
        .await;
    app.stub("autonomy").hold();
    let first = app.create(&json!({})).await;
    decided(&app, "run", &first, &json!({})).await;
    let second = app.create(&json!({})).await;
    let (status, answer) = decide(&app, "run", &second, &json!({})).await;
    assert_eq!(status, 503, "{answer}");
    assert_has(answer["error"].as_str().unwrap(), &["1 plans", "limit"]);
    app.stub("autonomy").release();
    app.status_when(|status| status["runs"]["running"] == 0)
        .await;
    assert_eq!(run(&app, &second).await["status"], "DONE");
    assert_eq!(app.plan(&first).await["status"], "DONE");
}
