//! The plugins folder: every `*.wasm` in it is a component, `*.wasm.minisig` beside it its
//! signature, and what is added, replaced or removed while the host runs is noticed. It is looked at
//! again and again: that works for every file system, and the folder is small.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};

use super::component::signature_file;
use super::{PluginVersion, Registry};

/// The most files that are looked at.
const FILES: usize = 1_000;

/// How often the folder is looked at. A file that is written to is taken once it has not changed
/// from one look to the next.
const LOOK: Duration = Duration::from_millis(250);

/// What tells one state of a file from another: inode, size, and when it was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(u64, u64, i64, i64);

/// The states of a component and of its signature, if there is one.
type Stamps = (Stamp, Option<Stamp>);

/// What is known of a file.
#[derive(Debug)]
struct Seen {
    stamps: Stamps,
    /// It was loaded, or refused, as it is now.
    settled: bool,
    /// Kind and digest of what was loaded from it last.
    gave: Option<(String, String)>,
}

/// The folder, as it was looked at last.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    files: BTreeMap<PathBuf, Seen>,
    /// What was said about files that serve the same kind.
    clashes: Vec<String>,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            files: BTreeMap::new(),
            clashes: Vec::new(),
        }
    }

    /// Looks at the files; those that are to be loaded. At the start nothing is waited for.
    fn look(&mut self, at_start: bool) -> anyhow::Result<Vec<PathBuf>> {
        let found = components(&self.path)?;
        self.files.retain(|path, _| found.contains_key(path));
        let mut ready = Vec::new();
        for (path, stamps) in found {
            match self.files.get_mut(&path) {
                Some(seen) if seen.stamps != stamps => {
                    seen.stamps = stamps;
                    seen.settled = false;
                }
                Some(seen) if seen.settled => {}
                Some(_) => ready.push(path),
                None => {
                    let seen = Seen {
                        stamps,
                        settled: false,
                        gave: None,
                    };
                    if at_start {
                        ready.push(path.clone());
                    }
                    self.files.insert(path, seen);
                }
            }
        }
        Ok(ready)
    }

    /// By kind, what the folder serves: of two files the first. And what is new to say of that.
    fn serves(&mut self) -> (BTreeMap<String, String>, Vec<String>) {
        let mut serves: BTreeMap<String, (String, &Path)> = BTreeMap::new();
        let mut clashes = Vec::new();
        for (path, seen) in &self.files {
            let Some((kind, digest)) = &seen.gave else {
                continue;
            };
            match serves.get(kind) {
                None => {
                    serves.insert(kind.clone(), (digest.clone(), path));
                }
                Some((_, first)) => clashes.push(format!(
                    "{} is skipped: {} already serves the kind {kind}",
                    path.display(),
                    first.display()
                )),
            }
        }
        let serves = serves
            .into_iter()
            .map(|(kind, (digest, _))| (kind, digest))
            .collect();
        let new = clashes
            .iter()
            .filter(|clash| !self.clashes.contains(clash))
            .cloned()
            .collect();
        self.clashes = clashes;
        (serves, new)
    }
}

impl Registry {
    /// Watches the plugins folder, if there is one, for as long as it is polled.
    pub async fn watch(&self) {
        if self.folder.is_none() {
            return std::future::pending().await;
        }
        // A fault that lasts is reported once.
        let mut fault = None;
        loop {
            tokio::time::sleep(LOOK).await;
            match self.look_at_folder(false).await {
                Ok(notices) => {
                    fault = None;
                    notices.iter().for_each(|notice| tracing::warn!("{notice}"));
                }
                Err(error) => {
                    let error = format!("{error:#}");
                    if fault.as_ref() != Some(&error) {
                        tracing::warn!("{error}");
                    }
                    fault = Some(error);
                }
            }
        }
    }

