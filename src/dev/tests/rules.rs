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
async fn an_ops_task_fails_in_the_queue_where_a_step_needs_what_is_not_there() {
    let services = Services::start().await;
    for task in ["tidy", "plan", "rm -rf /"] {
        let answer = services
            .post("ops", "/ops/run", json!({"sessionId": "s1", "task": task}))
            .await;
        assert_eq!(answer["status"], "RUNNING");
    }
    let queue = services.get("ops", "/ops/queue").await;
    let came_of = [0, 1, 2].map(|task: usize| &queue["queue"][task]["status"]);
    assert_eq!(came_of, ["COMPLETED", "FAILED", "COMPLETED"]);
}

#[tokio::test]
async fn a_workflow_fails_at_the_first_step_it_runs_and_pauses_without_one() {
    let services = Services::start().await;
    let step = async |verb: &str, body: Value| {
        let answer = services
            .post("workflow", &format!("/workflow/{verb}"), body)
            .await;
        answer["workflow"].clone()
    };
    let created = step("create", json!({"goal": "Launch a campaign"})).await;
    let approvals = created["steps"].as_array().unwrap().iter();
    let approvals: Vec<&Value> = approvals.map(|step| &step["requiresApproval"]).collect();
    assert_eq!(approvals, [false, false, true, false]);
    let named = json!({"workflowId": created["id"]});
    assert_eq!(step("continue", named.clone()).await["status"], "PLANNED");
    assert_eq!(step("start", named.clone()).await["status"], "RUNNING");
    let failed = step("continue", named.clone()).await;
    assert_eq!(failed["status"], "FAILED");
    assert_eq!(
        (&failed["steps"][0]["status"], &failed["steps"][0]["error"]),
        (&json!("ERROR"), &json!("Not Found"))
    );

    assert_eq!(step("start", named.clone()).await["status"], "RUNNING");
    for step_id in [1, 2, 3].map(|step: usize| created["steps"][step]["id"].clone()) {
        let approval = json!({"workflowId": created["id"], "stepId": step_id});
        step("approveStep", approval).await;
    }
    let paused = step("continue", named).await;
    assert_eq!(paused["status"], "PAUSED");
    assert_eq!(paused["steps"][2]["status"], "IN_PROGRESS");

    let empty = step("create", json!({"goal": ""})).await;
    let named = json!({"workflowId": empty["id"]});
    step("start", named.clone()).await;
    assert_eq!(step("continue", named).await["status"], "COMPLETED");
}

#[tokio::test]
async fn a_simulation_says_its_steps_and_does_none_of_them() {
    let services = Services::start().await;
    let run = async |body: Value| services.post("simulation", "/sim/run", body).await;
    for (scenario, steps) in [
        ("social_ecomm_launch", 4),
        ("content_only", 1),
        ("store_only", 1),
        ("another", 0),
    ] {
        let answer = run(json!({"scenario": scenario, "niche": "rm -rf"})).await;
        assert_eq!(answer["ok"], true);
        assert_eq!(answer["steps"].as_array().unwrap().len(), steps);
    }
    let odd = json!({"scenario": "store_only", "niche": null, "productName": ""});
    let step = run(odd).await["steps"][0]["step"].clone();
    let said = "Plan and simulate launching a simple ecomm store in niche null testing \"\". Do not deploy.";
    assert_eq!(step, said);
    let silent = run(json!({"scenario": "store_only"})).await["steps"][0]["step"].clone();
    let said = "Plan and simulate launching a simple ecomm store in niche undefined testing \"Product X\". Do not deploy.";
    assert_eq!(silent, said);
}

#[tokio::test]
async fn a_strategy_has_the_plays_of_its_domains_and_what_models_suggest_for_the_first() {
    let services = Services::start().await;
    let plan = async |domains: Value, goal: &str| {
        let body = json!({"sessionId": "s1", "domain": domains, "goal": goal, "horizonDays": 7});
        services.post("strategy", "/strategy/plan", body).await["plan"].clone()
    };
    for (domains, plays, models) in [
        (json!(["social"]), 13, 4),
        (json!(["ecomm", "social"]), 17, 4),
        (json!(["social", "social"]), 18, 4),
        (json!(["nope", "social"]), 5, 1),
        (json!([["creative"]]), 7, 4),
        (json!([7]), 0, 1),
    ] {
        let plan = plan(domains.clone(), "Grow").await;
        assert_eq!(plan["plays"].as_array().unwrap().len(), plays, "{domains}");
        assert_eq!(plan["sourceModels"].as_array().unwrap().len(), models);
        assert_eq!(plan["domains"], domains);
    }
    for (goal, niche) in [
        ("A WORKOUT a day", "home fitness niche is hot"),
        ("Recipes for gadgets", "food niche"),
        ("Something stylish", "general niche"),
        ("Style", "fashion niche"),
    ] {
        let said = plan(json!([]), goal).await["trendContext"].clone();
        assert!(said.as_str().unwrap().starts_with(niche), "{goal}: {said}");
    }
}

