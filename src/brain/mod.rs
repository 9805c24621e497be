//! Delivers the store's events to Brain v2, the audit log: in order for each plan, at least once,
//! never in the way of a step.
//!
//! A Brain that can't be reached, that fails, or that refuses whoever asks (a token that is over) is
//! waited for: nothing is dropped, however long that takes. An event that Brain *rejects* is tried a
//! few times and then parked for a person; meanwhile only its own plan's events wait for it. A Brain
//! that rejects one event after the other is in trouble, too.
//!
//! Only `{"ok": true}` says that Brain has an event: a page of a proxy does not.

mod answer;
mod delivery;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use answer::Trouble;
use delivery::InARow;

use crate::plan::Timestamp;
use crate::services::{Client, Pace, Service};
use crate::store::{Delivery, Store, now};

/// The wait after a first failure; it doubles with each more.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The longest wait that Brain may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(10 * 60);

/// How often the outbox is looked at without being told of a new event: rejected ones come due.
const LOOK: Duration = Duration::from_secs(1);

/// How long events gather before they are delivered together: what a batch costs, reading it and
/// recording what became of it, is the same for one event and for many.
const GATHER: Duration = Duration::from_millis(20);

/// `[brain]`: what becomes of events that Brain rejects.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct BrainConfig {
    /// Rejections after which an event is parked.
    pub rejections: u32,
    /// The wait after an event's first rejection, in milliseconds; it doubles with each more.
    pub first_wait_ms: u64,
}

impl Default for BrainConfig {
    fn default() -> Self {
        Self {
            rejections: 5,
            first_wait_ms: 1_000,
        }
    }
}

/// What went wrong last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastError {
    /// When.
    pub at: Timestamp,
    /// What.
    pub error: String,
}

/// How a batch went.
struct Batch {
    /// Events that were looked at.
    looked_at: usize,
    /// Events of which it is settled what became of them.
    settled: usize,
    /// Why one of them was rejected.
    rejected: Option<String>,
}

/// Delivers events to Brain.
pub struct AuditLog {
    store: Arc<dyn Store>,
    client: Client,
    brain: Arc<Service>,
    config: BrainConfig,
    last_error: Mutex<Option<LastError>>,
}

impl AuditLog {
    /// From this store to this service.
    pub fn new(store: Arc<dyn Store>, client: Client, brain: Service, config: BrainConfig) -> Self {
        Self {
            store,
            client,
            brain: Arc::new(brain),
            config,
            last_error: Mutex::new(None),
        }
    }

    /// What went wrong last, since the last success.
    pub fn last_error(&self) -> Option<LastError> {
        self.last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Delivers for as long as it is polled.
    pub async fn run(&self) {
        let mut pace = Pace::new(FIRST_WAIT, LONGEST_WAIT);
        let (mut unsettled, mut in_a_row) = (Vec::new(), InARow::default());
        loop {
            match self.deliver_some(&mut unsettled, &mut in_a_row).await {
                Ok(Batch {
                    looked_at,
                    settled,
                    rejected,
                }) => {
                    if settled > 0 {
                        pace = Pace::new(FIRST_WAIT, LONGEST_WAIT);
                        self.note(rejected);
                    }
                    // A full batch means that there is more.
                    if looked_at < delivery::BATCH || settled == 0 {
                        self.wait().await;
                    }
                }
                Err(Trouble { why, left_alone }) => {
                    tracing::warn!("the audit log waits: {why}");
                    self.note(Some(why));
                    let asked = left_alone.unwrap_or_default().min(LONGEST_ASKED);
                    tokio::time::sleep(pace.wait().max(asked)).await;
                }
            }
        }
    }

    /// Delivers what may be delivered now. What became of it is unsettled until it is stored: nothing is
    /// delivered again because that takes a while.
    async fn deliver_some(
        &self,
        unsettled: &mut Vec<Delivery>,
        in_a_row: &mut InARow,
    ) -> Result<Batch, Trouble> {
        self.settle(unsettled).await?;
        let entries = self.store.deliverable(delivery::BATCH).await;
        let entries = entries.map_err(|error| error.to_string())?;
        let looked_at = entries.len();
        let (client, brain, config) = (&self.client, &self.brain, &self.config);
        let delivered = delivery::deliver(client, brain, config, entries, in_a_row).await;
        let rejected = delivered.rejected().map(str::to_owned);
        let settled = delivered.settled.len();
        *unsettled = delivered.settled;
        self.settle(unsettled).await?;
        let batch = Batch {
            looked_at,
            settled,
            rejected,
        };
        delivered.failed.map_or(Ok(batch), Err)
    }

    async fn settle(&self, unsettled: &mut Vec<Delivery>) -> Result<(), String> {
        if !unsettled.is_empty() {
            let stored = self.store.settle(unsettled.clone()).await;
            stored.map_err(|error| error.to_string())?;
            unsettled.clear();
        }
        Ok(())
    }

    async fn wait(&self) {
        tokio::select! {
            () = self.store.new_event() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(LOOK) => {}
        }
    }

    fn note(&self, error: Option<String>) {
        let error = error.map(|error| LastError { at: now(), error });
        *self
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = error;
    }
}
