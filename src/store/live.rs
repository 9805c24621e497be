//! The plans that are being worked on, in memory: where changes of one plan queue up, where a
//! step's beginning is kept until something has to be on disk, and what saves reading a plan
//! again for each of its steps.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::signal::{Batch, Unwritten};
use crate::plan::{HistoryEntry, Plan, StepStatus};

/// Idle plans that are kept; past it all of them are dropped, and read again when needed.
const IDLE: usize = 1_000;

/// The largest plan that is kept while idle, by what it carries, in bytes.
const LARGEST_IDLE: usize = 64 << 10;

/// One plan: locked while it is being changed, empty until it is read.
pub(super) type Slot = Arc<tokio::sync::Mutex<Option<Held>>>;

/// A plan in memory.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// Shared with whoever reads it: a plan is never changed, only replaced.
    pub(super) plan: Arc<Plan>,
    /// Changes that are not on disk yet: they go there with the next one that must.
    pub(super) unwritten: Vec<HistoryEntry>,
    /// What they go there as.
    pub(super) batch: Batch,
}

impl Held {
    /// A plan as it is on disk.
    pub(super) fn written(plan: Arc<Plan>) -> Self {
        Self {
            plan,
            unwritten: Vec::new(),
            batch: Batch::default(),
        }
    }

    /// The changes that are not on disk, from this one on, for those who watch.
    pub(super) fn unwritten_from(&self, index: usize) -> impl Iterator<Item = Unwritten> {
        let entries = self.unwritten.iter().enumerate().skip(index);
        entries.map(|(index, entry)| Unwritten {
            batch: self.batch.clone(),
            index,
            entry: Arc::new(entry.clone()),
        })
    }
}

/// The plans that are being worked on, by id.
#[derive(Default)]
pub(super) struct Live(Mutex<HashMap<String, Slot>>);

impl Live {
    /// The plan's slot, made if it is missing.
    pub(super) fn slot(&self, id: &str) -> Slot {
        let mut slots = self.slots();
        if let Some(slot) = slots.get(id) {
            return Arc::clone(slot);
        }
        make_room(&mut slots);
        Arc::clone(slots.entry(id.to_owned()).or_default())
    }

    /// Keeps a new plan: its first step mostly follows at once.
    pub(super) fn keep(&self, plan: Arc<Plan>) {
        if plan.carried() > LARGEST_IDLE {
            return;
        }
        let mut slots = self.slots();
        make_room(&mut slots);
        let id = plan.id.clone();
        // Somebody who found it in a list may have begun with it already.
        slots
            .entry(id)
            .or_insert_with(|| Arc::new(tokio::sync::Mutex::new(Some(Held::written(plan)))));
    }

    /// The plan's slot, if it has one.
    pub(super) fn existing(&self, id: &str) -> Option<Slot> {
        self.slots().get(id).cloned()
    }

    /// The plans that the disk may know as they were before: a step's beginning is only in memory.
    pub(super) fn under_way(&self) -> Vec<Arc<Plan>> {
        let slots = self.slots();
        let held = slots
            .values()
            .filter_map(|slot| slot.try_lock().ok()?.clone());
        held.filter(is_ahead).map(|held| held.plan).collect()
    }

    /// Drops the plan's slot unless it is needed or worth keeping. Called with the caller's own
    /// lock released.
    pub(super) fn settle(&self, id: &str, slot: Slot) {
        let mut slots = self.slots();
        drop(slot);
        let drop_it = slots
            .get(id)
            .is_some_and(|slot| !is_needed(slot) && !is_worth_keeping(slot));
        if drop_it {
            slots.remove(id);
        }
    }

    /// Drops plans that are not stored any more.
    pub(super) fn forget(&self, ids: &[String]) {
        let mut slots = self.slots();
        for id in ids {
            if slots.get(id).is_some_and(|slot| !is_needed(slot)) {
                slots.remove(id);
            }
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_room(slots: &mut HashMap<String, Slot>) {
    if slots.len() >= IDLE {
        slots.retain(|_, slot| is_needed(slot));
    }
}

/// Somebody holds it, or it knows of a step under way, which the disk may not.
fn is_needed(slot: &Slot) -> bool {
    Arc::strong_count(slot) > 1
        || slot
            .try_lock()
            .map_or(true, |held| held.as_ref().is_some_and(is_ahead))
}

/// It knows of something that the disk may not know.
fn is_ahead(held: &Held) -> bool {
    held.plan.first(StepStatus::InProgress).is_some() || !held.unwritten.is_empty()
}

fn is_worth_keeping(slot: &Slot) -> bool {
    slot.try_lock().is_ok_and(|held| {
        held.as_ref().is_some_and(|Held { plan, .. }| {
            plan.first(StepStatus::Pending).is_some() && plan.carried() <= LARGEST_IDLE
        })
    })
}
