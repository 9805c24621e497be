//! Plans and what may happen to them. Pure: no I/O, no clock, no async, nothing of the project.
//!
//! # Layout
//! - [`Plan`], [`Step`]: what clients see, and what is stored.
//! - [`Transition`], [`Plan::apply`]: the state machine. Every legal change, and no other.
//! - [`Event`]: what a change tells the audit log. [`HistoryEntry`]: what it leaves behind here.
//! - [`Json`], [`Timestamp`]: the two value types.

mod event;
mod history;
mod json;
mod machine;
mod model;
mod time;

pub use event::Event;
pub use history::{Actor, HistoryEntry};
pub use json::Json;
pub use machine::{Applied, Outcome, Refused, Sending, Transition};
pub use model::{
    Approval, Domain, Effect, LogLine, Method, Mode, Plan, PlanStatus, Step, StepStatus,
    UnknownName,
};
pub use time::Timestamp;
