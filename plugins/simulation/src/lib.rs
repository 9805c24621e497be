//! The step kind `simulation`: has the simulation service play the goal through without acting.
//! In SIMULATION mode it stands where the plan would write.
//!
//! The service answers 200 also where simulated steps failed, and answers a scenario that it
//! doesn't know with no steps and `ok: true`.

use codex_mesh_sdk::answer::{detail, words};
use codex_mesh_sdk::niche;
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

/// The longest product name, in characters: the service puts it into sentences.
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
                "niche": niche::schema(),
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
        let mut payload = Map::new();
        payload.insert("sessionId".to_owned(), json!(context.plan.session_id));
        payload.insert("scenario".to_owned(), json!(scenario));
        payload.insert("niche".to_owned(), json!(context.niche()?));
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use codex_mesh_sdk::testing::{self, context, payload, response, verdict, with_settings};

    use super::*;

    fn of(body: &str) -> Verdict {
        verdict::<Simulation>(&response(200, "application/json", body))
    }

    fn failed(reason: &str) -> Verdict {
        Verdict::Failed(reason.to_owned())
    }

    #[test]
    fn describes_itself() {
        testing::assert_manifest::<Simulation>("simulation", "Run simulation", "/sim/run");
        let schema: Value = serde_json::from_str(&Simulation::describe().settings_schema).unwrap();
        let settings: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(settings, ["days", "niche", "productName", "scenario"]);
    }

    #[test]
    fn every_domain_has_a_scenario() {
        for (domain, expected) in [
            ("social", "content_only"),
            ("ecomm", "store_only"),
            ("video", "content_only"),
            ("strategy", "social_ecomm_launch"),
            ("trends", "content_only"),
            ("campaign", "social_ecomm_launch"),
            ("monetization", "social_ecomm_launch"),
            ("system", "social_ecomm_launch"),
        ] {
            let mut context = context("simulation");
            context.step.domain = domain.to_owned();
            let payload = payload::<Simulation>(&context);
            assert_eq!(payload["scenario"], json!(expected), "{domain}");
        }
    }

    #[test]
    fn the_niche_is_short() {
        let niche = &payload::<Simulation>(&context("simulation"))["niche"];
        assert_eq!(*niche, json!("content cycle"));
    }

    #[test]
    fn a_wrong_setting_is_refused() {
        for (settings, expected) in [
            (
                r#"{"scenario":"nope"}"#,
                "the setting scenario must be one of social_ecomm_launch, content_only, \
                 store_only, not \"nope\"",
            ),
            (
                r#"{"niche":" "}"#,
                "the setting niche must be a text of 1 to 120 characters on one line that is not \
                 blank, not \" \"",
            ),
            (
                r#"{"productName":7}"#,
                "the setting productName must be a text of 1 to 120 characters that is not \
                 blank, not 7",
            ),
            (
                r#"{"days":0}"#,
                "the setting days must be a whole number from 1 to 365, not 0",
            ),
        ] {
            let context = with_settings("simulation", settings);
            assert_eq!(Simulation::shape(&context), Err(expected.to_owned()));
        }
    }

    #[test]
    fn a_failed_step_is_a_failure_whatever_ok_says() {
        for (step, told) in [
            (r#"{"step":"a","ok":false,"error":"no luck"}"#, "no luck"),
            (r#"{"step":"a","ok":false}"#, "it does not say why"),
            (r#"{"step":"a"}"#, "it does not say why"),
            ("null", "it does not say why"),
        ] {
            assert_eq!(
                of(&format!(r#"{{"ok":true,"steps":[{{"ok":true}},{step}]}}"#)),
                failed(&format!(
                    "simulation answered 200 but a simulated step failed: {told}"
                )),
                "{step}"
            );
        }
    }

    #[test]
    fn an_answer_without_steps_is_a_failure() {
        assert_eq!(
            of(r#"{"ok":true,"summary":"fine"}"#),
            failed(
                "simulation answered 200 with JSON that is not its usual answer: missing field \
                 `steps`"
            )
        );
    }

    #[test]
    fn what_is_no_answer_is_no_yes() {
        testing::assert_faults::<Simulation>();
    }
}
