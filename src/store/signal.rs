//! Tells those who watch that something has changed. A signal mostly only wakes them: what happened
//! they read from the database, so a signal that is lost loses nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::broadcast;

use crate::plan::HistoryEntry;

/// Signals that wait for the slowest watcher; past it the oldest go, and that watcher looks at the
/// database instead.
const WAITING: usize = 1_024;

/// A plan has changed.
#[derive(Debug, Clone)]
pub struct Signal {
    /// The plan.
    pub plan_id: Arc<str>,
    /// What there is to see.
    pub news: News,
}

/// What there is to see.
#[derive(Debug, Clone)]
pub enum News {
    /// The change with this number is on disk.
    Written(i64),
    /// Something that is not.
    Unwritten(Unwritten),
}

/// An entry that is not on disk yet: it goes there with those before and after it, in one row.
#[derive(Debug, Clone)]
pub struct Unwritten {
    /// With which others.
    pub batch: Batch,
    /// How many of them come before it.
    pub index: usize,
    /// What happened.
    pub entry: Arc<HistoryEntry>,
}

/// What goes to disk together: one value, shared by all who know of the batch.
#[derive(Debug, Clone, Default)]
pub struct Batch(Arc<AtomicBool>);

impl Batch {
    /// It is about to be written: whoever reads the database from now on may find it there.
    pub(super) fn close(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// It was not written after all.
    pub(super) fn reopen(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    /// Whether no read of the database that has ended can have found it there.
    pub fn is_open(&self) -> bool {
        !self.0.load(Ordering::SeqCst)
    }

    /// Whether both are the same batch.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Where signals come from. Costs nothing while nobody watches.
#[derive(Debug, Clone)]
pub(super) struct Signals(broadcast::Sender<Signal>);

impl Default for Signals {
    fn default() -> Self {
        Self(broadcast::Sender::new(WAITING))
    }
}

impl Signals {
    pub(super) fn watch(&self) -> broadcast::Receiver<Signal> {
        self.0.subscribe()
    }

    /// Whether anybody would see a signal.
    pub(super) fn are_watched(&self) -> bool {
        self.0.receiver_count() > 0
    }

    pub(super) fn send(&self, plan_id: &str, news: News) {
        if self.are_watched() {
            let plan_id = plan_id.into();
            // Errs if the last watcher has just gone.
            let _ = self.0.send(Signal { plan_id, news });
        }
    }
}
