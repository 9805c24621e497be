//! Plans and what may happen to them. Pure: no I/O, no clock, no async, nothing of the project.
//!
//! # Layout
//! - [`Plan`], [`Step`]: what clients see, and what is stored; its names are in [`vocabulary`],
//!   what is left of it in lists in [`summary`].
//! - [`Transition`]: the changes there are ([`transition`]). [`Plan::apply`]: the state machine
//!   ([`machine`]). Every legal change, and no other; [`Refused`] says why not. [`order`]: which step
//!   may begin; [`attempt`]: what becomes of one that has; [`people`]: what people decide.
//! - [`Event`]: what a change tells the audit log. [`HistoryEntry`]: what it leaves behind here.
//! - [`Json`], [`Headers`], [`Timestamp`]: the value types.

mod attempt;
mod decision;
mod event;
mod header;
mod history;
mod json;
mod machine;
mod model;
mod order;
mod people;
mod refused;
mod summary;
mod time;
mod transition;
mod vocabulary;

pub use decision::{Approval, Cancelled, Grant, Held, Skipped, Waiting};
pub use event::Event;
pub use header::{HeaderValue, Headers};
pub use history::{Actor, HistoryEntry};
pub use json::Json;
pub use machine::Applied;
pub use model::{LogLine, Plan, Retry, Run, Step};
pub use refused::Refused;
pub use time::Timestamp;
pub use transition::{Finished, Outcome, Sending, Starter, Transition};
pub use vocabulary::{
    ApprovalMode, Domain, Effect, Method, Mode, Order, PlanStatus, StepStatus, UnknownName, View,
    WaitingFor,
};
