//! A step kind that asks for one thing after the other, as the plan's goal says letter by letter: `w`
//! writes, `r` reads, `t` wants to be tried again later, and `s` writes the same again and again. A
//! plugin keeps nothing from one call to the next, so each request says in its path how far it is.

use codex_mesh_sdk::{
    Context, Fault, Manifest, Method, Request, Response, RetryLater, Step, Verdict,
};
use serde_json::json;

const SAME: &str = "/pay/same";

struct Payer;

codex_mesh_sdk::export!(Payer);

/// The request of the letter at this place; `None` after the last, or where it asks for nothing.
fn request(context: &Context, index: usize) -> Option<Request> {
    match context.plan.goal.as_bytes().get(index)? {
        b'w' => Some(Request::post(
            &format!("/pay/{index}"),
            &json!({"index": index}),
        )),
        b'r' => Some(Request::get(&format!("/look/{index}"))),
        b's' => Some(Request::post(SAME, &json!({"same": true}))),
        _ => None,
    }
}

impl Step for Payer {
    fn describe() -> Manifest {
        Manifest::new("payer", "0.1.0", "workflow", Method::Post, "/pay/0").settings(&json!({
            "writes": {"type": "integer", "minimum": 1, "maximum": 3},
        }))
    }

    fn shape(context: &Context) -> Result<Request, String> {
        request(context, 0).ok_or_else(|| "the goal does not begin with a request".to_owned())
    }

    fn interpret(
        context: &Context,
        request: &Request,
        response: &Response,
    ) -> Result<Verdict, Fault> {
        if request.path == SAME {
            return Ok(Verdict::Call(request.clone()));
        }
        let place = request
            .path
            .rsplit('/')
            .next()
            .and_then(|index| index.parse().ok());
        let next = place.map_or(usize::MAX, |index: usize| index + 1);
        if context.plan.goal.as_bytes().get(next) == Some(&b't') {
            return Ok(Verdict::Retry(RetryLater {
                reason: "not yet".to_owned(),
                after_ms: Some(0),
            }));
        }
        Ok(self::request(context, next).map_or_else(
            || Verdict::Done(json!(response.status).to_string()),
            Verdict::Call,
        ))
    }
}
