//! Plans in SQLite: one file in the data folder, write-ahead log, synced at every commit.
//!
//! One thread owns the writing connection and commits whatever is waiting in one transaction, so
//! that many plans in flight share the cost of the disk. Reads have connections of their own.

mod connection;
mod rows;
mod writer;

use std::fs::{self, File, TryLockError};
use std::path::Path;

use anyhow::{Context, bail};
use async_trait::async_trait;
use tokio::sync::Notify;

use self::connection::Reader;
use self::writer::Writer;
use super::live::Live;
use super::{OutboxEntry, Page, Query, Store, StoreError};
use crate::plan::{Applied, Event, Plan, Transition};

/// Plans in SQLite.
pub struct SqliteStore {
    live: Live,
    writer: Writer,
    reader: Reader,
    new_events: Notify,
    /// Held for as long as the store lives: one host a folder.
    _lock: File,
}

impl SqliteStore {
    /// Opens the database in the folder, making both if they are missing, and settles what a host
    /// that was killed left under way.
    ///
    /// # Errors
    /// When the folder can't be used, another host uses it, or the database can't be opened.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("can't make the data folder {}", folder.display()))?;
        let lock = lock(folder)?;
        let file = folder.join("mesh.db");
        let mut connection = connection::open(&file)
            .with_context(|| format!("can't open the database {}", file.display()))?;
        let interrupted = rows::interrupt_all(&mut connection)?;
        if interrupted > 0 {
            tracing::warn!("{interrupted} plans had a write under way when the host ended");
        }
        Ok(Self {
            live: Live::default(),
            writer: Writer::start(connection)?,
            reader: Reader::start(&file)?,
            new_events: Notify::new(),
            _lock: lock,
        })
    }

    async fn read(&self, id: &str) -> Result<Option<Plan>, StoreError> {
        let id = id.to_owned();
        self.reader
            .run(move |connection| rows::plan(connection, &id))
            .await
    }

    async fn write(&self, applied: Applied) -> Result<Plan, StoreError> {
        let plan = applied.plan.clone();
        let row = rows::PlanRow::new(&applied.plan)?;
        let has_events = !applied.events.is_empty();
        self.writer
            .run(move |transaction| {
                row.update(transaction)?;
                rows::append_events(transaction, &applied)
            })
            .await?;
        if has_events {
            self.new_events.notify_one();
        }
        Ok(plan)
    }
}

/// Two hosts in one folder would each believe that they alone run its plans.
fn lock(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join("lock");
    let file = File::create(&path).with_context(|| format!("can't write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another codex-mesh uses the data folder {}: stop it, or use another --data-dir",
            folder.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("can't lock {}", path.display()))
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn create(&self, plan: &Plan) -> Result<(), StoreError> {
        let row = rows::PlanRow::new(plan)?;
        let created = Applied {
            plan: plan.clone(),
            events: vec![Event::Created],
        };
        self.writer
            .run(move |transaction| {
                row.insert(transaction)?;
                rows::append_events(transaction, &created)
            })
            .await?;
        self.new_events.notify_one();
        Ok(())
    }

    async fn plan(&self, id: &str) -> Result<Option<Plan>, StoreError> {
        if let Some(slot) = self.live.existing(id)
            && let Some(plan) = slot.lock().await.as_ref()
        {
            return Ok(Some(plan.clone()));
        }
        self.read(id).await
    }

    async fn plans(&self, query: Query) -> Result<Page, StoreError> {
        let mut page = self
            .reader
            .run(move |connection| rows::plans(connection, &query))
            .await?;
        for plan in &mut page.plans {
            // What is locked is on its way to the disk: then the disk's word is good enough.
            if let Some(slot) = self.live.existing(&plan.id)
                && let Ok(live) = slot.try_lock()
                && let Some(live) = live.as_ref()
            {
                plan.clone_from(live);
            }
        }
        Ok(page)
    }

    async fn apply(&self, id: &str, transition: &Transition) -> Result<Plan, StoreError> {
        let slot = self.live.slot(id);
        let outcome = self.apply_locked(id, transition, &slot).await;
        self.live.settle(id, slot);
        outcome
    }

    async fn undelivered(&self, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        self.reader
            .run(move |connection| rows::undelivered(connection, limit))
            .await
    }

    async fn delivered(&self, entries: Vec<i64>) -> Result<(), StoreError> {
        self.writer
            .run(move |transaction| rows::delete_events(transaction, &entries))
            .await
    }

    async fn wait_for_events(&self) {
        self.new_events.notified().await;
    }
}

impl SqliteStore {
    async fn apply_locked(
        &self,
        id: &str,
        transition: &Transition,
        slot: &super::live::Slot,
    ) -> Result<Plan, StoreError> {
        let mut held = slot.lock().await;
        // Taken out while it is being changed: if this call is dropped halfway, what is on disk
        // counts, not what was in memory.
        let before = match held.take() {
            Some(plan) => plan,
            None => self.read(id).await?.ok_or(StoreError::NotFound)?,
        };
        let outcome = match before.apply(transition, connection::now()) {
            Ok(applied) if transition.must_last(&before) => self.write(applied).await,
            Ok(applied) => Ok(applied.plan),
            Err(refused) => Err(refused.into()),
        };
        *held = Some(outcome.as_ref().map_or(before, Plan::clone));
        outcome
    }
}
