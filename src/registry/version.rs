//! One version of a step kind: a component that was loaded, and how it does.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::Manifest;
use crate::sandbox::bindings::{Context, Request, Response, Verdict};
use crate::sandbox::{Called, Plugin};

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
    /// What its calls came to since the host started.
    pub calls: Arc<Calls>,
}

impl PluginVersion {
    /// The request that the step would send now; the inner error is the plugin's own reason why
    /// there is none.
    pub async fn shape(&self, context: &Context) -> Called<Result<Request, String>> {
        self.counted(self.plugin.shape(context)).await
    }

    /// What the answer means.
    pub async fn interpret(
        &self,
        context: &Context,
        request: &Request,
        response: &Response,
    ) -> Called<Verdict> {
        self.counted(self.plugin.interpret(context, request, response))
            .await
    }

    async fn counted<T>(&self, call: impl Future<Output = Called<T>>) -> Called<T> {
        let started = Instant::now();
        let called = call.await;
        self.calls.record(&called, started.elapsed());
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

/// What the calls of a version came to since the host started.
#[derive(Debug, Default)]
pub struct Calls {
    count: AtomicU64,
    faults: AtomicU64,
    micros: AtomicU64,
}

impl Calls {
    /// Counts a call that took so long.
    fn record<T>(&self, called: &Called<T>, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        if called.outcome.is_err() {
            self.faults.fetch_add(1, Ordering::Relaxed);
        }
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
