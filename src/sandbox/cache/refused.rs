//! Components that do not compile, remembered beside those that do: one that keeps the compiler busy
//! up to its limit does so once, and not at every start. Another version of the host, or other limits,
//! may do better with it, and remember nothing of it.

use std::fs::{self, DirEntry};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{CompileCache, private_file, sha256};
use crate::disk::read;
use crate::sandbox::engine::Sandbox;
use crate::sandbox::fault::LoadError;

/// Components that are remembered. Past it the one is forgotten that was refused first.
const MOST: usize = 1_000;

/// The longest reason that is kept, in bytes.
const REASON: usize = 4 << 10;

/// What the files of refused components end in.
const ENDING: &str = "refused";

impl CompileCache {
    /// Why the component is refused, if that is remembered.
    pub(crate) async fn refusal(&self, sandbox: &Sandbox, bytes: &Arc<[u8]>) -> Option<LoadError> {
        let (folder, bytes) = (self.folder.clone(), Arc::clone(bytes));
        let terms = terms(sandbox);
        let found = self.disk.ask(move || {
            let file = file(&folder, &sha256(&bytes), terms);
            let why = String::from_utf8(read(&file, REASON).ok()?).ok()?;
            Some(LoadError::Refused { why, file })
        });
        found.await.ok().flatten()
    }

    /// Remembers why the component is refused.
    pub(crate) async fn remember(&self, sandbox: &Sandbox, bytes: &Arc<[u8]>, why: &LoadError) {
        let (folder, bytes) = (self.folder.clone(), Arc::clone(bytes));
        let (terms, why) = (terms(sandbox), why.to_string());
        let written = self.disk.attempt(move || {
            forget_the_first(&folder)?;
            let file = file(&folder, &sha256(&bytes), terms);
            let aside = file.with_extension(format!("{}.tmp", uuid::Uuid::new_v4()));
            let why = why.get(..REASON).unwrap_or(&why).as_bytes();
            let written = private_file(&aside).and_then(|mut file| file.write_all(why));
            written
                .and_then(|()| fs::rename(&aside, &file))
                .inspect_err(|_| {
                    // Best effort: what matters is the error that is being returned.
                    let _ = fs::remove_file(&aside);
                })
        });
        if let Err(error) = written.await {
            let folder = self.folder.display();
            tracing::warn!(
                "a component is refused, and that can't be remembered in {folder}: {error}"
            );
        }
    }
}

/// What decides beside the component whether it compiles.
fn terms(sandbox: &Sandbox) -> u64 {
    let mut hasher = DefaultHasher::new();
    sandbox
        .engine
        .precompile_compatibility_hash()
        .hash(&mut hasher);
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    let limits = sandbox.limits();
    (limits.compile_ms, limits.compile_memory_bytes).hash(&mut hasher);
    hasher.finish()
}

fn file(folder: &Path, digest: &str, terms: u64) -> PathBuf {
    folder.join(format!("{digest}-{terms:016x}.{ENDING}"))
}

/// Makes room for one more.
fn forget_the_first(folder: &Path) -> io::Result<()> {
    let mut refused: Vec<DirEntry> = fs::read_dir(folder)?.collect::<io::Result<_>>()?;
    refused.retain(|entry| {
        entry
            .path()
            .extension()
            .is_some_and(|ending| ending == ENDING)
    });
    if refused.len() < MOST {
        return Ok(());
    }
    let when = |entry: &DirEntry| entry.metadata().and_then(|found| found.modified()).ok();
    refused.sort_by_cached_key(when);
    for entry in refused
        .iter()
        .take(refused.len().saturating_sub(MOST).saturating_add(1))
    {
        match fs::remove_file(entry.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
