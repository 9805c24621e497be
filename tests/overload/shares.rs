//! Whatever one client does, others find a place. Clients are addresses: here of the loopback network.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use super::until_closed;
use crate::support::{TestApp, TestAppBuilder, assert_has, client_at, start_hostile, within};

/// How many places there are of everything here. One client alone may have all but one.
const PLACES: usize = 8;
const SHARE: usize = PLACES - 1;

/// One kind alone may have all but two of the steps.
const OF_A_KIND: usize = PLACES - 2;

/// Who takes what it can get, and who comes after.
const GREEDY: &str = "127.0.0.1";
const OTHER: &str = "127.0.0.2";

/// What a client at this address is answered: status, `Retry-After` and body.
struct Answered {
    status: u16,
    retry_after: Option<String>,
    body: Value,
}

async fn post(app: &TestApp, address: &str, path: &str, body: Value) -> Answered {
    let request = client_at(address).post(format!("{}{path}", app.url));
    let request = request.header("content-type", "application/json");
    let response = request.body(body.to_string()).send().await.unwrap();
    let retry_after = response.headers().get("retry-after");
    Answered {
        status: response.status().as_u16(),
        retry_after: retry_after.map(|value| value.to_str().unwrap().to_owned()),
        body: serde_json::from_str(&response.text().await.unwrap()).unwrap(),
    }
}

impl Answered {
    /// It had its share already, and of what.
    fn assert_too_much(&self, what: &str, setting: &str) {
        assert_eq!(self.status, 429, "{}", self.body);
        assert_eq!(self.retry_after.as_deref(), Some("1"));
        assert_eq!(self.body["ok"], false);
        let share = format!("{SHARE} {what} for {GREEDY}, which is its share of {PLACES}");
        assert_has(
            self.body["error"].as_str().unwrap(),
            &[&share, setting, "try again in a moment"],
        );
    }
}

async fn plans(app: &TestApp, count: usize) -> Vec<Value> {
    let mut plans = Vec::new();
    for _ in 0..count {
        plans.push(app.create(&json!({})).await);
    }
    plans
}

fn with(configure: impl FnOnce(&mut codex_mesh::config::Config) + 'static) -> TestAppBuilder {
    TestApp::builder().configure(configure)
}

#[tokio::test(flavor = "multi_thread")]
async fn steps() {
    let app = with(|config| config.limits.concurrent_steps = PLACES)
        .start()
        .await;
    // Of several kinds, as one alone may not have so many.
    let kinds = [
        "autonomy", "srl", "autonomy", "srl", "autonomy", "srl", "ops", "ops", "strategy",
    ];
    let mut plans = Vec::new();
    for kind in kinds {
        plans.push(app.create(&json!({"steps": [{"kind": kind}]})).await);
        app.stub(kind).hold();
    }
    let last = app.create(&json!({"steps": [{"kind": "hardening"}]})).await;
    let step = |address, plan: &Value| {
        let body = json!({"planId": plan["id"]});
        post(&app, address, "/mesh/step", body)
    };
    let greedy =
        futures_util::future::join_all(plans[..SHARE].iter().map(|plan| step(GREEDY, plan)));
    let others = async {
        for (kind, times) in [("autonomy", 3), ("srl", 3), ("ops", 1)] {
            app.stub(kind).asked(times).await;
        }
        let refused = step(GREEDY, &plans[SHARE]).await;
        refused.assert_too_much("steps are running", "concurrent_steps");
        let (other, ()) = tokio::join!(step(OTHER, &plans[PLACES]), async {
            app.stub("strategy").asked(1).await;
            let expected = [
                ("autonomy for 127.0.0.1", 3),
                ("srl for 127.0.0.1", 3),
                ("ops for 127.0.0.1", 1),
                ("strategy for 127.0.0.2", 1),
            ];
            assert_shown(&app, "steps", &expected).await;
            let full = step(OTHER, &last).await;
            assert_eq!(full.status, 503, "{}", full.body);
            assert_has(
                full.body["error"].as_str().unwrap(),
                &["8 steps are running"],
            );
            kinds.iter().for_each(|kind| app.stub(kind).release());
        });
        assert_eq!(other.status, 200, "{}", other.body);
    };
    let (greedy, ()) = tokio::join!(greedy, others);
    assert!(greedy.iter().all(|answered| answered.status == 200));
}

