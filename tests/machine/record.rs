//! What the test itself remembers of a plan: what every approval saw, and which writes may have
//! happened. Nothing of it is read from what the plan keeps of the same.

use std::collections::{BTreeMap, BTreeSet};

use codex_mesh::plan::{
    ApprovalMode, Effect, Json, Method, Mode, Plan, Sending, Starter, Step, StepStatus, Transition,
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

/// A write that may have happened.
#[derive(Debug, Clone, PartialEq)]
struct Wrote {
    /// In which start of its step.
    start: u32,
    attempt: u32,
    repeatable: bool,
}

/// What the test remembers.
#[derive(Debug, Default)]
pub struct Record {
    /// By step that was approved: what its approvals saw of each write after it, the last of each.
    approved: BTreeMap<String, BTreeMap<String, Seen>>,
    wrote: BTreeMap<String, Wrote>,
    starts: BTreeMap<String, u32>,
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

/// Whether the service will change something.
pub fn writes(sending: &Sending) -> bool {
    sending.effect == Effect::Write && !sending.shown_only
}

impl Record {
    /// The steps whose approval is missing for this step to send this.
    pub fn missing(&self, plan: &Plan, id: &str, request: &Seen) -> Vec<String> {
        if plan.mode != Mode::Live || plan.approvals == ApprovalMode::Advise {
            return Vec::new();
        }
        let approved = |other: &str| self.approved.get(other).and_then(|writes| writes.get(id));
        let before = before(plan, id);
        let asking = plan.steps.iter().filter(|step| step.approval.is_some());
        asking
            .filter(|step| before.contains(&step.id) && approved(&step.id) != Some(request))
            .map(|step| step.id.clone())
            .collect()
    }

    /// The pending writes after a step, as the plan shows them.
    pub fn would_approve(plan: &Plan, id: &str) -> BTreeMap<String, Seen> {
        let after = onwards(plan, id);
        let writes = plan.steps.iter().filter(|step| {
            step.id != id && step.effect == Effect::Write && step.status == StepStatus::Pending
        });
        writes
            .filter(|step| after.contains(&step.id))
            .map(|step| (step.id.clone(), Seen::shown(step)))
            .collect()
    }

    /// Whether approving this step would approve something that is not approved yet.
    pub fn approves_more(&self, plan: &Plan, id: &str) -> bool {
        let Some(known) = self.approved.get(id) else {
            return true;
        };
        let now = Self::would_approve(plan, id);
        now.iter().any(|(id, seen)| known.get(id) != Some(seen))
    }

    /// Whether a write of this step may have happened that nobody asked to repeat.
    pub fn may_have_written(&self, id: &str) -> bool {
        self.wrote.contains_key(id)
    }

    /// A legal change of `plan`, before it happens.
    pub fn note(&mut self, plan: &Plan, transition: &Transition) {
        match transition {
            Transition::Start(Starter::Run(id)) => *self.starts.entry(id.clone()).or_default() += 1,
            Transition::Start(Starter::Client) => {
                // Which one is not said; only that it is another start counts.
                for step in &plan.steps {
                    if step.status == StepStatus::Pending {
                        *self.starts.entry(step.id.clone()).or_default() += 1;
                    }
                }
            }
            Transition::Send(id, sending) if writes(sending) => self.write(plan, id, sending),
            Transition::Finish(finished) if finished.nothing_written => {
                self.wrote.remove(&finished.step);
            }
            Transition::Approve { step, .. } => {
                let seen = Self::would_approve(plan, step);
                self.approved.entry(step.clone()).or_default().extend(seen);
            }
            Transition::Reject { step, .. } => {
                self.approved.remove(step);
            }
            Transition::Retry { step, .. } => {
                for id in retried(plan, step.as_deref()) {
                    self.approved.remove(&id);
                    self.wrote.remove(&id);
                }
            }
            _ => {}
        }
    }

    /// A write that is sent beside one that may have happened is a part of the same start, or the
    /// same attempt at a service that tells it apart from another.
    fn write(&mut self, plan: &Plan, id: &str, sending: &Sending) {
        let attempt = plan.step(id).unwrap().attempt;
        let start = self.starts[id];
        let mut repeatable = sending.repeatable;
        if let Some(earlier) = self.wrote.get(id) {
            let same = earlier.start == start || (earlier.repeatable && earlier.attempt == attempt);
            assert!(same, "{id} writes twice: {earlier:?}, {self:?}");
            repeatable &= earlier.repeatable;
        }
        let wrote = Wrote {
            start,
            attempt,
            repeatable,
        };
        self.wrote.insert(id.to_owned(), wrote);
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
