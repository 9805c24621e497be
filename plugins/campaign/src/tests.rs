//! What the real services answered is in the host's tests; the answers here follow their shapes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use codex_mesh_sdk::FinishedStep;
use codex_mesh_sdk::testing::{
    self, chain, context, finished, payload, response, verdict, with_settings,
};
use serde_json::Value;

use super::*;

const GOAL: &str = "Plan and execute a 7-day TikTok & Shorts content cycle.";
const NICHE: &str = "content cycle";

fn of(body: &str) -> Verdict {
    verdict::<Campaign>(&response(200, "application/json", body))
}

fn failed(reason: &str) -> Verdict {
    Verdict::Failed(reason.to_owned())
}

/// The chain's plan once strategy and trends have answered, trends with these items.
fn aimed(items: &Value) -> Context {
    let answer = json!({"ok": true, "summary": "Cats.", "items": items});
    let mut context = chain("campaign");
    context.finished = vec![strategy(7), finished("step-5", "trends", &answer)];
    context
}

/// The chain's strategy, with a plan for this many days.
fn strategy(days: u8) -> FinishedStep {
    let plan = json!({"horizonDays": days, "plays": [{}]});
    finished("step-4", "strategy", &json!({"ok": true, "plan": plan}))
}

fn item(platform: &str, topic: &str) -> Value {
    json!({
        "platform": platform,
        "topic": topic,
        "examples": ["a"],
        "metricSummary": "rising",
        "confidence": 0.7,
    })
}

#[test]
fn describes_itself() {
    testing::assert_manifest::<Campaign>("campaign", "Create campaign", "/campaign/create");
    let schema: Value = serde_json::from_str(&Campaign::describe().settings_schema).unwrap();
    let settings: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    let expected = [
        "country",
        "dailyBudget",
        "durationDays",
        "language",
        "niche",
        "objective",
        "productName",
        "storeId",
        "targetKPI",
        "type",
    ];
    assert_eq!(settings, expected);
}

#[test]
fn a_plan_without_strategy_and_trends_goes_by_the_goal() {
    assert_eq!(
        payload::<Campaign>(&context("campaign")),
        json!({
            "name": GOAL,
            "type": "SOCIAL_ORGANIC",
            "target": {"platforms": ["tiktok", "youtube", "instagram"], "niche": NICHE},
            "goal": {"objective": "VIEWS", "dailyBudget": 0, "durationDays": 7},
        })
    );
}

#[test]
fn it_says_which_result_it_waits_for() {
    let waits_for = |what: &str| format!("it uses the {what}, which has not answered yet");
    let mut context = chain("campaign");
    assert_eq!(
        Campaign::shape(&context),
        Err(waits_for("horizon of step-4 (strategy)"))
    );
    context.finished = vec![strategy(7)];
    assert_eq!(
        Campaign::shape(&context),
        Err(waits_for("items of step-5 (trends)"))
    );
}

#[test]
fn the_results_before_it_aim_the_campaign() {
    let items = json!([
        item("youtube", "cats in hats"),
        item("tiktok", "dogs in boots"),
        item("youtube", "birds"),
        item("google", "fish near me"),
        item("instagram", "fish"),
    ]);
    let mut context = aimed(&items);
    context.finished[0] = strategy(30);
    assert_eq!(
        payload::<Campaign>(&context),
        json!({
            "name": GOAL,
            "type": "SOCIAL_ORGANIC",
            "target": {
                "platforms": ["youtube", "tiktok", "instagram"],
                "niche": NICHE,
            },
            "goal": {"objective": "VIEWS", "dailyBudget": 0, "durationDays": 30},
        })
    );
}

#[test]
fn a_horizon_that_is_no_number_of_days_is_not_used() {
    for horizon in [json!(0), json!(366), json!(1.5), json!("30"), json!(null)] {
        let mut context = aimed(&json!([]));
        let strategy = json!({"plan": {"horizonDays": horizon}});
        context.finished[0] = finished("step-4", "strategy", &strategy);
        let payload = payload::<Campaign>(&context);
        assert_eq!(payload["goal"]["durationDays"], json!(7), "{horizon}");
    }
}

