//! The contract's clock: which time a call is told. It is read once, when the call begins, and
//! stands still until the call ends.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::bindings::codex::mesh::clock;
use super::instance::Host;

/// Where the time of a call comes from.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The host's own time, and what is left until the step's deadline, if it has one.
    Host {
        /// When the step is given up.
        deadline: Option<Instant>,
    },
    /// Always this time, so that what depends on it comes out the same every time.
    Still(Moment),
}

/// The time, as a call is told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since 1970.
    pub now_ms: u64,
    /// Milliseconds that the step has left, if it is under way.
    pub time_left_ms: Option<u64>,
}

impl Clock {
    /// The host's own time while no step is under way.
    pub const IDLE: Self = Self::Host { deadline: None };

    /// The time now.
    pub fn read(self) -> Moment {
        match self {
            Self::Still(moment) => moment,
            Self::Host { deadline } => {
                let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
                Moment {
                    // A clock that is set to before 1970 says 1970.
                    now_ms: millis(
                        SystemTime::now()
                            .duration_since(UNIX_EPOCH)
                            .unwrap_or_default(),
                    ),
                    time_left_ms: deadline.map(|deadline| millis(left(deadline))),
                }
            }
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl clock::Host for Host {
    fn now(&mut self) -> u64 {
        self.moment.now_ms
    }

    fn time_left(&mut self) -> Option<u64> {
        self.moment.time_left_ms
    }
}
