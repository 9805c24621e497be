//! `POST /mesh/run`: the host drives a plan to its end.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;

use super::body::JsonBody;
use super::error::HttpError;
use super::reader::Reader;
use crate::caller::Caller;
use crate::engine::Engine;

/// How long a client waits that does not say, and at the most, in milliseconds.
const TIMEOUT_MS: u64 = 60_000;
const LONGEST_MS: u64 = 600_000;

/// `{planId, wait?, timeoutMs?}` → `{ok, plan}`: at once, or with `wait` once the plan is done,
/// stopped, waiting for an approval or cancelled. When the time is up before that, the plan is
/// answered as it is, and goes on.
pub(super) async fn run_plan(
    State(engine): State<Arc<Engine>>,
    reader: Reader,
    caller: Caller,
    body: JsonBody,
) -> Result<Response, HttpError> {
    let fields = body.fields(&["planId", "wait", "timeoutMs"])?;
    let id = fields.text("planId")?;
    let wait = fields.flag("wait")?;
    let timeout = fields.number("timeoutMs", 1..=LONGEST_MS)?;
    // First, so that a client that may not wait has begun nothing.
    let _waits = wait.then(|| engine.admit_waiting(&caller)).transpose()?;
    let mut plan = engine.run(id, &caller).await?;
    if wait && plan.run.is_some() {
        // It may be large, and is another one then.
        drop(plan);
        let timeout = Duration::from_millis(timeout.unwrap_or(TIMEOUT_MS));
        plan = engine.run_ended(id, timeout).await?;
    }
    reader.changed(plan).await
}
