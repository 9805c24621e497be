//! The step kind `srl`: asks the self-regulation service whether the plan may go on.
//!
//! The service answers 200 whatever it finds; the decision is the body's `allowExecution` and
//! `requireApproval`.

use codex_mesh_sdk::{
    Context, Fault, Manifest, Method, NO_SETTINGS, Request, Response, Step, Verdict, check,
};
use serde_json::json;

const SERVICE: &str = "srl";
const ENDPOINT: &str = "/srl/check";

/// The plugin.
pub struct Srl;

codex_mesh_sdk::export!(Srl);

impl Step for Srl {
    fn describe() -> Manifest {
        Manifest {
            kind: "srl".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            label: "Run self-regulation (SRL)".to_owned(),
            service: SERVICE.to_owned(),
            method: Method::Post,
            endpoint: ENDPOINT.to_owned(),
            description: "Asks the self-regulation service whether the goal is clear and safe, \
                          and the planned actions show no loop, before anything is done."
                .to_owned(),
            settings_schema: NO_SETTINGS.to_owned(),
        }
    }

    fn shape(context: &Context) -> Result<Request, String> {
        let payload = json!({
            "sessionId": context.plan.session_id,
            "domain": context.step.domain,
            "contentSummary": context.plan.goal,
            "plannedActions": context.planned_actions(),
        });
        Ok(Request::post(ENDPOINT, &payload))
    }

    fn interpret(
        _context: &Context,
        _request: &Request,
        response: &Response,
    ) -> Result<Verdict, Fault> {
        check::verdict(SERVICE, response)
    }
}
