//! A plan as it is shown where many are: how it stands, without what its steps send, get and say.
//! Whatever can be large is left out.

use serde::Serialize;

use super::model::is_first;
use super::{
    Approval, ApprovalMode, Cancelled, Domain, Effect, Held, Method, Mode, Plan, PlanStatus, Retry,
    Run, Skipped, Step, StepStatus, Timestamp, View, Waiting,
};

impl Plan {
    /// The plan as JSON, as much of it as the view has.
    ///
    /// # Errors
    /// Never, as far as is known: everything in it was JSON.
    pub fn json(&self, view: View) -> serde_json::Result<String> {
        match view {
            View::Full => serde_json::to_string(self),
            View::Summary => serde_json::to_string(&Summary::from(self)),
        }
    }
}

/// A [`Plan`] without what is large.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    id: &'a str,
    session_id: &'a str,
    domain: Domain,
    goal: &'a str,
    mode: Mode,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipe: Option<&'a str>,
    approvals: ApprovalMode,
    status: PlanStatus,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    waiting: &'a [Waiting],
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a Run>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled: Option<&'a Cancelled>,
    created_at: Timestamp,
    updated_at: Timestamp,
    steps: Vec<StepSummary<'a>>,
}

/// A [`Step`] without its settings, headers, payload, result and log.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StepSummary<'a> {
    id: &'a str,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin: Option<&'a str>,
    label: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<Domain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a [String]>,
    service: &'a str,
    method: Method,
    endpoint: &'a str,
    effect: Effect,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repeatable: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sent: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    written: &'a [u32],
    #[serde(skip_serializing_if = "is_first")]
    writes: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<&'a Held>,
    attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_reason: Option<&'a str>,
    status: StepStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<&'a Approval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<&'a Skipped>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<&'a Retry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
}

impl<'a> From<&'a Plan> for Summary<'a> {
    fn from(plan: &'a Plan) -> Self {
        Self {
            id: &plan.id,
            session_id: &plan.session_id,
            domain: plan.domain,
            goal: &plan.goal,
            mode: plan.mode,
            recipe: plan.recipe.as_deref(),
            approvals: plan.approvals,
            status: plan.status,
            waiting: &plan.waiting,
            run: plan.run.as_ref(),
            cancelled: plan.cancelled.as_ref(),
            created_at: plan.created_at,
            updated_at: plan.updated_at,
            steps: plan.steps.iter().map(StepSummary::from).collect(),
        }
    }
}

impl<'a> From<&'a Step> for StepSummary<'a> {
    fn from(step: &'a Step) -> Self {
        Self {
            id: &step.id,
            kind: &step.kind,
            plugin: step.plugin.as_deref(),
            label: &step.label,
            domain: step.domain,
            after: step.after.as_deref(),
            service: &step.service,
            method: step.method,
            endpoint: &step.endpoint,
            effect: step.effect,
            repeatable: step.repeatable,
            sent: step.sent,
            written: &step.written,
            writes: step.writes,
            held: step.held.as_ref(),
            attempt: step.attempt,
            payload_reason: step.payload_reason.as_deref(),
            status: step.status,
            error: step.error.as_deref(),
            approval: step.approval.as_ref(),
            skipped: step.skipped.as_ref(),
            retry: step.retry.as_ref(),
            started_at: step.started_at,
            finished_at: step.finished_at,
        }
    }
}
