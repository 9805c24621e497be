//! One version of a step kind: a component that was loaded, and how it does.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::Manifest;
use crate::sandbox::bindings::{Context, Request, Response, Verdict};
use crate::sandbox::{Called, Clock, Fault, Plugin};

/// One version of a step kind, loaded.
pub struct PluginVersion {
    /// Runs it.
    pub plugin: Plugin,
    /// What it says of itself.
    pub manifest: Manifest,
    /// The digest of its component, in lower-case hexadecimal.
    pub sha256: String,
    /// The size of its component, in bytes.
    pub size: usize,
    /// Where it came from.
    pub origin: Origin,
    /// The operator named its component, or who signed it, as one to trust with its kind.
    pub is_named: bool,
    /// What its calls came to since the host started.
    pub calls: Arc<Calls>,
}

impl PluginVersion {
    /// The request that the step would send now; the inner error is the plugin's own reason why
    /// there is none.
    ///
    /// A version that is quarantined is not called for another step; what it asked for before is
    /// still interpreted.
    pub async fn shape(&self, context: &Context, clock: Clock) -> Called<Result<Request, String>> {
        if let Some(fault) = self.calls.quarantine() {
            return Called {
                outcome: Err(fault),
                log: Vec::new(),
                memory_bytes: 0,
            };
        }
        self.counted(self.plugin.shape(context, clock)).await
    }

    /// What the answer means.
    pub async fn interpret(
        &self,
        context: &Context,
        request: &Request,
        response: &Response,
        clock: Clock,
    ) -> Called<Verdict> {
        self.counted(self.plugin.interpret(context, request, response, clock))
            .await
    }

    /// It said the value of a secret that nobody told it: it is not called again, as each guess that
    /// is answered tells something.
    pub fn gave_away(&self) {
        if !self.calls.gave_away.swap(true, Ordering::Relaxed) {
            let (kind, version) = (&self.manifest.kind, &self.manifest.version);
            tracing::error!(
                "{kind} {version} ({}) is quarantined: it said the value of a secret that nobody told \
                 it. It is called for no other step until a version of {kind} is activated or the \
                 host restarts",
                self.sha256
            );
        }
    }

    async fn counted<T>(&self, call: impl Future<Output = Called<T>>) -> Called<T> {
        let started = Instant::now();
        let called = call.await;
        if self.calls.record(&called, started.elapsed()) {
            let (kind, version) = (&self.manifest.kind, &self.manifest.version);
            tracing::warn!(
                "{kind} {version} ({}) is quarantined: it failed {} times within {} ms. It is called \
                 for no other step until a version of {kind} is activated or the host restarts",
                self.sha256,
                self.calls.rule.failures,
                self.calls.rule.window_ms
            );
        }
        called
    }
}

/// Where a component came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It is part of the host.
    Embedded,
    /// From this file.
    File(PathBuf),
    /// Somebody sent it.
    Upload,
    /// It is kept for plans that were created with it.
    Kept,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Embedded => f.write_str("embedded"),
            Self::File(path) => path.display().fmt(f),
            Self::Upload => f.write_str("upload"),
            Self::Kept => f.write_str("kept"),
        }
    }
}

/// `[quarantine]`: when a version that keeps failing is not called any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Quarantine {
    /// Calls that trapped or went over a limit of their own …
    pub failures: usize,
    /// … within this time, in milliseconds.
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

/// What the calls of a version came to since the host started.
#[derive(Debug, Default)]
pub struct Calls {
    rule: Quarantine,
    count: AtomicU64,
    faults: AtomicU64,
    micros: AtomicU64,
    /// When it failed, as far as that still counts: at most as often as the rule allows.
    recent: Mutex<VecDeque<Instant>>,
    quarantined: AtomicBool,
    /// It said the value of a secret.
    gave_away: AtomicBool,
}

impl Calls {
    /// None so far.
    pub(super) fn new(rule: Quarantine) -> Self {
        Self {
            rule,
            ..Self::default()
        }
    }

    /// Counts a call that took so long; whether the version is quarantined from now on.
    fn record<T>(&self, called: &Called<T>, took: Duration) -> bool {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        let Err(fault) = &called.outcome else {
            return false;
        };
        self.faults.fetch_add(1, Ordering::Relaxed);
        fault.is_the_plugins()
            && self.is_too_often(Instant::now())
            && !self.quarantined.swap(true, Ordering::Relaxed)
    }

    /// Whether it failed too often, with this time.
    fn is_too_often(&self, now: Instant) -> bool {
        let window = Duration::from_millis(self.rule.window_ms);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|then| now.saturating_duration_since(*then) < window);
        recent.push_back(now);
        let too_often = recent.len() >= self.rule.failures;
        if too_often {
            recent.clear();
        }
        too_often
    }

    /// Whether it is called for no other step.
    pub fn is_quarantined(&self) -> bool {
        self.quarantine().is_some()
    }

    /// Why it is called for no other step, if so.
    fn quarantine(&self) -> Option<Fault> {
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

    /// An operator wants it all the same.
    pub(super) fn lift(&self) {
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
