//! What a change of a plan leaves behind: the plan's own record, kept as long as the plan.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::model::present;
use super::{Json, Plan, PlanStatus, Step, StepStatus, Timestamp};

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
    /// What: `created`; of a step `shown`, `started`, `sent`, `finished`, `postponed`, `held`,
    /// `released`, `interrupted`; by a person `approved`, `rejected`, `reset`, `skipped`, `run`, `cancelled`.
    pub transition: String,
    /// The step it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Where the step, or for a plan's creation the plan, stood afterwards.
    pub status: String,
    /// Where the plan stood afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_status: Option<PlanStatus>,
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
    /// The person who decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why it was decided, or what is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was approved: by step the digest of its write.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub writes: BTreeMap<String, String>,
    /// What had come of a step that went back to its beginning, or was skipped after it was rejected.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub result: Option<Json>,
}

impl HistoryEntry {
    /// That the plan was created.
    pub fn created(plan: &Plan) -> Self {
        Self {
            plan_status: Some(plan.status),
            ..Self::of_plan("created", plan.status, plan.created_at)
        }
    }

    /// That a client did something to a plan, which afterwards stands so.
    pub(super) fn of_plan(transition: &str, status: PlanStatus, now: Timestamp) -> Self {
        Self {
            at: now,
            actor: Actor::Client,
            transition: transition.to_owned(),
            step: None,
            status: status.to_string(),
            plan_status: None,
            attempt: None,
            requests: None,
            duration_ms: None,
            error: None,
            by: None,
            reason: None,
            writes: BTreeMap::new(),
            result: None,
        }
    }

    /// That something happened to a step, as it stands afterwards.
    pub(super) fn of_step(transition: &str, actor: Actor, step: &Step, now: Timestamp) -> Self {
        let ended = !matches!(step.status, StepStatus::InProgress);
        let started = step.started_at.filter(|_| ended && actor == Actor::Host);
        Self {
            at: now,
            actor,
            transition: transition.to_owned(),
            step: Some(step.id.clone()),
            status: step.status.to_string(),
            plan_status: None,
            attempt: Some(step.attempt),
            requests: None,
            // Negative if the clock was set back between two starts of the host.
            duration_ms: started.map(|started| (now.as_millis() - started.as_millis()).max(0)),
            error: step.error.clone(),
            by: None,
            reason: None,
            writes: BTreeMap::new(),
            result: None,
        }
    }

    /// That the host did something to a step, as it stands afterwards.
    pub(super) fn of_host(transition: &str, step: &Step, now: Timestamp) -> Self {
        Self::of_step(transition, Actor::Host, step, now)
    }

    /// With who decided it, and why.
    pub(super) fn decided(self, by: &str, reason: Option<&str>) -> Self {
        Self {
            actor: Actor::Client,
            by: Some(by.to_owned()),
            reason: reason.map(str::to_owned),
            duration_ms: None,
            ..self
        }
    }
}
