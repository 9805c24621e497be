//! The step kind `autonomy`: asks the autonomy service whether the goal may be pursued.
//!
//! The service answers 200 in every case; the decision is the body's `action`. (Its
//! `safetyGuard.recommendation` speaks another vocabulary and is not the decision.)

use codex_mesh_sdk::answer::{quote, words};
use codex_mesh_sdk::{
    Context, Fault, Manifest, Method, NO_SETTINGS, Request, Response, Step, Verdict,
};
use serde::Deserialize;
use serde_json::{Value, json};

const SERVICE: &str = "autonomy";
const ENDPOINT: &str = "/autonomy/evaluate";

/// The plugin.
pub struct Autonomy;

codex_mesh_sdk::export!(Autonomy);

/// What of the answer matters. `confidence` may be null and decides nothing.
#[derive(Deserialize)]
struct Evaluation {
    action: String,
    #[serde(default)]
    reasoning: Value,
    #[serde(default)]
    error: Value,
}

impl Evaluation {
    fn reason(&self) -> String {
        words(&self.error)
            .or_else(|| words(&self.reasoning))
            .unwrap_or_else(|| format!("autonomy decided {}", self.action))
    }
}

impl Step for Autonomy {
    fn describe() -> Manifest {
        Manifest {
            kind: "autonomy".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            label: "Evaluate autonomy decision".to_owned(),
            service: SERVICE.to_owned(),
            method: Method::Post,
            endpoint: ENDPOINT.to_owned(),
            description: "Asks the autonomy service whether the goal may be pursued without a \
                          person."
                .to_owned(),
            settings_schema: NO_SETTINGS.to_owned(),
        }
    }

    fn shape(context: &Context) -> Result<Request, String> {
        let payload = json!({"goal": context.plan.goal, "domain": context.step.domain});
        Ok(Request::post(ENDPOINT, &payload))
    }

    fn interpret(
        _context: &Context,
        _request: &Request,
        response: &Response,
    ) -> Result<Verdict, Fault> {
        let evaluation: Evaluation = response.answer(SERVICE)?;
        match evaluation.action.as_str() {
            "allow" | "allow_with_caution" => Ok(response.done()),
            "require_user_approval" => Ok(response.needs_approval(&evaluation.reason())),
            "disallow" => Ok(Verdict::Blocked(evaluation.reason())),
            other => Err(Fault::Failed(format!(
                "autonomy answered with an unknown action {:?}",
                quote(other)
            ))),
        }
    }
}
