//! Watches the plugins folder: looks, loads what is new, and serves it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::files::{self, Stamps};
use super::{Folder, Round, Stage, TRIES};
use crate::disk::{Disk, NoAnswer};
use crate::registry::version::Origin;
use crate::registry::{Component, FOLDER, PluginVersion, Registry, RegistryError};
use crate::sandbox::LoadError;

/// How often the folder is looked at. A file that is written to is taken once it has not changed
/// from one look to the next.
const LOOK: Duration = Duration::from_millis(250);

/// Files that are loaded at the same time: fewer than are compiled, so that others find a place.
const LANES: usize = 2;

/// What came of loading a file.
struct Outcome {
    path: PathBuf,
    stamps: Stamps,
    round: Round,
    /// Whether the file was the same all the while.
    is_same: bool,
    loaded: anyhow::Result<(PluginVersion, Component)>,
}

impl Registry {
    /// Loads what is not loaded yet, and watches the plugins folder, if there is one, for as long as it
    /// is polled.
    pub async fn watch(self: Arc<Self>) {
        tokio::join!(self.load_choices(), self.watch_folder());
        // There is nothing to watch.
        std::future::pending().await
    }

    async fn watch_folder(self: &Arc<Self>) {
        let Some(folder) = &self.folder else { return };
        let mut folder = folder.lock().await;
        let mut loads = JoinSet::new();
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        folder.begin_again();
        loop {
            while loads.len() < LANES
                && let Some((path, stamps, round)) = folder.next()
            {
                let (registry, disk) = (Arc::clone(self), folder.files.disk());
                loads.spawn(async move { registry.load_file(disk, path, stamps, round).await });
            }
            self.tell(&folder);
            tokio::select! {
                _ = look.tick() => folder.look().await,
                Some(ended) = loads.join_next() => match ended {
                    Ok(outcome) => self.take_in(&mut folder, outcome).await,
                    Err(error) => {
                        tracing::error!("loading a component ended by a fault of the host: {error}");
                        folder.begin_again();
                    }
                },
            }
            self.serve_folder(&mut folder).await;
        }
    }

    async fn load_file(&self, disk: Disk, path: PathBuf, stamps: Stamps, round: Round) -> Outcome {
        let loaded = self.try_to_load(&disk, &path, round).await;
        let now = files::stamps_now(&disk, &path).await;
        Outcome {
            is_same: now.is_ok_and(|now| now == stamps),
            path,
            stamps,
            round,
            loaded,
        }
    }

    async fn try_to_load(
        &self,
        disk: &Disk,
        path: &Path,
        round: Round,
    ) -> anyhow::Result<(PluginVersion, Component)> {
        let component = Component::ask_for(disk, path, self.loader.limit()).await;
        let component = component.map_err(|error| match error.downcast_ref::<io::Error>() {
            Some(large) if large.kind() == io::ErrorKind::FileTooLarge => {
                anyhow!("{error:#} (component_bytes under [limits.plugin])")
            }
            Some(held) if held.kind() == io::ErrorKind::WouldBlock => error.context(
                "another program holds it, or it has nothing in it now; it is tried again",
            ),
            _ => error,
        })?;
        let origin = Origin::File(path.to_owned());
        let loading = self
            .loader
            .load_patiently(component.clone(), origin, round.limit());
        let version = loading.await?;
        let fits = self.settings().fit(&version.manifest).await;
        fits.map_err(anyhow::Error::msg)?;
        Ok((version, component))
    }

    /// Takes what came of a file. What it gave before stays until something better has come: a bad
    /// file changes nothing.
    async fn take_in(&self, folder: &mut Folder, outcome: Outcome) {
        let Outcome {
            path,
            stamps,
            round,
            is_same,
            loaded,
        } = outcome;
        let Some(seen) = folder.seen.get_mut(&path) else {
            return;
        };
        if seen.stamps != stamps || seen.stage != Stage::Loading(round) {
            return;
        }
        let error = match loaded {
            Ok((version, component)) => {
                // Until it is served no clean-up may take it away.
                let _order = self.choosing.lock().await;
                match self.keep(version, component, FOLDER).await {
                    Ok(version) => {
                        let kind = version.manifest.kind.clone();
                        seen.gave = Some((kind, version.sha256.clone()));
                        seen.refusal = None;
                        seen.stage = if is_same {
                            Stage::Settled
                        } else {
                            Stage::Fresh
                        };
                        return self.serve_folder(folder).await;
                    }
                    Err(error) => error.into(),
                }
            }
            Err(error) => error,
        };
        if let Some(why) = NoAnswer::of(&error) {
            // That is said of it, until it answers.
            seen.stage = Stage::Fresh;
            folder.files.note(&path, why);
            return;
        }
        seen.stage = match error.downcast_ref() {
            Some(error) if self.loader.may_take_longer(error, round.limit()) => {
                Stage::Due(round.next())
            }
            // It was written to while it was read.
            _ if !is_same => Stage::Fresh,
            _ if may_pass(&error) => {
                seen.failures = seen.failures.saturating_add(1);
                Stage::Fresh
            }
            _ => Stage::Settled,
        };
        if seen.stage == Stage::Settled || seen.failures >= TRIES {
            seen.refusal = Some(format!("{error:#}"));
        }
    }

    /// From now on the folder serves this.
    async fn serve_folder(&self, folder: &mut Folder) {
        let kinds = folder.serves().kinds;
        if self.read().folder == kinds {
            return;
        }
        let mut versions = Vec::new();
        for digest in kinds.values() {
            // In memory but for one that waited long for its turn.
            match self.version(digest).await {
                Ok(version) => versions.push(version),
                Err(error) => folder.refuse(digest, &error.to_string()),
            }
        }
        let mut state = self.write();
        state.folder = versions
            .iter()
            .map(|version| (version.manifest.kind.clone(), version.sha256.clone()))
            .collect();
        for version in &versions {
            state.loaded.put_back(version);
        }
        state.trim();
    }

    /// Says how the folder is.
    pub(in crate::registry) fn tell(&self, folder: &Folder) {
        let mut state = self.write();
        let shipped = &state.embedded;
        let notices = folder
            .notices(|kind, digest| shipped.get(kind).is_some_and(|embedded| embedded != digest));
        for new in notices
            .iter()
            .filter(|new| !state.folder_notices.contains(new))
        {
            tracing::warn!("{new}");
        }
        state.folder_notices = notices;
        state.loading.files = folder.loading();
        state.loading.may_be_known = folder.may_be_known();
        state.loading.is_troubled = folder.is_troubled();
        self.note_progress(&mut state);
    }
}

/// Whether the same file may load at another time.
fn may_pass(error: &anyhow::Error) -> bool {
    let load = error.downcast_ref::<LoadError>();
    let io = error.downcast_ref::<io::Error>();
    load.is_some_and(LoadError::may_pass)
        || error.is::<RegistryError>()
        || io.is_some_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}
