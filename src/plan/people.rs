//! What people decide: to approve or reject, to go back, to skip, to cancel, to let it run.

use std::collections::BTreeMap;

use super::{
    Actor, Approval, ApprovalMode, Cancelled, Effect, Grant, Held, HistoryEntry, Mode, Plan,
    PlanStatus, Refused, Run, Skipped, Step, StepStatus, Timestamp,
};

impl Approval {
    /// Asked for, and not decided.
    pub(super) fn required(reason: String) -> Self {
        Self {
            required: true,
            reason,
            grant: None,
        }
    }
}

impl Plan {
    pub(super) fn drive(&mut self, now: Timestamp) -> Result<HistoryEntry, Refused> {
        self.is_open()?;
        if self.run.is_some() {
            return Err(Refused::BeingRun);
        }
        self.is_idle()?;
        if self.runnable(now).is_empty() && self.next_retry().is_none() {
            return Err(self.why_not());
        }
        self.run = Some(Run { since: now });
        Ok(HistoryEntry::of_plan("run", self.status, now))
    }

    pub(super) fn approve(
        &mut self,
        id: &str,
        by: &str,
        note: Option<&str>,
        reviewed: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<HistoryEntry, Refused> {
        self.is_open()?;
        let shown = self.would_approve(id);
        for (step, seen) in reviewed {
            if shown.get(step) != Some(seen) {
                return Err(Refused::OutOfDate(step.chars().take(64).collect()));
            }
        }
        let grant = |writes| Grant {
            approved_by: by.to_owned(),
            approved_at: now,
            note: note.map(str::to_owned),
            writes,
        };
        if let Some(step) = self.held_alone(id) {
            let held = step.held.take();
            step.held = held.map(|held| Held {
                grant: Some(grant(shown.clone())),
                ..held
            });
            return Ok(approved(step, shown, by, note, now));
        }
        let (step, approval) = self.decidable(id)?;
        let mut writes = shown;
        if let Some(grant) = &approval.grant {
            if writes
                .iter()
                .all(|(id, digest)| grant.writes.get(id) == Some(digest))
            {
                return Err(Refused::Approved {
                    step: id.to_owned(),
                    by: grant.approved_by.clone(),
                    at: grant.approved_at,
                });
            }
            // What was written under the earlier approval stays approved by it.
            for (id, digest) in &grant.writes {
                writes.entry(id.clone()).or_insert_with(|| digest.clone());
            }
        }
        step.approval = Some(Approval {
            grant: Some(grant(writes.clone())),
            ..approval
        });
        Ok(approved(step, writes, by, note, now))
    }

    /// What an approval of this step is for, by step the digest of what it would send: the pending
    /// writes that come after it or, of a step that is held alone, its own.
    pub fn would_approve(&self, id: &str) -> BTreeMap<String, String> {
        let own = self.step(id).filter(|step| self.is_held_alone(step));
        if let Some(step) = own {
            return BTreeMap::from([(step.id.clone(), step.digest())]);
        }
        let after = self.and_all_after(id);
        let pending = self.steps.iter().filter(|step| {
            step.id != id && step.effect == Effect::Write && step.status == StepStatus::Pending
        });
        pending
            .filter(|step| after.contains(&step.id))
            .map(|step| (step.id.clone(), step.digest()))
            .collect()
    }

    /// Whether a step waits for its own approval, and for no other.
    fn is_held_alone(&self, step: &Step) -> bool {
        step.status == StepStatus::Pending && self.unapproved(step) == [step.id.as_str()]
    }

    fn held_alone(&mut self, id: &str) -> Option<&mut Step> {
        let alone = self.step(id).is_some_and(|step| self.is_held_alone(step));
        self.steps.iter_mut().find(|step| alone && step.id == id)
    }

    /// The step, and the approval that it asks for.
    fn decidable(&mut self, id: &str) -> Result<(&mut Step, Approval), Refused> {
        let step = self.find(id)?;
        match (&step.approval, step.status) {
            (Some(approval), StepStatus::Done) => {
                let approval = approval.clone();
                Ok((step, approval))
            }
            (Some(_), StepStatus::Error) => Err(Refused::Rejected {
                step: id.to_owned(),
                error: step.error.clone().unwrap_or_default(),
            }),
            _ => Err(Refused::NoApproval(id.to_owned())),
        }
    }

    pub(super) fn reject(
        &mut self,
        id: &str,
        by: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<HistoryEntry, Refused> {
        self.is_open()?;
        if self.status == PlanStatus::Done {
            return Err(Refused::Finished);
        }
        let step = match self.held_alone(id) {
            Some(_) => self.find(id)?,
            None => self.unapprove(id)?,
        };
        step.skipped = None;
        let error = format!("rejected by {by}: {reason}");
        let entry = step.fail(error, "rejected", now);
        Ok(entry.decided(by, Some(reason)))
    }

    /// Takes back what was approved at a step, if anything was.
    fn unapprove(&mut self, id: &str) -> Result<&mut Step, Refused> {
        let (step, approval) = self.decidable(id)?;
        step.approval = Some(Approval {
            grant: None,
            ..approval
        });
        Ok(step)
    }

    pub(super) fn go_back(
        &mut self,
        to: Option<&str>,
        repeat_writes: bool,
        now: Timestamp,
    ) -> Result<Vec<HistoryEntry>, Refused> {
        self.is_open()?;
        let ids = self.reset_ids(to)?;
        let reset = |step: &&Step| ids.contains(&step.id);
        let under_way = |step: &&Step| step.status == StepStatus::InProgress;
        if let Some(step) = self.steps.iter().filter(reset).find(under_way) {
            return Err(Refused::Running(step.id.clone()));
        }
        let wrote = self.steps.iter().filter(reset).filter(|step| step.sent);
        let wrote: Vec<String> = wrote.map(|step| step.id.clone()).collect();
        if !wrote.is_empty() && !repeat_writes {
            return Err(Refused::WouldRepeat(wrote));
        }
        self.use_up(&wrote);
        let steps = self.steps.iter_mut().filter(|step| ids.contains(&step.id));
        Ok(steps.filter_map(|step| step.reset(now)).collect())
    }

    /// What was approved of these steps was sent: an approval is for one time.
    fn use_up(&mut self, wrote: &[String]) {
        let approvals = self
            .steps
            .iter_mut()
            .filter_map(|step| step.approval.as_mut());
        for grant in approvals.filter_map(|approval| approval.grant.as_mut()) {
            grant.writes.retain(|id, _| !wrote.contains(id));
        }
    }

    fn reset_ids(&self, to: Option<&str>) -> Result<Vec<String>, Refused> {
        if let Some(id) = to {
            let step = self.step(id).ok_or_else(|| Refused::no_step(id))?;
            if step.is_untouched() {
                return Err(Refused::NotRunYet(id.to_owned()));
            }
            return Ok(self.and_all_after(id));
        }
        let failed = self
            .steps
            .iter()
            .filter(|step| step.status == StepStatus::Error);
        let ids: Vec<String> = failed
            .flat_map(|step| self.and_all_after(&step.id))
            .collect();
        if ids.is_empty() {
            return Err(Refused::NothingFailed);
        }
        Ok(ids)
    }

    pub(super) fn skip(
        &mut self,
        id: &str,
        required: bool,
        by: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<HistoryEntry, Refused> {
        self.is_open()?;
        let asks = required && self.mode == Mode::Live && self.approvals == ApprovalMode::Enforce;
        let step = self.find(id)?;
        match step.status {
            StepStatus::Pending | StepStatus::Error => {}
            StepStatus::InProgress => return Err(Refused::Running(id.to_owned())),
            StepStatus::Done => return Err(Refused::Done(id.to_owned())),
        }
        step.status = StepStatus::Done;
        step.error = None;
        let result = step.result.take();
        step.retry = None;
        step.held = None;
        step.finished_at = Some(now);
        if asks && step.approval.is_none() {
            // A no is not easier to override than a wish for approval.
            let reason = format!("{by} skipped it, and a LIVE plan writes only after it: {reason}");
            step.approval = Some(Approval::required(reason));
        }
        step.skipped = Some(Skipped {
            by: by.to_owned(),
            reason: reason.to_owned(),
        });
        let entry = HistoryEntry {
            result,
            ..HistoryEntry::of_step("skipped", Actor::Client, step, now)
        };
        Ok(entry.decided(by, Some(reason)))
    }

    pub(super) fn cancel(
        &mut self,
        by: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<HistoryEntry, Refused> {
        self.is_open()?;
        if self.status == PlanStatus::Done {
            return Err(Refused::Finished);
        }
        self.cancelled = Some(Cancelled {
            by: by.to_owned(),
            reason: reason.to_owned(),
            at: now,
        });
        let entry = HistoryEntry::of_plan("cancelled", PlanStatus::Cancelled, now);
        Ok(entry.decided(by, Some(reason)))
    }
}

fn approved(
    step: &Step,
    writes: BTreeMap<String, String>,
    by: &str,
    note: Option<&str>,
    now: Timestamp,
) -> HistoryEntry {
    let entry = HistoryEntry {
        writes,
        ..HistoryEntry::of_step("approved", Actor::Client, step, now)
    };
    entry.decided(by, note)
}

impl Step {
    /// At its beginning, with nothing to go back over.
    fn is_untouched(&self) -> bool {
        self.status == StepStatus::Pending && self.retry.is_none() && !self.sent
    }

    /// Back to its beginning; `None` if it is there. What came of it stays in the history.
    fn reset(&mut self, now: Timestamp) -> Option<HistoryEntry> {
        if self.is_untouched() {
            return None;
        }
        let result = self.result.take();
        let ended = HistoryEntry {
            error: self.error.take(),
            result,
            ..HistoryEntry::of_step("reset", Actor::Client, self, now)
        };
        self.status = StepStatus::Pending;
        self.attempt = self.attempt.saturating_add(1);
        self.forget_writes();
        self.approval = None;
        self.skipped = None;
        self.retry = None;
        self.log = Vec::new();
        self.started_at = None;
        self.finished_at = None;
        Some(HistoryEntry {
            status: self.status.to_string(),
            ..ended
        })
    }
}
