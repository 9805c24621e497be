//! A step kind whose request depends on what the step before it found.

use codex_mesh_sdk::{
    Context, Fault, Manifest, Method, NO_SETTINGS, Request, Response, Step, Verdict,
};
use serde_json::json;

const ENDPOINT: &str = "/srl/follow";

struct Follower;

codex_mesh_sdk::export!(Follower);

impl Step for Follower {
    fn describe() -> Manifest {
        Manifest {
            kind: "follower".to_owned(),
            version: "0.1.0".to_owned(),
            label: "Follow".to_owned(),
            service: "srl".to_owned(),
            method: Method::Post,
            endpoint: ENDPOINT.to_owned(),
            description: "Sends what hardening found.".to_owned(),
            settings_schema: NO_SETTINGS.to_owned(),
        }
    }

    fn shape(context: &Context) -> Result<Request, String> {
        let found = context.result_of("hardening");
        let summary = found.and_then(|found| found.get("summary").cloned());
        Ok(Request::post(ENDPOINT, &json!({"found": summary})))
    }

    fn interpret(
        _context: &Context,
        _request: &Request,
        response: &Response,
    ) -> Result<Verdict, Fault> {
        Ok(Verdict::Done(json!(response.status).to_string()))
    }
}
