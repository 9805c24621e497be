//! What a change of a plan leaves behind: the plan's own record, kept as long as the plan.

use serde::{Deserialize, Serialize};

use super::{Plan, Step, StepStatus, Timestamp};

/// Who changed the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Actor {
    /// Somebody who uses the API.
    Client,
    /// The host itself.
    Host,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What: `created`, `started`, `sent`, `finished`, `released` or `interrupted`.
    pub transition: String,
    /// The step it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Where the step, or for a plan's creation the plan, stood afterwards.
    pub status: String,
    /// Which attempt of the step it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Requests that were sent in this attempt, tries included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u32>,
    /// Milliseconds since the step started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl HistoryEntry {
    /// That the plan was created.
    pub fn created(plan: &Plan) -> Self {
        Self {
            at: plan.created_at,
            actor: Actor::Client,
            transition: "created".to_owned(),
            step: None,
            status: plan.status.to_string(),
            attempt: None,
            requests: None,
            duration_ms: None,
            error: None,
        }
    }

    /// That something happened to a step, as it stands afterwards.
    pub(super) fn of_step(transition: &str, actor: Actor, step: &Step, now: Timestamp) -> Self {
        let ended = !matches!(step.status, StepStatus::InProgress);
        let started = step.started_at.filter(|_| ended);
        Self {
            at: now,
            actor,
            transition: transition.to_owned(),
            step: Some(step.id.clone()),
            status: step.status.to_string(),
            attempt: Some(step.attempt),
            requests: None,
            duration_ms: started.map(|started| now.as_millis().saturating_sub(started.as_millis())),
            error: step.error.clone(),
        }
    }
}
