//! The step kind `workflow`: has the workflow service create a workflow for the goal. It is the
//! step that acts: every call creates one more.
//!
//! The service answers 200 also where it could not decompose the goal, with a workflow that has
//! no steps and would do nothing.

use codex_mesh_sdk::answer::{quote, words};
use codex_mesh_sdk::{
    Context, Fault, Manifest, Method, NO_SETTINGS, Request, Response, Step, Verdict,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const SERVICE: &str = "workflow";
const ENDPOINT: &str = "/workflow/create";

/// The plugin.
pub struct Workflow;

codex_mesh_sdk::export!(Workflow);

/// The answer.
#[derive(Deserialize)]
struct Answer {
    workflow: Created,
}

/// What of the workflow matters. Its steps often read `unknown`, which is how the service fills
/// them: only that there are some counts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    id: String,
    steps: Option<Vec<Map<String, Value>>>,
    #[serde(default)]
    status: Value,
    #[serde(default)]
    reasoning_trace: Value,
}

impl Created {
    /// What keeps it from being a workflow that can run.
    fn flaw(&self) -> Option<String> {
        if self.id.trim().is_empty() {
            return Some("a workflow without an id".to_owned());
        }
        let id = quote(&self.id);
        if self.steps.as_ref().is_none_or(Vec::is_empty) {
            let trace = self.reasoning_trace.as_array();
            let why = trace.and_then(|trace| words(trace.last()?));
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            return Some(format!("a workflow with no steps ({id}){why}"));
        }
        (self.status == "FAILED").then(|| format!("a workflow that has failed already ({id})"))
    }
}

impl Step for Workflow {
    fn describe() -> Manifest {
        Manifest {
            kind: "workflow".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            label: "Create workflow".to_owned(),
            service: SERVICE.to_owned(),
            method: Method::Post,
            endpoint: ENDPOINT.to_owned(),
            description: "Has the workflow service create a workflow for the goal.".to_owned(),
            settings_schema: NO_SETTINGS.to_owned(),
        }
    }

    fn shape(context: &Context) -> Result<Request, String> {
        let payload = json!({
            "projectId": format!("{}-project", context.step.domain),
            "goal": context.plan.goal,
            "sessionId": context.plan.session_id,
        });
        Ok(Request::post(ENDPOINT, &payload))
    }

    fn interpret(
        _context: &Context,
        _request: &Request,
        response: &Response,
    ) -> Result<Verdict, Fault> {
        let answer: Answer = response.answer(SERVICE)?;
        match answer.workflow.flaw() {
            None => Ok(response.done()),
            Some(flaw) => Err(Fault::Failed(format!(
                "workflow answered {} but created {flaw}",
                response.status
            ))),
        }
    }
}
