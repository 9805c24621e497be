//! A chain in which each step uses the results before it: strategy, trends, campaign. The last two
//! are plugins that were built and dropped in.

use serde_json::{Value, json};

use super::named;
use crate::support::{GOAL, TestApp, assert_has, recorded, start_built};

/// What the recorded strategy's plays make of the goal.
fn niche() -> String {
    format!(
        "{GOAL} Plays: Post 2 TikToks/day using UGC templates (problem-solution, testimonial); \
         Test 3 hook variations on YouTube Shorts in same niche; Create 5 posts hijacking \
         trending audio/format in your niche"
    )
}

/// What the friendly trends, the recorded strategy and the goal make of the campaign.
fn brief() -> Value {
    json!({
        "name": GOAL,
        "type": "SOCIAL_ORGANIC",
        "target": {"platforms": ["youtube", "tiktok"], "niche": "cats in hats, dogs in boots"},
        "goal": {"objective": "VIEWS", "dailyBudget": 0, "durationDays": 7},
    })
}

const CHAIN: [&str; 6] = [
    "autonomy",
    "srl",
    "hardening",
    "strategy",
    "trends",
    "campaign",
];

async fn create(app: &TestApp, mode: &str, kinds: &[&str]) -> Value {
    let steps: Vec<Value> = kinds.iter().map(|kind| json!({"kind": kind})).collect();
    app.create(&json!({"mode": mode, "steps": steps})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kinds_are_listed_with_where_they_came_from() {
    let app = start_built().await;
    let (_, plugins) = app.get("/plugins").await;
    for (kind, label) in [
        ("trends", "Summarize trends"),
        ("campaign", "Create campaign"),
    ] {
        let plugin = named(&plugins, kind);
        assert_eq!(
            (&plugin["label"], &plugin["service"]),
            (&json!(label), &json!(kind))
        );
        let origin = plugin["origin"].as_str().unwrap();
        assert!(
            origin.ends_with(&format!("codex_mesh_{kind}.wasm")),
            "{origin}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trends_are_asked_for_what_strategy_answered() {
    let app = start_built().await;
    for (index, mode) in ["SIMULATION", "DRY_RUN", "LIVE"].into_iter().enumerate() {
        let plan = create(&app, mode, &["strategy", "trends"]).await;
        let step = &plan["steps"][1];
        assert_eq!(step["payload"], Value::Null);
        let reason = step["payloadReason"].as_str().unwrap();
        assert_has(reason, &["step-1 (strategy)", "not answered yet"]);

        let plan = app.run(&plan).await;
        assert_eq!(plan["status"], "DONE", "{plan:#}");
        let asked = &app.stub("trends").requests()[index];
        assert_eq!(
            (asked.method.as_str(), asked.path.as_str()),
            ("POST", "/trends/summary")
        );
        let expected = json!({"sessionId": "s1", "platform": "all", "niche": niche()});
        assert_eq!(asked.json(), expected);
        let step = &plan["steps"][1];
        assert_eq!(step["payload"], expected);
        assert_eq!(step["result"]["summary"], "Pets in clothes.");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_the_campaign_that_the_results_would_make() {
    let app = start_built().await;
    let plan = create(&app, "DRY_RUN", &CHAIN).await;
    assert_has(
        plan["steps"][5]["payloadReason"].as_str().unwrap(),
        &["step-4 (strategy)"],
    );
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(app.asked("campaign"), 0);
    let would_send = json!({
        "service": "campaign",
        "method": "POST",
        "endpoint": "/campaign/create",
        "payload": brief(),
    });
    let expected = json!({"dryRun": true, "wouldSend": would_send});
    assert_eq!(plan["steps"][5]["result"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_chain_creates_that_campaign_once() {
    let app = start_built().await;
    let plan = app.run(&create(&app, "LIVE", &CHAIN).await).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    let asked = app.stub("campaign").requests();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].path, "/campaign/create");
    assert_eq!(asked[0].json(), brief());
    assert_eq!(plan["steps"][5]["result"]["campaign"]["id"], "c1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_creates_no_campaign() {
    let app = start_built().await;
    let plan = create(&app, "SIMULATION", &["strategy", "trends", "campaign"]).await;
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(plan["steps"][2]["kind"], "simulation");
    assert_eq!((app.asked("campaign"), app.asked("simulation")), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_campaign_needs_its_checks() {
    let app = start_built().await;
    let steps = json!([{"kind": "strategy"}, {"kind": "trends"}, {"kind": "campaign"}]);
    let body = json!({
        "sessionId": "s1", "domain": "social", "goal": GOAL, "mode": "LIVE", "steps": steps,
    });
    let (status, answer) = app.post("/mesh/create", &body).await;
    assert_eq!(status, 400, "{answer}");
    assert_has(
        answer["error"].as_str().unwrap(),
        &["step-3 (campaign)", "autonomy", "srl", "hardening"],
    );
}

/// The shipped recipe, run to its end: what a person approves is the campaign as it is created.
#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_recipe_creates_the_campaign_that_was_approved() {
    let app = start_built().await;
    app.stub("srl")
        .answer(recorded("srl-check.json", "good_as_mesh_sends"));
    let plan = app.create(&json!({"recipe": "campaign-launch"})).await;
    assert_eq!(plan["recipe"], "campaign-launch");
    let (campaign, reason) = (&plan["steps"][5], "payloadReason");
    assert_eq!(
        (&campaign["kind"], &campaign["payload"]),
        (&json!("campaign"), &Value::Null)
    );
    assert_has(campaign[reason].as_str().unwrap(), &["not answered yet"]);

    let run = json!({"planId": plan["id"], "wait": true});
    let (_, answer) = app.post("/mesh/run", &run).await;
    let plan = &answer["plan"];
    assert_eq!(plan["status"], "WAITING", "{plan:#}");
    assert_eq!(plan["steps"][5]["payload"], brief(), "what waits is shown");
    assert_eq!(plan["waiting"][0]["approve"], json!(["step-2"]));
    let body = json!({
        "planId": plan["id"], "stepId": "step-2", "approvedBy": "Ann",
        "reviewed": {"step-6": plan["waiting"][0]["digest"]},
    });
    let (status, answer) = app.post("/mesh/approve", &body).await;
    assert_eq!(status, 200, "{answer}");
    let (_, answer) = app.post("/mesh/run", &run).await;
    assert_eq!(answer["plan"]["status"], "DONE", "{answer:#}");
    let asked = app.stub("campaign").requests();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].json(), brief());
}

/// What a person decided against is not waited for: the chain goes by the goal instead.
#[tokio::test(flavor = "multi_thread")]
async fn the_chain_goes_on_without_a_strategy_that_was_skipped() {
    let app = start_built().await;
    let body = json!({"recipe": "campaign-launch", "mode": "DRY_RUN"});
    let plan = app.create(&body).await;
    let skip = json!({
        "planId": plan["id"], "stepId": "step-4", "by": "Ann", "reason": "there is one",
    });
    let (status, answer) = app.post("/mesh/skip", &skip).await;
    assert_eq!(status, 200, "{answer}");
    let run = json!({"planId": plan["id"], "wait": true});
    let (_, answer) = app.post("/mesh/run", &run).await;
    assert_eq!(answer["plan"]["status"], "DONE", "{answer:#}");
    assert_eq!(app.asked("strategy"), 0);
    assert_eq!(app.stub("trends").requests()[0].json()["niche"], GOAL);
}
