//! What the local editions promise beyond the recordings: that their answers depend on what they
//! are asked, and that nothing grows without bound.

use serde_json::{Value, json};

use super::super::fastify::BODY_LIMIT;
use super::super::shelf::Shelf;
use super::{Call, Peers, Services, router};

#[tokio::test]
async fn only_known_names_have_a_local_edition() {
    let services = Services::start().await;
    let peers = Peers::new(services.bases.clone(), services.client.clone());
    assert!(router("monetization", &peers).is_none());
}

#[tokio::test]
async fn an_ops_task_with_a_prohibited_phrase_fails_in_the_queue() {
    let services = Services::start().await;
    for task in ["tidy", "rm -rf /"] {
        let answer = services
            .post("ops", "/ops/run", json!({"sessionId": "s1", "task": task}))
            .await;
        assert_eq!(answer["status"], "RUNNING");
    }
    let queue = services.get("ops", "/ops/queue").await;
    let came_of = [&queue["queue"][0]["status"], &queue["queue"][1]["status"]];
    assert_eq!(came_of, ["COMPLETED", "FAILED"]);
}

#[tokio::test]
async fn srl_blocks_a_destructive_goal_and_not_a_costly_one() {
    let services = Services::start().await;
    let check = async |goal: &str| {
        services
            .post("srl", "/srl/check", json!({"contentSummary": goal}))
            .await
    };
    let destructive = check("Delete database of the shop").await;
    assert_eq!(destructive["allowExecution"], false);
    assert_eq!(destructive["confidence"], 0.2);
    assert_eq!(destructive["findings"][0]["level"], "BLOCK");
    assert_eq!(
        check("Write about the purchase funnel").await["allowExecution"],
        true
    );
}

#[tokio::test]
async fn a_workflow_runs_step_by_step_and_waits_for_approval() {
    let services = Services::start().await;
    let step = async |verb: &str, body: Value| {
        let answer = services
            .post("workflow", &format!("/workflow/{verb}"), body)
            .await;
        answer["workflow"].clone()
    };
    let created = step("create", json!({"goal": "Launch a campaign"})).await;
    assert_eq!(
        created["steps"][2]["label"],
        "Schedule distribution across platforms"
    );
    let named = json!({"workflowId": created["id"]});
    assert_eq!(step("continue", named.clone()).await["status"], "PLANNED");
    assert_eq!(step("start", named.clone()).await["status"], "RUNNING");
    for _ in 0..2 {
        assert_eq!(step("continue", named.clone()).await["status"], "RUNNING");
    }
    let paused = step("continue", named.clone()).await;
    assert_eq!(paused["status"], "PAUSED");
    assert_eq!(paused["steps"][2]["status"], "PENDING");
    let approval = json!({"workflowId": created["id"], "stepId": created["steps"][2]["id"]});
    assert_eq!(step("approveStep", approval).await["status"], "RUNNING");
    step("continue", named.clone()).await;
    let finished = step("continue", named.clone()).await;
    assert_eq!(finished["status"], "COMPLETED");
    assert_eq!(finished["steps"][3]["status"], "DONE");
    assert_eq!(step("start", named).await["status"], "COMPLETED");
}

#[tokio::test]
async fn a_workflow_for_a_prohibited_goal_fails() {
    let services = Services::start().await;
    let goal = json!({"goal": "delete database and remove all accounts"});
    let created = services.post("workflow", "/workflow/create", goal).await;
    let named = json!({"workflowId": created["workflow"]["id"]});
    services
        .post("workflow", "/workflow/start", named.clone())
        .await;
    let failed = services.post("workflow", "/workflow/continue", named).await;
    assert_eq!(failed["workflow"]["status"], "FAILED");
    assert_eq!(failed["workflow"]["steps"][0]["status"], "ERROR");
}

