//! A check that is known to be wrong about services: what it says of these alone stops no plan by
//! itself, and everything else that it says still does.

use serde_json::{Value, json};

use super::set;
use crate::support::{Reply, TestApp, TestAppBuilder, assert_has, recorded};

const THREE: [&str; 3] = ["orchestrator", "telemetry", "stability"];

pub fn stock() -> Reply {
    recorded("hardening-stock.json", "hardening, everything running")
}

/// The answer of a hardening service that found these: type, level, message.
pub fn found(issues: &[(&str, &str, &str)]) -> Reply {
    let issues: Vec<Value> = issues
        .iter()
        .map(|(kind, level, message)| json!({"type": kind, "level": level, "message": message}))
        .collect();
    let body = json!({
        "ok": true, "sessionId": "s1", "domain": "social", "allowExecution": false,
        "requireApproval": true, "issues": issues, "summary": "as it says", "confidence": 0.3,
    });
    Reply::json(200, &body)
}

/// A host whose hardening service, or ops, is known to be wrong about these services.
pub fn knowing(kind: &str, services: &[&str], more: &str) -> TestAppBuilder {
    let text = format!("[plugin.{kind}.settings]\nknownBad = {services:?}\n{more}\n");
    set(TestApp::builder(), &text)
}

/// The hardening step of a LIVE plan, and the plan, after it ran as far as it goes.
async fn run(builder: TestAppBuilder, answer: Reply) -> (TestApp, Value) {
    let app = builder.service("hardening", answer).start().await;
    let plan = app.create(&json!({})).await;
    let (status, answer) = app
        .post("/mesh/run", &json!({"planId": plan["id"], "wait": true}))
        .await;
    assert_eq!(status, 200, "{answer}");
    (app, answer["plan"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_it_the_stock_check_stops_every_plan() {
    let (app, plan) = run(TestApp::builder(), stock()).await;
    assert_eq!(plan["status"], "ERROR", "{plan:#}");
    assert_eq!(app.asked("workflow"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_sets_aside_a_person_approves() {
    let (app, plan) = run(knowing("hardening", &THREE, ""), stock()).await;
    let step = &plan["steps"][2];
    assert_eq!(step["status"], "DONE", "{plan:#}");
    let reason = step["approval"]["reason"].as_str().unwrap();
    assert_has(
        reason,
        &[
            "orchestrator, telemetry, stability",
            "knownBad",
            "[CRITICAL]",
        ],
    );
    assert_eq!(step["result"]["setAside"]["services"], json!(THREE));
    assert_eq!(
        step["result"]["allowExecution"], false,
        "the whole answer is there"
    );
    assert_eq!(plan["status"], "WAITING", "{plan:#}");
    assert_eq!(app.asked("workflow"), 0);
    let approve = json!({"planId": plan["id"], "stepId": "step-3", "approvedBy": "ann"});
    assert_eq!(app.post("/mesh/approve", &approve).await.0, 200);
    assert_eq!(app.step(&plan).await["status"], "DONE");
    assert_eq!(app.asked("workflow"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_may_mean_done() {
    let done = "knownBadMeans = \"done\"";
    let (app, plan) = run(
        knowing(
            "hardening",
            &["ORCHESTRATOR", "Telemetry", "stability"],
            done,
        ),
        stock(),
    )
    .await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    let step = &plan["steps"][2];
    assert_eq!(step["approval"], Value::Null);
    let note = step["result"]["setAside"]["note"].as_str().unwrap();
    assert_has(note, &["orchestrator, telemetry, stability"]);
    assert_eq!(app.asked("workflow"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_waits_where_nothing_is_written() {
    let app = knowing("hardening", &THREE, "").service("hardening", stock());
    let app = app.start().await;
    for mode in ["DRY_RUN", "SIMULATION"] {
        let plan = app.run(&app.create(&json!({"mode": mode})).await).await;
        assert_eq!(plan["steps"][2]["approval"]["required"], true, "{plan:#}");
        assert_eq!(plan["status"], "DONE", "{plan:#}");
    }
}

/// Whatever else is CRITICAL, and whatever is no issue about a service, is a no.
#[tokio::test(flavor = "multi_thread")]
async fn anything_else_that_stops_it_still_does() {
    let down = |name| format!("Service {name} is not healthy.");
    let (telemetry, brain) = (down("telemetry"), down("brain"));
    let two = down("telemetry is not healthy. Service brain");
    let cases = [
        vec![
            ("SERVICE_DOWN", "CRITICAL", &*telemetry),
            ("SERVICE_DOWN", "CRITICAL", &*brain),
        ],
        vec![
            ("SERVICE_DOWN", "CRITICAL", &*telemetry),
            ("LOOP_RISK", "CRITICAL", "a loop"),
        ],
        vec![
            ("SERVICE_DOWN", "CRITICAL", &*telemetry),
            ("SAFETY_RISK", "CRITICAL", &*telemetry),
        ],
        vec![
            ("SERVICE_DOWN", "CRITICAL", &*telemetry),
            ("SERVICE_DOWN", "FATAL", &*brain),
        ],
        vec![("SERVICE_DOWN", "CRITICAL", "telemetry")],
        vec![("SERVICE_DOWN", "CRITICAL", "")],
        vec![(
            "SERVICE_DOWN",
            "CRITICAL",
            "Service telemetry is not healthy and neither is brain.",
        )],
        vec![("SERVICE_DOWN", "CRITICAL", &*two)],
        vec![("SERVICE_DOWN", "WARN", &*telemetry)],
        vec![],
    ];
    for issues in cases {
        let builder = knowing("hardening", &THREE, "knownBadMeans = \"done\"");
        let (app, plan) = run(builder, found(&issues)).await;
        assert_eq!(plan["status"], "ERROR", "{issues:?}: {plan:#}");
        assert_has(plan["steps"][2]["error"].as_str().unwrap(), &["as it says"]);
        assert_eq!(app.asked("workflow"), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_beside_it_is_still_a_persons_to_see() {
    let issues = [
        (
            "SERVICE_DOWN",
            "CRITICAL",
            "Service telemetry is not healthy.",
        ),
        (
            "HIGH_LATENCY",
            "CRITICAL",
            "Service stability has high latency: 3204ms.",
        ),
        ("LOOP_RISK", "WARN", "Potential loop risk"),
    ];
    let builder = knowing("hardening", &THREE, "knownBadMeans = \"done\"");
    let (_, plan) = run(builder, found(&issues)).await;
    assert_eq!(plan["status"], "WAITING", "{plan:#}");
    let reason = plan["steps"][2]["approval"]["reason"].as_str().unwrap();
    assert_has(reason, &["telemetry, stability"]);
}

/// Every no that was recorded of the real service is one about services, and read as such.
#[tokio::test(flavor = "multi_thread")]
async fn every_recorded_no_is_understood() {
    let all = [&THREE[..], &["selfAudit", "crossval", "optimizer", "brain"]].concat();
    let app = knowing("hardening", &all, "").start().await;
    let text = std::fs::read_to_string("tests/traces/hardening-check.json").unwrap();
    let trace: Value = serde_json::from_str(&text).unwrap();
    let mut count = 0;
    for call in trace["calls"].as_array().unwrap() {
        let body = &call["response"]["json"];
        if body["allowExecution"] != false {
            continue;
        }
        app.stub("hardening").answer(Reply::json(200, body));
        let steps = json!([{"kind": "hardening"}]);
        let plan = app
            .create(&json!({"mode": "DRY_RUN", "steps": steps}))
            .await;
        let step = app.step(&plan).await["steps"][0].clone();
        assert_eq!(
            step["approval"]["required"], true,
            "{}: {step:#}",
            call["name"]
        );
        count += 1;
    }
    assert!(count > 5, "only {count} of them say no");
}

/// The recorded answer of ops with everything optional down, and with these down as well.
fn ops(down: &[&str]) -> Reply {
    let mut reply = recorded("real-answers.json", "ops health");
    let mut body: Value = serde_json::from_str(&reply.body).unwrap();
    body["status"] = json!("RED");
    for service in body["services"].as_array_mut().unwrap() {
        let name = service["service"].as_str().unwrap().to_owned();
        if down.contains(&&*name) {
            service["healthy"] = json!(false);
        }
    }
    reply.body = body.to_string();
    reply
}

#[tokio::test(flavor = "multi_thread")]
async fn ops_is_red_because_of_telemetry_alone() {
    let done = "knownBadMeans = \"done\"";
    let only = json!({"ok": true, "status": "RED", "services": [
        {"service": "Brain", "port": 4100, "healthy": true},
        {"service": "Telemetry", "port": 4950, "healthy": false},
    ]});
    let unnamed = json!({"ok": true, "status": "RED", "services": []});
    let cases = [
        (ops(&["Telemetry"]), "", "needs approval"),
        // Without those that are optional it is YELLOW.
        (ops(&["Telemetry"]), done, "needs approval"),
        (Reply::json(200, &only), "", "needs approval"),
        (Reply::json(200, &only), done, "done"),
        (ops(&["Telemetry", "Brain"]), done, "blocked"),
        (ops(&[]), done, "blocked"),
        (Reply::json(200, &unnamed), done, "blocked"),
    ];
    for (answer, more, expected) in cases {
        let app = knowing("ops", &["telemetry"], more).service("ops", answer);
        let app = app.start().await;
        let plan = app.create(&json!({"steps": [{"kind": "ops"}]})).await;
        let step = app.step(&plan).await["steps"][0].clone();
        let is = match (
            step["status"].as_str(),
            step["approval"]["required"].as_bool(),
        ) {
            (Some("ERROR"), _) => "blocked",
            (Some("DONE"), Some(true)) => "needs approval",
            (Some("DONE"), None) => "done",
            _ => "something else",
        };
        assert_eq!(is, expected, "{step:#}");
        let said = format!("{}{}", step["error"], step["result"]["setAside"]["note"]);
        assert_has(&said, &["operations are RED"]);
    }
}
