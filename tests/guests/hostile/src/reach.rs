//! Looks for what it was never given: the machine, and what an earlier call left behind.

use std::io::Read;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

/// Survives only if an instance does.
static CALLS: AtomicU32 = AtomicU32::new(0);

/// What was found, as JSON.
pub fn reach(name: &str) -> Value {
    match name {
        "machine" => machine(),
        "stain" => {
            let earlier = CALLS.fetch_add(1, Ordering::Relaxed);
            let (found, left) = stain();
            json!({"earlierCalls": earlier, "stains": found, "left": left})
        }
        _ => json!({"survived": name}),
    }
}

fn machine() -> Value {
    let mut stdin = Vec::new();
    let read = std::io::stdin().read_to_end(&mut stdin);
    let listed = |path| std::fs::read_dir(path).map(Iterator::count).ok();
    json!({
        "env": std::env::vars_os().count(),
        "args": std::env::args_os().count(),
        "stdin": stdin.len(),
        "stdinEnded": read.is_ok(),
        "root": listed("/"),
        "here": listed("."),
        "passwd": std::fs::read("/etc/passwd").ok(),
        "written": std::fs::write("/tmp/codex-mesh-hostile", "x").is_ok(),
        "cwd": std::env::current_dir().ok(),
    })
}

/// Takes fresh memory, which must be all zeroes, counts what is not, stains it for the next, and
/// counts that as well. It takes more than the pool keeps resident, so that both ways of resetting
/// are met.
#[cfg(target_family = "wasm")]
fn stain() -> (usize, usize) {
    const PAGE: usize = 64 << 10;
    const PAGES: usize = 40;
    let old = core::arch::wasm32::memory_grow::<0>(PAGES);
    let start = (old * PAGE) as *mut u64;
    let words = 0..PAGES * PAGE / size_of::<u64>();
    // SAFETY: the memory was just added, is aligned to pages, and nothing else knows it.
    let is_stained = |word: &usize| unsafe { start.add(*word).read_volatile() != 0 };
    let found = words.clone().filter(is_stained).count();
    for word in words.clone() {
        // SAFETY: as above.
        unsafe { start.add(word).write_volatile(0x5354_4149_4e45_4421) };
    }
    (found, words.filter(is_stained).count())
}

#[cfg(not(target_family = "wasm"))]
fn stain() -> (usize, usize) {
    (0, 0)
}
