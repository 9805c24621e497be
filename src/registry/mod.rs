//! Which step kinds there are, in which versions, where each came from, and which version a new
//! plan gets: what an operator activated, else the plugins folder's, else the embedded one.
//!
//! # Layout
//! - [`Registry`]: the versions, and the choice among them. [`choose`]: what operators do.
//! - [`Component`]: bytes and signature. [`Allowed`]: which may be loaded.
//! - [`Terms`]: what the operator allows plugins, and what follows for a version.
//! - [`PluginVersion`]: one loaded component. [`Manifest`]: what it says of itself, checked;
//!   [`SettingsSchema`]: of its settings. [`Grants`]: what it may call. [`OperatorSettings`]: what
//!   the operator sets for its steps.
//! - [`embedded`]: the components built from `plugins/` and shipped in the host; [`folder`]: those
//!   in the plugins folder; [`loading`]: what is still to come of them; [`shelf`]: all of them by
//!   digest, for as long as a plan needs them.

mod allowed;
mod calls;
mod choose;
mod component;
pub mod embedded;
mod error;
mod folder;
mod grants;
mod loaded;
mod loader;
mod loading;
mod manifest;
mod needs;
mod schema;
mod settings;
mod shelf;
mod terms;
mod version;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::watch;
use tokio::task::spawn_blocking;

use crate::caller::Caller;
use crate::places::{Places, Purpose, Share};
use crate::sandbox::{CompileCache, Sandbox};
use crate::services::Catalogue;
use crate::store::{PluginChoice, PluginRecord, Store};

pub use allowed::{Allowed, SigningKey};
pub use calls::{Calls, Quarantine};
pub use choose::{Selector, VersionLine};
pub use component::{Component, SIGNATURE_BYTES, read_signature};
pub use error::RegistryError;
use folder::Folder;
pub(crate) use folder::{Stamp, stamp};
pub use grants::{Grant, Granted, GrantedRoutes, Grants, KindGrants};
use loaded::Loaded;
pub use loader::Loader;
use loading::Loading;
pub use loading::PluginsState;
pub use manifest::{Manifest, check_kind};
pub use needs::OperatorNeeds;
pub use schema::{MOST_WORK, SettingsSchema};
pub use settings::{KindSettings, OperatorSettings};
use shelf::Shelf;
pub use terms::Terms;
pub use version::{Origin, PluginVersion};

/// Components that are sent and compiled at the same time, two of them of one caller. Each is in
/// memory meanwhile, and keeps a processor busy.
const UPLOADS: usize = 3;

/// What is said of them.
const UPLOADING: Purpose = Purpose {
    are: "components are being taken",
    setting: "fixed",
};

/// How many times what it leaves free a caller may have of them.
const TIMES: usize = 1;

/// The origin on record of what somebody sent.
const UPLOAD: &str = "upload";

/// The origin on record of what was in the plugins folder.
const FOLDER: &str = "folder";

/// The origin on record of what is part of a host.
const EMBEDDED: &str = "embedded";

/// What a registry works with.
pub struct Parts {
    /// Runs components.
    pub sandbox: Arc<Sandbox>,
    /// Keeps compiled components.
    pub cache: Arc<CompileCache>,
    /// The services that a plugin may name.
    pub catalogue: Catalogue,
    /// What the operator allows plugins.
    pub terms: Terms,
    /// Remembers versions and choices.
    pub store: Arc<dyn Store>,
    /// Where components are kept by digest.
    pub shelf: PathBuf,
    /// The plugins folder.
    pub folder: Option<PathBuf>,
}

/// The versions of all step kinds.
pub struct Registry {
    loader: Loader,
    store: Arc<dyn Store>,
    shelf: Shelf,
    folder: Option<tokio::sync::Mutex<Folder>>,
    state: RwLock<State>,
    /// Whether what was there at the start is loaded, as far as it can be.
    settled: watch::Sender<bool>,
    /// Choices are made one after the other: memory and disk agree on their order.
    choosing: tokio::sync::Mutex<()>,
    /// Kept versions are loaded one after the other.
    loading: tokio::sync::Mutex<()>,
    /// One a component that is being sent and compiled.
    uploads: Places<Caller>,
}

#[derive(Default)]
struct State {
    /// The versions in memory.
    loaded: Loaded,
    /// Every version that is kept, by digest.
    kept: BTreeMap<String, PluginRecord>,
    /// By kind, the version that is part of the host.
    embedded: BTreeMap<String, String>,
    /// By kind, the version in the plugins folder.
    folder: BTreeMap<String, String>,
    /// By kind, what operators chose, oldest first; none is "no new plans".
    chosen: BTreeMap<String, Vec<Option<String>>>,
    /// What is still being loaded.
    loading: Loading,
    /// What the operator should know of the files in the plugins folder …
    folder_notices: Vec<String>,
    /// … and of everything else.
    notices: Vec<String>,
}

