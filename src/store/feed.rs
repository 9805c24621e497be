//! What happens to one plan, or to all, from a moment on and as it happens: every change once and
//! in order, those on disk with the number after which another feed would go on.
//!
//! It is read from the database, a page at a time, whenever a signal says that there is more. What
//! is not on disk yet is told when its signal comes, and left out of the row that brings it later;
//! where that is not certain to keep the order, it only comes with its row. So nothing is kept but
//! one page, and of each plan with a step under way what was told of its next row.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::broadcast::{self, error::RecvError};

use super::signal::{Batch, News, Signal, Unwritten};
use super::{Change, Store, StoreError};
use crate::plan::HistoryEntry;

/// Rows that are read at a time.
const PAGE: usize = 64;

/// Plans of which something is told that is not on disk; of others it is told once it is.
const AHEAD: usize = 1_024;

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its number, if everything up to it is on disk: a feed after this number goes on behind it.
    pub seq: Option<i64>,
    /// The plan.
    pub plan_id: Arc<str>,
    /// What happened.
    pub entry: Arc<HistoryEntry>,
}

/// What was told of a plan's next row.
struct Ahead {
    batch: Batch,
    entries: Vec<Arc<HistoryEntry>>,
}

/// What happens, as it happens.
pub struct Feed {
    store: Arc<dyn Store>,
    signals: broadcast::Receiver<Signal>,
    plan: Option<Arc<str>>,
    /// The last row that was read.
    after: i64,
    /// There may be rows that were not read.
    behind: bool,
    ready: VecDeque<Told>,
    /// What was not on disk when the feed began.
    begun: VecDeque<Unwritten>,
    ahead: HashMap<Arc<str>, Ahead>,
}

impl Feed {
    /// What happens to this plan, or to all, after the change with this number. Without a number,
    /// one plan is told from its first event, and all from now on.
    ///
    /// # Errors
    /// When there is no such plan, or the store can't be read.
    pub async fn begin(
        store: Arc<dyn Store>,
        plan: Option<&str>,
        after: Option<i64>,
    ) -> Result<Self, StoreError> {
        // First of all, so that nothing happens unseen between what is read now and later.
        let signals = store.watch();
        let newest = store.newest_change().await?;
        let (first, begun) = match plan {
            Some(id) => {
                store.plan(id).await?.ok_or(StoreError::NotFound)?;
                (0, store.unwritten(id).await)
            }
            None => (newest, Vec::new()),
        };
        Ok(Self {
            store,
            signals,
            plan: plan.map(Arc::from),
            // A number from another database says nothing here.
            after: after.unwrap_or(first).min(newest),
            behind: true,
            ready: VecDeque::new(),
            begun: begun.into(),
            ahead: HashMap::new(),
        })
    }

    /// What happened next, once it happens.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn next(&mut self) -> Result<Told, StoreError> {
        loop {
            if let Some(told) = self.there().await? {
                return Ok(told);
            }
            self.more().await?;
        }
    }

    /// What happened next, if it has happened already.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn there(&mut self) -> Result<Option<Told>, StoreError> {
        loop {
            if let Some(told) = self.ready.pop_front() {
                return Ok(Some(told));
            }
            if self.behind {
                self.read().await?;
            } else if let Some(unwritten) = self.begun.pop_front() {
                if let Some(id) = self.plan.clone() {
                    self.tell_ahead(id, unwritten);
                }
            } else {
                return Ok(None);
            }
        }
    }

    /// Waits until more may have happened.
    ///
    /// # Errors
    /// When the store is closed.
    pub async fn more(&mut self) -> Result<(), StoreError> {
        match self.signals.recv().await {
            Ok(signal) => self.heed(signal),
            Err(RecvError::Lagged(_)) => self.behind = true,
            Err(RecvError::Closed) => return Err(StoreError::Closed),
        }
        Ok(())
    }

    fn heed(&mut self, signal: Signal) {
        let Signal { plan_id, news } = signal;
        if self.plan.as_ref().is_some_and(|plan| *plan != plan_id) {
            return;
        }
        match news {
            News::Written(seq) => self.behind = seq > self.after,
            News::Unwritten(unwritten) => self.tell_ahead(plan_id, unwritten),
        }
    }

    /// Tells what is not on disk, if it is next for certain.
    fn tell_ahead(&mut self, plan_id: Arc<str>, unwritten: Unwritten) {
        let Unwritten {
            batch,
            index,
            entry,
        } = unwritten;
        if !batch.is_open() {
            return;
        }
        let is_next = match self.ahead.get(&plan_id) {
            Some(ahead) => ahead.batch.is(&batch) && ahead.entries.len() == index,
            None => index == 0 && self.ahead.len() < AHEAD,
        };
        if !is_next {
            return;
        }
        let ahead = self.ahead.entry(Arc::clone(&plan_id));
        let ahead = ahead.or_insert_with(|| Ahead {
            batch,
            entries: Vec::new(),
        });
        ahead.entries.push(Arc::clone(&entry));
        self.ready.push_back(Told {
            seq: None,
            plan_id,
            entry,
        });
    }

    async fn read(&mut self) -> Result<(), StoreError> {
        let plan = self.plan.as_ref().map(ToString::to_string);
        let changes = self.store.changes(self.after, plan, PAGE).await?;
        self.behind = changes.len() >= PAGE;
        for change in changes {
            self.after = change.seq;
            self.tell_row(change);
        }
        Ok(())
    }

    /// Tells of a row what was not told before.
    fn tell_row(&mut self, change: Change) {
        let Change {
            seq,
            plan_id,
            entries,
        } = change;
        let plan_id: Arc<str> = plan_id.into();
        let ahead = self.ahead.remove(&plan_id);
        let told = ahead.map_or(0, |ahead| {
            // What was told may have been given up, and then this row begins with something else.
            let same = |(told, entry): (&Arc<HistoryEntry>, &HistoryEntry)| **told == *entry;
            let begins_with = ahead.entries.len() <= entries.len()
                && ahead.entries.iter().zip(&entries).all(same);
            if begins_with { ahead.entries.len() } else { 0 }
        });
        let last = entries.len().saturating_sub(1);
        let rest = entries.into_iter().enumerate().skip(told);
        self.ready.extend(rest.map(|(index, entry)| Told {
            seq: (index == last).then_some(seq),
            plan_id: Arc::clone(&plan_id),
            entry: Arc::new(entry),
        }));
    }
}
