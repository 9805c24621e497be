//! What the test itself remembers of a plan: what every approval saw, and which writes may have
//! happened. Nothing of it is read from what the plan keeps of the same.

use std::collections::{BTreeMap, BTreeSet};

use codex_mesh::plan::{
    ApprovalMode, Effect, Json, Method, Mode, Plan, Sending, Step, StepStatus, Transition,
};
use serde_json::Value;

/// A request, as a person sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    method: Method,
    endpoint: String,
    /// `None` if it was not known yet.
    body: Option<Value>,
}

impl Seen {
    fn body(json: Option<&Json>) -> Value {
        json.map_or(Value::Null, |json| {
            serde_json::from_str(json.as_str()).unwrap()
        })
    }

    /// What the plan shows for a step.
    pub fn shown(step: &Step) -> Self {
        let known = step.payload_reason.is_none();
        Self {
            method: step.method,
            endpoint: step.endpoint.clone(),
            body: known.then(|| Self::body(step.payload.as_ref())),
        }
    }

    /// What is about to be sent.
    pub fn sent(sending: &Sending) -> Self {
        Self {
            method: sending.method,
            endpoint: sending.endpoint.clone(),
            body: Some(Self::body(sending.payload.as_ref())),
        }
    }
}

/// A write of a step's attempt that may have happened.
#[derive(Debug, Clone, PartialEq)]
struct Wrote {
    round: u32,
    repeatable: bool,
    /// Whose approval of what it took.
    spent: Vec<(String, Approved)>,
}

/// A request that somebody approved, and which write of its attempt it is.
type Approved = (Seen, usize);

/// What the test remembers.
#[derive(Debug, Default)]
pub struct Record {
    /// By step that was approved: what its approvals saw of each write after it, the last of each.
    approved: BTreeMap<String, BTreeMap<String, Approved>>,
    /// By step: each approval of something that it writes that was not taken yet, with who gave it.
    unspent: BTreeMap<String, Vec<(String, Approved)>>,
    /// By step the writes of its attempt, once each.
    wrote: BTreeMap<String, Vec<Wrote>>,
    /// By step that wrote and is held before it writes again: the round with which it goes on.
    held: BTreeMap<String, u32>,
}

/// The steps before this one, straight from what each names.
pub fn before(plan: &Plan, id: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut open = vec![id.to_owned()];
    while let Some(id) = open.pop() {
        let Some(index) = plan.steps.iter().position(|step| step.id == id) else {
            continue;
        };
        let named = match &plan.steps[index].after {
            Some(after) => after.clone(),
            None => plan.steps[..index]
                .last()
                .map(|s| s.id.clone())
                .into_iter()
                .collect(),
        };
        open.extend(named.into_iter().filter(|id| all.insert(id.clone())));
    }
    all
}

/// This step and those after it.
pub fn onwards(plan: &Plan, id: &str) -> Vec<String> {
    let ids = plan.steps.iter().map(|step| step.id.clone());
    ids.filter(|other| other == id || before(plan, other).contains(id))
        .collect()
}

/// Whether the service will do something that may last.
pub fn acts(sending: &Sending) -> bool {
    sending.effect != Effect::Read && !sending.shown_only
}

impl Record {
    /// Which write of its attempt one in this round is.
    fn nth(&self, id: &str, round: u32) -> usize {
        let wrote = self.wrote.get(id).map_or(&[][..], Vec::as_slice);
        let known = wrote.iter().position(|wrote| wrote.round == round);
        known.unwrap_or(wrote.len()) + 1
    }

    /// Which write of its attempt the plan shows of a pending step.
    fn next(&self, id: &str) -> usize {
        self.held.get(id).map_or(1, |round| self.nth(id, *round))
    }

