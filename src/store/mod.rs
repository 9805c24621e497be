//! Where plans and the events they cause are kept. One trait; SQLite is its embedded home.
//!
//! What every home promises: a change is either stored whole, with its events, or not at all; a
//! change that the state machine refuses is never stored; when a call returns, what it did would
//! survive a power cut (but for a step's mere beginning, which is forgotten with the host that
//! began it, see [`Transition::must_last`]).

mod error;
mod live;
mod sqlite;

use async_trait::async_trait;

use crate::plan::{Domain, Plan, PlanStatus, Transition};

pub use error::StoreError;
pub use sqlite::SqliteStore;

/// Plans, and the events to deliver.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Stores a new plan.
    async fn create(&self, plan: &Plan) -> Result<(), StoreError>;

    /// The plan with this id.
    async fn plan(&self, id: &str) -> Result<Option<Plan>, StoreError>;

    /// Plans, newest first.
    async fn plans(&self, query: Query) -> Result<Page, StoreError>;

    /// Changes a plan, if the state machine allows it; the plan after it. Changes of one plan
    /// happen one after the other.
    async fn apply(&self, id: &str, transition: &Transition) -> Result<Plan, StoreError>;

    /// The oldest undelivered events.
    async fn undelivered(&self, limit: usize) -> Result<Vec<OutboxEntry>, StoreError>;

    /// Takes these events off the list.
    async fn delivered(&self, entries: Vec<i64>) -> Result<(), StoreError>;

    /// Waits until there may be something undelivered.
    async fn wait_for_events(&self);
}

/// Which plans.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// How many.
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<i64>,
    /// Only these.
    pub domain: Option<Domain>,
    /// Only these.
    pub session_id: Option<String>,
    /// Only these.
    pub status: Option<PlanStatus>,
}

/// Some plans, and where the next page begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Newest first.
    pub plans: Vec<Plan>,
    /// There is more, from here.
    pub next_cursor: Option<i64>,
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
}
