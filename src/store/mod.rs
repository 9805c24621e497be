//! Where plans and the events they cause are kept. One trait; SQLite is its embedded home.
//!
//! What every home promises: a change is either stored whole, with its events, or not at all; a
//! change that the state machine refuses is never stored; when a call returns, what it did would
//! survive a power cut (but for a step's mere beginning, which is forgotten with the host that
//! began it, see [`Transition::must_last`]).

mod clock;
mod error;
mod feed;
mod live;
mod signal;
mod sqlite;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::plan::{Domain, HistoryEntry, Order, Plan, PlanStatus, Timestamp, Transition};

pub use clock::now;
pub use error::StoreError;
pub use feed::{Feed, Told};
pub use signal::{Batch, News, Signal, Unwritten};
pub use sqlite::SqliteStore;

/// Plans, and the events to deliver.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Stores a new plan.
    async fn create(&self, plan: Arc<Plan>) -> Result<(), StoreError>;

    /// The plan with this id.
    async fn plan(&self, id: &str) -> Result<Option<Arc<Plan>>, StoreError>;

    /// Plans, a part at a time.
    async fn plans(&self, query: Query) -> Result<Plans, StoreError>;

    /// Changes a plan, if the state machine allows it; the plan after it. Changes of one plan
    /// happen one after the other.
    async fn apply(&self, id: &str, transition: &Transition) -> Result<Arc<Plan>, StoreError>;

    /// The plans that the host drives to their end, oldest first.
    async fn driven(&self) -> Result<Vec<Driven>, StoreError>;

    /// The changes of a plan behind this place, oldest first, a part at a time: so many at the most.
    async fn history(&self, id: &str, after: Position, most: usize) -> Result<History, StoreError>;

    /// Changes after the one with this number, of one plan or of all, in order, with their numbers.
    async fn changes(
        &self,
        after: i64,
        plan: Option<String>,
        limit: usize,
    ) -> Result<Vec<Change>, StoreError>;

    /// The number of the newest change; 0 if there is none. Numbers only grow.
    async fn newest_change(&self) -> Result<i64, StoreError>;

    /// What happened to a plan and is not on disk yet, oldest first.
    async fn unwritten(&self, id: &str) -> Vec<Unwritten>;

    /// Signals of every change from now on.
    fn watch(&self) -> broadcast::Receiver<Signal>;

    /// The oldest events that may be delivered now. A plan's events wait for the one before them.
    async fn deliverable(&self, limit: usize) -> Result<Vec<OutboxEntry>, StoreError>;

    /// Records what became of deliveries.
    async fn settle(&self, deliveries: Vec<Delivery>) -> Result<(), StoreError>;

    /// Waits until a new event is stored.
    async fn new_event(&self);

    /// How the audit log stands.
    async fn backlog(&self) -> Result<Backlog, StoreError>;

    /// Events that were given up, oldest first.
    async fn parked(&self, limit: usize) -> Result<Vec<ParkedEvent>, StoreError>;

    /// Puts parked events back on their way: these, or all. How many there were.
    async fn resend(&self, ids: Option<Vec<i64>>) -> Result<usize, StoreError>;

    /// The plugin components that are kept, oldest first.
    async fn plugins(&self) -> Result<Vec<PluginRecord>, StoreError>;

    /// Keeps a component. One that is kept already stays, but an upload counts more.
    async fn add_plugin(&self, record: PluginRecord) -> Result<(), StoreError>;

    /// Forgets a component unless an open plan or a choice needs it; whether it is forgotten.
    async fn remove_plugin(&self, sha256: &str) -> Result<bool, StoreError>;

    /// What was chosen for new plans, oldest first; the last choice of a kind counts.
    async fn plugin_choices(&self) -> Result<Vec<PluginChoice>, StoreError>;

    /// Chooses for new plans. Of the choices for a kind only the last `most` stay.
    async fn choose_plugin(&self, choice: PluginChoice, most: usize) -> Result<(), StoreError>;

    /// Takes back the last choice for a kind; whether there was one.
    async fn take_back_choice(&self, kind: &str) -> Result<bool, StoreError>;

    /// How many open plans need each component, by digest.
    async fn open_plans(&self) -> Result<BTreeMap<String, i64>, StoreError>;

    /// Removes some of what is older than it has to be kept; whether there may be more.
    async fn clean_up(&self, retention: Retention) -> Result<bool, StoreError>;

    /// How the store does, for its operator.
    async fn condition(&self) -> Condition;

    /// Does what has to be done now and then.
    async fn tidy(&self);

    /// Ends what is under way, and lets go of everything. Nothing can be read or stored after it.
    async fn close(&self);
}

