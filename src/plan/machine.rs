//! The state machine: every legal change of a plan, and no other.
//!
//! ```text
//! step:  PENDING ──start──▶ IN_PROGRESS ──finish──▶ DONE | ERROR
//!         ▲ ▲                    │                    │
//!         │ └─ release, hold,  ──┤                    │
//!         │    interrupt, retry later                 │
//!         │                      └─ interrupt (a write that was sent) ─▶ ERROR
//!         └───────────── a person: retry ─────────────┘
//! ```
//! A step that is held before its first write begins anew; one that is held after it goes on with what
//! is held. A step begins when all steps before it are done. An ERROR stops what comes after it. What people
//! decide is in [`people`](super::people), which step may begin in [`order`](super::order).

use super::{
    Actor, Approval, Event, Finished, Held, HistoryEntry, Outcome, Plan, Refused, Sending, Starter,
    Step, StepStatus, Timestamp, Transition,
};

/// What a step that was interrupted while it wrote leaves behind.
const INTERRUPTED: &str = "interrupted: the call may have happened. Look at the service before \
                           anything is repeated";

/// What came of a legal change.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The plan after it.
    pub plan: Plan,
    /// What the audit log is told, in order.
    pub events: Vec<Event>,
    /// What the plan's own history keeps, in order.
    pub entries: Vec<HistoryEntry>,
}

impl Plan {
    /// Applies a change.
    ///
    /// # Errors
    /// Why it is not legal now; then nothing changed.
    pub fn apply(&self, transition: &Transition, now: Timestamp) -> Result<Applied, Refused> {
        let mut plan = self.clone();
        let mut entries = plan.change(transition, now)?;
        plan.sum_up();
        plan.updated_at = now;
        for entry in &mut entries {
            entry.plan_status = Some(plan.status);
        }
        let events = Event::of_change(self, &plan, &entries);
        Ok(Applied {
            plan,
            events,
            entries,
        })
    }

    fn change(
        &mut self,
        transition: &Transition,
        now: Timestamp,
    ) -> Result<Vec<HistoryEntry>, Refused> {
        let entry = match transition {
            Transition::Start(starter) => self.start(starter, now)?,
            Transition::Send(id, sending) => self.send(id, sending, now)?,
            Transition::Show(id, sending) => self.show(id, sending, now)?,
            Transition::Hold(id, sending) => self.hold(id, sending, now)?,
            Transition::Finish(finished) => self.finish(finished, now)?,
            Transition::Release(id) => self.release(id, now)?,
            Transition::Interrupt => return self.interrupt(now),
            Transition::Run => self.drive(now)?,
            Transition::Approve {
                step,
                by,
                note,
                reviewed,
            } => self.approve(step, by, note.as_deref(), reviewed, now)?,
            Transition::Reject { step, by, reason } => self.reject(step, by, reason, now)?,
            Transition::Retry {
                step,
                repeat_writes,
            } => return self.go_back(step.as_deref(), *repeat_writes, now),
            Transition::Skip {
                step,
                required,
                by,
                reason,
            } => self.skip(step, *required, by, reason, now)?,
            Transition::Cancel { by, reason } => self.cancel(by, reason, now)?,
        };
        Ok(vec![entry])
    }

    fn start(&mut self, starter: &Starter, now: Timestamp) -> Result<HistoryEntry, Refused> {
        self.is_open()?;
        let runnable = self.runnable(now);
        let id = match starter {
            Starter::Run(_) if self.run.is_none() => return Err(Refused::NotRun),
            Starter::Run(id) if runnable.iter().any(|step| step.id == *id) => id.clone(),
            Starter::Run(id) => return Err(Refused::NotNow(id.clone())),
            Starter::Client if self.run.is_some() => return Err(Refused::BeingRun),
            Starter::Client => {
                self.is_idle()?;
                let first = runnable.first().map(|step| step.id.clone());
                first.ok_or_else(|| self.why_not())?
            }
        };
        let step = self.find(&id)?;
        step.status = StepStatus::InProgress;
        step.started_at = Some(now);
        let actor = match starter {
            Starter::Client => Actor::Client,
            Starter::Run(_) => Actor::Host,
        };
        Ok(HistoryEntry::of_step("started", actor, step, now))
    }

    /// Why no step may begin while none is under way.
    pub(super) fn why_not(&self) -> Refused {
        if let Some(step) = self.first(StepStatus::Error) {
            Refused::Stopped {
                step: step.id.clone(),
                error: step.error.clone().unwrap_or_default(),
            }
        } else if self.waiting.is_empty() {
            Refused::Finished
        } else {
            Refused::Waiting(self.waiting.clone())
        }
    }

