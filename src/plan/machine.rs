//! The state machine: every legal change of a plan, and no other.
//!
//! ```text
//! step:  PENDING ──start──▶ IN_PROGRESS ──finish──▶ DONE | ERROR
//!           ▲                    │
//!           └ release, interrupt ┴── interrupt (a write) ──▶ ERROR
//! ```
//! Steps run in order, one at a time; an ERROR stops the plan.

use thiserror::Error;

use super::{
    Actor, Approval, Effect, Event, HistoryEntry, Json, LogLine, Method, Plan, PlanStatus, Step,
    StepStatus, Timestamp,
};

/// What a step that was interrupted while it wrote leaves behind.
const INTERRUPTED: &str = "interrupted: the call may have happened. Look at the service before \
                           anything is repeated";

/// What is about to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sending {
    /// The method.
    pub method: Method,
    /// The path.
    pub endpoint: String,
    /// Whether it reads or writes.
    pub effect: Effect,
    /// Whether the service honours idempotency keys.
    pub repeatable: bool,
    /// The body.
    pub payload: Option<Json>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It did what it should.
    Done {
        /// What came of it.
        result: Json,
        /// A person has to look at it.
        approval: Option<Approval>,
    },
    /// It did not.
    Error {
        /// Why, for a person.
        error: String,
    },
}

/// One change of a plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Transition {
    /// The next pending step begins.
    Start,
    /// The step under way is about to send this.
    Send(Sending),
    /// The step under way ended.
    Finish {
        /// How.
        outcome: Outcome,
        /// What its plugin said.
        log: Vec<LogLine>,
        /// Requests that were sent for it, tries included.
        requests: u32,
    },
    /// The step under way goes back: its write could not be recorded, and so nothing was sent that
    /// lasts.
    Release,
    /// The host that ran the step under way is gone.
    Interrupt,
}

impl Transition {
    /// Whether the change of this plan must be on disk before anything follows from it. A read
    /// that was lost on its way is simply asked again, so of a step under way only what can't be
    /// repeated has to be recorded.
    pub fn must_last(&self, plan: &Plan) -> bool {
        match self {
            Self::Start | Self::Release => false,
            Self::Send(sending) => sending.effect == Effect::Write,
            Self::Finish { .. } => true,
            Self::Interrupt => plan
                .first(StepStatus::InProgress)
                .is_some_and(|step| step.effect == Effect::Write),
        }
    }
}

/// Why a change is not legal now.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// A step is under way.
    #[error("{0} is running: wait until it has finished")]
    Running(String),
    /// A step failed.
    #[error("the plan stopped at {step} ({error}): it goes on once that is resolved")]
    Stopped {
        /// The step.
        step: String,
        /// Its error.
        error: String,
    },
    /// Every step is done.
    #[error("the plan is finished")]
    Finished,
    /// No step is under way.
    #[error("no step is running")]
    NothingRunning,
}

/// What came of a legal change.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The plan after it.
    pub plan: Plan,
    /// What the audit log is told, in order.
    pub events: Vec<Event>,
    /// What the plan's own history keeps.
    pub entry: HistoryEntry,
}

impl Plan {
    /// Applies a change.
    ///
    /// # Errors
    /// Why it is not legal now; then nothing changed.
    pub fn apply(&self, transition: &Transition, now: Timestamp) -> Result<Applied, Refused> {
        let mut plan = self.clone();
        let entry = match transition {
            Transition::Start => plan.start(now)?,
            Transition::Send(sending) => plan.send(sending, now)?,
            Transition::Finish {
                outcome,
                log,
                requests,
            } => plan.finish(outcome, log, *requests, now)?,
            Transition::Release => plan.under_way()?.put_back("released", now),
            Transition::Interrupt => plan.interrupt(now)?,
        };
        plan.status = plan.sum_up();
        plan.updated_at = now;
        let events = plan.events(&entry);
        Ok(Applied {
            plan,
            events,
            entry,
        })
    }

