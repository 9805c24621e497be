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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use codex_mesh_sdk::testing::{self, response, verdict};

    use super::*;

    fn of(body: &str) -> Verdict {
        verdict::<Workflow>(&response(200, "application/json", body))
    }

    fn failed(reason: &str) -> Verdict {
        Verdict::Failed(reason.to_owned())
    }

    #[test]
    fn describes_itself() {
        testing::assert_manifest::<Workflow>("workflow", "Create workflow", "/workflow/create");
    }

    #[test]
    fn a_workflow_with_steps_is_done_whatever_else_is_odd() {
        let body = r#"{"workflow":{"id":"w1","status":null,"steps":[{}],"reasoningTrace":null}}"#;
        assert_eq!(of(body), Verdict::Done(body.to_owned()));
    }

    #[test]
    fn a_workflow_with_no_steps_is_a_failure_that_says_so() {
        for body in [
            r#"{"ok":true,"workflow":{"id":"w1"}}"#,
            r#"{"ok":true,"workflow":{"id":"w1","steps":null}}"#,
            r#"{"ok":true,"workflow":{"id":"w1","steps":[]}}"#,
        ] {
            let expected = "workflow answered 200 but created a workflow with no steps (w1)";
            assert_eq!(of(body), failed(expected), "{body}");
        }
    }

    #[test]
    fn no_workflow_or_none_that_can_be_named_is_a_failure() {
        let unusual = "workflow answered 200 with JSON that is not its usual answer: ";
        for (body, expected) in [
            (r#"{"ok":true}"#, "missing field `workflow`"),
            (
                r#"{"ok":true,"workflow":null}"#,
                "invalid type: null, expected struct Created",
            ),
            (
                r#"{"ok":true,"workflow":{"steps":[{"id":"a"}]}}"#,
                "missing field `id`",
            ),
            (
                r#"{"ok":true,"workflow":{"id":"w1","steps":"many"}}"#,
                "invalid type: string \"many\", expected a sequence",
            ),
        ] {
            assert_eq!(of(body), failed(&format!("{unusual}{expected}")), "{body}");
        }
        assert_eq!(
            of(r#"{"ok":true,"workflow":{"id":"","steps":[{"id":"a"}]}}"#),
            failed("workflow answered 200 but created a workflow without an id")
        );
    }

    #[test]
    fn a_workflow_that_failed_at_once_is_a_failure() {
        assert_eq!(
            of(r#"{"ok":true,"workflow":{"id":"w1","status":"FAILED","steps":[{"id":"a"}]}}"#),
            failed("workflow answered 200 but created a workflow that has failed already (w1)")
        );
    }

    #[test]
    fn a_workflow_beside_an_ok_that_is_false_is_a_failure() {
        assert_eq!(
            of(r#"{"ok":false,"error":"disk full","workflow":{"id":"w1","steps":[{"id":"a"}]}}"#),
            failed("workflow answered 200 with ok: false: disk full")
        );
    }

    #[test]
    fn what_is_no_answer_is_no_yes() {
        testing::assert_faults::<Workflow>();
    }
}
