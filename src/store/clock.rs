//! The clock of everything that is stored and waited for.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::plan::Timestamp;

/// When the host first looked.
static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What the clock of the system showed at most, less the time since then, in milliseconds.
static BASE: AtomicI64 = AtomicI64::new(i64::MIN);

/// The moment. It follows the clock of the system when that is set ahead. When it is set back, time goes
/// on here by itself: no moment comes twice, and no wait gets longer. A restart begins with the clock of
/// the system.
pub fn now() -> Timestamp {
    let since_begun = millis(BEGUN.elapsed().as_millis());
    let base = of_the_system().saturating_sub(since_begun);
    let base = BASE.fetch_max(base, Ordering::Relaxed).max(base);
    Timestamp::from_millis(base.saturating_add(since_begun))
}

fn of_the_system() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    millis(since.unwrap_or_default().as_millis())
}

fn millis(millis: u128) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}
