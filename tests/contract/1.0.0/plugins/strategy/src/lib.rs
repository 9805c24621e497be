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
