//! A step kind that tells which time it was told, twice in each call with a while in between.

use std::time::{Duration, Instant};

use codex_mesh_sdk::{Context, Fault, Manifest, Method, Request, Response, Step, Verdict, clock};
use serde_json::{Value, json};

struct Clock;

codex_mesh_sdk::export!(Clock);

/// Far longer than the clock's millisecond, far less than a call may run.
const WHILE: Duration = Duration::from_millis(10);

fn told() -> Value {
    let first = (clock::now(), clock::time_left());
    let start = Instant::now();
    while start.elapsed() < WHILE {}
    json!({
        "now": first.0,
        "timeLeft": first.1,
        "same": (clock::now(), clock::time_left()) == first,
    })
}

impl Step for Clock {
    fn describe() -> Manifest {
        let version = env!("CARGO_PKG_VERSION");
        Manifest::new("clock", version, "srl", Method::Post, "/srl/check")
    }

    fn shape(_context: &Context) -> Result<Request, String> {
        Ok(Request::post("/srl/check", &told()))
    }

    fn interpret(
        _context: &Context,
        _request: &Request,
        _response: &Response,
    ) -> Result<Verdict, Fault> {
        Ok(Verdict::Done(told().to_string()))
    }
}
