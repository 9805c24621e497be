//! Where a test makes the host die: `CODEX_MESH_FAILPOINT=before:17` ends the process, as a kill
//! would, right before its 17th commit. Only in debug builds; elsewhere there is nothing here.

#[cfg(debug_assertions)]
pub(super) fn hit(place: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static SET: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
        let set = std::env::var("CODEX_MESH_FAILPOINT").ok()?;
        let (place, count) = set.split_once(':')?;
        Some((place.to_owned(), count.parse().ok()?))
    });
    static HITS: AtomicU64 = AtomicU64::new(0);

    if let Some((wanted, count)) = &*SET
        && wanted == place
        && HITS.fetch_add(1, Ordering::Relaxed) + 1 == *count
    {
        std::process::abort();
    }
}

#[cfg(not(debug_assertions))]
pub(super) fn hit(_place: &str) {}
