//! The step kind `simulation`: has the simulation service play the goal through without acting.
//! In SIMULATION mode it stands where the plan would write.
//!
//! The service answers 200 also where simulated steps failed, and answers a scenario that it
//! doesn't know with no steps and `ok: true`.

use codex_mesh_sdk::answer::{detail, words};
use codex_mesh_sdk::request::one_line;
use codex_mesh_sdk::{Context, Fault, Manifest, Method, Request, Response, Step, Verdict};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const SERVICE: &str = "simulation";
const ENDPOINT: &str = "/sim/run";

/// The scenarios that the service knows.
const LAUNCH: &str = "social_ecomm_launch";
const CONTENT: &str = "content_only";
const STORE: &str = "store_only";
const SCENARIOS: [&str; 3] = [LAUNCH, CONTENT, STORE];

/// The longest niche or product name, in characters: the service puts them into sentences.
const LONGEST: usize = 120;
const MOST_DAYS: u64 = 365;

/// The plugin.
pub struct Simulation;

codex_mesh_sdk::export!(Simulation);

/// What of the answer matters.
#[derive(Deserialize)]
struct Run {
    #[serde(default)]
    scenario: Value,
    steps: Vec<Value>,
}

/// The scenario that comes closest to a domain: content for the domains that publish, the store
/// for the one that sells, and the launch, which has both, for the rest.
fn scenario(domain: &str) -> &'static str {
    match domain {
        "social" | "video" | "trends" => CONTENT,
        "ecomm" => STORE,
        _ => LAUNCH,
    }
}

/// What the first simulated step that did not go well says of it.
fn first_failure(steps: &[Value]) -> Option<String> {
    let failed = steps
        .iter()
        .find(|step| step.get("ok") != Some(&json!(true)))?;
    let told = detail(failed).or_else(|| detail(failed.get("details")?));
    Some(told.unwrap_or_else(|| "it does not say why".to_owned()))
}

/// Adds what failed to a fault, where the body tells.
fn explained(fault: Fault, response: &Response) -> Fault {
    let failure = serde_json::from_str::<Run>(&response.body)
        .ok()
        .and_then(|run| first_failure(&run.steps));
    match (fault, failure) {
        (Fault::Failed(reason), Some(failure)) => {
            Fault::Failed(format!("{reason} (first failed step: {failure})"))
        }
        (fault, _) => fault,
    }
}

impl Step for Simulation {
    fn describe() -> Manifest {
        let text = |description: &str| {
            json!({
                "description": description,
                "type": "string",
                "pattern": "\\S",
                "maxLength": LONGEST,
            })
        };
        let schema = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "scenario": {
                    "description": "What to simulate. The step's domain decides unless given.",
                    "enum": SCENARIOS,
                },
                "niche": text("The niche to simulate for. The goal's words unless given."),
                "productName": text("The product to simulate with, where the scenario has one."),
                "days": {
                    "description": "How many days to simulate.",
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MOST_DAYS,
                },
            },
        });
        Manifest {
            kind: "simulation".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            label: "Run simulation".to_owned(),
            service: SERVICE.to_owned(),
            method: Method::Post,
            endpoint: ENDPOINT.to_owned(),
            description: "Has the simulation service play the goal through without acting."
                .to_owned(),
            settings_schema: schema.to_string(),
        }
    }

    fn shape(context: &Context) -> Result<Request, String> {
        let given = context.choice_setting("scenario", &SCENARIOS)?;
        let scenario = given.unwrap_or_else(|| scenario(&context.step.domain));
        let given = context.text_setting("niche", LONGEST)?;
        let niche = given.unwrap_or_else(|| one_line(&context.plan.goal, LONGEST));
        let mut payload = Map::new();
        payload.insert("sessionId".to_owned(), json!(context.plan.session_id));
        payload.insert("scenario".to_owned(), json!(scenario));
        payload.insert("niche".to_owned(), json!(niche));
        if let Some(product) = context.text_setting("productName", LONGEST)? {
            payload.insert("productName".to_owned(), json!(product));
        }
        if let Some(days) = context.number_setting("days", 1..=MOST_DAYS)? {
            payload.insert("days".to_owned(), json!(days));
        }
        Ok(Request::post(ENDPOINT, &Value::Object(payload)))
    }

    fn interpret(
        _context: &Context,
        _request: &Request,
        response: &Response,
    ) -> Result<Verdict, Fault> {
        let run: Run = response
            .answer(SERVICE)
            .map_err(|fault| explained(fault, response))?;
        let status = response.status;
        if run.steps.is_empty() {
            let scenario = words(&run.scenario).unwrap_or_default();
            return Err(Fault::Failed(format!(
                "simulation answered {status} but simulated no steps of the scenario {scenario:?}"
            )));
        }
        match first_failure(&run.steps) {
            None => Ok(response.done()),
            Some(failure) => Err(Fault::Failed(format!(
                "simulation answered {status} but a simulated step failed: {failure}"
            ))),
        }
    }
}
