//! How a service has been doing for a step kind: a circuit breaker. After some failures in a row it
//! opens, and nothing is sent for a while; then one request probes whether the service is back.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// `[breaker]`: when a step kind leaves its service alone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct BreakerConfig {
    /// Failures in a row after which nothing is sent.
    pub failures: u32,
    /// How long nothing is sent, in milliseconds, before one request probes.
    pub open_ms: u64,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            failures: 10,
            open_ms: 5_000,
        }
    }
}

/// What a breaker does with requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerState {
    /// Sends them.
    Closed,
    /// Sends one to see.
    HalfOpen,
    /// Refuses them.
    Open,
}

#[derive(Debug)]
enum Circuit {
    Closed { failures: u32 },
    Open { until: Instant },
    Probing { since: Instant },
}

/// How one service has been doing for one kind.
#[derive(Debug)]
pub(super) struct Breaker {
    config: BreakerConfig,
    circuit: Circuit,
}

impl Breaker {
    /// A breaker that sends.
    pub(super) fn new(config: BreakerConfig) -> Self {
        Self {
            config,
            circuit: Circuit::Closed { failures: 0 },
        }
    }

    /// Whether a request may be sent now.
    ///
    /// # Errors
    /// How long to wait instead.
    pub(super) fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        match self.circuit {
            Circuit::Closed { .. } => Ok(()),
            Circuit::Open { until } if now < until => Err(until.duration_since(now)),
            // A probe that never reported back must not keep the service shut out.
            Circuit::Probing { since } if now < since + self.open() => {
                Err((since + self.open()).duration_since(now))
            }
            Circuit::Open { .. } | Circuit::Probing { .. } => {
                self.circuit = Circuit::Probing { since: now };
                Ok(())
            }
        }
    }

    /// Counts how a request went.
    pub(super) fn record(&mut self, worked: bool, now: Instant) {
        self.circuit = match self.circuit {
            _ if worked => Circuit::Closed { failures: 0 },
            Circuit::Closed { failures } if failures + 1 < self.config.failures => {
                Circuit::Closed {
                    failures: failures + 1,
                }
            }
            Circuit::Closed { .. } | Circuit::Probing { .. } => Circuit::Open {
                until: now + self.open(),
            },
            // A request that was on its way when it opened: it does not keep it open longer.
            Circuit::Open { until } => Circuit::Open { until },
        };
    }

    /// What it does with requests now.
    pub(super) fn state(&self, now: Instant) -> BreakerState {
        match self.circuit {
            Circuit::Closed { .. } => BreakerState::Closed,
            Circuit::Open { until } if now < until => BreakerState::Open,
            Circuit::Open { .. } | Circuit::Probing { .. } => BreakerState::HalfOpen,
        }
    }

    fn open(&self) -> Duration {
        Duration::from_millis(self.config.open_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        Breaker::new(BreakerConfig {
            failures: 3,
            open_ms: 1_000,
        })
    }

    #[test]
    fn opens_after_failures_in_a_row_and_lets_one_probe() {
        let (mut breaker, start) = (breaker(), Instant::now());
        for worked in [false, false, true, false, false] {
            assert_eq!(breaker.admit(start), Ok(()));
            breaker.record(worked, start);
        }
        assert_eq!(breaker.state(start), BreakerState::Closed);
        breaker.record(false, start);
        assert_eq!(breaker.state(start), BreakerState::Open);
        assert_eq!(breaker.admit(start), Err(Duration::from_millis(1_000)));

        let later = start + Duration::from_millis(1_000);
        assert_eq!(breaker.state(later), BreakerState::HalfOpen);
        assert_eq!(breaker.admit(later), Ok(()));
        assert!(breaker.admit(later).is_err(), "only one probes");
        breaker.record(false, later);
        assert_eq!(breaker.state(later), BreakerState::Open);

        let again = later + Duration::from_millis(1_000);
        assert_eq!(breaker.admit(again), Ok(()));
        breaker.record(true, again);
        assert_eq!(breaker.state(again), BreakerState::Closed);
    }

    #[test]
    fn a_lost_probe_shuts_nothing_out() {
        let (mut breaker, start) = (breaker(), Instant::now());
        (0..3).for_each(|_| breaker.record(false, start));
        let later = start + Duration::from_millis(1_000);
        assert_eq!(breaker.admit(later), Ok(()));
        assert_eq!(breaker.admit(later + Duration::from_millis(1_000)), Ok(()));
    }
}
