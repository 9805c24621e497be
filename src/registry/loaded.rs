//! The versions in memory: those that new plans may get, and a few of the others, those that
//! were loaded last. Any other is on the shelf, and compiled in the cache: it is loaded again when a
//! step needs it. So memory does not grow with the versions that came and went.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::calls::Calls;
use super::version::PluginVersion;

/// Versions in memory beside those in use.
const IDLE: usize = 8;

/// The versions in memory.
#[derive(Default)]
pub(super) struct Loaded {
    versions: HashMap<String, Arc<PluginVersion>>,
    /// The digests of those that are not in use, longest so first.
    idle: VecDeque<String>,
    /// What the calls of a version came to outlives its stay in memory.
    calls: HashMap<String, Arc<Calls>>,
}

impl Loaded {
    /// The version with this digest.
    pub(super) fn get(&self, digest: &str) -> Option<&Arc<PluginVersion>> {
        self.versions.get(digest)
    }

    /// What the calls of a version came to since the host started, if it was ever loaded.
    pub(super) fn calls(&self, digest: &str) -> Option<&Arc<Calls>> {
        self.calls.get(digest)
    }

    /// Takes a version; the one that is there from now on, which is the known one if it came from
    /// the same place.
    pub(super) fn put(&mut self, version: PluginVersion) -> Arc<PluginVersion> {
        let digest = version.sha256.clone();
        // What was signed once is signed, also where it is found again without its signature.
        let known = self.versions.get(&digest);
        let is_named = version.is_named || known.is_some_and(|known| known.is_named);
        if let Some(known) = known
            && known.origin == version.origin
            && known.is_named == is_named
        {
            return Arc::clone(known);
        }
        let calls = self.calls.entry(digest.clone());
        let calls = Arc::clone(calls.or_insert_with(|| Arc::clone(&version.calls)));
        let version = Arc::new(PluginVersion {
            calls,
            is_named,
            ..version
        });
        self.versions.insert(digest, Arc::clone(&version));
        version
    }

    /// Puts back a version that may have been let go of meanwhile.
    pub(super) fn put_back(&mut self, version: &Arc<PluginVersion>) {
        let digest = version.sha256.clone();
        self.versions
            .entry(digest)
            .or_insert_with(|| Arc::clone(version));
    }

    /// Forgets a version and its calls.
    pub(super) fn remove(&mut self, digest: &str) {
        self.versions.remove(digest);
        self.calls.remove(digest);
        self.idle.retain(|idle| idle != digest);
    }

    /// Lets go of what is not in use, but for a few.
    pub(super) fn trim(&mut self, in_use: &HashSet<&str>) {
        self.idle.retain(|digest| !in_use.contains(digest.as_str()));
        for digest in self.versions.keys() {
            if !in_use.contains(digest.as_str()) && !self.idle.contains(digest) {
                self.idle.push_back(digest.clone());
            }
        }
        while self.idle.len() > IDLE {
            if let Some(digest) = self.idle.pop_front() {
                self.versions.remove(&digest);
            }
        }
    }
}