#[test]
fn trends_without_a_platform_leave_the_domains() {
    for items in [
        json!(null),
        json!([]),
        json!("many"),
        json!([1, "a", {}, {"platform": 7, "topic": 7}]),
        json!([
            item("all", " "),
            item("fax", ""),
            item("google", "cats near me")
        ]),
    ] {
        for (domain, platforms) in [
            ("social", ["tiktok", "youtube", "instagram"]),
            ("video", ["youtube", "tiktok", "instagram"]),
            ("ecomm", ["instagram", "tiktok", "youtube"]),
            ("monetization", ["instagram", "tiktok", "youtube"]),
        ] {
            let mut context = aimed(&items);
            context.step.domain = domain.to_owned();
            let target = &payload::<Campaign>(&context)["target"];
            let expected = json!({"platforms": platforms, "niche": NICHE});
            assert_eq!(*target, expected, "{domain}: {items}");
        }
    }
}

#[test]
fn a_platform_is_known_however_it_is_written() {
    let items = json!([
        item("YouTube Shorts", "a"),
        item("TikTok", "b"),
        item("youtube", "c"),
        item("Google", "d"),
        item("instagram_reels", "e"),
    ]);
    let platforms = &payload::<Campaign>(&aimed(&items))["target"]["platforms"];
    assert_eq!(*platforms, json!(["youtube", "tiktok", "instagram"]));
}

#[test]
fn the_name_is_bounded_and_on_one_line() {
    let mut context = aimed(&json!([]));
    context.plan.goal = format!("a\n\tb {}", "é".repeat(10_000));
    let payload = payload::<Campaign>(&context);
    let name = payload["name"].as_str().unwrap();
    assert!(name.starts_with("a b éé"));
    assert_eq!(name.chars().count(), 80);
}

#[test]
fn every_domain_has_a_type_and_an_objective() {
    for (domain, kind, objective) in [
        ("social", "SOCIAL_ORGANIC", "VIEWS"),
        ("ecomm", "ECOM_LAUNCH", "PURCHASES"),
        ("video", "SOCIAL_ORGANIC", "VIEWS"),
        ("strategy", "SOCIAL_ORGANIC", "VIEWS"),
        ("trends", "SOCIAL_ORGANIC", "VIEWS"),
        ("campaign", "SOCIAL_ORGANIC", "VIEWS"),
        ("monetization", "ECOM_LAUNCH", "PURCHASES"),
        ("system", "SOCIAL_ORGANIC", "VIEWS"),
        ("a domain to come", "SOCIAL_ORGANIC", "VIEWS"),
    ] {
        let mut context = context("campaign");
        context.step.domain = domain.to_owned();
        let payload = payload::<Campaign>(&context);
        let derived = [&payload["type"], &payload["goal"]["objective"]];
        assert_eq!(derived, [kind, objective], "{domain}");
        assert_eq!(payload["goal"]["dailyBudget"], json!(0), "{domain}");
    }
}

#[test]
fn settings_go_before_what_is_derived() {
    let settings = json!({
        "type": "SOCIAL_UGC",
        "objective": "CLICKS",
        "dailyBudget": 25,
        "durationDays": 3,
        "niche": "pet care",
        "country": "BR",
        "language": "pt",
        "productName": "Smart Bottle",
        "storeId": "store-1",
        "targetKPI": "1000 clicks",
    });
    assert_eq!(
        payload::<Campaign>(&with_settings("campaign", &settings.to_string())),
        json!({
            "name": GOAL,
            "type": "SOCIAL_UGC",
            "productName": "Smart Bottle",
            "storeId": "store-1",
            "target": {
                "platforms": ["tiktok", "youtube", "instagram"],
                "niche": "pet care",
                "country": "BR",
                "language": "pt",
            },
            "goal": {
                "objective": "CLICKS",
                "dailyBudget": 25,
                "durationDays": 3,
                "targetKPI": "1000 clicks",
            },
        })
    );
}

