//! What autonomy, srl and hardening decide beyond the recordings: each rule at its border.

use serde_json::{Value, json};

use super::{Call, Services};

#[tokio::test]
async fn autonomy_decides_by_every_word_of_its_rules() {
    let services = Services::start().await;
    // Goal, risk, action.
    for (goal, risk, action) in [
        ("Tidy notes", 0, "allow_with_caution"),
        (
            "Remove and UPDATE everything, all of it",
            25,
            "require_user_approval",
        ),
        ("Edit the database", 20, "require_user_approval"),
        ("Post to facebook", 13, "allow_with_caution"),
        ("several private credentials", 30, "allow_with_caution"),
        (
            "Edit storage, several personal accounts, remove some",
            65,
            "require_user_approval",
        ),
        (
            "Edit storage and several personal accounts",
            50,
            "allow_with_caution",
        ),
        (
            "instagram tiktok youtube twitter shopify stripe",
            20,
            "allow_with_caution",
        ),
        ("Deploy to PRODUCTION", 0, "disallow"),
        ("change password of the shop", 30, "disallow"),
        ("format drive c", 0, "disallow"),
        ("format disk c", 0, "allow_with_caution"),
        ("wire transfer", 0, "allow_with_caution"),
        ("transfer funds", 0, "disallow"),
    ] {
        let answer = evaluate(&services, json!({"goal": goal})).await;
        assert_eq!(answer["safetyGuard"]["riskScore"], risk, "{goal}");
        assert_eq!(answer["action"], action, "{goal}");
    }
    let guarded = evaluate(&services, json!({"goal": "Use stripe"})).await;
    let guardrails = guarded["safetyGuard"]["guardrailsTriggered"].as_array();
    assert_eq!(guardrails.unwrap().len(), 1);
}

#[tokio::test]
async fn autonomy_is_as_confident_as_what_it_is_told() {
    let services = Services::start().await;
    let memory = |knowledge: Value| json!({"recentActions": [], "historicalPatterns": [], "relevantKnowledge": knowledge});
    for (asked, confidence, action) in [
        (
            json!({"goal": "Tidy notes"}),
            json!(58.75),
            "allow_with_caution",
        ),
        (
            json!({"goal": "Tidy notes", "domain": ""}),
            json!(58.75),
            "allow_with_caution",
        ),
        (
            json!({"goal": "Tidy notes", "domain": "ecommerce"}),
            json!(62.5),
            "allow_with_caution",
        ),
        (
            json!({"goal": "Tidy notes", "domain": "analytics", "context": "c"}),
            json!(67.5),
            "allow_with_caution",
        ),
        (
            json!({"goal": "Create notes", "domain": "strategy", "context": "c"}),
            json!(72.25),
            "allow",
        ),
        (
            json!({"goal": "Tidy notes", "urgency": "low", "domain": "x"}),
            json!(51.25),
            "allow_with_caution",
        ),
        (
            json!({"goal": "complex integration", "urgency": "low"}),
            json!(46.25),
            "require_user_approval",
        ),
        (
            json!({"goal": "Tidy notes", "urgency": "urgent"}),
            json!(null),
            "require_user_approval",
        ),
        (
            json!({"goal": "On tiktok", "urgency": "urgent"}),
            json!(null),
            "allow_with_caution",
        ),
        (
            json!({"goal": "Tidy notes", "urgency": ["high"]}),
            json!(65.0),
            "allow_with_caution",
        ),
        (
            json!({"goal": "Tidy notes", "memoryContext": memory(json!(["k"]))}),
            json!(63.75),
            "allow_with_caution",
        ),
        (
            json!({"goal": "Tidy notes", "memoryContext": memory(json!([]))}),
            json!(58.75),
            "allow_with_caution",
        ),
        (
            json!({"goal": "several complex private databases on tiktok, edit", "urgency": "low"}),
            json!(30.0),
            "allow_with_caution",
        ),
    ] {
        let answer = evaluate(&services, asked.clone()).await;
        assert_eq!(
            answer["confidence"].as_f64(),
            confidence.as_f64(),
            "{asked}"
        );
        assert_eq!(answer["action"], action, "{asked}");
    }
    for odd in [
        json!({"goal": ["Tidy notes"]}),
        json!({"goal": "Tidy notes", "context": false}),
        json!({"goal": "Tidy notes", "memoryContext": "m"}),
        json!({"goal": "Tidy notes", "memoryContext": {"recentActions": [], "relevantKnowledge": []}}),
        json!({"goal": "Tidy notes", "memoryContext": {"recentActions": "a", "historicalPatterns": [], "relevantKnowledge": []}}),
    ] {
        let call = Call::json("/autonomy/evaluate", &odd);
        assert_eq!(services.send("autonomy", call).await.0, 500, "{odd}");
    }
}

async fn evaluate(services: &Services, asked: Value) -> Value {
    services.post("autonomy", "/autonomy/evaluate", asked).await
}

