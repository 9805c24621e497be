//! What the calls of a version came to, and whether it fails too often to be called again.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::sandbox::{Called, Fault};

/// `[quarantine]`: when a version that keeps failing is not called any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Quarantine {
    /// Calls that trapped or went over a limit of their own …
    pub failures: usize,
    /// … within this time, in milliseconds; or as many of the last calls, if that is half of them.
    pub window_ms: u64,
}

impl Default for Quarantine {
    fn default() -> Self {
        Self {
            failures: 50,
            window_ms: 60_000,
        }
    }
}

/// Which function of a plugin is called. Each has a record of its own, so that one that works does
/// not hide another that never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Shape,
    Interpret,
}

/// What the calls of a version came to since the host started.
#[derive(Debug, Default)]
pub struct Calls {
    rule: Quarantine,
    count: AtomicU64,
    faults: AtomicU64,
    micros: AtomicU64,
    failing: Mutex<Failing>,
    quarantined: AtomicBool,
    /// It said the value of a secret.
    gave_away: AtomicBool,
}

/// How it fails lately.
#[derive(Debug, Default)]
struct Failing {
    /// When it failed, as far as that still counts, and how much.
    recent: VecDeque<(Instant, usize)>,
    shape: Last,
    interpret: Last,
}

/// How the last calls of one function went: of each whether it failed.
#[derive(Debug, Default)]
struct Last {
    calls: VecDeque<bool>,
    failed: usize,
}

impl Calls {
    /// None so far.
    pub(super) fn new(rule: Quarantine) -> Self {
        Self {
            rule,
            ..Self::default()
        }
    }

    /// Counts a call; whether the version is quarantined from now on. `usual` is the time that a call
    /// may compute: one that held its place for longer, and failed, counts as often as that.
    pub(super) fn record<T>(
        &self,
        function: Function,
        called: &Called<T>,
        usual: Duration,
    ) -> bool {
        if called.outcome.as_ref().is_err_and(Fault::is_no_call) {
            return false;
        }
        let micros = u64::try_from(called.took.as_micros()).unwrap_or(u64::MAX);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        let failed = match &called.outcome {
            Ok(_) => false,
            Err(fault) if fault.is_the_plugins() => true,
            // It says nothing of the version.
            Err(_) => return false,
        };
        let weight = called.took.as_nanos() / usual.as_nanos().max(1);
        let weight = usize::try_from(weight).unwrap_or(usize::MAX).max(1);
        if failed {
            self.faults.fetch_add(1, Ordering::Relaxed);
        }
        let failed = failed.then_some((Instant::now(), weight));
        self.is_too_often(function, failed) && !self.quarantined.swap(true, Ordering::Relaxed)
    }

    /// Whether it failed too often, with this call: when it failed, if it did, and how much that
    /// counts.
    fn is_too_often(&self, function: Function, failed: Option<(Instant, usize)>) -> bool {
        let most = self.rule.failures;
        let mut failing = self.failing();
        let last = match function {
            Function::Shape => &mut failing.shape,
            Function::Interpret => &mut failing.interpret,
        };
        last.add(failed.is_some(), most.saturating_mul(2));
        let mostly = last.failed >= most;
        let Some((now, weight)) = failed else {
            return false;
        };
        let window = Duration::from_millis(self.rule.window_ms);
        let recent = &mut failing.recent;
        recent.retain(|(then, _)| now.saturating_duration_since(*then) < window);
        recent.push_back((now, weight));
        let weights = recent.iter().map(|(_, weight)| *weight);
        let too_often = mostly || weights.fold(0, usize::saturating_add) >= most;
        if too_often {
            *failing = Failing::default();
        }
        too_often
    }

    fn failing(&self) -> MutexGuard<'_, Failing> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is called for no other step.
    pub fn is_quarantined(&self) -> bool {
        self.quarantine().is_some()
    }

    /// Why it is called for no other step, if so.
    pub(super) fn quarantine(&self) -> Option<Fault> {
        if self.gave_away.load(Ordering::Relaxed) {
            return Some(Fault::GaveAway);
        }
        let Quarantine {
            failures,
            window_ms,
        } = self.rule;
        let is_out = self.quarantined.load(Ordering::Relaxed);
        is_out.then_some(Fault::Quarantined(failures, window_ms))
    }

