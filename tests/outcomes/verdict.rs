//! Yes, yes with approval, and no.

use serde_json::{Value, json};

use super::{error, run_alone, unchecked};
use crate::support::{GOAL, Reply, TestApp, assert_has, recorded};

const SRL: &str = "srl-check-dependencies-stubbed.json";
const HARDENING: &str = "hardening-check-dependencies-stubbed.json";

#[tokio::test(flavor = "multi_thread")]
async fn a_disallowed_goal_goes_no_further() {
    let answers = [
        ("dangerous_goal_delete_database", "delete database"),
        ("dangerous_goal_rm_rf", "rm -rf"),
        ("dangerous_goal_purchase", "purchase"),
        ("missing_goal", "oal"),
    ];
    for (name, reason) in answers {
        let app = TestApp::start().await;
        app.stub("autonomy")
            .answer(recorded("autonomy-evaluate.json", name));
        let plan = app.run(&app.create(&json!({})).await).await;
        assert_eq!(plan["status"], "ERROR");
        assert_has(error(&plan["steps"][0]), &["Blocked: ", reason]);
        assert_eq!(app.try_step(&plan).await.0, 409);
        for service in ["srl", "hardening", "workflow"] {
            assert_eq!(app.asked(service), 0, "{service}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_forbids_execution_stops_the_plan() {
    let answers = [
        (
            "srl",
            SRL,
            "self_audit_CRITICAL_block",
            "Self-Audit reported CRITICAL",
        ),
        ("srl", SRL, "self_audit_CRITICAL_plus_loop", "LOOP_RISK"),
        (
            "hardening",
            HARDENING,
            "brain_down",
            "Service brain is not healthy",
        ),
        (
            "hardening",
            HARDENING,
            "telemetry_503",
            "Service stability is not healthy",
        ),
        (
            "hardening",
            "hardening-check.json",
            "good_as_mesh_sends",
            "orchestrator",
        ),
    ];
    let app = TestApp::start().await;
    for (service, file, name, reason) in answers {
        let friendly = recorded(SRL, "all_healthy_no_findings");
        app.stub("srl").answer(friendly);
        app.stub(service).answer(recorded(file, name));
        let plan = app.run(&app.create(&json!({})).await).await;
        assert_eq!(plan["status"], "ERROR", "{name}");
        let stopped = if service == "srl" { 1 } else { 2 };
        assert_has(error(&plan["steps"][stopped]), &["Blocked: ", reason]);
        assert_eq!(app.asked("workflow"), 0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_for_approval_is_kept_with_the_result() {
    let autonomy = "autonomy-evaluate.json";
    let answers = [
        (
            "autonomy",
            autonomy,
            "high_risk_not_prohibited",
            "High risk score (85/100)",
        ),
        (
            "autonomy",
            autonomy,
            "low_confidence_approval",
            "Low confidence (45%)",
        ),
        ("srl", SRL, "loop_only", "[WARN] LOOP_RISK"),
        ("srl", SRL, "unclear_only", "[WARN] UNCLEAR_OBJECTIVE"),
        (
            "hardening",
            HARDENING,
            "crossval_3200ms",
            "[WARN] HIGH_LATENCY",
        ),
    ];
    let app = unchecked().await;
    for (kind, file, name, reason) in answers {
        let reply = recorded(file, name);
        let answer: Value = serde_json::from_str(&reply.body).unwrap();
        app.stub(kind).answer(reply);
        let step = run_alone(&app, kind).await;
        assert_eq!(step["status"], "DONE", "{step}");
        assert_eq!(step["result"], answer);
        let told = step["approval"]["reason"].as_str().unwrap();
        assert_has(told, &[reason]);
        let expected = json!({"required": true, "reason": told});
        assert_eq!(step["approval"], expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_yes_asks_for_no_approval() {
    let app = TestApp::start().await;
    for name in ["good_allow", "good_as_mesh_sends", "unknown_domain"] {
        app.stub("autonomy")
            .answer(recorded("autonomy-evaluate.json", name));
        let plan = app.run(&app.create(&json!({})).await).await;
        assert_eq!(plan["status"], "DONE", "{name}");
        for step in plan["steps"].as_array().unwrap() {
            assert_eq!(step.get("approval"), None, "{step}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_autonomy_suggests_is_planned_from_then_on() {
    let answer = recorded("autonomy-evaluate.json", "good_as_mesh_sends");
    let app = TestApp::builder().service("autonomy", answer).start().await;
    let plan = app.run(&app.create(&json!({})).await).await;
    let expected = [
        "step-4: workflow /workflow/create",
        "Decompose into monitored steps",
        "Log all actions",
        "Prepare rollback plan",
    ];
    for (index, service) in [(1, "srl"), (2, "hardening")] {
        let sent = app.stub(service).requests()[0].json();
        assert_eq!(sent["plannedActions"], json!(expected), "{service}");
        assert_eq!(plan["steps"][index]["payload"], sent, "{service}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn autonomy_without_suggestions_leaves_the_plans_own_actions() {
    let answer = Reply::json(200, &json!({"action": "allow", "confidence": null}));
    let app = TestApp::builder().service("autonomy", answer).start().await;
    let plan = app.run(&app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    let sent = app.stub("srl").requests()[0].json();
    let expected = json!(["step-4: workflow /workflow/create"]);
    assert_eq!(sent["plannedActions"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_decide_by_status_not_by_ok() {
    let app = unchecked().await;
    let probed = json!([{"service": "codex-brain", "port": 4100, "healthy": false}]);
    let answer = |status: &str| json!({"ok": true, "status": status, "services": probed});

    app.stub("ops").answer(Reply::json(200, &answer("YELLOW")));
    let step = run_alone(&app, "ops").await;
    assert_eq!(step["status"], "DONE");
    assert_has(
        step["approval"]["reason"].as_str().unwrap(),
        &["YELLOW", "codex-brain"],
    );

    app.stub("ops").answer(recorded("ops.json", "health"));
    assert_has(error(&run_alone(&app, "ops").await), &["Blocked: ", "RED"]);

    app.stub("ops").answer(Reply::json(200, &answer("PURPLE")));
    assert_has(error(&run_alone(&app, "ops").await), &["ops", "PURPLE"]);

    app.stub("ops").answer(Reply::json(200, &answer("GREEN")));
    let step = run_alone(&app, "ops").await;
    assert_eq!(
        (&step["status"], step.get("approval")),
        (&json!("DONE"), None)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_asked_with_a_get_and_no_body() {
    let app = TestApp::start().await;
    let step = run_alone(&app, "ops").await;
    assert_eq!(
        (&step["method"], &step["payload"]),
        (&json!("GET"), &Value::Null)
    );
    let asked = &app.stub("ops").requests()[0];
    assert_eq!(
        (asked.method.as_str(), asked.path.as_str()),
        ("GET", "/ops/health")
    );
    assert_eq!(asked.body, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn strategy_is_asked_in_its_own_words() {
    let domains = [
        ("social", json!(["social"])),
        ("ecomm", json!(["ecomm"])),
        ("video", json!(["creative", "social"])),
        ("campaign", json!(["social", "ecomm", "creative"])),
        ("system", json!(["social", "ecomm"])),
    ];
    let app = TestApp::start().await;
    for (index, (domain, expected)) in domains.into_iter().enumerate() {
        let body = json!({"domain": domain, "steps": [{"kind": "strategy"}]});
        let plan = app.step(&app.create(&body).await).await;
        assert_eq!(plan["status"], "DONE", "{plan:#}");
        let asked = &app.stub("strategy").requests()[index];
        assert_eq!(
            (asked.method.as_str(), asked.path.as_str()),
            ("POST", "/strategy/plan")
        );
        let sent = json!({"sessionId": "s1", "domain": expected, "goal": GOAL, "horizonDays": 7});
        assert_eq!(asked.json(), sent);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strategy_without_plays_is_none() {
    let app = TestApp::start().await;
    app.stub("strategy")
        .answer(recorded("strategy-plan.json", "unknown_domain"));
    let step = run_alone(&app, "strategy").await;
    assert_has(error(&step), &["strategy", "without plays"]);
}
