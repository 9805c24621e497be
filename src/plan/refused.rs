//! Why a change of a plan is not legal now, and what to do.

use thiserror::Error;

use super::{Cancelled, Timestamp, Waiting};

/// Why a change is not legal now.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// A step is under way.
    #[error("{0} is running: wait until it has finished")]
    Running(String),
    /// The host drives the plan.
    #[error("the plan is being run to its end: watch it, or cancel it")]
    BeingRun,
    /// The host does not drive the plan any more.
    #[error("the plan is not being run any more")]
    NotRun,
    /// The plan went on in another way meanwhile.
    #[error("{0} can't begin now")]
    NotNow(String),
    /// A step failed.
    #[error("the plan stopped at {step} ({error}): retry or skip {step}, or cancel the plan")]
    Stopped {
        /// The step.
        step: String,
        /// Its error.
        error: String,
    },
    /// Every step is done.
    #[error("the plan is finished")]
    Finished,
    /// A person ended the plan.
    #[error("the plan was cancelled by {} ({})", .0.by, .0.reason)]
    Cancelled(Cancelled),
    /// Nothing may begin before something happens.
    #[error("the plan waits: {}", reasons(.0))]
    Waiting(Vec<Waiting>),
    /// No step is under way.
    #[error("no step is running")]
    NothingRunning,
    /// It has begun, so what it sends is settled.
    #[error("{0} is not pending any more")]
    NotPending(String),
    /// What it would send is settled until somebody decides about it.
    #[error("{0} is held, and what it would send does not change")]
    Held(String),
    /// There is no such step.
    #[error("the plan has no step {0:?}")]
    NoStep(String),
    /// A write that nobody approved as it is.
    #[error("nobody approved it at {}: a person has to", .0.join(", "))]
    Unapproved(Vec<String>),
    /// A write was sent, so the step can't go back by itself.
    #[error("{0} has sent a write already")]
    AlreadySent(String),
    /// Nothing to approve or reject.
    #[error("{0} asks for no approval")]
    NoApproval(String),
    /// Rejected already.
    #[error("{step} was {error}: retry it, so that it is asked again")]
    Rejected {
        /// The step.
        step: String,
        /// Its error, which says by whom.
        error: String,
    },
    /// Approved already, all of it.
    #[error("{step} was approved by {by} at {at}, with all that comes after it")]
    Approved {
        /// The step.
        step: String,
        /// Who approved it.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// The reviewer saw something else.
    #[error("{0} is no pending write, or another than what was reviewed: look at the plan again")]
    OutOfDate(String),
    /// Nothing to retry.
    #[error("no step failed: name the step to go back to (stepId)")]
    NothingFailed,
    /// Nothing to go back over.
    #[error("{0} has not run yet")]
    NotRunYet(String),
    /// Going back would write again.
    #[error(
        "{} wrote, or may have: look at the service, and add \"repeatWrites\": true to write again",
        .0.join(", ")
    )]
    WouldRepeat(Vec<String>),
    /// Too late to skip it.
    #[error("{0} is done: only a step that is pending or failed can be skipped")]
    Done(String),
}

impl Refused {
    /// That there is no step with this id, which may be of any length.
    pub(super) fn no_step(id: &str) -> Self {
        Self::NoStep(id.chars().take(64).collect())
    }
}

fn reasons(waiting: &[Waiting]) -> String {
    let reason = |waiting: &Waiting| match waiting.until {
        Some(until) => format!("{} until {until} ({})", waiting.step, waiting.reason),
        None => waiting.reason.clone(),
    };
    let reasons: Vec<String> = waiting.iter().map(reason).collect();
    reasons.join("; ")
}