#[test]
fn the_objective_follows_the_type_that_was_given() {
    let context = with_settings("campaign", r#"{"type":"ECOM_LAUNCH"}"#);
    let payload = payload::<Campaign>(&context);
    assert_eq!(payload["goal"]["objective"], json!("PURCHASES"));
}

#[test]
fn with_a_duration_given_it_does_not_wait_for_the_strategy() {
    let mut context = aimed(&json!([item("tiktok", "cats")]));
    context.finished.remove(0);
    context.step.settings = r#"{"durationDays":3}"#.to_owned();
    let payload = payload::<Campaign>(&context);
    assert_eq!(payload["goal"]["durationDays"], json!(3));
    assert_eq!(payload["target"]["niche"], json!(NICHE));
}

#[test]
fn a_wrong_setting_is_refused_even_before_the_others_have_answered() {
    let text = "must be a text of 1 to 120 characters that is not blank, not 7";
    let cases = [
        (
            r#"{"type":"TV"}"#,
            "the setting type must be one of SOCIAL_ORGANIC, SOCIAL_UGC, ECOM_LAUNCH, not \"TV\""
                .to_owned(),
        ),
        (
            r#"{"objective":"FAME"}"#,
            "the setting objective must be one of VIEWS, FOLLOWERS, CLICKS, ADD_TO_CART, \
             PURCHASES, not \"FAME\""
                .to_owned(),
        ),
        (
            r#"{"dailyBudget":-1}"#,
            "the setting dailyBudget must be a whole number from 0 to 100000, not -1".to_owned(),
        ),
        (
            r#"{"durationDays":0}"#,
            "the setting durationDays must be a whole number from 1 to 365, not 0".to_owned(),
        ),
        (
            r#"{"niche":"a\nb"}"#,
            "the setting niche must be a text of 1 to 120 characters on one line that is not \
             blank, not \"a\\nb\""
                .to_owned(),
        ),
    ];
    let texts = ["country", "language", "productName", "storeId", "targetKPI"];
    let texts = texts.map(|name| {
        (
            format!(r#"{{"{name}":7}}"#),
            format!("the setting {name} {text}"),
        )
    });
    let cases = cases.map(|(settings, expected)| (settings.to_owned(), expected));
    for (settings, expected) in cases.into_iter().chain(texts) {
        let mut context = chain("campaign");
        context.step.settings = settings;
        assert_eq!(Campaign::shape(&context), Err(expected));
    }
}

#[test]
fn a_campaign_with_an_id_is_done_with_the_whole_answer() {
    for body in [
        r#"{"ok":true,"campaign":{"id":"c1","name":"n","status":"DRAFT"}}"#,
        r#"{"campaign":{"id":"c1","status":null}}"#,
    ] {
        assert_eq!(of(body), Verdict::Done(body.to_owned()));
    }
}

#[test]
fn no_campaign_or_none_that_can_be_named_is_a_failure() {
    for id in ["", " "] {
        assert_eq!(
            of(&format!(r#"{{"ok":true,"campaign":{{"id":"{id}"}}}}"#)),
            failed("campaign answered 200 but created a campaign without an id")
        );
    }
    let unusual = "campaign answered 200 with JSON that is not its usual answer: ";
    for (body, expected) in [
        (r#"{"ok":true}"#, "missing field `campaign`"),
        (
            r#"{"ok":true,"campaign":null}"#,
            "invalid type: null, expected struct Created",
        ),
        (r#"{"ok":true,"campaign":{}}"#, "missing field `id`"),
        (
            r#"{"ok":true,"campaign":{"id":7}}"#,
            "invalid type: integer `7`, expected a string",
        ),
    ] {
        assert_eq!(of(body), failed(&format!("{unusual}{expected}")), "{body}");
    }
}

#[test]
fn what_is_no_answer_is_no_yes() {
    testing::assert_faults::<Campaign>();
}