#[tokio::test]
async fn a_simulation_fails_where_something_prohibited_is_asked_for() {
    let services = Services::start().await;
    let run = async |field: &str, text: &str| {
        let mut body = json!({"scenario": "social_ecomm_launch", "niche": "pet care"});
        body[field] = text.into();
        services.post("simulation", "/sim/run", body).await
    };
    assert_eq!(run("productName", "Smart Bottle").await["ok"], true);
    // The niche is named in two of the four steps, the goal is behind all of them.
    let by_niche = run("niche", "rm -rf tutorials").await;
    assert_eq!(by_niche["ok"], false);
    assert!(
        by_niche["summary"]
            .as_str()
            .unwrap()
            .contains("2 failed step(s)")
    );
    let by_goal = run("goal", "Delete account of a rival").await;
    assert!(
        by_goal["summary"]
            .as_str()
            .unwrap()
            .contains("4 failed step(s)")
    );
}

#[tokio::test]
async fn a_strategy_follows_its_domains_horizon_and_goal() {
    let services = Services::start().await;
    let plays = async |domain: &str, goal: &str, days: u32| -> Vec<String> {
        let body =
            json!({"sessionId": "s1", "domain": [domain], "goal": goal, "horizonDays": days});
        let answer = services.post("strategy", "/strategy/plan", body).await;
        let plays = answer["plan"]["plays"].as_array().unwrap().iter();
        plays
            .map(|play| play["id"].as_str().unwrap().to_owned())
            .collect()
    };
    for domain in ["ecomm", "social", "trading", "kingmaker", "creative"] {
        let short = plays(domain, "Grow", 1).await;
        let long = plays(domain, "Grow", 30).await;
        assert!(!short.is_empty() && short.len() < long.len(), "{domain}");
        assert!(long.iter().all(|id| id.starts_with(domain)), "{domain}");
    }
    let bundles = plays("ecomm", "Offer a bundle of products", 30).await;
    assert_eq!(bundles[0], "ecomm-product-bundle");
}

