//! What a change of a plan tells the audit log.

use serde::Serialize;

use super::{HistoryEntry, Mode, Plan, PlanStatus, StepStatus, Timestamp};

/// The longest summary, in characters.
const SUMMARY: usize = 500;

/// Something worth recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The plan was created.
    Created,
    /// The step with this id is DONE or ERROR.
    StepFinished(String),
    /// The step with this id is tried again later, and why.
    Postponed(String, String),
    /// Somebody decided something, in words that follow the plan's name.
    Decided(String),
    /// The plan waits for somebody.
    Waiting,
    /// The last step is done.
    Completed,
    /// A step failed and the plan stopped.
    Stopped,
}

#[derive(Serialize)]
struct Content<'a> {
    /// When it happened: Brain's own time is that of delivery.
    at: Timestamp,
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
    /// What a change tells: each step's end, each decision, and where the plan stands if it stands
    /// elsewhere than before.
    pub(super) fn of_change(before: &Plan, after: &Plan, entries: &[HistoryEntry]) -> Vec<Self> {
        let mut events: Vec<Self> = entries.iter().filter_map(Self::of_entry).collect();
        if before.status != after.status {
            match after.status {
                PlanStatus::Done => events.push(Self::Completed),
                PlanStatus::Error => events.push(Self::Stopped),
                PlanStatus::Waiting => events.push(Self::Waiting),
                PlanStatus::Pending | PlanStatus::Running | PlanStatus::Cancelled => {}
            }
        }
        events
    }

    fn of_entry(entry: &HistoryEntry) -> Option<Self> {
        let step = entry.step.clone().unwrap_or_default();
        let by = entry.by.as_deref().unwrap_or_default();
        let reason = entry.reason.as_deref().unwrap_or_default();
        match entry.transition.as_str() {
            "finished" => Some(Self::StepFinished(step)),
            "interrupted" if entry.status == StepStatus::Error.as_str() => {
                Some(Self::StepFinished(step))
            }
            "postponed" => Some(Self::Postponed(step, reason.to_owned())),
            "approved" | "rejected" | "skipped" => {
                let decision = format!("{step} {} by {by} at {}", entry.transition, entry.at);
                Some(Self::Decided(with_reason(decision, reason)))
            }
            "cancelled" => Some(Self::Decided(with_reason(
                format!("cancelled by {by} at {}", entry.at),
                reason,
            ))),
            "reset" => Some(Self::Decided(format!("{step} goes back to its beginning"))),
            "held" => Some(Self::Decided(format!(
                "{step} is not sent, because it is not what was approved"
            ))),
            "run" => Some(Self::Decided("is run to its end".to_owned())),
            _ => None,
        }
    }

    /// The event as the audit log's `content`: JSON text that tells where the plan stands since its
    /// last change, which is what the event tells of.
    pub fn content(&self, plan: &Plan) -> String {
        let steps = plan.steps.iter().map(|step| StepLine {
            label: &step.label,
            service: &step.service,
            status: step.status,
        });
        let content = Content {
            at: plan.updated_at,
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
            Self::Decided(what) => format!("Plan {}: {what}", plan.id),
            Self::Postponed(step, reason) => {
                format!("Plan {}: {step} is tried again later: {reason}", plan.id)
            }
            Self::Waiting => {
                let reasons: Vec<&str> = plan
                    .waiting
                    .iter()
                    .map(|waiting| waiting.reason.as_str())
                    .collect();
                format!("Plan {} waits: {}", plan.id, reasons.join("; "))
            }
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

fn with_reason(decision: String, reason: &str) -> String {
    if reason.is_empty() {
        decision
    } else {
        format!("{decision}: {reason}")
    }
}
