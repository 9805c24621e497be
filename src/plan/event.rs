//! What a change of a plan tells the audit log.

use serde::Serialize;

use super::{Mode, Plan, StepStatus};

/// The longest summary, in characters.
const SUMMARY: usize = 500;

/// Something worth recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The plan was created.
    Created,
    /// The step with this id is DONE or ERROR.
    StepFinished(String),
    /// The last step is done.
    Completed,
    /// A step failed and the plan stopped.
    Stopped,
}

#[derive(Serialize)]
struct Content<'a> {
    goal: &'a str,
    mode: Mode,
    summary: String,
    steps: Vec<StepLine<'a>>,
}

#[derive(Serialize)]
struct StepLine<'a> {
    label: &'a str,
    service: &'a str,
    status: StepStatus,
}

impl Event {
    /// The event as the audit log's `content`: JSON text that tells where the plan stands.
    pub fn content(&self, plan: &Plan) -> String {
        let steps = plan.steps.iter().map(|step| StepLine {
            label: &step.label,
            service: &step.service,
            status: step.status,
        });
        let content = Content {
            goal: &plan.goal,
            mode: plan.mode,
            summary: self.summary(plan).chars().take(SUMMARY).collect(),
            steps: steps.collect(),
        };
        // Strings and names only: there is nothing in it that could fail.
        serde_json::to_string(&content).unwrap_or_default()
    }

    fn summary(&self, plan: &Plan) -> String {
        let steps = plan.steps.len();
        match self {
            Self::Created => format!("Plan {} created with {steps} steps", plan.id),
            Self::Completed => format!("Plan {} completed all {steps} steps", plan.id),
            Self::Stopped => format!("Plan {} stopped until a person acts", plan.id),
            Self::StepFinished(id) => {
                let Some(step) = plan.steps.iter().find(|step| &step.id == id) else {
                    return format!("Plan {}: {id} finished", plan.id);
                };
                let mut summary =
                    format!("Plan {}: {id} ({}) is {}", plan.id, step.label, step.status);
                if let Some(error) = &step.error {
                    summary.push_str(": ");
                    summary.push_str(error);
                }
                if let Some(approval) = &step.approval {
                    summary.push_str(", approval required: ");
                    summary.push_str(&approval.reason);
                }
                summary
            }
        }
    }
}
