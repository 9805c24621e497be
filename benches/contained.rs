//! What misbehaviour costs the others: how far past its deadline a guest gets that does not end, and
//! how much memory each instance takes that is kept waiting. Prints its figures; the guest is the
//! hostile one of the tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use std::future::{Future, poll_fn};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use codex_mesh::guest_build;
use codex_mesh::sandbox::{Clock, CompileCache, Fault, Limits, Plugin, Sandbox};

/// Guests that don't end, one after the other.
const RUNAWAYS: usize = 50;

/// Guests that wait at the same time.
const WAITING: u32 = 1_000;

fn hostile() -> Arc<[u8]> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests");
    let built = guest_build::cargo(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "--locked",
            "--profile",
            "plugin",
            "--package",
            "guest-hostile",
        ])
        .arg("--target-dir")
        .arg(&target)
        .status();
    assert!(built.unwrap().success(), "the guest does not build");
    let file = target
        .join(guest_build::TARGET)
        .join("plugin/guest_hostile.wasm");
    Arc::from(std::fs::read(file).unwrap())
}

async fn load(cache: &Path, limits: Limits) -> Plugin {
    let sandbox = Arc::new(Sandbox::new(limits, env!("CARGO_BIN_EXE_codex-mesh").into()).unwrap());
    let cache = Arc::new(CompileCache::open(cache).unwrap());
    Plugin::load(sandbox, cache, hostile()).await.unwrap().0
}

/// How far past their deadline loops get, shortest first.
async fn overshoots(cache: &Path) -> Vec<Duration> {
    let limits = Limits {
        cpu_ms: 50,
        ..Limits::default()
    };
    let deadline = Duration::from_millis(limits.cpu_ms);
    let plugin = load(cache, limits).await;
    let mut overshoots = Vec::new();
    for _ in 0..RUNAWAYS {
        let started = Instant::now();
        let called = plugin
            .shape(&common::context("shape:loop"), Clock::IDLE)
            .await;
        overshoots.push(started.elapsed().saturating_sub(deadline));
        assert!(
            matches!(called.outcome, Err(Fault::CpuTime(_))),
            "{called:?}"
        );
    }
    overshoots.sort();
    overshoots
}

/// What each of many instances adds to the resident memory of this process, in bytes, while it waits
/// in the middle of its call.
async fn resident(cache: &Path) -> usize {
    let limits = Limits {
        concurrent_calls: WAITING,
        wall_ms: 600_000,
        ..Limits::default()
    };
    let plugin = load(cache, limits).await;
    let context = common::context("shape:sleep");
    let before = resident_bytes();
    let mut calls: Vec<Pin<Box<dyn Future<Output = _>>>> = Vec::new();
    for _ in 0..WAITING {
        calls.push(Box::pin(plugin.shape(&context, Clock::IDLE)));
    }
    poll_fn(|now| {
        for call in &mut calls {
            // The guest runs up to its sleep.
            assert!(call.as_mut().poll(now).is_pending());
        }
        Poll::Ready(())
    })
    .await;
    let after = resident_bytes();
    (after - before) / usize::try_from(WAITING).unwrap()
}

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse::<usize>().unwrap() << 10
}

#[tokio::main]
async fn main() {
    let cache = tempfile::tempdir().unwrap();
    let overshoots = overshoots(cache.path()).await;
    println!(
        "a runaway is stopped {:.1?} after its deadline (median of {RUNAWAYS}), {:.1?} at the most",
        overshoots[RUNAWAYS / 2],
        overshoots[RUNAWAYS - 1]
    );
    let bytes = resident(cache.path()).await;
    println!(
        "each of {WAITING} instances that wait takes {:.1} KiB of resident memory",
        bytes as f64 / 1024.0
    );
}
