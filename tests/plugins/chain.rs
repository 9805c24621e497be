//! A chain in which each step uses the results before it: strategy, trends, campaign. The last two
//! are plugins that were built and dropped in.

use serde_json::{Value, json};

use super::named;
use crate::support::{GOAL, TestApp, assert_has, recorded, recorded_all, start_built};

/// What is left of the goal in two or three words: trends puts them into each of its topics.
const NICHE: &str = "content cycle";

/// What the friendly trends, the recorded strategy and the goal make of the campaign.
fn brief() -> Value {
    json!({
        "name": GOAL,
        "type": "SOCIAL_ORGANIC",
        "target": {"platforms": ["youtube", "tiktok"], "niche": NICHE},
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
async fn trends_are_asked_for_a_niche_and_not_for_the_goal() {
    let app = start_built().await;
    for (index, mode) in ["SIMULATION", "DRY_RUN", "LIVE"].into_iter().enumerate() {
        let plan = create(&app, mode, &["strategy", "trends"]).await;
        let expected = json!({"sessionId": "s1", "platform": "all", "niche": NICHE});
        assert_eq!(plan["steps"][1]["payload"], expected);

        let plan = app.run(&plan).await;
        assert_eq!(plan["status"], "DONE", "{plan:#}");
        let asked = &app.stub("trends").requests()[index];
        assert_eq!(
            (asked.method.as_str(), asked.path.as_str()),
            ("POST", "/trends/summary")
        );
        assert_eq!(asked.json(), expected);
        let step = &plan["steps"][1];
        assert_eq!(step["payload"], expected);
        assert_eq!(step["result"]["summary"], "Pets in clothes.");
    }
}

/// What the real trends answered: it repeats the niche in every topic, and names google.
#[tokio::test(flavor = "multi_thread")]
async fn the_campaign_is_only_where_one_can_post_and_its_niche_stays_short() {
    let app = start_built().await;
    for (index, answer) in recorded_all("real-answers.json", "trends|")
        .into_iter()
        .enumerate()
    {
        app.stub("trends").answer(answer.clone());
        let plan = app.run(&create(&app, "LIVE", &CHAIN).await).await;
        assert_eq!(plan["status"], "DONE", "{plan:#}");
        let target = &app.stub("campaign").requests()[index].json()["target"];
        assert_eq!(target["niche"], NICHE, "{}", answer.body);
        let platforms = target["platforms"].as_array().unwrap();
        assert!(!platforms.is_empty(), "{}", answer.body);
        let is_allowed = |one| {
            ["tiktok", "youtube", "instagram"]
                .iter()
                .any(|allowed| one == allowed)
        };
        assert!(platforms.iter().all(is_allowed), "{platforms:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_niche_that_is_set_goes_out_as_it_is() {
    let app = start_built().await;
    let set = json!({"niche": "pet care"});
    let steps = json!([
        {"kind": "autonomy"}, {"kind": "srl"}, {"kind": "hardening"},
        {"kind": "trends", "settings": set},
        {"kind": "campaign", "settings": {"niche": "pet care", "durationDays": 3}},
    ]);
    let plan = app.create(&json!({"mode": "LIVE", "steps": steps})).await;
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(app.stub("trends").requests()[0].json()["niche"], "pet care");
    let campaign = &app.stub("campaign").requests()[0].json();
    assert_eq!(campaign["target"]["niche"], "pet care");
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
    assert_eq!(app.stub("trends").requests()[0].json()["niche"], NICHE);
}
