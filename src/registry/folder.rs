//! The plugins folder: every `*.wasm` in it is a component, `*.wasm.minisig` beside it its
//! signature, and what is added, replaced or removed while the host runs is noticed. It is looked at
//! again and again: that works for every file system, and the folder is small.

mod files;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use files::{Files, Stamps};
pub(crate) use files::{Stamp, stamp};

use super::version::Origin;
use super::{Component, PluginVersion, Registry};
use crate::disk::NoAnswer;

/// How often the folder is looked at. A file that is written to is taken once it has not changed
/// from one look to the next.
const LOOK: Duration = Duration::from_millis(250);

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
    files: Files,
    seen: BTreeMap<PathBuf, Seen>,
    /// What was said about files that serve the same kind.
    clashes: Vec<String>,
    /// What was said about what does not answer.
    unanswering: Vec<String>,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            files: Files::new(path),
            seen: BTreeMap::new(),
            clashes: Vec::new(),
            unanswering: Vec::new(),
        }
    }

    /// Looks at the files; those that are to be loaded. At the start nothing is waited for.
    async fn look(&mut self, at_start: bool) -> anyhow::Result<Vec<PathBuf>> {
        let found = self.files.look().await?;
        self.seen.retain(|path, _| found.contains_key(path));
        let mut ready = Vec::new();
        for (path, stamps) in found {
            // One that does not answer stays as it was.
            let Some(stamps) = stamps else { continue };
            match self.seen.get_mut(&path) {
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
                    self.seen.insert(path, seen);
                }
            }
        }
        Ok(ready)
    }

    /// What does not answer, as far as it is new.
    fn unanswering(&mut self) -> Vec<String> {
        let said = std::mem::replace(&mut self.unanswering, self.files.unanswering());
        let new = self.unanswering.iter().filter(|new| !said.contains(new));
        new.cloned().collect()
    }

    /// By kind, what the folder serves: of two files the first. And what is new to say of that.
    fn serves(&mut self) -> (BTreeMap<String, String>, Vec<String>) {
        let mut serves: BTreeMap<String, (String, &Path)> = BTreeMap::new();
        let mut clashes = Vec::new();
        for (path, seen) in &self.seen {
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
        let before: Vec<PathBuf> = folder.seen.keys().cloned().collect();
        let ready = folder.look(at_start).await?;
        let mut notices = folder.unanswering();
        if ready.is_empty() && before.iter().eq(folder.seen.keys()) {
            return Ok(notices);
        }
        let mut loaded = Vec::new();
        for path in ready {
            let read = folder.files.read(&path, self.loader.limit()).await;
            let outcome = match read {
                Ok(component) => self.load_from_folder(&path, component).await,
                Err(error) => Err(error),
            };
            let now = folder.files.stamps(&path).await;
            let Some(seen) = folder.seen.get_mut(&path) else {
                continue;
            };
            // It may have been written to while it was read: then it is read once more.
            seen.settled = now.is_ok_and(|now| now == seen.stamps);
            match outcome {
                Ok((version, component)) => loaded.push((path, version, component)),
                // It is read once it answers, and that it does not is said already.
                Err(error) if NoAnswer::of(&error).is_some() => seen.settled = false,
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
            let Some(seen) = folder.seen.get_mut(&path) else {
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
        notices.extend(folder.unanswering());
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

    async fn load_from_folder(
        &self,
        path: &Path,
        component: Component,
    ) -> anyhow::Result<(PluginVersion, Component)> {
        let origin = Origin::File(path.to_owned());
        let version = self.loader.load(component.clone(), origin).await?;
        let fits = self.settings().fit(&version.manifest).await;
        fits.map_err(anyhow::Error::msg)?;
        Ok((version, component))
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
