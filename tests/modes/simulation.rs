//! A simulation engine may act for real while it simulates. It is asked in a SIMULATION only, once,
//! and only where the operator says that it is harmless.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use codex_mesh::config::SimulatedBy;
use codex_mesh::plan::{Effect, Mode};
use serde_json::{Value, json};
use socket2::SockRef;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::{route, steps, trusting};
use crate::support::{
    Reply, TestApp, TestAppBuilder, assert_has, http, recorded, start_hostile, start_with, within,
};

/// As the Codex engine does: whoever has it simulate has it write.
async fn acting(builder: TestAppBuilder) -> TestApp {
    let app = builder.start().await;
    let workflow = format!("{}/workflow/create", app.stub("workflow").url);
    let simulated = recorded("sim-run-orchestrator-stubbed.json", "good_content_only");
    app.stub("simulation").answer_with(move |_| {
        tokio::spawn(http().post(&workflow).body("{}").send());
        simulated.clone()
    });
    app
}

/// The plan once the host has driven it as far as it goes.
async fn driven(app: &TestApp, plan: &Value) -> Value {
    let body = json!({"planId": plan["id"], "wait": true});
    let (status, answer) = app.post("/mesh/run", &body).await;
    assert_eq!(status, 200, "{answer}");
    answer["plan"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_engine_is_asked_by_default_in_any_mode() {
    let app = acting(TestApp::builder()).await;
    for mode in Mode::NAMES {
        for steps in [json!(null), steps(&["srl", "simulation"])] {
            let body = json!({"mode": mode, "steps": steps});
            let plan = app.run(&app.create(&body).await).await;
            assert_eq!(plan["status"], "DONE", "{plan:#}");
            let plan = driven(&app, &app.create(&body).await).await;
            assert_eq!(plan["status"], "DONE", "{plan:#}");
        }
    }
    assert_eq!(app.asked("simulation"), 0);
    // Those of the two LIVE plans that write.
    assert_eq!(app.asked("workflow"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_step_says_what_it_would_ask_and_why_it_does_not() {
    let app = TestApp::start().await;
    for (mode, parts) in [
        (
            "SIMULATION",
            &["may act for real", "simulation = \"engine\"", "[policy]"][..],
        ),
        ("LIVE", &["only plans in mode SIMULATION"]),
    ] {
        let body = json!({"mode": mode, "steps": steps(&["simulation"])});
        let plan = app.run(&app.create(&body).await).await;
        let step = &plan["steps"][0];
        assert_eq!(
            (&step["status"], &step["effect"]),
            (&json!("DONE"), &json!("simulate"))
        );
        let result = &step["result"];
        assert_eq!(result["simulated"], false, "{result}");
        let would_send = json!({
            "service": "simulation",
            "method": "POST",
            "endpoint": "/sim/run",
            "payload": step["payload"],
        });
        assert_eq!(result["wouldSend"], would_send);
        assert_has(result["reason"].as_str().unwrap(), parts);
    }
    let body = json!({"mode": "DRY_RUN", "steps": steps(&["simulation"])});
    let plan = app.run(&app.create(&body).await).await;
    assert_eq!(plan["steps"][0]["result"]["dryRun"], true);
    assert_eq!(app.asked("simulation"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_engine_is_asked_in_a_simulation_only() {
    let app = acting(trusting()).await;
    for mode in ["DRY_RUN", "LIVE"] {
        let body = json!({"mode": mode, "steps": steps(&["simulation"])});
        let plan = app.run(&app.create(&body).await).await;
        assert_eq!(plan["status"], "DONE", "{plan:#}");
    }
    assert_eq!(app.asked("simulation"), 0);
    let plan = app.create(&json!({"mode": "SIMULATION"})).await;
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(plan["steps"][3]["result"]["ok"], true);
    assert_eq!(app.asked("simulation"), 1);
    app.stub("workflow").asked(1).await;
}

/// It has more time than the step and its service's requests.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_engine_is_waited_for_and_asked_once() {
    let builder = trusting().configure(|config| {
        config.limits.step_ms = 500;
        let simulation = config.services.get_mut("simulation").unwrap();
        simulation.timeout_ms = Some(200);
    });
    let app = builder.start().await;
    let simulated = recorded("sim-run-orchestrator-stubbed.json", "good_content_only");
    app.stub("simulation")
        .answer(simulated.after(Duration::from_millis(1_500)));
    let body = json!({"mode": "SIMULATION", "steps": steps(&["workflow"])});
    let plan = driven(&app, &app.create(&body).await).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(app.asked("simulation"), 1);
}

/// Whatever becomes of it, and whatever is said of its service, it is not asked again.
#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_fails_is_asked_once() {
    let busy = || Reply::json(503, &json!({})).header("retry-after", "0");
    let replies: [(&str, Option<Reply>); 4] = [
        ("did not answer within 300 ms", None),
        ("answered 503", Some(busy())),
        (
            "answered 429",
            Some(Reply {
                status: 429,
                ..busy()
            }),
        ),
        (
            "answered 502",
            Some(Reply {
                status: 502,
                ..busy()
            }),
        ),
    ];
    for (told, reply) in replies {
        for drive in [true, false] {
            let app = failing().start().await;
            match &reply {
                Some(reply) => app.stub("simulation").answer(reply.clone()),
                None => app.stub("simulation").hold(),
            }
            assert_fails_once(&app, drive, told).await;
            assert_eq!(app.asked("simulation"), 1, "{told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_resets_the_connection_is_asked_once() {
    for drive in [true, false] {
        let engine = Resetting::start().await;
        let url = engine.url.clone();
        let builder = failing().configure(move |config| {
            config.services.get_mut("simulation").unwrap().url = Some(url);
        });
        let app = builder.start().await;
        assert_fails_once(&app, drive, "closed the connection").await;
        assert_eq!(engine.asked(), 1);
    }
}

/// An engine that is trusted, and said to know the keys of requests.
fn failing() -> TestAppBuilder {
    trusting().configure(|config| {
        config.limits.simulation_ms = 300;
        config.services.get_mut("simulation").unwrap().idempotent = true;
        config.run.first_wait_ms = 1;
    })
}

/// The plan stops, and goes back over the simulation only where that is asked for.
async fn assert_fails_once(app: &TestApp, drive: bool, told: &str) {
    let plan = app
        .create(&json!({"mode": "SIMULATION", "steps": steps(&["srl", "workflow"])}))
        .await;
    let plan = if drive {
        driven(app, &plan).await
    } else {
        app.run(&plan).await
    };
    assert_eq!(plan["status"], "ERROR", "{plan:#}");
    assert_has(plan["steps"][1]["error"].as_str().unwrap(), &[told]);
    let (status, answer) = app
        .post("/mesh/retry", &json!({"planId": plan["id"]}))
        .await;
    assert_eq!(status, 409, "{answer}");
    assert_has(
        answer["error"].as_str().unwrap(),
        &["step-2", "repeatWrites"],
    );
}

/// Takes a request, and resets the connection.
struct Resetting {
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Resetting {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                let mut head = [0; 1];
                connection.read_exact(&mut head).await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                SockRef::from(&connection)
                    .set_linger(Some(Duration::ZERO))
                    .unwrap();
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// The guest asks srl, for whatever the goal says.
async fn hostile(trust: bool) -> TestApp {
    start_hostile(TestApp::builder().configure(move |config| {
        route(config, "srl", "POST /srl/act", Effect::Simulate);
        if trust {
            config.policy.simulation = SimulatedBy::Engine;
        }
    }))
    .await
}

async fn run_hostile(app: &TestApp, mode: &str, goal: &str) -> Value {
    let kinds = ["autonomy", "srl", "hardening", "hostile"];
    let body = json!({"mode": mode, "goal": goal, "steps": steps(&kinds)});
    let plan = app.run(&app.create(&body).await).await;
    plan["steps"][3].clone()
}

/// How often srl was asked for something that looks like this.
fn asked_for(app: &TestApp, part: &str) -> usize {
    let asked = app.stub("srl").requests();
    let like = asked
        .iter()
        .filter(|r| r.path.to_ascii_lowercase().contains(part));
    like.count()
}

/// A plugin from outside is judged by its requests, follow-up calls included.
#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_asks_for_a_simulation_is_no_way_to_the_engine() {
    let app = hostile(false).await;
    for mode in Mode::NAMES {
        for goal in ["shape:post=/srl/act", "interpret:call=/srl/act"] {
            let step = run_hostile(&app, mode, goal).await;
            assert_eq!(step["status"], "DONE", "{mode} {goal}: {step:#}");
            let shown = if *mode == "DRY_RUN" {
                "dryRun"
            } else {
                "simulated"
            };
            assert_eq!(step["result"][shown], json!(*mode == "DRY_RUN"), "{step:#}");
        }
    }
    assert_eq!(asked_for(&app, "act"), 0);
}

/// No spelling that a service could take for the engine's path is sent, in no mode.
#[tokio::test(flavor = "multi_thread")]
async fn another_spelling_is_no_way_to_the_engine() {
    for trust in [false, true] {
        let app = hostile(trust).await;
        for path in [
            "/srl/ACT",
            "/srl//act",
            "/srl/act/",
            "/srl/%61ct",
            "/srl/act;x",
            "/srl%2Fact",
        ] {
            for mode in Mode::NAMES {
                for call in ["shape:post", "interpret:call"] {
                    let step = run_hostile(&app, mode, &format!("{call}={path}")).await;
                    assert_eq!(step["status"], "ERROR", "{mode} {call} {path}: {step:#}");
                }
            }
        }
        let sent = app.stub("srl").requests();
        let sent = sent.iter().filter(|request| request.path != "/srl/check");
        assert_eq!(sent.count(), 0);
    }
}

/// One from outside may only read, until it is granted more.
#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_is_granted_like_a_write() {
    let component = crate::support::guest("hostile");
    let start = |grants: Option<&'static [&'static str]>| {
        let mut builder =
            trusting().configure(|config| route(config, "srl", "POST /srl/act", Effect::Simulate));
        if let Some(grants) = grants {
            builder = builder.grant("hostile", "srl", grants);
        }
        start_with(builder, [("hostile.wasm", component)])
    };
    for grants in [None, Some(&["reads"][..])] {
        let app = start(grants).await;
        let step = run_hostile(&app, "SIMULATION", "shape:post=/srl/act").await;
        let parts = [
            "POST /srl/act simulates",
            "is not granted",
            "[plugin.hostile.grants]",
        ];
        assert_has(step["error"].as_str().unwrap(), &parts);
        assert_eq!(asked_for(&app, "act"), 0);
    }
    let app = start(Some(&["reads", "POST /srl/act"])).await;
    let step = run_hostile(&app, "SIMULATION", "shape:post=/srl/act").await;
    assert_eq!(step["status"], "DONE", "{step:#}");
    assert_eq!(asked_for(&app, "act"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_simulation_ends_while_a_client_is_gone() {
    let app = trusting().start().await;
    app.stub("simulation").hold();
    let body = json!({"mode": "SIMULATION", "steps": steps(&["workflow"])});
    let plan = app.create(&body).await;
    let id = json!({"planId": plan["id"]});
    let (status, _) = app.post("/mesh/run", &id).await;
    assert_eq!(status, 200);
    within(app.stub("simulation").asked(1)).await;
    // Asked for a second time while it is under way.
    let (status, _) = app.post("/mesh/step", &id).await;
    assert_eq!(status, 409);
    app.stub("simulation").release();
    let plan = driven(&app, &plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(app.asked("simulation"), 1);
}
