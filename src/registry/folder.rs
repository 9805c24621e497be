//! The components in the plugins folder.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};

/// The most files that are looked at.
const FILES: usize = 1_000;

/// Every `*.wasm` in the folder, by name.
pub(super) fn components(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let unreadable = || format!("can't read the plugins folder {}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "wasm")
        {
            files.push(path);
        }
    }
    if files.len() > FILES {
        bail!(
            "the plugins folder {} has more than {FILES} components",
            folder.display()
        );
    }
    files.sort();
    Ok(files)
}

/// Reads a regular file of up to `limit` bytes.
pub(super) fn read(path: &Path, limit: usize) -> anyhow::Result<Arc<[u8]>> {
    // Asked before opening: opening a pipe would wait for its writer.
    if !std::fs::metadata(path)?.is_file() {
        bail!("it is not a regular file");
    }
    let limit = u64::try_from(limit)?;
    let mut bytes = Vec::new();
    File::open(path)?
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len())? > limit {
        bail!("it has more than {limit} bytes, which is the limit");
    }
    Ok(bytes.into())
}