#[tokio::test]
async fn trends_follow_their_platform_and_niche() {
    let services = Services::start().await;
    let items = async |path: &str, platform: &str, niche: &str| -> Vec<Value> {
        let body = json!({"sessionId": "s1", "platform": platform, "niche": niche});
        let answer = services.post("trends", path, body).await;
        assert_eq!(answer["ok"], true);
        assert!(answer["summary"].as_str().unwrap().contains(platform));
        answer["items"].as_array().unwrap().clone()
    };
    for path in ["/trends/summary", "/trends/query"] {
        for platform in ["tiktok", "youtube", "instagram", "google"] {
            let found = items(path, platform, "anything").await;
            assert_eq!(found.len(), 3, "{platform}");
            assert!(found.iter().all(|item| item["platform"] == platform));
        }
        let found = items(path, "all", "Sell a smart BOTTLE").await;
        assert_eq!(found.len(), 5);
        assert_eq!(
            (&found[0]["topic"], &found[0]["confidence"]),
            (&json!("Reusable bottles"), &json!(0.8))
        );
        assert_eq!(found[4]["confidence"], 0.4);
        assert_eq!(items(path, "fax", "bottles").await, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn trends_and_campaign_say_what_is_missing() {
    let services = Services::start().await;
    let send = async |name: &str, path: &str, body: Value| {
        let call = Call {
            method: "POST",
            path,
            content_type: Some("application/json"),
            body: Some(body.to_string()),
        };
        services.send(name, call).await
    };
    let refused = |missing: &str| {
        let error = format!("Missing required fields: {missing}");
        (400, json!({"ok": false, "error": error}))
    };
    let (trends, campaign) = ("/trends/summary", "/campaign/create");
    let asked = json!({"sessionId": "s1", "platform": "all", "niche": "cats"});
    for missing in ["sessionId", "platform", "niche"] {
        let mut body = asked.clone();
        body.as_object_mut().unwrap().remove(missing);
        let expected = refused("sessionId, platform, niche");
        assert_eq!(send("trends", trends, body).await, expected, "{missing}");
    }
    let created = json!({"name": "n", "type": "SOCIAL_ORGANIC", "target": {}, "goal": {}});
    for missing in ["name", "type", "target", "goal"] {
        let mut body = created.clone();
        body.as_object_mut().unwrap().remove(missing);
        let expected = refused("name, type, target, goal");
        assert_eq!(
            send("campaign", campaign, body).await,
            expected,
            "{missing}"
        );
    }
    let odd = json!({"sessionId": "s1", "platform": "all", "niche": ["cats"]});
    assert_eq!(send("trends", trends, odd).await.0, 500);
    assert_eq!(send("campaign", campaign, json!(null)).await.0, 500);
}

#[tokio::test]
async fn a_campaign_is_kept_as_a_draft() {
    let services = Services::start().await;
    let brief = json!({
        "name": "Bottles",
        "type": "ECOM_LAUNCH",
        "productName": "Smart Bottle",
        "target": {"platforms": ["tiktok"], "niche": "bottles"},
        "goal": {"objective": "PURCHASES", "dailyBudget": 0, "durationDays": 7},
    });
    let mut created = Vec::new();
    for _ in 0..2 {
        let answer = services
            .post("campaign", "/campaign/create", brief.clone())
            .await;
        let campaign = &answer["campaign"];
        assert_eq!(
            (&answer["ok"], &campaign["status"]),
            (&json!(true), &json!("DRAFT"))
        );
        for (field, value) in brief.as_object().unwrap() {
            assert_eq!(campaign[field], *value, "{field}");
        }
        created.push(campaign.clone());
    }
    assert_ne!(created[0]["id"], created[1]["id"]);
    let id = created[0]["id"].as_str().unwrap();
    let one = services.get("campaign", &format!("/campaign/{id}")).await;
    assert_eq!(one, json!({"ok": true, "campaign": created[0]}));
    let all = services.get("campaign", "/campaigns").await;
    assert_eq!(all, json!({"ok": true, "campaigns": created}));
    for unknown in ["nobody", "create"] {
        let missing = services
            .get("campaign", &format!("/campaign/{unknown}"))
            .await;
        assert_eq!(missing, json!({"ok": false, "error": "Not found"}));
    }
}

#[tokio::test]
async fn brain_finds_the_newest_of_a_domain_first_and_survives_a_record_without_content() {
    let services = Services::start().await;
    let records = [
        json!({"domain": "ops", "content": "first PLAN"}),
        json!({"domain": "social", "content": "a plan elsewhere"}),
        json!({"domain": "ops", "tags": ["plan"], "content": "second"}),
        json!({"domain": "ops"}),
    ];
    for record in records {
        services.post("brain", "/v2/memory/write", record).await;
    }
    let search = async |body: Value| -> Vec<String> {
        let answer = services.post("brain", "/v2/memory/search", body).await;
        let results = answer["results"].as_array().unwrap().iter();
        results
            .map(|record| record["content"].as_str().unwrap().to_owned())
            .collect()
    };
    let found = search(json!({"domain": "ops", "query": "Plan"})).await;
    assert_eq!(found, ["second", "first PLAN"]);
    assert_eq!(
        search(json!({"query": "plan", "limit": 1})).await,
        ["second"]
    );
    let all = services.get("brain", "/v2/memory/all").await;
    assert_eq!(all["records"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_body_over_a_mebibyte_is_too_large() {
    let services = Services::start().await;
    let send = async |size: usize| {
        let body = format!(
            "{{\"goal\":\"{}\"}}",
            "x".repeat(size - r#"{"goal":""}"#.len())
        );
        let call = Call {
            method: "POST",
            path: "/autonomy/evaluate",
            content_type: Some("application/json; charset=utf-8"),
            body: Some(body),
        };
        services.send("autonomy", call).await
    };
    assert_eq!(send(BODY_LIMIT).await.0, 200);
    let (status, answer) = send(BODY_LIMIT + 1).await;
    assert_eq!(status, 413);
    assert_eq!(answer["error"], "Payload Too Large");
    assert_eq!(answer["message"], "Request body is too large");
}

#[test]
fn a_shelf_drops_the_oldest_when_there_is_too_much_on_it() {
    let mut shelf = Shelf::new(3);
    (1..=5).for_each(|n| shelf.put(1, n));
    assert_eq!(shelf.iter().collect::<Vec<_>>(), [&3, &4, &5]);
    shelf.put(64 * 1024 * 1024 - 1, 6);
    assert_eq!(shelf.iter().collect::<Vec<_>>(), [&5, &6]);
    assert_eq!(shelf.len(), 2);
}
