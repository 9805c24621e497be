//! The round trips of one step: shape, judge, send, interpret, until there is a verdict.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Engine;
use super::policy::Gate;
use super::request::{CallIdentity, Checked};
use crate::contract;
use crate::plan::{
    Approval, Effect, Json, LogLine, Outcome, Plan, Sending, Step, StepStatus, Transition,
};
use crate::registry::Kind;
use crate::sandbox::bindings::{Context, Request, Verdict};
use crate::sandbox::{Called, Fault};
use crate::services::Service;
use crate::store::StoreError;

/// The longest reason that is kept of a plugin, in characters.
const REASON: usize = 2_000;

/// How a step ended, and what its plugin said.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) log: Vec<LogLine>,
    /// Requests that were sent, tries included.
    pub(super) requests: u32,
    /// Why a write could not be recorded, if that is all that went wrong: nothing was written.
    pub(super) unrecorded: Option<StoreError>,
}

impl Ended {
    pub(super) fn error(error: String) -> Self {
        Self {
            outcome: Outcome::Error { error },
            log: Vec::new(),
            requests: 0,
            unrecorded: None,
        }
    }
}

/// One step under way.
struct Run<'a> {
    engine: &'a Engine,
    plan: &'a Plan,
    step: &'a Step,
    kind: &'a Kind,
    service: &'a Service,
    context: Context,
    log: Vec<LogLine>,
    requests: u32,
    deadline: Instant,
    /// What the plan shows as sent: the first request, and whether any of them writes.
    shown: Option<Sending>,
    unrecorded: Option<StoreError>,
}

/// Where a request leads.
enum Next {
    Ended(Outcome),
    Call(Request),
}

impl Engine {
    /// Runs the step under way of this plan.
    pub(super) async fn run(&self, plan: Arc<Plan>) -> Ended {
        let Some(step) = plan.first(StepStatus::InProgress) else {
            return Ended::error("the plan has no step under way".to_owned());
        };
        let Some(kind) = self.registry.get(&step.kind) else {
            return Ended::error(format!(
                "no plugin for the kind {} is loaded any more: put it back and restart",
                step.kind
            ));
        };
        let Some(service) = self.catalogue.get(&kind.manifest.service) else {
            return Ended::error(format!(
                "the service {} is not configured any more",
                kind.manifest.service
            ));
        };
        let mut run = Run {
            engine: self,
            plan: &plan,
            step,
            kind,
            service,
            context: contract::context(&plan, step),
            log: Vec::new(),
            requests: 0,
            deadline: Instant::now() + Duration::from_millis(self.limits.step_ms),
            shown: None,
            unrecorded: None,
        };
        let outcome = run
            .reach_verdict()
            .await
            .unwrap_or_else(|error| Outcome::Error { error });
        Ended {
            outcome,
            log: run.log,
            requests: run.requests,
            unrecorded: run.unrecorded,
        }
    }
}

