//! What the benches tell a plugin, and what its service answers.

use codex_mesh::sandbox::bindings::{Context, Mode, PlanInfo, Response, ThisStep};

/// The context of the only step of a plan with this goal.
pub(crate) fn context(goal: &str) -> Context {
    Context {
        plan: PlanInfo {
            id: "01a205cd-33b9-75f3-bbf0-2927a3da0008".to_owned(),
            session_id: "s1".to_owned(),
            domain: "social".to_owned(),
            goal: goal.to_owned(),
            mode: Mode::Live,
        },
        steps: Vec::new(),
        step: ThisStep {
            id: "step-1".to_owned(),
            domain: "social".to_owned(),
            attempt: 1,
            settings: "{}".to_owned(),
        },
        finished: Vec::new(),
    }
}

/// An answer with this body of JSON.
#[allow(dead_code, reason = "not every bench gets as far as an answer")]
pub(crate) fn answer(body: &str) -> Response {
    Response {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_owned(),
        elapsed_ms: 3,
    }
}