    fn send(
        &mut self,
        id: &str,
        sending: &Sending,
        now: Timestamp,
    ) -> Result<HistoryEntry, Refused> {
        if sending.acts() {
            self.is_open()?;
            let step = self.step(id).ok_or_else(|| Refused::no_step(id))?;
            let missing = self.not_approving(step, sending);
            if !missing.is_empty() {
                return Err(Refused::Unapproved(missing));
            }
        }
        let step = self.under_way(id)?;
        if sending.acts() {
            if step.written.contains(&sending.round) && !step.repeatable {
                return Err(Refused::AlreadySent(id.to_owned()));
            }
            if !step.written.contains(&sending.round) {
                step.written.push(sending.round);
            }
        }
        step.show(sending);
        step.sent |= sending.acts();
        Ok(HistoryEntry::of_host("sent", step, now))
    }

    fn show(
        &mut self,
        id: &str,
        sending: &Sending,
        now: Timestamp,
    ) -> Result<HistoryEntry, Refused> {
        self.is_open()?;
        let step = self.find(id)?;
        if step.status != StepStatus::Pending {
            return Err(Refused::NotPending(id.to_owned()));
        }
        if step.held.is_some() {
            return Err(Refused::Held(id.to_owned()));
        }
        step.show(sending);
        Ok(HistoryEntry::of_host("shown", step, now))
    }

    fn hold(
        &mut self,
        id: &str,
        sending: &Sending,
        now: Timestamp,
    ) -> Result<HistoryEntry, Refused> {
        let step = self.under_way(id)?;
        let again = step.written.contains(&sending.round);
        if again && step.is_cut_off() {
            return Err(Refused::AlreadySent(id.to_owned()));
        }
        if step.has_written() && !again {
            step.held = Some(Held {
                round: sending.round,
                grant: None,
            });
        }
        step.show(sending);
        Ok(step.put_back("held", now))
    }

    fn release(&mut self, id: &str, now: Timestamp) -> Result<HistoryEntry, Refused> {
        let step = self.under_way(id)?;
        if step.is_cut_off() {
            return Err(Refused::AlreadySent(id.to_owned()));
        }
        Ok(step.put_back("released", now))
    }

    fn finish(&mut self, finished: &Finished, now: Timestamp) -> Result<HistoryEntry, Refused> {
        let is_run = self.run.is_some() && self.cancelled.is_none();
        let step = self.under_way(&finished.step)?;
        step.log.clone_from(&finished.log);
        if finished.nothing_written {
            step.forget_writes();
        }
        let carried = self.carried();
        let step = self.find(&finished.step)?;
        let entry = match &finished.outcome {
            Outcome::Done { result, .. } if !result.fits(carried, finished.most_bytes) => {
                let error = step.not_kept(result, carried, finished.most_bytes);
                step.fail(error, "finished", now)
            }
            Outcome::Done { result, approval } => {
                step.status = StepStatus::Done;
                step.result = Some(result.clone());
                step.approval = approval.clone().map(Approval::required);
                step.end("finished", now)
            }
            Outcome::Error { error } => step.fail(error.clone(), "finished", now),
            Outcome::Later {
                reason,
                after_ms,
                most,
            } => {
                let error = step.no_retry(reason, *most, is_run);
                match error {
                    Some(error) => step.fail(error, "finished", now),
                    None => step.postpone(reason, *after_ms, now),
                }
            }
        };
        Ok(HistoryEntry {
            requests: Some(finished.requests),
            ..entry
        })
    }

    /// What can be asked again goes back to where it was; what can't, stops the plan.
    fn interrupt(&mut self, now: Timestamp) -> Result<Vec<HistoryEntry>, Refused> {
        let mut entries = Vec::new();
        for step in &mut self.steps {
            if step.status == StepStatus::InProgress {
                entries.push(if step.is_cut_off() {
                    step.fail(INTERRUPTED.to_owned(), "interrupted", now)
                } else {
                    step.put_back("interrupted", now)
                });
            }
        }
        if entries.is_empty() {
            return Err(Refused::NothingRunning);
        }
        Ok(entries)
    }

    fn under_way(&mut self, id: &str) -> Result<&mut Step, Refused> {
        let step = self.find(id)?;
        if step.status == StepStatus::InProgress {
            Ok(step)
        } else {
            Err(Refused::NothingRunning)
        }
    }

    pub(super) fn find(&mut self, id: &str) -> Result<&mut Step, Refused> {
        let step = self.steps.iter_mut().find(|step| step.id == id);
        step.ok_or_else(|| Refused::no_step(id))
    }

    /// Nothing happens to a plan any more that a person ended.
    pub(super) fn is_open(&self) -> Result<(), Refused> {
        match &self.cancelled {
            None => Ok(()),
            Some(cancelled) => Err(Refused::Cancelled(cancelled.clone())),
        }
    }

    /// No step is under way.
    pub(super) fn is_idle(&self) -> Result<(), Refused> {
        match self.first(StepStatus::InProgress) {
            None => Ok(()),
            Some(step) => Err(Refused::Running(step.id.clone())),
        }
    }
}
