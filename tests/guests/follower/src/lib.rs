//! A step kind whose request depends on what the step before it found.

use codex_mesh_sdk::{
    Context, Fault, Header, HeaderValue, Manifest, Method, NO_SETTINGS, Request, Response, Step,
    Verdict,
};
use serde_json::json;

const ENDPOINT: &str = "/srl/follow";

/// With this goal only a header depends on it.
const HEADER_ONLY: &str = "say it in a header";

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
        if context.plan.goal != HEADER_ONLY {
            return Ok(Request::post(ENDPOINT, &json!({"found": summary})));
        }
        let found = if summary.is_some() { "yes" } else { "no" };
        let mut request = Request::post(ENDPOINT, &json!({}));
        request.headers.push(Header {
            name: "x-found".to_owned(),
            value: HeaderValue::Text(found.to_owned()),
        });
        Ok(request)
    }

    fn interpret(
        _context: &Context,
        _request: &Request,
        response: &Response,
    ) -> Result<Verdict, Fault> {
        Ok(Verdict::Done(json!(response.status).to_string()))
    }
}