    /// It said the value of a secret; whether that is new.
    pub(super) fn gave_away(&self) -> bool {
        !self.gave_away.swap(true, Ordering::Relaxed)
    }

    /// An operator wants it all the same.
    pub(super) fn lift(&self) {
        *self.failing() = Failing::default();
        self.quarantined.store(false, Ordering::Relaxed);
        self.gave_away.store(false, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// How many of them trapped or went over a limit.
    pub fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// How long one took on average, in microseconds.
    pub fn average_micros(&self) -> u64 {
        let micros = self.micros.load(Ordering::Relaxed);
        micros.checked_div(self.count()).unwrap_or(0)
    }
}

impl Last {
    /// Adds one, and forgets the first of more than so many.
    fn add(&mut self, failed: bool, most: usize) {
        self.calls.push_back(failed);
        self.failed += usize::from(failed);
        if self.calls.len() > most && self.calls.pop_front() == Some(true) {
            self.failed -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Duration = Duration::from_millis(200);

    fn calls(failures: usize, window_ms: u64) -> Calls {
        Calls::new(Quarantine {
            failures,
            window_ms,
        })
    }

    fn after(outcome: Result<(), Fault>, took: Duration) -> Called<()> {
        Called {
            outcome,
            log: Vec::new(),
            memory_bytes: 0,
            took,
        }
    }

    fn fails(calls: &Calls, function: Function, fault: Fault) -> bool {
        calls.record(function, &after(Err(fault), Duration::ZERO), USUAL)
    }

    fn works(calls: &Calls, function: Function) -> bool {
        calls.record(function, &after(Ok(()), Duration::ZERO), USUAL)
    }

    #[test]
    fn so_many_failures_of_any_sort_within_the_window_are_too_many() {
        let calls = calls(3, 60_000);
        assert!(!fails(&calls, Function::Shape, Fault::CpuTime(200)));
        for _ in 0..100 {
            assert!(!works(&calls, Function::Shape));
        }
        assert!(!fails(&calls, Function::Interpret, Fault::Bounds));
        assert!(fails(&calls, Function::Shape, Fault::Output(1)));
        assert!(calls.is_quarantined());
    }

    #[test]
    fn one_that_wastes_the_time_of_many_counts_as_many() {
        let calls = calls(20, 60_000);
        let slept = || after(Err(Fault::WallTime(2_000)), Duration::from_millis(2_000));
        assert!(!calls.record(Function::Shape, &slept(), USUAL));
        assert!(calls.record(Function::Interpret, &slept(), USUAL));
    }

    /// However slowly they come: no window counts them, and those of `shape` that work hide nothing.
    #[test]
    fn half_of_the_last_calls_of_a_function_are_too_many() {
        let calls = calls(5, 0);
        let mut last = false;
        for _ in 0..5 {
            assert!(!last);
            assert!(!works(&calls, Function::Shape));
            assert!(!works(&calls, Function::Shape));
            assert!(!works(&calls, Function::Interpret));
            last = fails(&calls, Function::Interpret, Fault::WallTime(1));
        }
        assert!(last);
    }

    #[test]
    fn less_than_half_of_them_are_not() {
        let calls = calls(5, 0);
        for _ in 0..100 {
            assert!(!works(&calls, Function::Shape));
            assert!(!works(&calls, Function::Shape));
            assert!(!fails(&calls, Function::Shape, Fault::Bounds));
        }
        assert_eq!((calls.count(), calls.faults()), (300, 100));
    }

    #[test]
    fn what_is_not_the_plugins_counts_nowhere() {
        let calls = calls(1, 60_000);
        for fault in [
            Fault::Busy(1),
            Fault::Sandbox(String::new()),
            Fault::TooMuch {
                kind: String::new(),
                bytes: 2,
                most: 1,
                parts: String::new(),
            },
            Fault::Overfed {
                bytes: 2,
                parts: String::new(),
                fault: Box::new(Fault::Memory(1)),
            },
        ] {
            assert!(!fails(&calls, Function::Shape, fault));
        }
        assert_eq!(calls.faults(), 0);
    }
}
