//! In which order steps may run: what comes before what, what may begin now, what waits and for
//! what, and what all of it adds up to.

use super::decision::{Shown, digest};
use super::{
    ApprovalMode, Effect, Grant, Mode, Plan, PlanStatus, Sending, Step, StepStatus, Timestamp,
    Waiting, WaitingFor,
};

impl Plan {
    /// The steps that must be done before this one begins, in order, those before them included.
    pub fn before(&self, id: &str) -> Vec<&Step> {
        let Some(index) = self.steps.iter().position(|step| step.id == id) else {
            return Vec::new();
        };
        let mut needed = vec![false; index];
        self.mark_before(index, &mut needed);
        // A step only ever names steps before it, so going backwards once meets them all.
        for earlier in (0..index).rev() {
            if needed.get(earlier) == Some(&true) {
                self.mark_before(earlier, &mut needed);
            }
        }
        let needed = self.steps.iter().zip(needed);
        needed
            .filter_map(|(step, needed)| needed.then_some(step))
            .collect()
    }

    /// Marks the steps that the one at `index` names itself.
    fn mark_before(&self, index: usize, needed: &mut [bool]) {
        let Some(step) = self.steps.get(index) else {
            return;
        };
        for (earlier, needed) in needed.iter_mut().enumerate().take(index) {
            let named = match &step.after {
                Some(after) => self
                    .steps
                    .get(earlier)
                    .is_some_and(|step| after.contains(&step.id)),
                None => earlier + 1 == index,
            };
            *needed |= named;
        }
    }

    /// The ids of this step and of those that come after it.
    pub(super) fn and_all_after(&self, id: &str) -> Vec<String> {
        let comes_after = |step: &&Step| {
            step.id == id || self.before(&step.id).iter().any(|before| before.id == id)
        };
        self.steps
            .iter()
            .filter(comes_after)
            .map(|step| step.id.clone())
            .collect()
    }

    /// The pending steps with nothing before them that is not done, whatever else they wait for.
    fn ready(&self) -> impl Iterator<Item = &Step> {
        let done = |step: &&Step| step.status == StepStatus::Done;
        self.steps.iter().filter(move |step| {
            step.status == StepStatus::Pending && self.before(&step.id).iter().all(done)
        })
    }

    /// The steps that may begin at this moment, in order.
    pub fn runnable(&self, now: Timestamp) -> Vec<&Step> {
        if self.cancelled.is_some() {
            return Vec::new();
        }
        let due = |step: &Step| {
            step.retry
                .as_ref()
                .is_none_or(|retry| retry.not_before <= now)
        };
        let approved = |step: &Step| self.unapproved(step).is_empty();
        self.ready()
            .filter(|step| due(step) && approved(step))
            .collect()
    }

    /// Until when the plan only waits: no step is under way or may begin, and one may then.
    pub fn rests_until(&self, now: Timestamp) -> Option<Timestamp> {
        let idle = self.first(StepStatus::InProgress).is_none() && self.runnable(now).is_empty();
        idle.then(|| self.next_retry()).flatten()
    }

    /// Has no step wait longer than it was to, which it would if the clock was set back meanwhile; whether
    /// one would have.
    pub fn shorten_waits(&mut self, now: Timestamp) -> bool {
        let mut shorter = false;
        for retry in self.steps.iter_mut().filter_map(|step| step.retry.as_mut()) {
            let latest = retry.after_ms.map(|after| now.after(after));
            if let Some(latest) = latest
                && retry.not_before > latest
            {
                retry.not_before = latest;
                shorter = true;
            }
        }
        if shorter {
            self.sum_up();
        }
        shorter
    }

    /// The moment from which a step may begin that waits for nothing else, if there is one.
    pub(super) fn next_retry(&self) -> Option<Timestamp> {
        self.waiting
            .iter()
            .filter_map(|waiting| waiting.until)
            .min()
    }

    /// The steps before this one whose approval does not cover its write as the plan shows it.
    pub(super) fn unapproved(&self, step: &Step) -> Vec<String> {
        let next = step.held.as_ref().map_or(1, |held| step.nth(held.round));
        self.not_covering(step, step.effect, next, || step.digest())
    }

    /// The steps whose approval does not cover what this one is about to send.
    pub(super) fn not_approving(&self, step: &Step, sending: &Sending) -> Vec<String> {
        let payload = Shown::Body(sending.payload.as_ref());
        let Sending {
            method,
            endpoint,
            headers,
            ..
        } = sending;
        let nth = step.nth(sending.round);
        let digest = || digest(*method, endpoint, headers, payload, nth);
        self.not_covering(step, sending.effect, nth, digest)
    }

