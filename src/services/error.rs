//! Why a service gave no answer. Each message names the service, says what happened, and what to
//! look at.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use thiserror::Error;

use super::Service;
use super::connect::{NotReached, innermost};

/// Why a service gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{service} at {address} {what}")]
pub struct CallError {
    service: String,
    address: String,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum What {
    #[error(transparent)]
    NotReached(NotReached),
    #[error("closed the connection before anything was sent")]
    Unsent,
    #[error("did not answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    #[error("closed the connection before its answer was complete")]
    Cut,
    #[error("answered with more than {0} bytes, which is the limit")]
    TooLarge(usize),
    #[error("{0}")]
    Unreadable(String),
    #[error("can't be sent this request: {0}")]
    Request(String),
    #[error(
        "is not asked for now, because it failed several times in a row: the last time it {last}. It \
         may be asked again in {} s",
        .wait.as_secs() + 1
    )]
    Open {
        /// For how long nothing is sent.
        wait: Duration,
        /// What it did last.
        last: String,
    },
    #[error("gave no answer: {0}")]
    Other(String),
}

impl CallError {
    /// Whether it is certain that the service got nothing.
    pub fn nothing_arrived(&self) -> bool {
        match self.what {
            What::NotReached(_) | What::Unsent | What::Request(_) | What::Open { .. } => true,
            What::Timeout(_)
            | What::Cut
            | What::TooLarge(_)
            | What::Unreadable(_)
            | What::Other(_) => false,
        }
    }

    /// Whether the same request may well succeed later: what went wrong is on the way there.
    pub fn may_pass(&self) -> bool {
        match self.what {
            What::NotReached(_)
            | What::Unsent
            | What::Timeout(_)
            | What::Cut
            | What::Open { .. }
            | What::Other(_) => true,
            What::TooLarge(_) | What::Unreadable(_) | What::Request(_) => false,
        }
    }

    /// For how long nothing is sent, if the service is left alone.
    pub fn left_alone(&self) -> Option<Duration> {
        match self.what {
            What::Open { wait, .. } => Some(wait),
            _ => None,
        }
    }

    /// Whether it is this host's own trouble, and says nothing of the service.
    pub(super) fn is_our_own(&self) -> bool {
        matches!(&self.what, What::NotReached(why) if why.is_our_own())
    }

    /// What the service did, to be told later.
    pub(super) fn what(&self) -> String {
        self.what.to_string()
    }

    pub(super) fn new(service: &Service, what: What) -> Self {
        Self {
            service: service.name.clone(),
            address: service.shown(),
            what,
        }
    }

    pub(super) fn from_reqwest(service: &Service, error: &reqwest::Error) -> Self {
        Self::new(service, what(error))
    }
}

fn what(error: &reqwest::Error) -> What {
    if error.is_connect() {
        return What::NotReached(NotReached::new(error));
    }
    if error.is_builder() {
        return What::Request(innermost(error));
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(http) = cause.downcast_ref::<hyper::Error>() {
            // It says so only of a request that it did not begin to write.
            if http.is_canceled() {
                return What::Unsent;
            }
            if http.is_incomplete_message() {
                return What::Cut;
            }
        }
        if cause.downcast_ref().is_some_and(is_cut) {
            return What::Cut;
        }
        source = cause.source();
    }
    What::Other(innermost(error))
}

fn is_cut(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
    )
}
