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
    /// What the service did when it failed last.
    last: String,
}

impl Breaker {
    /// A breaker that sends.
    pub(super) fn new(config: BreakerConfig) -> Self {
        Self {
            config,
            circuit: Circuit::Closed { failures: 0 },
            last: String::new(),
        }
    }

    /// Whether a request may be sent now.
    ///
    /// # Errors
    /// How long to wait instead, and why.
    pub(super) fn admit(&mut self, now: Instant) -> Result<(), LeftAlone> {
        match self.circuit {
            Circuit::Closed { .. } => Ok(()),
            Circuit::Open { until } if now < until => Err(self.left_alone(until, now)),
            // A probe that never reported back must not keep the service shut out.
            Circuit::Probing { since } if now < since + self.open() => {
                Err(self.left_alone(since + self.open(), now))
            }
            Circuit::Open { .. } | Circuit::Probing { .. } => {
                self.circuit = Circuit::Probing { since: now };
                Ok(())
            }
        }
    }

    fn left_alone(&self, until: Instant, now: Instant) -> LeftAlone {
        LeftAlone {
            wait: until.saturating_duration_since(now),
            last: self.last.clone(),
        }
    }

    /// Counts a failure: what the service did.
    pub(super) fn failed(&mut self, what: String, now: Instant) {
        self.last = what;
        self.circuit = match self.circuit {
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

/// Why a request is not sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LeftAlone {
    /// For how long.
    pub(super) wait: Duration,
    /// What the service did when it failed last.
    pub(super) last: String,
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

    fn fail(breaker: &mut Breaker, now: Instant) {
        breaker.failed("answered 503".to_owned(), now);
    }

    fn left_alone(millis: u64) -> Result<(), LeftAlone> {
        Err(LeftAlone {
            wait: Duration::from_millis(millis),
            last: "answered 503".to_owned(),
        })
    }

    #[test]
    fn opens_after_failures_in_a_row_and_lets_one_probe() {
        let (mut breaker, start) = (breaker(), Instant::now());
        for _ in 0..2 {
            assert_eq!(breaker.admit(start), Ok(()));
            fail(&mut breaker, start);
        }
        assert_eq!(breaker.state(start), BreakerState::Closed);
        fail(&mut breaker, start);
        assert_eq!(breaker.state(start), BreakerState::Open);
        assert_eq!(breaker.admit(start), left_alone(1_000));

        let later = start + Duration::from_millis(1_000);
        assert_eq!(breaker.state(later), BreakerState::HalfOpen);
        assert_eq!(breaker.admit(later), Ok(()));
        assert_eq!(breaker.admit(later), left_alone(1_000), "only one probes");
        fail(&mut breaker, later);
        assert_eq!(breaker.state(later), BreakerState::Open);
    }

    #[test]
    fn a_lost_probe_shuts_nothing_out() {
        let (mut breaker, start) = (breaker(), Instant::now());
        (0..3).for_each(|_| fail(&mut breaker, start));
        let later = start + Duration::from_millis(1_000);
        assert_eq!(breaker.admit(later), Ok(()));
        assert_eq!(breaker.admit(later + Duration::from_millis(1_000)), Ok(()));
    }
}
