//! `POST /mesh/create`: the plan as it is before anything happens.

use std::collections::BTreeSet;

use codex_mesh::plan::{Domain, Mode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{GOAL, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_has_the_fields_that_clients_know() {
    let app = TestApp::start().await;
    let body = json!({"sessionId": "session 1", "domain": "video", "goal": GOAL, "mode": "LIVE"});
    let (status, answer) = app.post("/mesh/create", &body).await;
    assert_eq!((status, &answer["ok"]), (200, &json!(true)));
    assert_eq!(fields(&answer), ["ok", "plan"]);
    let plan = &answer["plan"];
    let expected = [
        "approvals",
        "createdAt",
        "domain",
        "goal",
        "id",
        "mode",
        "recipe",
        "sessionId",
        "status",
        "steps",
        "updatedAt",
    ];
    assert_eq!(fields(plan), expected);
    for field in ["sessionId", "domain", "goal", "mode"] {
        assert_eq!(plan[field], body[field], "{field}");
    }
    assert_eq!(plan["status"], "PENDING");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_plan_has_a_uuid_of_its_own() {
    let app = TestApp::start().await;
    let mut ids = BTreeSet::new();
    for _ in 0..5 {
        let plan = app.create(&json!({})).await;
        let id = plan["id"].as_str().unwrap();
        assert_eq!(Uuid::parse_str(id).unwrap().to_string(), id);
        assert!(ids.insert(id.to_owned()), "{id} again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_utc_with_milliseconds() {
    let app = TestApp::start().await;
    let before = jiff::Timestamp::now().as_millisecond();
    let plan = app.create(&json!({})).await;
    let after = jiff::Timestamp::now().as_millisecond();
    assert_eq!(plan["createdAt"], plan["updatedAt"]);
    let created = millis(&plan["createdAt"]);
    assert!((before..=after).contains(&created), "{plan:#}");

    let plan = app.step(&plan).await;
    let step = &plan["steps"][0];
    let moments = [
        &plan["createdAt"],
        &step["startedAt"],
        &step["finishedAt"],
        &plan["updatedAt"],
    ];
    assert!(moments.map(millis).is_sorted(), "{plan:#}");
    assert_eq!(plan["updatedAt"], step["finishedAt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_plan_has_four_steps() {
    let app = TestApp::start().await;
    let plan = app.create(&json!({"domain": "social"})).await;
    let steps = [
        (
            "autonomy",
            "Evaluate autonomy decision",
            "/autonomy/evaluate",
            "read",
        ),
        ("srl", "Run self-regulation (SRL)", "/srl/check", "read"),
        (
            "hardening",
            "Run hardening check",
            "/hardening/check",
            "read",
        ),
        ("workflow", "Create workflow", "/workflow/create", "write"),
    ];
    let expected: Vec<Value> = steps
        .iter()
        .enumerate()
        .map(|(index, (kind, label, endpoint, effect))| {
            // Nothing else: no result, error, startedAt or finishedAt before there is one.
            json!({
                "id": format!("step-{}", index + 1),
                "kind": kind,
                "plugin": plan["steps"][index]["plugin"],
                "label": label,
                "service": kind,
                "method": "POST",
                "endpoint": endpoint,
                "effect": effect,
                "attempt": 1,
                "payload": plan["steps"][index]["payload"],
                "status": "PENDING",
            })
        })
        .collect();
    assert_eq!(plan["steps"], json!(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_payloads_are_the_services_own() {
    let app = TestApp::start().await;
    let plan = app
        .create(&json!({"domain": "ecomm", "sessionId": "s-7"}))
        .await;
    let planned = ["step-4: workflow /workflow/create"];
    let services = ["autonomy", "srl", "hardening", "workflow"];
    let expected = [
        json!({"goal": GOAL, "domain": "ecomm"}),
        json!({
            "sessionId": "s-7",
            "domain": "ecomm",
            "contentSummary": GOAL,
            "plannedActions": planned,
        }),
        json!({
            "sessionId": "s-7",
            "domain": "ecomm",
            "actionSummary": GOAL,
            "servicesInvolved": services,
            "plannedActions": planned,
        }),
        json!({"projectId": "ecomm-project", "goal": GOAL, "sessionId": "s-7"}),
    ];
    for (step, payload) in plan["steps"].as_array().unwrap().iter().zip(expected) {
        assert_eq!(step["payload"], payload, "{}", step["id"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn planned_actions_follow_the_plan_not_a_template() {
    let app = TestApp::start().await;
    let steps = json!([{"kind": "srl"}, {"kind": "ops"}]);
    let plan = app.create(&json!({"steps": steps})).await;
    assert_eq!(plan["steps"][0]["payload"]["plannedActions"], json!([]));

    let steps = json!([{"kind": "workflow"}, {"kind": "srl"}, {"kind": "workflow"}]);
    let body = json!({"steps": steps, "mode": "DRY_RUN"});
    let plan = app.create(&body).await;
    let expected = [
        "step-1: workflow /workflow/create",
        "step-3: workflow /workflow/create",
    ];
    let payload = &plan["steps"][1]["payload"];
    assert_eq!(payload["plannedActions"], json!(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_domain_is_accepted() {
    let app = TestApp::start().await;
    let documented = [
        "social",
        "ecomm",
        "video",
        "strategy",
        "trends",
        "campaign",
        "monetization",
        "system",
    ];
    assert_eq!(Domain::NAMES, documented);
    for domain in documented {
        let plan = app.create(&json!({"domain": domain})).await;
        assert_eq!(plan["domain"], domain);
        let workflow = plan["steps"].as_array().unwrap().last().unwrap();
        let project = &workflow["payload"]["projectId"];
        assert_eq!(project, &json!(format!("{domain}-project")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mode_may_come_in_lower_case() {
    let app = TestApp::start().await;
    assert_eq!(Mode::NAMES, ["SIMULATION", "DRY_RUN", "LIVE"]);
    for mode in Mode::NAMES {
        for sent in [(*mode).to_owned(), mode.to_lowercase()] {
            let plan = app.create(&json!({"mode": sent})).await;
            assert_eq!(plan["mode"], *mode);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_mode_a_plan_is_live() {
    let app = TestApp::start().await;
    assert_eq!(app.create(&json!({})).await["mode"], "LIVE");
    assert_eq!(app.create(&json!({"mode": null})).await["mode"], "LIVE");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_kept_as_they_came() {
    let app = TestApp::start().await;
    let longest = "ü".repeat(10_000);
    for goal in [" two\nlines\u{0} \"quoted\" \\ 🚀 ", longest.as_str()] {
        let session = "ß".repeat(200);
        let plan = app
            .create(&json!({"goal": goal, "sessionId": session}))
            .await;
        let stored = app.plan(&plan).await;
        assert_eq!(stored, plan);
        assert_eq!(stored["goal"], goal);
        assert_eq!(stored["sessionId"], session);
        assert_eq!(stored["steps"][0]["payload"]["goal"], goal);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn creating_a_plan_asks_no_service() {
    let app = TestApp::start().await;
    app.create(&json!({})).await;
    // The audit log hears of it, and by then every other service would have.
    app.stub("brain").asked(1).await;
    for service in ["autonomy", "srl", "hardening", "workflow", "simulation"] {
        assert_eq!(app.asked(service), 0, "{service}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_can_be_named() {
    let app = TestApp::start().await;
    let steps = json!([{"kind": "ops"}, {"kind": "strategy"}, {"kind": "ops"}]);
    let plan = app.create(&json!({"steps": steps})).await;
    let named: Vec<_> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| ["id", "kind"].map(|field| step[field].as_str().unwrap()))
        .collect();
    let expected = [["step-1", "ops"], ["step-2", "strategy"], ["step-3", "ops"]];
    assert_eq!(named, expected);
}

fn fields(object: &Value) -> Vec<&str> {
    let mut fields: Vec<_> = object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    fields.sort_unstable();
    fields
}

/// A moment in the one form that there is: `2026-01-31T12:00:00.000Z`.
fn millis(moment: &Value) -> i64 {
    let text = moment.as_str().unwrap();
    let parsed: jiff::Timestamp = text.parse().unwrap();
    assert_eq!(format!("{parsed:.3}"), text);
    assert!(text.ends_with('Z') && text.len() == 24, "{text}");
    parsed.as_millisecond()
}
