//! The breakers: one for each step kind and its service, so that what one plugin provokes is its own.
//! All versions of a kind share it. Only where something failed lately is there one.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::breaker::{Breaker, LeftAlone};
use super::{BreakerConfig, BreakerState};

/// The most kinds of one service for which there is one; what fails for others goes uncounted.
const KINDS: usize = 256;

/// By service, and by kind.
type Failing = BTreeMap<String, BTreeMap<String, Breaker>>;

/// How services have been doing for step kinds.
#[derive(Debug)]
pub(super) struct Breakers {
    config: BreakerConfig,
    failing: Mutex<Failing>,
}

impl Breakers {
    pub(super) fn new(config: BreakerConfig) -> Self {
        Self {
            config,
            failing: Mutex::default(),
        }
    }

    /// Whether a request of this kind may be sent to the service now.
    ///
    /// # Errors
    /// How long to wait instead, and why.
    pub(super) fn admit(&self, service: &str, kind: &str, now: Instant) -> Result<(), LeftAlone> {
        let mut failing = self.failing();
        let kinds = failing.get_mut(service);
        match kinds.and_then(|kinds| kinds.get_mut(kind)) {
            Some(breaker) => breaker.admit(now),
            None => Ok(()),
        }
    }

    /// Notes that a request worked.
    pub(super) fn worked(&self, service: &str, kind: &str) {
        if let Some(kinds) = self.failing().get_mut(service) {
            kinds.remove(kind);
        }
    }

    /// Counts a failure: what the service did.
    pub(super) fn failed(&self, service: &str, kind: &str, what: String, now: Instant) {
        let mut failing = self.failing();
        let kinds = failing.entry(service.to_owned()).or_default();
        if kinds.len() < KINDS || kinds.contains_key(kind) {
            let new = || Breaker::new(self.config.clone());
            let breaker = kinds.entry(kind.to_owned()).or_insert_with(new);
            breaker.failed(what, now);
        }
    }

    /// What the breakers of a service do now, by kind.
    pub(super) fn states(&self, service: &str, now: Instant) -> BTreeMap<String, BreakerState> {
        let failing = self.failing();
        let kinds = failing.get(service).into_iter().flatten();
        kinds
            .map(|(kind, breaker)| (kind.clone(), breaker.state(now)))
            .collect()
    }

    fn failing(&self) -> MutexGuard<'_, Failing> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_at_the_most_and_none_where_nothing_fails() {
        let breakers = Breakers::new(BreakerConfig {
            failures: 1,
            open_ms: 1_000,
        });
        let now = Instant::now();
        for kind in 0..2 * KINDS {
            breakers.failed("srl", &kind.to_string(), "answered 503".to_owned(), now);
        }
        assert_eq!(breakers.states("srl", now).len(), KINDS);
        assert!(breakers.admit("srl", "0", now).is_err());
        assert_eq!(breakers.admit("hardening", "0", now), Ok(()));
        for kind in 0..2 * KINDS {
            breakers.worked("srl", &kind.to_string());
        }
        assert_eq!(breakers.states("srl", now), BTreeMap::new());
    }
}
