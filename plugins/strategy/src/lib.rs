//! The step kind `strategy`: asks the strategy service for a plan of plays towards the goal.
//!
//! The service wants its domains as a list in a vocabulary of its own. What it knows no plays
//! for it answers with 200, `ok: true` and an empty plan.

use codex_mesh_sdk::{Context, Fault, Manifest, Method, Request, Response, Step, Verdict};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const SERVICE: &str = "strategy";
const ENDPOINT: &str = "/strategy/plan";

/// The setting that says how far to plan ahead, and its limits.
const HORIZON: &str = "horizonDays";
const LONGEST: u64 = 365;
const DEFAULT: u64 = 7;

/// The plugin.
pub struct Strategy;

codex_mesh_sdk::export!(Strategy);

/// What of the answer matters.
#[derive(Deserialize)]
struct Answer {
    plan: Plan,
}

/// What of the plan matters: that it has plays.
#[derive(Deserialize)]
struct Plan {
    plays: Option<Vec<Map<String, Value>>>,
}

/// A domain of the mesh in the service's words (`ecomm`, `social`, `trading`, `kingmaker`,
/// `creative`).
///
/// | mesh | strategy | because |
/// | --- | --- | --- |
/// | social, ecomm | the same | same word, same thing |
/// | video | creative, social | made by the one, shown on the other |
/// | trends | social, creative | where trends are seen, and what answers them |
/// | campaign | social, ecomm, creative | a campaign posts, sells and needs material |
/// | monetization | ecomm, social | what is sold, and to whom |
/// | strategy, system, others | social, ecomm | no field of their own: the two main ones |
///
/// Every row has `social` or `ecomm`, for which the service is known to have plays.
fn domains(mesh: &str) -> &'static [&'static str] {
    match mesh {
        "social" => &["social"],
        "ecomm" => &["ecomm"],
        "video" => &["creative", "social"],
        "trends" => &["social", "creative"],
        "campaign" => &["social", "ecomm", "creative"],
        "monetization" => &["ecomm", "social"],
        _ => &["social", "ecomm"],
    }
}

impl Step for Strategy {
    fn describe() -> Manifest {
        let schema = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                HORIZON: {
                    "description": "How many days to plan ahead.",
                    "type": "integer",
                    "minimum": 1,
                    "maximum": LONGEST,
                    "default": DEFAULT,
                },
            },
        });
        Manifest {
            kind: "strategy".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            label: "Plan strategy".to_owned(),
            service: SERVICE.to_owned(),
            method: Method::Post,
            endpoint: ENDPOINT.to_owned(),
            description: "Asks the strategy service for a plan of plays towards the goal."
                .to_owned(),
            settings_schema: schema.to_string(),
        }
    }

    fn shape(context: &Context) -> Result<Request, String> {
        let horizon = context.number_setting(HORIZON, 1..=LONGEST)?;
        let payload = json!({
            "sessionId": context.plan.session_id,
            "domain": domains(&context.step.domain),
            "goal": context.plan.goal,
            "horizonDays": horizon.unwrap_or(DEFAULT),
        });
        Ok(Request::post(ENDPOINT, &payload))
    }

    fn interpret(
        _context: &Context,
        _request: &Request,
        response: &Response,
    ) -> Result<Verdict, Fault> {
        let answer: Answer = response.answer(SERVICE)?;
        if answer.plan.plays.is_none_or(|plays| plays.is_empty()) {
            return Err(Fault::Failed(format!(
                "strategy answered {} with a plan without plays",
                response.status
            )));
        }
        Ok(response.done())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use codex_mesh_sdk::testing::{self, context, payload, response, verdict, with_settings};

    use super::*;

    fn failed(reason: &str) -> Verdict {
        Verdict::Failed(reason.to_owned())
    }

    #[test]
    fn describes_itself() {
        testing::assert_manifest::<Strategy>("strategy", "Plan strategy", "/strategy/plan");
        let schema: Value = serde_json::from_str(&Strategy::describe().settings_schema).unwrap();
        let horizon = &schema["properties"]["horizonDays"];
        assert_eq!(
            [
                &horizon["minimum"],
                &horizon["maximum"],
                &horizon["default"]
            ],
            [&json!(1), &json!(365), &json!(7)]
        );
    }

    #[test]
    fn every_domain_is_told_in_the_services_words() {
        let known = ["ecomm", "social", "trading", "kingmaker", "creative"];
        for (mesh, expected) in [
            ("social", json!(["social"])),
            ("ecomm", json!(["ecomm"])),
            ("video", json!(["creative", "social"])),
            ("strategy", json!(["social", "ecomm"])),
            ("trends", json!(["social", "creative"])),
            ("campaign", json!(["social", "ecomm", "creative"])),
            ("monetization", json!(["ecomm", "social"])),
            ("system", json!(["social", "ecomm"])),
            ("a domain to come", json!(["social", "ecomm"])),
        ] {
            let mut context = context("strategy");
            context.step.domain = mesh.to_owned();
            assert_eq!(payload::<Strategy>(&context)["domain"], expected, "{mesh}");
            assert!(domains(mesh).iter().all(|domain| known.contains(domain)));
        }
    }

    #[test]
    fn the_horizon_is_a_setting() {
        for days in [1, 30, 365] {
            let context = with_settings("strategy", &format!(r#"{{"horizonDays":{days}}}"#));
            assert_eq!(payload::<Strategy>(&context)["horizonDays"], json!(days));
        }
    }

    #[test]
    fn a_wrong_horizon_is_refused() {
        for wrong in ["0", "366", "-7", "1.5", "\"7\"", "null"] {
            let context = with_settings("strategy", &format!(r#"{{"horizonDays":{wrong}}}"#));
            assert_eq!(
                Strategy::shape(&context),
                Err(format!(
                    "the setting horizonDays must be a whole number from 1 to 365, not {wrong}"
                ))
            );
        }
    }

    #[test]
    fn a_plan_without_plays_is_a_failure() {
        let expected = failed("strategy answered 200 with a plan without plays");
        for plan in ["{}", r#"{"plays":null}"#] {
            let body = format!(r#"{{"ok":true,"plan":{plan}}}"#);
            let answer = response(200, "application/json", &body);
            assert_eq!(verdict::<Strategy>(&answer), expected, "{plan}");
        }
    }

    #[test]
    fn no_plan_is_a_failure() {
        assert_eq!(
            verdict::<Strategy>(&response(200, "application/json", r#"{"ok":true}"#)),
            failed(
                "strategy answered 200 with JSON that is not its usual answer: missing field `plan`"
            )
        );
    }

    #[test]
    fn what_is_no_answer_is_no_yes() {
        testing::assert_faults::<Strategy>();
    }
}
