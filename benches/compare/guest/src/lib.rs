//! The step kind `srl` as an Extism plugin: the same logic, called with JSON instead of the
//! contract's types.

use codex_mesh_sdk::{Context, Mode, PlanInfo, Request, Response, Step, ThisStep, Verdict};
use codex_mesh_srl::Srl;
use extism_pdk::{FnResult, WithReturnCode, plugin_fn};
use serde::Deserialize;
use serde_json::json;

/// As much of a context as this kind looks at.
#[derive(Deserialize)]
struct Told {
    id: String,
    session_id: String,
    domain: String,
    goal: String,
    step: String,
}

#[derive(Deserialize)]
struct Answered {
    context: Told,
    path: String,
    payload: String,
    status: u16,
    body: String,
}

impl From<Told> for Context {
    fn from(told: Told) -> Self {
        Self {
            plan: PlanInfo {
                id: told.id,
                session_id: told.session_id,
                domain: told.domain.clone(),
                goal: told.goal,
                mode: Mode::Live,
            },
            steps: Vec::new(),
            step: ThisStep {
                id: told.step,
                domain: told.domain,
                attempt: 1,
                settings: "{}".to_owned(),
            },
            finished: Vec::new(),
        }
    }
}

#[plugin_fn]
pub fn shape(told: String) -> FnResult<String> {
    let told: Told = serde_json::from_str(&told)?;
    let request = Srl::shape(&told.into()).map_err(|reason| failed(&reason))?;
    Ok(json!({"path": request.path, "body": request.body}).to_string())
}

#[plugin_fn]
pub fn interpret(answered: String) -> FnResult<String> {
    let answered: Answered = serde_json::from_str(&answered)?;
    let request = Request {
        path: answered.path,
        body: Some(answered.payload),
        ..Request::get("/")
    };
    let response = Response {
        status: answered.status,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: answered.body,
        elapsed_ms: 3,
    };
    match Srl::interpret(&answered.context.into(), &request, &response) {
        Ok(Verdict::Done(result)) => Ok(result),
        Ok(other) => Err(failed(&format!("{other:?}"))),
        Err(fault) => Err(failed(&format!("{fault:?}"))),
    }
}

fn failed(reason: &str) -> WithReturnCode<extism_pdk::Error> {
    extism_pdk::Error::msg(reason.to_owned()).into()
}
