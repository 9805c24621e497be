//! Plans in SQLite: one file in the data folder, write-ahead log, synced at every commit.
//!
//! One thread owns the writing connection and commits whatever is waiting in one transaction, so
//! that many plans in flight share the cost of the disk. Reads have connections of their own.
//!
//! # Layout
//! - [`home`]: the data folder, and who has it. [`place`]: whether the open files are still in it,
//!   and [`whole`].
//! - [`found`]: what is there before it is opened; [`mark`]: how far it has come.
//! - [`log`]: what is not folded into the database yet.
//! - [`connection`]: opening, migrating, reading. [`writer`]: the thread that writes.
//! - [`plans`], [`history`], [`outbox`], [`plugins`]: the statements, a file a table. [`retention`]: clean-up.
//! - [`text`]: texts and numbers that may be none.
//! - [`failpoint`]: where a test makes the host die.

mod connection;
mod failpoint;
mod found;
mod history;
mod home;
mod log;
mod mark;
mod outbox;
mod place;
mod plans;
mod plugins;
mod retention;
mod text;
mod whole;
mod writer;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;
use tokio::sync::{Notify, broadcast};
use tokio::task::spawn_blocking;

use self::connection::Reader;
use self::home::Home;
use self::place::Place;
use self::plans::PlanRow;
use self::writer::Writer;
use super::live::{Held, Live, Slot};
use super::signal::Signals;
use super::{
    Backlog, Change, Condition, Delivery, Driven, History, News, OutboxEntry, ParkedEvent, Plans,
    PluginChoice, PluginRecord, Position, Query, Retention, Signal, Store, StoreError, Unwritten,
    now,
};
use crate::plan::{Event, HistoryEntry, Plan, Transition};

/// Bytes of a list after which no more of it is read at a time.
const PART: usize = 256 << 10;

/// Plans in SQLite.
pub struct SqliteStore {
    live: Live,
    writer: Writer,
    reader: Reader,
    new_event: Arc<Notify>,
    signals: Signals,
    place: Arc<Place>,
}

/// Whether it was done.
type Outcome = Result<(), StoreError>;

