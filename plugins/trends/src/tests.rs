//! What the real service answered is in the host's tests; the answers here follow its shape.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use codex_mesh_sdk::testing::{
    self, chain, context, finished, payload, response, verdict, with_settings,
};

use super::*;

fn of(body: &str) -> Verdict {
    verdict::<Trends>(&response(200, "application/json", body))
}

fn failed(reason: &str) -> Verdict {
    Verdict::Failed(reason.to_owned())
}

#[test]
fn describes_itself() {
    testing::assert_manifest::<Trends>("trends", "Summarize trends", "/trends/summary");
    let schema: Value = serde_json::from_str(&Trends::describe().settings_schema).unwrap();
    let settings: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(settings, ["language", "niche", "platform"]);
}

/// What a strategy plans is what to do, and not what to look for.
#[test]
fn the_niche_is_short_and_waits_for_no_strategy() {
    let mut context = chain("trends");
    assert_eq!(payload::<Trends>(&context)["niche"], json!("content cycle"));
    let plays = json!([{"description": "Post 2 TikToks/day"}]);
    let answer = json!({"ok": true, "plan": {"plays": plays}});
    context.finished = vec![finished("step-4", "strategy", &answer)];
    assert_eq!(payload::<Trends>(&context)["niche"], json!("content cycle"));
}

#[test]
fn every_domain_has_a_platform() {
    for (domain, expected) in [
        ("social", "all"),
        ("ecomm", "google"),
        ("video", "youtube"),
        ("strategy", "all"),
        ("trends", "all"),
        ("campaign", "all"),
        ("monetization", "google"),
        ("system", "all"),
        ("a domain to come", "all"),
    ] {
        let mut context = context("trends");
        context.step.domain = domain.to_owned();
        let payload = payload::<Trends>(&context);
        assert_eq!(payload["platform"], json!(expected), "{domain}");
        assert!(PLATFORMS.contains(&expected));
    }
}

#[test]
fn settings_go_before_what_is_derived() {
    let settings = r#"{"platform":"tiktok","niche":"pet care","language":"pt-BR"}"#;
    let expected = json!({
        "sessionId": "s1",
        "platform": "tiktok",
        "niche": "pet care",
        "language": "pt-BR",
    });
    assert_eq!(
        payload::<Trends>(&with_settings("trends", settings)),
        expected
    );
}

#[test]
fn a_wrong_setting_is_refused() {
    for (settings, expected) in [
        (
            r#"{"platform":"fax"}"#,
            "the setting platform must be one of tiktok, youtube, instagram, google, all, not \
             \"fax\"",
        ),
        (
            r#"{"niche":" "}"#,
            "the setting niche must be a text of 1 to 120 characters on one line that is not blank, \
             not \" \"",
        ),
        (
            r#"{"language":7}"#,
            "the setting language must be a text of 1 to 35 characters that is not blank, not 7",
        ),
    ] {
        let mut context = chain("trends");
        context.step.settings = settings.to_owned();
        assert_eq!(Trends::shape(&context), Err(expected.to_owned()));
    }
}

#[test]
fn items_or_a_summary_are_done_with_the_whole_answer() {
    let item = r#"{"platform":"tiktok","topic":"cats","examples":["a"],"metricSummary":"m",
                   "confidence":0.7}"#;
    for body in [
        format!(r#"{{"ok":true,"summary":"Cats.","items":[{item}],"generatedAt":"now"}}"#),
        format!(r#"{{"ok":true,"summary":"","items":[{item}]}}"#),
        r#"{"ok":true,"summary":"Cats.","items":[]}"#.to_owned(),
        r#"{"ok":true,"summary":"Cats."}"#.to_owned(),
    ] {
        assert_eq!(of(&body), Verdict::Done(body));
    }
}

#[test]
fn an_answer_that_says_nothing_is_a_failure() {
    for body in [
        r#"{"ok":true,"summary":" ","items":[]}"#,
        r#"{"ok":true,"summary":null,"items":null}"#,
        r#"{"ok":true,"summary":7}"#,
    ] {
        assert_eq!(
            of(body),
            failed("trends answered 200 with neither items nor a summary"),
            "{body}"
        );
    }
}

#[test]
fn an_answer_of_another_shape_is_a_failure() {
    let unusual = "trends answered 200 with JSON that is not its usual answer: ";
    for (body, expected) in [
        (r#"{"summary":"Cats."}"#, "missing field `ok`"),
        (
            r#"{"ok":true,"summary":"Cats.","items":"many"}"#,
            "invalid type: string \"many\", expected a sequence",
        ),
        (
            r#"{"ok":true,"items":["cats"]}"#,
            "invalid type: string \"cats\", expected a map",
        ),
    ] {
        assert_eq!(of(body), failed(&format!("{unusual}{expected}")), "{body}");
    }
}

#[test]
fn what_is_no_answer_is_no_yes() {
    testing::assert_faults::<Trends>();
}