    /// The steps whose approval does not cover this: those before it that ask for one. Where none
    /// does, and it is a write too many, it is the step's own.
    fn not_covering(
        &self,
        step: &Step,
        effect: Effect,
        nth: u32,
        digest: impl FnOnce() -> String,
    ) -> Vec<String> {
        let asking = match effect {
            Effect::Read => return Vec::new(),
            Effect::Simulate => Vec::new(),
            Effect::Write => self.asking(step),
        };
        if asking.is_empty() && nth <= step.writes {
            // Mostly nobody asks, and then what would be sent need not be looked at.
            return Vec::new();
        }
        let digest = digest();
        let covers = |grant: Option<&Grant>| {
            let covered = grant.and_then(|grant| grant.writes.get(&step.id));
            covered.is_some_and(|covered| *covered == digest)
        };
        if asking.is_empty() {
            let own = step.held.as_ref().and_then(|held| held.grant.as_ref());
            return if covers(own) {
                Vec::new()
            } else {
                vec![step.id.clone()]
            };
        }
        let granted = |other: &&Step| covers(Self::grant(other));
        let missing = asking.into_iter().filter(|other| !granted(other));
        missing.map(|other| other.id.clone()).collect()
    }

    /// The steps before this one that ask for the approval of what it writes.
    fn asking(&self, step: &Step) -> Vec<&Step> {
        if self.mode != Mode::Live || self.approvals == ApprovalMode::Advise {
            return Vec::new();
        }
        let mut asking = self.before(&step.id);
        asking.retain(|other| other.approval.is_some());
        asking
    }

    /// What was approved at a step.
    fn grant(step: &Step) -> Option<&Grant> {
        step.approval.as_ref()?.grant.as_ref()
    }

    /// The steps that could begin, but for what they wait for.
    fn waiting(&self) -> Vec<Waiting> {
        if self.cancelled.is_some() {
            return Vec::new();
        }
        self.ready().filter_map(|step| self.waits(step)).collect()
    }

    fn waits(&self, step: &Step) -> Option<Waiting> {
        let approve = self.unapproved(step);
        if !approve.is_empty() {
            return Some(Waiting {
                step: step.id.clone(),
                what: WaitingFor::Approval,
                reason: self.why_unapproved(step, &approve),
                approve,
                digest: Some(step.digest()),
                until: None,
            });
        }
        let retry = step.retry.as_ref()?;
        Some(Waiting {
            step: step.id.clone(),
            what: WaitingFor::Retry,
            reason: retry.reason.clone(),
            approve: Vec::new(),
            digest: None,
            until: Some(retry.not_before),
        })
    }

    /// For a person: what waits for whom.
    fn why_unapproved(&self, step: &Step, approve: &[String]) -> String {
        let Step { id, label, .. } = step;
        if approve == [id.as_str()] {
            return format!(
                "{id} ({label}) did what it was to do, and wants to do more, as the plan shows: a \
                 person has to approve {id}, or to skip it"
            );
        }
        let grant = |id: &&String| self.step(id).and_then(Self::grant);
        let (granted, missing): (Vec<&String>, Vec<&String>) =
            approve.iter().partition(|id| grant(id).is_some());
        let was_sent =
            |id: &&String| grant(id).is_some_and(|grant| !grant.writes.contains_key(&step.id));
        let (sent, changed): (Vec<&String>, Vec<&String>) = granted.into_iter().partition(was_sent);
        let list = |ids: &[&String]| {
            ids.iter()
                .map(|id| id.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut reasons = Vec::new();
        if !missing.is_empty() {
            reasons.push(format!(
                "a person has to approve {} before it",
                list(&missing)
            ));
        }
        if !changed.is_empty() {
            reasons.push(format!(
                "what it would send is not what was approved at {}: a person has to approve again",
                list(&changed)
            ));
        }
        if !sent.is_empty() {
            reasons.push(format!(
                "what was approved at {} was sent before: a person has to approve again",
                list(&sent)
            ));
        }
        let writes = if step.sent {
            "wrote, and would write again"
        } else {
            "writes"
        };
        format!("{id} ({label}) {writes}, and {}", reasons.join("; "))
    }

    /// Brings up to date what follows from the steps.
    pub(super) fn sum_up(&mut self) {
        self.waiting = self.waiting();
        self.status = self.status_of_steps();
        let goes_on = match self.status {
            PlanStatus::Done | PlanStatus::Cancelled | PlanStatus::Error => false,
            PlanStatus::Waiting => self.next_retry().is_some(),
            PlanStatus::Pending | PlanStatus::Running => true,
        };
        if !goes_on {
            self.run = None;
        }
    }

    fn status_of_steps(&self) -> PlanStatus {
        let all = |status| self.steps.iter().all(|step| step.status == status);
        let waits = |step: &Step| self.waiting.iter().any(|waiting| waiting.step == step.id);
        if self.cancelled.is_some() {
            PlanStatus::Cancelled
        } else if all(StepStatus::Done) {
            PlanStatus::Done
        } else if self.first(StepStatus::InProgress).is_some()
            || self.ready().any(|step| !waits(step))
        {
            if all(StepStatus::Pending) {
                PlanStatus::Pending
            } else {
                PlanStatus::Running
            }
        } else if self.first(StepStatus::Error).is_some() && !self.will_retry() {
            PlanStatus::Error
        } else {
            PlanStatus::Waiting
        }
    }

    /// Nobody has to act for the plan to go on.
    fn will_retry(&self) -> bool {
        self.run.is_some() && self.next_retry().is_some()
    }
}
