//! A step kind that the host has never heard of: a team drops its file into the plugins folder.

use codex_mesh_sdk::{
    Context, Fault, Manifest, Method, NO_SETTINGS, Request, Response, Step, Verdict,
};
use serde_json::json;

struct EchoCheck;

codex_mesh_sdk::export!(EchoCheck);

impl Step for EchoCheck {
    fn describe() -> Manifest {
        Manifest {
            kind: "echo-check".to_owned(),
            version: "0.3.1".to_owned(),
            label: "Run echo check".to_owned(),
            service: "srl".to_owned(),
            method: Method::Post,
            endpoint: "/srl/check".to_owned(),
            description: "Sends the goal and keeps what comes back.".to_owned(),
            settings_schema: NO_SETTINGS.to_owned(),
        }
    }

    fn shape(context: &Context) -> Result<Request, String> {
        let payload = json!({"echo": context.plan.goal});
        Ok(Request::post("/srl/check", &payload))
    }

    fn interpret(
        _context: &Context,
        request: &Request,
        response: &Response,
    ) -> Result<Verdict, Fault> {
        let result = json!({
            "sent": request.body,
            "status": response.status,
            "length": response.body.len(),
        });
        Ok(Verdict::Done(result.to_string()))
    }
}