    /// The steps before this one whose approval what it writes needs.
    fn asking<'a>(plan: &'a Plan, id: &str, effect: Effect) -> Vec<&'a str> {
        let enforced = plan.mode == Mode::Live && plan.approvals == ApprovalMode::Enforce;
        if effect != Effect::Write || !enforced {
            return Vec::new();
        }
        let before = before(plan, id);
        let asking = plan.steps.iter().filter(|step| step.approval.is_some());
        let asking = asking.filter(|step| before.contains(&step.id));
        asking.map(|step| step.id.as_str()).collect()
    }

    /// The steps whose approval is missing for this step to send this, as its nth write.
    fn missing(&self, plan: &Plan, id: &str, effect: Effect, approved: &Approved) -> Vec<String> {
        let has = |by: &str| self.approved.get(by).and_then(|writes| writes.get(id));
        let lacks = |by: &&str| has(by) != Some(approved);
        let asking = Self::asking(plan, id, effect);
        let may_write = plan.step(id).map_or(0, |step| step.writes);
        let too_many = effect != Effect::Read && approved.1 > usize::try_from(may_write).unwrap();
        let whose = if asking.is_empty() && too_many {
            vec![id]
        } else {
            asking
        };
        whose.into_iter().filter(lacks).map(str::to_owned).collect()
    }

    /// The same of what the plan shows for a pending step.
    pub fn missing_now(&self, plan: &Plan, step: &Step) -> Vec<String> {
        let shown = (Seen::shown(step), self.next(&step.id));
        self.missing(plan, &step.id, step.effect, &shown)
    }

    /// The same of what a step is about to send.
    pub fn missing_for(&self, plan: &Plan, id: &str, sending: &Sending) -> Vec<String> {
        let sent = (Seen::sent(sending), self.nth(id, sending.round));
        self.missing(plan, id, sending.effect, &sent)
    }

    /// Whether a pending step waits for its own approval alone.
    pub fn is_held_alone(&self, plan: &Plan, id: &str) -> bool {
        plan.step(id).is_some_and(|step| {
            step.status == StepStatus::Pending && self.missing_now(plan, step) == [id]
        })
    }

    /// What an approval of this step is for, as the plan shows it: its own write, or the pending
    /// writes after it.
    pub fn would_approve(&self, plan: &Plan, id: &str) -> BTreeMap<String, Approved> {
        let own = self.is_held_alone(plan, id);
        let after = onwards(plan, id);
        let writes = plan.steps.iter().filter(|step| {
            if own {
                return step.id == id;
            }
            step.id != id && step.effect == Effect::Write && step.status == StepStatus::Pending
        });
        let shown = |step: &Step| (Seen::shown(step), self.next(&step.id));
        writes
            .filter(|step| after.contains(&step.id))
            .map(|step| (step.id.clone(), shown(step)))
            .collect()
    }

    /// Whether approving this step would approve something that is not approved yet.
    pub fn approves_more(&self, plan: &Plan, id: &str) -> bool {
        let Some(known) = self.approved.get(id) else {
            return true;
        };
        let now = self.would_approve(plan, id);
        now.iter().any(|(id, seen)| known.get(id) != Some(seen))
    }

    /// Whether a write of this step may have happened that nobody asked to repeat.
    pub fn may_have_written(&self, id: &str) -> bool {
        self.wrote.contains_key(id)
    }

    /// Whether it may have written in this round trip of its attempt.
    pub fn wrote_in(&self, id: &str, round: u32) -> bool {
        let mut wrote = self.wrote.get(id).into_iter().flatten();
        wrote.any(|wrote| wrote.round == round)
    }

    /// Whether it may have written since the point to which it would go back.
    pub fn wrote_since(&self, id: &str) -> bool {
        match self.held.get(id) {
            Some(round) => self.wrote_in(id, *round),
            None => self.may_have_written(id),
        }
    }

    /// The round with which it goes on, if it is held.
    pub fn held(&self, id: &str) -> Option<u32> {
        self.held.get(id).copied()
    }

    /// A legal change of `plan`, before it happens.
    pub fn note(&mut self, plan: &Plan, transition: &Transition) {
        match transition {
            Transition::Send(id, sending) if acts(sending) => self.write(plan, id, sending),
            Transition::Hold(id, sending)
                if self.wrote_since(id) && !self.wrote_in(id, sending.round) =>
            {
                self.held.insert(id.clone(), sending.round);
                self.approved.remove(id);
            }
            Transition::Finish(finished) => {
                self.let_go(&finished.step);
                if finished.nothing_written {
                    let wrote = self.wrote.remove(&finished.step).unwrap_or_default();
                    let unspent = self.unspent.entry(finished.step.clone()).or_default();
                    unspent.extend(wrote.into_iter().flat_map(|wrote| wrote.spent));
                }
            }
            Transition::Interrupt => {
                for step in &plan.steps {
                    let cut = self.wrote_since(&step.id) && !step.repeatable;
                    if step.status == StepStatus::InProgress && cut {
                        self.let_go(&step.id);
                    }
                }
            }
            Transition::Approve { step, .. } => self.approve(plan, step),
            Transition::Reject { step, .. } | Transition::Skip { step, .. } => self.let_go(step),
            Transition::Retry { step, .. } => self.reset(&retried(plan, step.as_deref())),
            _ => {}
        }
    }

    /// A step is not held any more, and nothing is approved at it.
    fn let_go(&mut self, id: &str) {
        self.held.remove(id);
        self.approved.remove(id);
    }

    fn approve(&mut self, plan: &Plan, by: &str) {
        let seen = self.would_approve(plan, by);
        let known = self.approved.entry(by.to_owned()).or_default();
        for (id, approved) in seen {
            if known.insert(id.clone(), approved.clone()).as_ref() != Some(&approved) {
                let unspent = self.unspent.entry(id).or_default();
                unspent.push((by.to_owned(), approved));
            }
        }
    }

    /// Steps go back to their beginning. What was approved of one that wrote was for that time.
    fn reset(&mut self, ids: &[String]) {
        for id in ids {
            self.let_go(id);
            if self.wrote.remove(id).is_some() {
                for writes in self.approved.values_mut() {
                    writes.remove(id);
                }
            }
        }
    }

    /// The same round again is the same call, which only a service that tells it apart may get; each
    /// other write takes an approval of everybody whose approval it needs.
    fn write(&mut self, plan: &Plan, id: &str, sending: &Sending) {
        let approved = (Seen::sent(sending), self.nth(id, sending.round));
        let wrote = self.wrote.entry(id.to_owned()).or_default();
        if let Some(earlier) = wrote.iter_mut().find(|w| w.round == sending.round) {
            assert!(earlier.repeatable, "{id} writes twice: {earlier:?}");
            earlier.repeatable &= sending.repeatable;
            return;
        }
        let unspent = self.unspent.entry(id.to_owned()).or_default();
        let asking = Self::asking(plan, id, sending.effect);
        let spent = asking.into_iter().map(|by| {
            let wanted = (by.to_owned(), approved.clone());
            let index = unspent.iter().position(|given| *given == wanted);
            unspent.remove(index.unwrap_or_else(|| panic!("{id} took {wanted:?} twice")))
        });
        let wrote_now = Wrote {
            round: sending.round,
            repeatable: sending.repeatable,
            spent: spent.collect(),
        };
        wrote.push(wrote_now);
    }
}

/// The steps that go back, whether or not they have begun.
pub fn retried(plan: &Plan, to: Option<&str>) -> Vec<String> {
    let failed = plan.steps.iter().filter(|step| match to {
        Some(to) => step.id == to,
        None => step.status == StepStatus::Error,
    });
    let mut ids: Vec<String> = failed.flat_map(|step| onwards(plan, &step.id)).collect();
    ids.sort();
    ids.dedup();
    ids
}