impl Run<'_> {
    /// The error is a message for a person.
    async fn reach_verdict(&mut self) -> Result<Outcome, String> {
        let called = self.kind.plugin.shape(&self.context).await;
        let mut request = self.take(called)?.map_err(|reason| shorten(&reason))?;
        let rounds = self.engine.limits.rounds;
        for round in 1..=rounds {
            match self.round(round, &request).await? {
                Next::Ended(outcome) => return Ok(outcome),
                Next::Call(next) => request = next,
            }
        }
        Err(format!(
            "the plugin asked for more than {rounds} round trips, which is the limit"
        ))
    }

    async fn round(&mut self, round: u32, request: &Request) -> Result<Next, String> {
        let checked = Checked::new(request, self.service)
            .map_err(|error| format!("the plugin's request is refused: {error}"))?;
        let gate = self
            .engine
            .policy
            .gate(self.plan, self.step, checked.effect);
        if let Gate::Refuse(reason) = gate {
            return Err(format!("the plugin's request is refused: {reason}"));
        }
        self.show(&checked, &gate).await?;
        if gate == Gate::ShowOnly {
            let result = checked
                .would_send(self.service)
                .map_err(|error| error.to_string())?;
            return Ok(Next::Ended(Outcome::Done {
                result,
                approval: None,
            }));
        }
        let identity = CallIdentity {
            plan: self.plan.id.clone(),
            step: self.step.id.clone(),
            attempt: self.step.attempt,
            round,
        };
        let outgoing = checked.outgoing(&identity)?;
        let repeatable = checked.effect == Effect::Read || checked.repeatable;
        let gateway = &self.engine.gateway;
        let called = gateway
            .call(self.service, &outgoing, repeatable, self.deadline)
            .await;
        self.requests = self.requests.saturating_add(called.tries);
        let answer = called.outcome.map_err(|error| error.to_string())?;
        let called = self
            .kind
            .plugin
            .interpret(&self.context, request, &answer.into())
            .await;
        let verdict = self.take(called)?;
        judge(verdict)
    }

    /// Puts what is about to be sent on record; a write's record is on disk when this returns.
    async fn show(&mut self, checked: &Checked, gate: &Gate) -> Result<(), String> {
        let wrote = |shown: &Sending| shown.effect == Effect::Write;
        let wrote = self.shown.as_ref().is_some_and(wrote);
        let sending = match self.shown.take() {
            None => Sending {
                // What is only shown can be shown again, whatever its service honours.
                repeatable: checked.repeatable || *gate == Gate::ShowOnly,
                ..checked.sending()
            },
            Some(first) if checked.effect == Effect::Write => Sending {
                effect: Effect::Write,
                ..first
            },
            Some(first) => first,
        };
        self.shown = Some(sending.clone());
        let sent = self
            .engine
            .store
            .apply(&self.plan.id, &Transition::Send(sending))
            .await;
        sent.map(drop).map_err(|error| {
            let message = format!("nothing was sent, because {error}");
            if error.may_pass() && !wrote {
                self.unrecorded = Some(error);
            }
            message
        })
    }

    /// Keeps what the plugin said, within the limit of the whole step.
    fn take<T>(&mut self, called: Called<T>) -> Result<T, String> {
        let size = |log: &[LogLine]| log.iter().map(|line| line.message.len()).sum::<usize>();
        if size(&self.log) < self.engine.limits.plugin.log_bytes {
            self.log.extend(called.log.into_iter().map(LogLine::from));
        }
        called.outcome.map_err(|fault| failed(&fault))
    }
}

/// Reads a plugin's verdict as a step does: a way in for a fuzz target.
#[doc(hidden)]
pub fn check_verdict(verdict: Verdict) -> Option<Outcome> {
    match judge(verdict) {
        Ok(Next::Ended(outcome)) => Some(outcome),
        Ok(Next::Call(_)) | Err(_) => None,
    }
}

fn judge(verdict: Verdict) -> Result<Next, String> {
    Ok(Next::Ended(match verdict {
        Verdict::Call(request) => return Ok(Next::Call(request)),
        Verdict::Done(result) => Outcome::Done {
            result: parse(result)?,
            approval: None,
        },
        Verdict::NeedsApproval(reviewed) => Outcome::Done {
            result: parse(reviewed.result)?,
            approval: Some(Approval {
                required: true,
                reason: shorten(&reviewed.reason),
            }),
        },
        Verdict::Blocked(reason) => Outcome::Error {
            error: format!("Blocked: {}", shorten(&reason)),
        },
        Verdict::Failed(reason) => Outcome::Error {
            error: shorten(&reason),
        },
        Verdict::Retry(retry) => {
            let reason = shorten(&retry.reason);
            let error = match retry.after_ms {
                Some(after) => format!("{reason} (it asks to be tried again after {after} ms)"),
                None => format!("{reason} (it may be tried again later)"),
            };
            Outcome::Error { error }
        }
    }))
}

fn parse(result: String) -> Result<Json, String> {
    Json::parse(result).map_err(|error| {
        failed(&Fault::Garbage(format!(
            "a result that is not JSON ({error})"
        )))
    })
}

fn failed(fault: &Fault) -> String {
    format!("the plugin failed: {fault}")
}

/// A plugin's reason, within bounds, and never empty.
pub(super) fn shorten(reason: &str) -> String {
    if reason.trim().is_empty() {
        return "the plugin gave no reason".to_owned();
    }
    reason
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(REASON)
        .collect()
}