/// Of the steps of one kind, too, one client gets most and never all.
#[tokio::test(flavor = "multi_thread")]
async fn steps_of_one_kind() {
    // Seven eighths of the three quarters that one kind may have.
    const MOST: usize = 42;
    let app = with(|config| config.limits.concurrent_steps = 64)
        .start()
        .await;
    let mut plans = Vec::new();
    for _ in 0..MOST + 2 {
        plans.push(app.create(&json!({"steps": [{"kind": "srl"}]})).await);
    }
    let srl = app.stub("srl");
    srl.hold();
    let step = |address, plan: &Value| {
        let body = json!({"planId": plan["id"]});
        post(&app, address, "/mesh/step", body)
    };
    let greedy =
        futures_util::future::join_all(plans[..MOST].iter().map(|plan| step(GREEDY, plan)));
    let others = async {
        srl.asked(MOST).await;
        let refused = step(GREEDY, &plans[MOST]).await;
        assert_eq!(refused.status, 429, "{}", refused.body);
        let share = "42 steps are running for srl for 127.0.0.1, which is its share of 64";
        assert_has(refused.body["error"].as_str().unwrap(), &[share]);
        let (other, ()) = tokio::join!(step(OTHER, &plans[MOST + 1]), async {
            srl.asked(MOST + 1).await;
            srl.release();
        });
        assert_eq!(other.status, 200, "{}", other.body);
    };
    let (greedy, ()) = tokio::join!(greedy, others);
    assert!(greedy.iter().all(|answered| answered.status == 200));
}

