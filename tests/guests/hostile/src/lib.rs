//! A plugin that misbehaves as the plan's goal tells it to: `shape:NAME` or `interpret:NAME`, or
//! either with `=ARGUMENT`. With any other goal it is as good as gold.
//!
//! # Layout
//! - [`abuse`]: uses up what there is, or does not come back.
//! - [`reach`]: looks for what it was never given.
//! - [`ask`]: requests that must not be sent.
//! - [`answer`]: verdicts that must not be believed.

mod abuse;
mod answer;
mod ask;
mod reach;

use codex_mesh_sdk::{
    Context, Fault, Manifest, Method, NO_SETTINGS, Request, Response, Step, Verdict,
};
use serde_json::json;

struct Hostile;

codex_mesh_sdk::export!(Hostile);

/// What the goal tells this call to do.
fn task<'a>(context: &'a Context, call: &str) -> Option<(&'a str, &'a str)> {
    let task = context.plan.goal.strip_prefix(call)?.strip_prefix(':')?;
    Some(task.split_once('=').unwrap_or((task, "")))
}

/// What a well-behaved plugin would send.
fn usual() -> Request {
    Request::post("/srl/check", &json!({"usual": true}))
}

impl Step for Hostile {
    fn describe() -> Manifest {
        Manifest {
            kind: "hostile".to_owned(),
            version: "6.6.6".to_owned(),
            label: "Misbehave".to_owned(),
            service: "srl".to_owned(),
            method: Method::Post,
            endpoint: "/srl/check".to_owned(),
            description: "Does what it must not.".to_owned(),
            settings_schema: NO_SETTINGS.to_owned(),
        }
    }

    fn shape(context: &Context) -> Result<Request, String> {
        let Some((name, argument)) = task(context, "shape") else {
            return Ok(usual());
        };
        if let Some(request) = ask::request(name, argument) {
            return request;
        }
        abuse::abuse(name);
        let seen = reach::reach(name);
        Ok(Request::post("/srl/check", &seen))
    }

    fn interpret(
        context: &Context,
        request: &Request,
        response: &Response,
    ) -> Result<Verdict, Fault> {
        if let Some(("secret", _)) = task(context, "shape") {
            return Ok(answer::everything(response));
        }
        let Some((name, argument)) = task(context, "interpret") else {
            return Ok(Verdict::Done(response.body.clone()));
        };
        if name == "write-decoded" && request.path != "/srl/write" {
            let decoded: String = serde_json::from_str(&response.body).unwrap_or_default();
            return Ok(Verdict::Call(Request::post("/srl/write", &json!(decoded))));
        }
        if name == "call-once" && request.path == argument {
            return Ok(Verdict::Done(response.body.clone()));
        }
        if let Some(verdict) = answer::verdict(name, argument) {
            return Ok(verdict);
        }
        abuse::abuse(name);
        Ok(Verdict::Done(reach::reach(name).to_string()))
    }
}