    fn start(&mut self, now: Timestamp) -> Result<HistoryEntry, Refused> {
        if let Some(step) = self.first(StepStatus::InProgress) {
            return Err(Refused::Running(step.id.clone()));
        }
        if let Some(step) = self.first(StepStatus::Error) {
            return Err(Refused::Stopped {
                step: step.id.clone(),
                error: step.error.clone().unwrap_or_default(),
            });
        }
        let step = self.find(StepStatus::Pending).ok_or(Refused::Finished)?;
        step.status = StepStatus::InProgress;
        step.started_at = Some(now);
        Ok(HistoryEntry::of_step("started", Actor::Client, step, now))
    }

    fn send(&mut self, sending: &Sending, now: Timestamp) -> Result<HistoryEntry, Refused> {
        let step = self.under_way()?;
        step.method = sending.method;
        step.endpoint.clone_from(&sending.endpoint);
        step.effect = sending.effect;
        step.repeatable = sending.repeatable;
        step.payload.clone_from(&sending.payload);
        step.payload_reason = None;
        Ok(HistoryEntry::of_step("sent", Actor::Host, step, now))
    }

    fn finish(
        &mut self,
        outcome: &Outcome,
        log: &[LogLine],
        requests: u32,
        now: Timestamp,
    ) -> Result<HistoryEntry, Refused> {
        let step = self.under_way()?;
        step.log = log.to_vec();
        step.finished_at = Some(now);
        match outcome {
            Outcome::Done { result, approval } => {
                step.status = StepStatus::Done;
                step.result = Some(result.clone());
                step.approval.clone_from(approval);
            }
            Outcome::Error { error } => {
                step.status = StepStatus::Error;
                step.error = Some(error.clone());
            }
        }
        let entry = HistoryEntry::of_step("finished", Actor::Host, step, now);
        Ok(HistoryEntry {
            requests: Some(requests),
            ..entry
        })
    }

    /// What can be asked again goes back to where it was; what can't, stops the plan.
    fn interrupt(&mut self, now: Timestamp) -> Result<HistoryEntry, Refused> {
        let step = self.under_way()?;
        let entry = if step.effect == Effect::Read || step.repeatable {
            step.put_back("interrupted", now)
        } else {
            step.status = StepStatus::Error;
            step.error = Some(INTERRUPTED.to_owned());
            step.finished_at = Some(now);
            HistoryEntry::of_step("interrupted", Actor::Host, step, now)
        };
        Ok(entry)
    }

    /// What the audit log is told of a change: a step's end, and the plan's, if it ended with it.
    fn events(&self, entry: &HistoryEntry) -> Vec<Event> {
        let step = entry
            .step
            .as_ref()
            .and_then(|id| self.steps.iter().find(|s| &s.id == id));
        let Some(step) = step else { return Vec::new() };
        if !matches!(step.status, StepStatus::Done | StepStatus::Error) {
            return Vec::new();
        }
        let outcome = Event::StepFinished(step.id.clone());
        match self.status {
            PlanStatus::Done => vec![outcome, Event::Completed],
            PlanStatus::Error => vec![outcome, Event::Stopped],
            PlanStatus::Pending | PlanStatus::Running => vec![outcome],
        }
    }

    fn under_way(&mut self) -> Result<&mut Step, Refused> {
        self.find(StepStatus::InProgress)
            .ok_or(Refused::NothingRunning)
    }

    fn find(&mut self, status: StepStatus) -> Option<&mut Step> {
        self.steps.iter_mut().find(|step| step.status == status)
    }
}

impl Step {
    /// As if it had not begun; what is on record of it says otherwise.
    fn put_back(&mut self, transition: &str, now: Timestamp) -> HistoryEntry {
        self.status = StepStatus::Pending;
        let entry = HistoryEntry::of_step(transition, Actor::Host, self, now);
        self.started_at = None;
        entry
    }
}