impl State {
    /// The version that new plans get.
    fn current(&self, kind: &str) -> Option<&Arc<PluginVersion>> {
        let digest = match self.chosen.get(kind).and_then(|choices| choices.last()) {
            Some(choice) => choice.as_ref(),
            None => self.folder.get(kind).or_else(|| self.embedded.get(kind)),
        };
        digest.and_then(|digest| self.loaded.get(digest))
    }

    /// Lets go of versions that no new plan may get.
    fn trim(&mut self) {
        let chosen = self.chosen.values().filter_map(|choices| choices.last());
        let in_use: HashSet<&str> = chosen
            .flatten()
            .chain(self.folder.values())
            .chain(self.embedded.values())
            .map(String::as_str)
            .collect();
        self.loaded.trim(&in_use);
    }

    /// Whether the version with this digest is part of this host, or was of one before it, wherever
    /// else it is found.
    fn is_shipped(&self, digest: &str) -> bool {
        let kept = self.kept.get(digest);
        self.embedded.values().any(|embedded| embedded == digest)
            || kept.is_some_and(|record| record.origin == EMBEDDED)
    }

    /// The kinds that there are, whether or not new plans may have them.
    fn kinds(&self) -> Vec<String> {
        let sources = [&self.embedded, &self.folder];
        let mut kinds: Vec<String> = sources
            .into_iter()
            .flat_map(|kinds| kinds.keys().cloned())
            .collect();
        kinds.extend(self.kept.values().map(|record| record.kind.clone()));
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

impl Registry {
    /// Loads the embedded components. Those in the folder, and those that were chosen, are loaded by
    /// [`watch`](Self::watch); a file that is no valid step component is skipped and reported.
    ///
    /// # Errors
    /// When an embedded component does not load, or a folder or the store can't be used.
    pub async fn load(parts: Parts) -> anyhow::Result<Self> {
        let limits = parts.sandbox.limits().clone();
        let registry = Self {
            loader: Loader {
                sandbox: parts.sandbox,
                cache: parts.cache,
                catalogue: parts.catalogue,
                terms: parts.terms,
            },
            shelf: spawn_blocking(move || Shelf::open(&parts.shelf)).await??,
            store: parts.store,
            folder: parts
                .folder
                .map(|path| tokio::sync::Mutex::new(Folder::new(path, &limits))),
            state: RwLock::default(),
            settled: watch::Sender::new(false),
            choosing: tokio::sync::Mutex::default(),
            loading: tokio::sync::Mutex::default(),
            uploads: Places::new(UPLOADING, UPLOADS, [Share::each(TIMES)]),
        };
        for record in registry.store.plugins().await? {
            registry.write().kept.insert(record.sha256.clone(), record);
        }
        for (name, bytes) in embedded::COMPONENTS {
            registry
                .load_embedded(bytes)
                .await
                .map_err(|error| error.context(format!("the embedded {name}")))?;
        }
        registry.read_choices().await?;
        registry.begin().await?;
        Ok(registry)
    }

    /// Looks at what is to be loaded while the host answers already.
    async fn begin(&self) -> anyhow::Result<()> {
        if let Some(folder) = &self.folder {
            let mut folder = folder.lock().await;
            folder.begin().await?;
            self.tell(&folder);
        }
        let mut state = self.write();
        let chosen = state
            .chosen
            .values()
            .filter_map(|choices| choices.last()?.clone());
        state.loading.chosen = chosen
            .filter(|digest| state.loaded.get(digest).is_none())
            .collect();
        let served = state.kept.values().filter(|record| record.origin == FOLDER);
        state.loading.served = served.map(|record| record.kind.clone()).collect();
        self.note_progress(&mut state);
        Ok(())
    }

    /// Holds the operator's settings against the kinds that are there.
    ///
    /// # Errors
    /// When those of an embedded kind do not fit.
    pub async fn check(&self) -> anyhow::Result<()> {
        self.check_settings().await?;
        self.check_needs();
        Ok(())
    }

    async fn load_embedded(&self, bytes: &'static [u8]) -> anyhow::Result<()> {
        let component = Component {
            bytes: Arc::from(bytes),
            signature: None,
        };
        let version = self
            .loader
            .load(component.clone(), Origin::Embedded)
            .await?;
        let version = self.keep(version, component, EMBEDDED).await?;
        let kind = version.manifest.kind.clone();
        self.write().embedded.insert(kind, version.sha256.clone());
        Ok(())
    }

    async fn read_choices(&self) -> anyhow::Result<()> {
        for PluginChoice { kind, sha256 } in self.store.plugin_choices().await? {
            self.write().chosen.entry(kind).or_default().push(sha256);
        }
        Ok(())
    }

    /// Keeps a loaded version, on disk and in memory. Called with `choosing` held, or at the start:
    /// a clean-up in between would take it away again.
    async fn keep(
        &self,
        version: PluginVersion,
        component: Component,
        origin: &str,
    ) -> Result<Arc<PluginVersion>, RegistryError> {
        let digest = version.sha256.clone();
        let known = self.read().kept.get(&digest).cloned();
        // What was shipped once stays so, and what somebody sent is theirs to remove, wherever else
        // they are found.
        let was = known.as_ref().map(|known| known.origin.as_str());
        let origin = match (was, origin) {
            (Some(EMBEDDED), _) | (_, EMBEDDED) => EMBEDDED,
            (Some(UPLOAD), _) => UPLOAD,
            (_, origin) => origin,
        };
        let record = PluginRecord {
            sha256: digest.clone(),
            kind: version.manifest.kind.clone(),
            version: version.manifest.version.to_string(),
            origin: origin.to_owned(),
        };
        let signers = self.loader.terms.signers(&record.kind);
        self.shelf.put(&digest, component, signers).await?;
        if known.as_ref() != Some(&record) {
            self.store.add_plugin(record.clone()).await?;
        }
        let mut state = self.write();
        state.kept.insert(digest, record);
        let version = state.loaded.put(version);
        state.trim();
        Ok(version)
    }

    /// The version that a new plan gets.
    ///
    /// # Errors
    /// Why there is none: the kind is not loaded, was deactivated, or is quarantined.
    pub fn current(&self, kind: &str) -> Result<Arc<PluginVersion>, RegistryError> {
        let state = self.read();
        if state.is_loading(kind) {
            return Err(state.not_loaded(kind));
        }
        if let Some(version) = state.current(kind) {
            if version.calls.is_quarantined() {
                return Err(RegistryError::Quarantined(kind.to_owned()));
            }
            return Ok(Arc::clone(version));
        }
        let name: String = kind.chars().take(64).collect();
        match state.chosen.get(kind).and_then(|choices| choices.last()) {
            Some(None) => Err(RegistryError::Deactivated(name)),
            Some(Some(_)) => Err(RegistryError::NotLoadable(name)),
            None => {
                let kinds = state
                    .kinds()
                    .into_iter()
                    .filter(|kind| state.current(kind).is_some());
                Err(RegistryError::NoKind {
                    kind: name,
                    loaded: kinds.collect(),
                })
            }
        }
    }

    /// The version with this digest, for a plan that was created with it.
    ///
    /// # Errors
    /// When it is not kept, or can't be loaded.
    pub async fn version(&self, digest: &str) -> Result<Arc<PluginVersion>, RegistryError> {
        let (loaded, kept) = {
            let state = self.read();
            (
                state.loaded.get(digest).cloned(),
                state.kept.get(digest).cloned(),
            )
        };
        if let Some(version) = loaded {
            return Ok(version);
        }
        // One after the other: of many steps that wait for a version one loads it.
        let _loading = self.loading.lock().await;
        if let Some(version) = self.read().loaded.get(digest) {
            return Ok(Arc::clone(version));
        }
        let record = kept.ok_or_else(|| RegistryError::NotKept(digest.to_owned()))?;
        let failed = |error: String| RegistryError::Kept(record.kind.clone(), error);
        let component = self.shelf.get(digest, self.loader.limit()).await;
        let component = component.map_err(|error| failed(format!("{error:#}")))?;
        let origin = match record.origin.as_str() {
            UPLOAD => Origin::Upload,
            // Also of a host before this one: the operator let it in with that host.
            EMBEDDED => Origin::Embedded,
            _ => Origin::Kept,
        };
        let version = self.loader.load(component, origin).await;
        let version = version.map_err(|error| failed(error.to_string()))?;
        let mut state = self.write();
        let version = state.loaded.put(version);
        state.trim();
        Ok(version)
    }

    /// Whether an operator chose the version of one of these kinds, or that there is to be none.
    pub fn is_chosen(&self, kinds: &[&str]) -> bool {
        let state = self.read();
        kinds.iter().any(|kind| state.chosen.contains_key(*kind))
    }

    /// Whether the version with this digest is kept.
    pub fn keeps(&self, digest: &str) -> bool {
        self.read().kept.contains_key(digest)
    }

    /// The versions that new plans get, by kind.
    pub fn offered(&self) -> Vec<Arc<PluginVersion>> {
        let state = self.read();
        let kinds = state.kinds();
        kinds
            .iter()
            .filter_map(|kind| state.current(kind).cloned())
            .collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}