/// How the store does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// Why nothing can be stored, as far as is known: it is tried now and then.
    pub trouble: Option<String>,
    /// What is stored and not folded into the database yet, in bytes.
    pub log_bytes: u64,
}

/// A plan that the host drives to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driven {
    /// Its id.
    pub id: String,
    /// Until when it only waits, if it does.
    pub rests_until: Option<Timestamp>,
}

/// A place in the history of a plan: behind a row, and behind so many entries of the row after it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// The number of the row.
    pub row: i64,
    /// The entries. They may be on disk by then or not: they go there as the next row of their plan.
    pub entries: usize,
}

/// Some changes of a plan, oldest first.
pub type History = Part<Position, HistoryEntry, String>;

/// What went to disk together.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its number: numbers grow in the order in which changes went to disk.
    pub seq: i64,
    /// The plan.
    pub plan_id: String,
    /// What happened, in order, without what had come of the steps that went back.
    pub entries: Vec<HistoryEntry>,
}

/// A plugin component that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginRecord {
    /// Its digest, in lower-case hexadecimal.
    pub sha256: String,
    /// The step kind that it serves.
    pub kind: String,
    /// Its version.
    pub version: String,
    /// How it came here first, `embedded` or `folder`, or `upload` once somebody sent it.
    pub origin: String,
}

/// What an operator chose for new plans of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginChoice {
    /// The kind.
    pub kind: String,
    /// The component; none if there are to be no new plans of this kind.
    pub sha256: Option<String>,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The event.
    pub id: i64,
    /// What became of it.
    pub outcome: DeliveryOutcome,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// It arrived.
    Delivered,
    /// It was rejected, and is tried again after a while.
    Rejected {
        /// Why.
        error: String,
        /// After this long.
        again_after: Duration,
    },
    /// It was rejected too often and waits for a person.
    Parked {
        /// Why, the last time.
        error: String,
    },
}

/// How the audit log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// Events on their way.
    pub waiting: i64,
    /// When the oldest of them happened.
    pub oldest: Option<Timestamp>,
    /// Events that wait for a person.
    pub parked: i64,
}

/// An event that was given up as rejected.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParkedEvent {
    /// Its id, for sending it again.
    pub id: i64,
    /// The plan that it tells of.
    pub plan_id: String,
    /// When it happened.
    pub created_at: Timestamp,
    /// When it was given up.
    pub parked_at: Timestamp,
    /// How often it was rejected.
    pub rejections: u32,
    /// Why, the last time.
    pub error: String,
}

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Delivered events.
    pub events: Duration,
    /// Finished plans, with their history.
    pub plans: Duration,
    /// Plans that nobody goes on with, likewise.
    pub idle: Duration,
}

/// Which plans.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// How many at the most.
    pub limit: usize,
    /// Which come first.
    pub order: Order,
    /// Where the part before ended, in the same order.
    pub cursor: Option<i64>,
    /// Only these.
    pub domain: Option<Domain>,
    /// Only these.
    pub session_id: Option<String>,
    /// Only these.
    pub status: Option<PlanStatus>,
}

/// A part of a list: as much of it as is read at a time. However large what is in the list may be, a
/// part has little more than one of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Part<C, T, E> {
    /// In the order of the list, each with the cursor behind it. What can't be read says why.
    pub items: Vec<(C, Result<T, E>)>,
    /// Where the list goes on behind this part, if it does.
    pub next: Option<C>,
}

impl<C, T, E> Default for Part<C, T, E> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            next: None,
        }
    }
}

/// Some plans, in the order that was asked for.
pub type Plans = Part<i64, Arc<Plan>, Unreadable>;

/// A plan that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Its id.
    pub id: String,
    /// Why.
    pub error: String,
}

/// One event on its way to the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// Its place in the order of all events.
    pub id: i64,
    /// The plan that it tells of.
    pub plan_id: String,
    /// The plan's session.
    pub session_id: String,
    /// The plan's domain.
    pub domain: String,
    /// What is recorded: JSON text.
    pub content: String,
    /// How often it was rejected so far.
    pub rejections: u32,
}