impl SqliteStore {
    /// Opens the database in the folder, making both if they are missing, and settles what a host
    /// that was killed left under way.
    ///
    /// # Errors
    /// When the folder can't be used, another host uses it, or the database can't be opened.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let (mut home, file) = Home::open(folder)?;
        plans::shorten_waits(&mut home.connection)?;
        outbox::end_waits(&home.connection)?;
        let interrupted = plans::interrupt_all(&mut home.connection)?;
        if interrupted > 0 {
            tracing::warn!("{interrupted} plans had steps under way on record when the host ended");
        }
        let place = Arc::clone(&home.place);
        Ok(Self {
            live: Live::default(),
            reader: Reader::start(&file)?,
            writer: Writer::start(home)?,
            new_event: Arc::default(),
            signals: Signals::default(),
            place,
        })
    }

    async fn read(&self, id: &str) -> Result<Option<Arc<Plan>>, StoreError> {
        let id = id.to_owned();
        let found = self
            .reader
            .run(move |connection| plans::find(connection, &id));
        Ok(found.await?.map(Arc::new))
    }

    /// Stores the plan together with what led to it and what is told of it.
    async fn write(
        &self,
        row: PlanRow,
        new: Option<&Arc<Plan>>,
        entries: Vec<HistoryEntry>,
        events: Vec<String>,
    ) -> Result<(), StoreError> {
        let tells = !events.is_empty();
        let (new_event, signals) = (Arc::clone(&self.new_event), self.signals.clone());
        let new = new.cloned();
        let work = move |transaction: &Connection| {
            match new {
                Some(plan) => row.insert(transaction, plugins::set_of(transaction, &plan)?)?,
                None => row.update(transaction)?,
            }
            let seq = history::append(transaction, &row.id, &entries)?;
            outbox::append(transaction, &row, &events)?;
            Ok((row.id, seq))
        };
        let then = move |(id, seq): &(String, i64)| {
            if tells {
                new_event.notify_one();
            }
            signals.send(id, News::Written(*seq));
        };
        self.writer.run_then(work, then).await.map(drop)
    }

    async fn apply_locked(
        &self,
        id: &str,
        transition: &Transition,
        slot: &Slot,
    ) -> Result<Arc<Plan>, StoreError> {
        let mut held = slot.lock().await;
        // Taken out while it is being changed: if this call is dropped halfway, what is on disk
        // counts, not what was in memory.
        let before = match held.take() {
            Some(held) => held,
            None => {
                let plan = self.read(id).await?.ok_or(StoreError::NotFound)?;
                Held::written(plan)
            }
        };
        let (after, outcome) = match self.change(&before, transition).await {
            Ok(after) => {
                let plan = Arc::clone(&after.plan);
                (after, Ok(plan))
            }
            Err(error) => (before, Err(error)),
        };
        *held = Some(after);
        outcome
    }

    async fn change(&self, before: &Held, transition: &Transition) -> Result<Held, StoreError> {
        let applied = before.plan.apply(transition, now())?;
        let mut unwritten = before.unwritten.clone();
        unwritten.extend(applied.entries);
        if !transition.must_last(&before.plan) {
            let after = Held {
                plan: Arc::new(applied.plan),
                unwritten,
                batch: before.batch.clone(),
            };
            if self.signals.are_watched() {
                for new in after.unwritten_from(before.unwritten.len()) {
                    self.signals.send(&after.plan.id, News::Unwritten(new));
                }
            }
            return Ok(after);
        }
        let events = applied
            .events
            .iter()
            .map(|event| event.content(&applied.plan));
        let row = PlanRow::new(&applied.plan)?;
        before.batch.close();
        if let Err(error) = self.write(row, None, unwritten, events.collect()).await {
            before.batch.reopen();
            return Err(error);
        }
        Ok(Held::written(Arc::new(applied.plan)))
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn create(&self, plan: Arc<Plan>) -> Result<(), StoreError> {
        let entries = vec![HistoryEntry::created(&plan)];
        let events = vec![Event::Created.content(&plan)];
        self.write(PlanRow::new(&plan)?, Some(&plan), entries, events)
            .await?;
        self.live.keep(plan);
        Ok(())
    }

    async fn plan(&self, id: &str) -> Result<Option<Arc<Plan>>, StoreError> {
        if let Some(slot) = self.live.existing(id)
            && let Some(held) = slot.lock().await.as_ref()
        {
            return Ok(Some(Arc::clone(&held.plan)));
        }
        self.read(id).await
    }

    async fn plans(&self, query: Query) -> Result<Plans, StoreError> {
        // Looked at before the disk: a step that ends meanwhile is then in both, not in neither.
        let under_way = self.live.under_way();
        self.reader
            .run(move |connection| plans::part(connection, &query, &under_way))
            .await
    }

    async fn apply(&self, id: &str, transition: &Transition) -> Result<Arc<Plan>, StoreError> {
        let slot = self.live.slot(id);
        let outcome = self.apply_locked(id, transition, &slot).await;
        self.live.settle(id, slot);
        outcome
    }

    async fn driven(&self) -> Result<Vec<Driven>, StoreError> {
        self.reader.run(plans::driven).await
    }

    async fn history(&self, id: &str, after: Position, most: usize) -> Result<History, StoreError> {
        // Locked while the disk is read, so that no change is seen twice or not at all.
        let slot = self.live.existing(id);
        let held = match &slot {
            Some(slot) => Some(slot.lock().await),
            None => None,
        };
        let unwritten = held.as_ref().and_then(|held| held.as_ref());
        let unwritten = unwritten.map(|held| held.unwritten.clone());
        let plan_id = id.to_owned();
        let part = self.reader.run(move |connection| {
            history::part(
                connection,
                &plan_id,
                after,
                most,
                unwritten.unwrap_or_default(),
            )
        });
        part.await
    }

    async fn changes(
        &self,
        after: i64,
        plan: Option<String>,
        limit: usize,
    ) -> Result<Vec<Change>, StoreError> {
        self.reader
            .run(move |connection| history::after(connection, after, plan.as_deref(), limit))
            .await
    }

    async fn newest_change(&self) -> Result<i64, StoreError> {
        self.reader.run(history::newest).await
    }

    async fn unwritten(&self, id: &str) -> Vec<Unwritten> {
        let Some(slot) = self.live.existing(id) else {
            return Vec::new();
        };
        let held = slot.lock().await;
        let unwritten = held.as_ref().map(|held| held.unwritten_from(0));
        unwritten.into_iter().flatten().collect()
    }

    fn watch(&self) -> broadcast::Receiver<Signal> {
        self.signals.watch()
    }

    async fn deliverable(&self, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        self.reader
            .run(move |connection| outbox::deliverable(connection, limit))
            .await
    }

    async fn settle(&self, deliveries: Vec<Delivery>) -> Result<(), StoreError> {
        self.writer
            .run(move |transaction| outbox::settle(transaction, &deliveries))
            .await
    }

    async fn new_event(&self) {
        self.new_event.notified().await;
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.reader.run(outbox::backlog).await
    }

    async fn parked(&self, limit: usize) -> Result<Vec<ParkedEvent>, StoreError> {
        self.reader
            .run(move |connection| outbox::parked(connection, limit))
            .await
    }

    async fn resend(&self, ids: Option<Vec<i64>>) -> Result<usize, StoreError> {
        let count = self
            .writer
            .run(move |transaction| outbox::resend(transaction, ids.as_deref()))
            .await?;
        self.new_event.notify_one();
        Ok(count)
    }

    async fn plugins(&self) -> Result<Vec<PluginRecord>, StoreError> {
        self.reader.run(plugins::all).await
    }

    async fn add_plugin(&self, record: PluginRecord) -> Result<(), StoreError> {
        self.writer
            .run(move |transaction| plugins::add(transaction, &record))
            .await
    }

    async fn remove_plugin(&self, sha256: &str) -> Result<bool, StoreError> {
        let sha256 = sha256.to_owned();
        self.writer
            .run(move |transaction| plugins::remove(transaction, &sha256))
            .await
    }

    async fn plugin_choices(&self) -> Result<Vec<PluginChoice>, StoreError> {
        self.reader.run(plugins::choices).await
    }

    async fn choose_plugin(&self, choice: PluginChoice, most: usize) -> Result<(), StoreError> {
        self.writer
            .run(move |transaction| plugins::choose(transaction, &choice, most))
            .await
    }

    async fn take_back_choice(&self, kind: &str) -> Result<bool, StoreError> {
        let kind = kind.to_owned();
        self.writer
            .run(move |transaction| plugins::take_back(transaction, &kind))
            .await
    }

    async fn open_plans(&self) -> Result<BTreeMap<String, i64>, StoreError> {
        self.reader.run(plugins::open_plans).await
    }

    async fn clean_up(&self, retention: Retention) -> Result<bool, StoreError> {
        let busy = self.live.under_way();
        let busy: Vec<String> = busy.iter().map(|plan| plan.id.clone()).collect();
        let clean_up =
            move |transaction: &Connection| retention::clean_up(transaction, retention, &busy);
        let removed = self.writer.run(clean_up).await?;
        self.live.forget(&removed.plans);
        Ok(removed.more)
    }

    async fn condition(&self) -> Condition {
        let place = Arc::clone(&self.place);
        let looking = spawn_blocking(move || Condition {
            trouble: place.check().err().map(|error| error.to_string()),
            log_bytes: place.log_bytes(),
        });
        let seen = looking.await.unwrap_or_default();
        Condition {
            trouble: seen.trouble.or_else(|| self.writer.trouble()),
            ..seen
        }
    }

    async fn tidy(&self) {
        // What comes after every write is all that is to be done. That it failed is logged there.
        let _ = self.writer.run(|_| Ok(())).await;
    }

    async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}