    /// Loads what is new in the folder; what the operator should know of it.
    pub(super) async fn look_at_folder(&self, at_start: bool) -> anyhow::Result<Vec<String>> {
        let Some(folder) = &self.folder else {
            return Ok(Vec::new());
        };
        let mut folder = folder.lock().await;
        let before: Vec<PathBuf> = folder.files.keys().cloned().collect();
        let ready = folder.look(at_start)?;
        if ready.is_empty() && before.iter().eq(folder.files.keys()) {
            return Ok(Vec::new());
        }
        let mut notices = Vec::new();
        let mut loaded = Vec::new();
        for path in ready {
            let outcome = self.loader.load_file(path.clone()).await;
            let outcome = match outcome {
                Ok((version, component)) => {
                    let fits = self.settings().fit(&version.manifest).await;
                    fits.map_err(anyhow::Error::msg)
                        .map(|()| (version, component))
                }
                Err(error) => Err(error),
            };
            let Some(seen) = folder.files.get_mut(&path) else {
                continue;
            };
            // It may have been written to while it was read: then it is read once more.
            seen.settled = stamps(&path).is_ok_and(|now| now == seen.stamps);
            match outcome {
                Ok((version, component)) => loaded.push((path, version, component)),
                // What it gave before stays: a bad file changes nothing.
                Err(error) if seen.settled => {
                    notices.push(format!("{} is skipped: {error:#}", path.display()));
                }
                Err(_) => {}
            }
        }
        // From here to its end no clean-up takes away what is kept and not served yet.
        let _order = self.choosing.lock().await;
        for (path, version, component) in loaded {
            let kept = self.keep(version, component, "folder").await;
            let Some(seen) = folder.files.get_mut(&path) else {
                continue;
            };
            match kept {
                Ok(version) => {
                    seen.gave = Some((version.manifest.kind.clone(), version.sha256.clone()));
                }
                Err(error) => {
                    // The file is not at fault, so it is tried again.
                    seen.settled = false;
                    return Err(error.into());
                }
            }
        }
        let (serves, clashes) = folder.serves();
        notices.extend(clashes);
        let mut versions = Vec::new();
        for (kind, digest) in serves {
            // In memory but for one that waited long for its turn.
            match self.version(&digest).await {
                Ok(version) => versions.push(version),
                Err(error) => notices.push(format!("the folder's {kind} is skipped: {error}")),
            }
        }
        notices.extend(self.serve_folder(&versions));
        Ok(notices)
    }

    /// From now on the folder serves these; which embedded kinds they replace that it did not before.
    fn serve_folder(&self, versions: &[Arc<PluginVersion>]) -> Vec<String> {
        let mut state = self.write();
        let before = std::mem::take(&mut state.folder);
        let mut notices = Vec::new();
        for version in versions {
            let (kind, digest) = (&version.manifest.kind, &version.sha256);
            let replaces = |embedded: &String| embedded != digest;
            if before.get(kind) != Some(digest) && state.embedded.get(kind).is_some_and(replaces) {
                let origin = &version.origin;
                notices.push(format!("{origin} replaces the embedded kind {kind}"));
            }
            state.folder.insert(kind.clone(), digest.clone());
            state.loaded.put_back(version);
        }
        state.trim();
        notices
    }
}

/// Every `*.wasm` in the folder, by name.
fn components(folder: &Path) -> anyhow::Result<BTreeMap<PathBuf, Stamps>> {
    let unreadable = || format!("can't read the plugins folder {}", folder.display());
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        let is_component = path
            .extension()
            .is_some_and(|extension| extension == "wasm");
        // What went away meanwhile is not there.
        if is_component && let Ok(stamps) = stamps(&path) {
            files.insert(path, stamps);
        }
    }
    if files.len() > FILES {
        bail!(
            "the plugins folder {} has more than {FILES} components",
            folder.display()
        );
    }
    Ok(files)
}

fn stamps(component: &Path) -> std::io::Result<Stamps> {
    Ok((stamp(component)?, stamp(&signature_file(component)).ok()))
}

/// What a file is like now.
pub(crate) fn stamp(path: &Path) -> std::io::Result<Stamp> {
    // Of the link itself if it leads nowhere: a link without its file is worth a notice.
    let found = fs::metadata(path).or_else(|_| fs::symlink_metadata(path))?;
    Ok(Stamp(
        found.ino(),
        found.size(),
        found.mtime(),
        found.mtime_nsec(),
    ))
}