#[tokio::test]
async fn a_goal_is_taken_apart_by_the_first_rule_that_fits() {
    let services = Services::start().await;
    // Goal, steps, the service of the third, and a step that says how many.
    for (goal, steps, service) in [
        ("Post a report on TikTok", 5, "codex-creative-suite"),
        ("Report on the campaign", 3, "codex-strategy"),
        ("Schedule it", 4, "codex-distribution-v2"),
        ("Grow social reach", 4, "codex-hands-v5"),
        ("A strategy for the shop", 4, "codex-strategy"),
        ("A visual for the product", 4, "codex-vision-2.6"),
        ("A new product", 4, "codex-ecom"),
        ("Distribute it", 4, "codex-distribution-v2"),
        ("Tidy up", 4, "codex-ops"),
    ] {
        let answer = decompose(&services, goal).await;
        assert_eq!(answer["totalSteps"], steps, "{goal}");
        assert_eq!(answer["steps"][2]["targetService"], service, "{goal}");
    }
    for (goal, pieces) in [
        ("Post tiktok videos", "3"),
        ("Post 0 tiktok videos", "3"),
        ("Post 007 or 9 tiktok videos", "7"),
        ("Post 4000 tiktok videos", "4000"),
    ] {
        let steps = decompose(&services, goal).await["steps"].clone();
        assert_eq!(
            steps[2]["description"],
            format!("Create {pieces} video concepts")
        );
        assert_eq!(
            steps[3]["description"],
            format!("Post {pieces} videos to TikTok")
        );
    }
}

async fn decompose(services: &Services, goal: &str) -> Value {
    let asked = json!({"goal": goal});
    services
        .post("autonomy", "/autonomy/decompose", asked)
        .await
}

#[tokio::test]
async fn srl_measures_a_goal_and_counts_repeats_as_javascript_does() {
    let services = Services::start().await;
    // Goal, planned actions, the kinds of findings.
    let long = "Plan a week of short videos";
    for (goal, actions, kinds) in [
        (json!("delete database"), json!([]), vec![]),
        (
            json!("\u{feff}  1234567\n"),
            json!([]),
            vec!["UNCLEAR_OBJECTIVE"],
        ),
        (json!("😀😀😀😀"), json!([]), vec![]),
        (json!("日本語の目標です"), json!(null), vec![]),
        (json!(0), json!(""), vec!["UNCLEAR_OBJECTIVE"]),
        (json!(long), json!([1, 1.0, 1, 1]), vec!["LOOP_RISK"]),
        (json!(long), json!([{}, {}, {}, {}]), vec![]),
        (json!(long), json!(["a", "a", "a"]), vec![]),
        (
            json!("x"),
            json!(["a", "a", "b", "a", "a", "a"]),
            vec!["UNCLEAR_OBJECTIVE", "LOOP_RISK"],
        ),
    ] {
        let asked = json!({"contentSummary": goal, "plannedActions": actions});
        let answer = services.post("srl", "/srl/check", asked.clone()).await;
        let findings = answer["findings"].as_array().unwrap().iter();
        let found: Vec<&Value> = findings.map(|finding| &finding["type"]).collect();
        assert_eq!(found, kinds, "{asked}");
        assert_eq!(answer["allowExecution"], true);
        assert_eq!(answer["requireApproval"], !kinds.is_empty());
    }
    for odd in [
        json!({"contentSummary": ["x"]}),
        json!({"plannedActions": 4}),
    ] {
        let call = Call::json("/srl/check", &odd);
        assert_eq!(services.send("srl", call).await.0, 500, "{odd}");
    }
}

#[tokio::test]
async fn hardening_looks_at_actions_from_four_on() {
    let services = Services::start().await;
    for (actions, status) in [
        (json!("abc"), 200),
        (json!("abcd"), 500),
        (json!(0), 200),
        (json!(4), 500),
        (json!({}), 500),
        (json!(["a", "a", "a"]), 200),
    ] {
        let call = Call::json("/hardening/check", &json!({"plannedActions": actions}));
        let (answered, body) = services.send("hardening", call).await;
        assert_eq!(answered, status, "{actions}");
        assert_eq!(body["ok"], status == 200);
    }
}

#[tokio::test]
async fn bodies_are_read_as_fastify_reads_them() {
    let services = Services::start().await;
    let send = async |name: &str, kind: Option<&'static str>, body: &str| {
        let path = match name {
            "brain" => "/v2/memory/write",
            _ => "/autonomy/evaluate",
        };
        let call = Call {
            method: "POST",
            path,
            content_type: kind,
            body: Some(body.to_owned()),
        };
        services.send(name, call).await
    };
    let json = Some("application/json");
    for (kind, body, status) in [
        (json, "\u{feff}{}", 200),
        (json, "{\"a\":{\"__proto__\":1}}", 400),
        (json, "{\"constructor\":{\"prototype\":1}}", 400),
        (json, "{\"constructor\":1}", 200),
        (json, " ", 400),
        (Some("Application/JSON ; charset=utf-8"), "{}", 200),
        (Some("application/jsonx"), "{}", 415),
        (Some("application/merge-patch+json"), "{}", 415),
        (Some("text/plain; charset=x"), "", 200),
        (None, "{}", 415),
    ] {
        let (answered, answer) = send("autonomy", kind, body).await;
        assert_eq!(answered, status, "{kind:?} {body}: {answer}");
    }
    let (_, answer) = send("brain", json, "{nope").await;
    assert_eq!(answer["code"], "FST_ERR_CTP_INVALID_JSON_BODY");
    let (_, answer) = send("autonomy", Some("a/b; c=d"), "{}").await;
    assert_eq!(answer["message"], "Unsupported Media Type: a/b; c=d");
}
