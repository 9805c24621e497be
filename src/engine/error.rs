//! Why the engine did not do what was asked.

use thiserror::Error;

use crate::places::NoPlace;
use crate::registry::RegistryError;
use crate::store::StoreError;

/// Why the engine did not do what was asked.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The request can't be fulfilled as it is; the message says which field, and what is allowed.
    #[error("{0}")]
    Invalid(String),
    /// A plan does not grow without an end: what came of every attempt stays in its history.
    #[error("{0} was tried {1} times, which is the limit: create a new plan")]
    TriedOut(String, u32),
    /// Too much is under way, of everybody or of this caller.
    #[error(transparent)]
    Busy(NoPlace),
    /// A kind that it asks for may be among what is not loaded yet.
    #[error(transparent)]
    Loading(RegistryError),
    /// The host is stopping.
    #[error("the host is stopping: what is being run goes on when it is back")]
    Stopping,
    /// The step ended, and its end could not be stored yet.
    #[error(
        "the step ended, but its end could not be stored: {0}. What it sent was sent, and its end is kept \
         and stored as soon as that is possible: do not repeat it"
    )]
    NotStored(#[source] StoreError),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NoPlace> for EngineError {
    fn from(why: NoPlace) -> Self {
        match why {
            NoPlace::Closed => Self::Stopping,
            why => Self::Busy(why),
        }
    }
}
