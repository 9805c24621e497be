//! What callers share of the API itself: connections, event streams, and large answers.

use std::collections::BTreeMap;

use crate::caller::Caller;
use crate::config::Limits;
use crate::places::{Places, Purpose, Taken};

const CONNECTIONS: Purpose = Purpose {
    are: "connections are open",
    setting: "[limits] connections",
};

const STREAMS: Purpose = Purpose {
    are: "event streams are open",
    setting: "[limits] event_streams",
};

const READERS: Purpose = Purpose {
    are: "lists, histories and plans are being read",
    setting: "[limits] readers",
};

const REFUSALS: Purpose = Purpose {
    are: "connections are being refused",
    setting: "none",
};

/// Refusals that are being written at the same time; past it connections are just closed.
const MOST_REFUSALS: usize = 64;

/// The places that callers share. Clones are the same.
#[derive(Debug, Clone)]
pub struct Visitors {
    pub(super) connections: Places<Caller>,
    pub(super) streams: Places<Caller>,
    pub(super) readers: Places<Caller>,
    pub(super) refusals: Places<Caller>,
}

impl Visitors {
    /// As many as these limits say.
    pub fn new(limits: &Limits) -> Self {
        Self {
            connections: Places::of_callers(CONNECTIONS, limits.connections),
            streams: Places::of_callers(STREAMS, limits.event_streams),
            readers: Places::of_callers(READERS, limits.readers),
            refusals: Places::of_callers(REFUSALS, MOST_REFUSALS),
        }
    }

    /// Who has how many, by what they are for.
    pub(super) fn taken(&self) -> BTreeMap<&'static str, Taken> {
        BTreeMap::from([
            ("connections", self.connections.shown()),
            ("streams", self.streams.shown()),
            ("readers", self.readers.shown()),
        ])
    }
}