/// Who has how many of these places.
async fn assert_shown(app: &TestApp, places: &str, expected: &[(&str, usize)]) {
    let (_, status) = app.get("/mesh/status").await;
    let shown = &status["places"][places];
    assert_eq!(shown["limit"], PLACES);
    let holders = shown["holders"].as_array().unwrap().iter();
    let holders: Vec<_> = holders
        .map(|held| {
            (
                held["who"].as_str().unwrap(),
                held["taken"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(who, taken)| (*who, *taken as u64))
        .collect();
    assert_eq!(holders, expected, "{shown}");
}

/// The host drives many plans of one client, whose steps wait for room, as a service hangs. Plans of
/// other kinds go to their end meanwhile, of that client and of others.
#[tokio::test(flavor = "multi_thread")]
async fn plans_that_are_run() {
    let app = with(|config| config.limits.concurrent_steps = PLACES)
        .start()
        .await;
    let plans = plans(&app, 3 * PLACES).await;
    let srl = app.stub("srl");
    srl.hold();
    for plan in &plans {
        let run = post(&app, GREEDY, "/mesh/run", json!({"planId": plan["id"]})).await;
        assert_eq!(run.status, 200, "{}", run.body);
    }
    srl.asked(OF_A_KIND).await;
    let steps = |kind| json!({"steps": [{"kind": kind}]});
    for address in [GREEDY, OTHER] {
        let plan = app.create(&steps("autonomy")).await;
        let body = json!({"planId": plan["id"], "wait": true});
        let run = post(&app, address, "/mesh/run", body).await;
        assert_eq!(run.body["plan"]["status"], "DONE", "{}", run.body);
        let plan = app.create(&steps("hardening")).await;
        let step = post(&app, address, "/mesh/step", json!({"planId": plan["id"]})).await;
        assert_eq!(step.body["plan"]["status"], "DONE", "{}", step.body);
    }
    let plan = app.create(&steps("srl")).await;
    let refused = post(&app, OTHER, "/mesh/step", json!({"planId": plan["id"]})).await;
    assert_eq!(refused.status, 429);
    assert_has(
        refused.body["error"].as_str().unwrap(),
        &["6 steps are running for srl, which is its share of 8"],
    );
    assert_eq!(srl.requests().len(), OF_A_KIND);
    srl.release();
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_and_those_who_wait_for_them() {
    let app = with(|config| config.limits.waits = PLACES).start().await;
    let plans = plans(&app, PLACES + 1).await;
    let autonomy = app.stub("autonomy").clone();
    autonomy.hold();
    let wait = |address, index: usize| {
        let body = json!({"planId": plans[index]["id"], "wait": true});
        post(&app, address, "/mesh/run", body)
    };
    let greedy = futures_util::future::join_all((0..SHARE).map(|index| wait(GREEDY, index)));
    let others = async {
        autonomy.asked(SHARE).await;
        let refused = wait(GREEDY, SHARE).await;
        refused.assert_too_much("clients wait for their plans", "[limits] waits");
        assert_eq!(
            app.plan(&plans[SHARE]).await["run"],
            Value::Null,
            "not begun"
        );
        let (other, _) = tokio::join!(wait(OTHER, PLACES), async {
            autonomy.asked(PLACES).await;
            autonomy.release();
        });
        assert_eq!(other.body["plan"]["status"], "DONE", "{}", other.body);
    };
    let (greedy, ()) = tokio::join!(greedy, others);
    assert!(greedy.iter().all(|answered| answered.status == 200));

    let app = with(|config| config.run.plans = PLACES).start().await;
    let autonomy = app.stub("autonomy").clone();
    autonomy.hold();
    let run =
        |plan: &Value, address| post(&app, address, "/mesh/run", json!({"planId": plan["id"]}));
    let plans = self::plans(&app, PLACES + 1).await;
    for plan in &plans[..SHARE] {
        assert_eq!(run(plan, GREEDY).await.status, 200);
    }
    let refused = run(&plans[SHARE], GREEDY).await;
    refused.assert_too_much("plans are being run", "[run] plans");
    assert_eq!(run(&plans[PLACES], OTHER).await.status, 200);
    autonomy.release();
}

/// Creating calls plugins: one that sleeps keeps nobody waiting, not even the client that calls it.
#[tokio::test(flavor = "multi_thread")]
async fn creates() {
    let app = start_hostile(with(|config| {
        config.limits.plugin.concurrent_calls = 4;
        config.limits.plugin.wall_ms = 3_600_000;
    }))
    .await;
    let new = |goal, steps: Value| json!({"sessionId": "s1", "domain": "social", "goal": goal, "steps": steps});
    for _ in 0..3 * PLACES {
        let request = client_at(GREEDY).post(format!("{}/mesh/create", app.url));
        let request = request.header("content-type", "application/json");
        let sleeping = new("shape:sleep", json!([{"kind": "hostile"}]));
        // It is never answered.
        tokio::spawn(request.body(sleeping.to_string()).send());
    }
    let all = |status: &Value| {
        let calls = &status["places"]["calls"];
        calls["taken"] == 2 && calls["waiting"] == 3 * PLACES - 2
    };
    app.status_when(all).await;
    for address in [GREEDY, OTHER] {
        let usual = new("g", json!([{"kind": "srl"}]));
        let created = post(&app, address, "/mesh/create", usual).await;
        assert_eq!(created.status, 200, "{}", created.body);
    }
    assert!(all(&app.get("/mesh/status").await.1), "they still sleep");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams() {
    let app = with(|config| config.limits.event_streams = PLACES)
        .start()
        .await;
    let open = |address: &'static str| {
        let request = client_at(address).get(format!("{}/mesh/events", app.url));
        async move { request.send().await.unwrap() }
    };
    let mut open_ones = Vec::new();
    for _ in 0..SHARE {
        let stream = open(GREEDY).await;
        assert_eq!(stream.status().as_u16(), 200);
        open_ones.push(stream);
    }
    let refused = open(GREEDY).await;
    assert_eq!(refused.status().as_u16(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    let body = refused.text().await.unwrap();
    assert_has(
        &body,
        &["\"ok\":false", "7 event streams are open for 127.0.0.1"],
    );
    assert_eq!(open(OTHER).await.status().as_u16(), 200);
}

async fn connect_from(app: &TestApp, address: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket
        .bind(format!("{address}:0").parse().unwrap())
        .unwrap();
    let host = app.url.trim_start_matches("http://").parse().unwrap();
    socket.connect(host).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn connections() {
    let app = with(|config| config.limits.connections = PLACES)
        .start()
        .await;
    let mut held = Vec::new();
    for _ in 0..SHARE {
        let mut stream = connect_from(&app, GREEDY).await;
        stream
            .write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await
            .unwrap();
        // Held for certain once it was answered.
        within(stream.readable()).await.unwrap();
        held.push(stream);
    }
    let answer = until_closed(&mut connect_from(&app, GREEDY).await).await;
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    assert_has(
        &answer,
        &["retry-after: 1\r\n", "7 connections are open for 127.0.0.1"],
    );
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = format!("content-length: {}\r\n", body.len());
    assert_has(&answer, &[&length]);
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["ok"], false);

    let request = client_at(OTHER).get(format!("{}/health", app.url));
    assert_eq!(request.send().await.unwrap().status().as_u16(), 200);
}

/// A client that sends two components, and never ends, keeps nobody from sending theirs.
#[tokio::test(flavor = "multi_thread")]
async fn uploads() {
    let app = TestApp::start().await;
    let mut sending = Vec::new();
    for count in 1..=2 {
        let mut stream = connect_from(&app, GREEDY).await;
        let head =
            b"POST /plugins HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/wasm\r\n\
                     content-length: 1000\r\n\r\n";
        stream.write_all(head).await.unwrap();
        app.status_when(|status| status["places"]["uploads"]["taken"] == count)
            .await;
        sending.push(stream);
    }
    let send = |address: &'static str| {
        let request = client_at(address).post(format!("{}/plugins", app.url));
        let request = request.header("content-type", "application/wasm");
        let request = request.body(b"<html>".to_vec());
        async move { request.send().await.unwrap() }
    };
    let refused = send(GREEDY).await;
    assert_eq!(refused.status().as_u16(), 429);
    assert_has(
        &refused.text().await.unwrap(),
        &["2 components are being taken for 127.0.0.1"],
    );
    let looked_at = send(OTHER).await;
    assert_eq!(looked_at.status().as_u16(), 400);
    assert_has(&looked_at.text().await.unwrap(), &["not WebAssembly"]);
}
