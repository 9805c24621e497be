//! The step kind `hardening`: asks the hardening service whether the system is stable enough to
//! go on.
//!
//! The service answers 200 whatever it finds; the decision is the body's `allowExecution` and
//! `requireApproval`.

use codex_mesh_sdk::{
    Context, Fault, Manifest, Method, NO_SETTINGS, Request, Response, Step, Verdict, check,
};
use serde_json::json;

const SERVICE: &str = "hardening";
const ENDPOINT: &str = "/hardening/check";

/// The plugin.
pub struct Hardening;

codex_mesh_sdk::export!(Hardening);

impl Step for Hardening {
    fn describe() -> Manifest {
        Manifest {
            kind: "hardening".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            label: "Run hardening check".to_owned(),
            service: SERVICE.to_owned(),
            method: Method::Post,
            endpoint: ENDPOINT.to_owned(),
            description: "Asks the hardening service whether the services are up and quick, and \
                          the planned actions show no loop, before anything is done."
                .to_owned(),
            settings_schema: NO_SETTINGS.to_owned(),
        }
    }

    fn shape(context: &Context) -> Result<Request, String> {
        let payload = json!({
            "sessionId": context.plan.session_id,
            "domain": context.step.domain,
            "actionSummary": context.plan.goal,
            "servicesInvolved": context.services(),
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