#[tokio::test]
async fn trends_follow_their_platform_and_know_only_fitness() {
    let services = Services::start().await;
    let items = async |path: &str, platform: &str, niche: Value| -> Vec<Value> {
        let body = json!({"sessionId": "s1", "platform": platform, "niche": niche});
        let answer = services.post("trends", path, body.clone()).await;
        assert_eq!(answer["ok"], true);
        assert_eq!(
            answer.get("query"),
            (path == "/trends/query").then_some(&body)
        );
        answer["items"].as_array().unwrap().clone()
    };
    for path in ["/trends/summary", "/trends/query"] {
        for (platform, of_fitness) in [
            ("tiktok", 3),
            ("youtube", 2),
            ("instagram", 2),
            ("google", 2),
        ] {
            let found = items(path, platform, json!("Cat\u{2003}food")).await;
            assert_eq!(found.len(), 1, "{platform}");
            assert_eq!(found[0]["platform"], platform);
            let found = items(path, platform, json!("FITNESS for cats")).await;
            assert_eq!(found.len(), of_fitness, "{platform}");
        }
        let found = items(path, "all", json!("Cat\u{2003}food")).await;
        let topics: Vec<&Value> = found.iter().map(|item| &item["topic"]).collect();
        let expected = [
            "Cat\u{2003}food near me",
            "Cat\u{2003}food tutorial",
            "#Catfoodcommunity",
            "#Catfood",
        ];
        assert_eq!(topics, expected);
        assert_eq!(items(path, "all", json!("my workouts")).await.len(), 9);
        for (platform, niche) in [("fax", json!("bottles")), ("all", json!(["bottles"]))] {
            assert_eq!(items(path, platform, niche).await, Vec::<Value>::new());
        }
    }
}

#[tokio::test]
async fn trends_say_what_is_missing() {
    let services = Services::start().await;
    let asked = json!({"sessionId": "s1", "platform": "tiktok", "niche": "cats"});
    let error = "Missing required fields: sessionId, platform, niche";
    for missing in ["sessionId", "platform", "niche"] {
        for falsy in [json!(null), json!(""), json!(0), json!(false)] {
            let mut body = asked.clone();
            body[missing] = falsy;
            let answer = services
                .send("trends", Call::json("/trends/summary", &body))
                .await;
            assert_eq!(
                answer,
                (400, json!({"ok": false, "error": error})),
                "{body}"
            );
        }
    }
    let odd = json!({"sessionId": "s1", "platform": "tiktok", "niche": ["cats"]});
    assert_eq!(
        services
            .send("trends", Call::json("/trends/query", &odd))
            .await
            .0,
        500
    );
}

#[tokio::test]
async fn a_campaign_is_kept_as_a_draft_until_it_is_planned() {
    let services = Services::start().await;
    let brief = json!({
        "name": "Bottles",
        "type": "ECOM_LAUNCH",
        "productName": "Smart Bottle",
        "target": {"platforms": ["google"], "niche": "bottles"},
        "goal": {"objective": "PURCHASES", "dailyBudget": 0, "durationDays": 7},
    });
    let mut created = Vec::new();
    for body in [&brief, &json!({}), &json!([])] {
        let answer = services
            .post("campaign", "/campaign/create", body.clone())
            .await;
        assert_eq!(answer["campaign"]["status"], "DRAFT");
        assert_eq!(answer["campaign"]["creatives"], json!([]));
        created.push(answer["campaign"].clone());
    }
    for (field, value) in brief.as_object().unwrap() {
        assert_eq!(created[0][field], *value, "{field}");
    }
    assert_ne!(created[0]["id"], created[1]["id"]);
    let id = created[0]["id"].as_str().unwrap();
    let one = services.get("campaign", &format!("/campaign/{id}")).await;
    assert_eq!(one, json!({"ok": true, "campaign": created[0]}));
    let all = services.get("campaign", "/campaigns").await;
    assert_eq!(all, json!({"ok": true, "campaigns": created}));
    for unknown in ["nobody", "create", "plan"] {
        let missing = services
            .get("campaign", &format!("/campaign/{unknown}"))
            .await;
        assert_eq!(missing, json!({"ok": false, "error": "Not found"}));
    }

    let plan = async |campaign: &Value| {
        let body = json!({"campaignId": campaign["id"]});
        services
            .send("campaign", Call::json("/campaign/plan", &body))
            .await
    };
    let (status, planned) = plan(&created[0]).await;
    assert_eq!(
        (status, &planned["campaign"]["status"]),
        (200, &json!("PLANNED"))
    );
    assert_eq!(plan(&created[1]).await.0, 500);
}

#[tokio::test]
async fn brain_finds_the_most_important_first_until_a_record_without_content_spoils_it() {
    let services = Services::start().await;
    let write = async |record: Value| services.post("brain", "/v2/memory/write", record).await;
    for record in [
        json!({"domain": "ops", "content": "first PLAN", "importance": 0.1}),
        json!({"domain": "social", "content": "a plan elsewhere"}),
        json!({"domain": "ops", "title": "Plan", "content": "second"}),
        json!({"domain": "ops", "tags": ["plan"], "content": "third"}),
        json!({"domain": "ops", "content": "a plan", "importance": "odd"}),
    ] {
        write(record).await;
    }
    let search = async |body: Value| -> Vec<String> {
        let answer = services.post("brain", "/v2/memory/search", body).await;
        let results = answer["results"].as_array().unwrap().iter();
        results
            .map(|record| record["content"].as_str().unwrap().to_owned())
            .collect()
    };
    let found = search(json!({"domain": "ops", "query": "Plan"})).await;
    assert_eq!((found.len(), found[2].as_str()), (3, "first PLAN"));
    for (limit, found) in [
        (json!(1), 1),
        (json!(-1), 3),
        (json!("2"), 2),
        (json!(null), 0),
        (json!(1e300), 4),
    ] {
        let body = json!({"query": "plan", "limit": limit});
        assert_eq!(search(body).await.len(), found, "{limit}");
    }

    write(json!({"domain": "trading"})).await;
    let spoiled = Call::json("/v2/memory/search", &json!({"query": "plan"}));
    assert_eq!(services.send("brain", spoiled).await.0, 500);
    assert_eq!(
        search(json!({"domain": "social", "query": "plan"}))
            .await
            .len(),
        1
    );
    let all = services.get("brain", "/v2/memory/all").await;
    assert_eq!(all["records"].as_array().unwrap().len(), 6);
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
