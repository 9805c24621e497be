//! What operators do with versions: send one, activate, deactivate, roll back, delete, look.

use std::sync::Arc;

use serde::Serialize;

use super::grants::Granted;
use super::version::{Origin, PluginVersion};
use super::{Component, Registry, RegistryError, State, UPLOAD};
use crate::caller::Caller;
use crate::places::Place;
use crate::sandbox::sha256;
use crate::store::{PluginChoice, PluginRecord};

/// Versions that are kept at the most, over all kinds.
const VERSIONS: usize = 1_000;

/// Choices of a kind that are remembered, and so how often a rollback leads back at the most.
const CHOICES: usize = 10;

/// Which version of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// The one that calls itself so.
    Version(String),
    /// The one with this digest.
    Sha256(String),
}

/// One version of a kind, for an operator.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionLine {
    /// What it calls itself.
    pub version: String,
    /// The version of the contract that it was built for, once it is loaded.
    pub contract: Option<String>,
    /// Its digest.
    pub sha256: String,
    /// `embedded`, `upload`, `kept` (for open plans), or the file it was loaded from.
    pub origin: String,
    /// New plans get it.
    pub active: bool,
    /// It failed too often, and is called for no other step until somebody activates a version.
    pub quarantined: bool,
    /// Open plans that were created with it.
    pub open_plans: i64,
    /// Calls since the host started.
    pub calls: u64,
    /// How many of them trapped or went over a limit.
    pub errors: u64,
    /// How long one took on average, in microseconds.
    pub average_micros: u64,
    /// What it may call, if it is loaded: before that nobody has asked it for its service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted: Option<Granted>,
}

impl Registry {
    /// Room for a component that somebody wants to send.
    ///
    /// # Errors
    /// When others are being taken, or as many are kept as may be.
    pub fn admit(&self, caller: &Caller) -> Result<Place<Caller>, RegistryError> {
        if self.read().kept.len() >= VERSIONS {
            return Err(RegistryError::Full(VERSIONS));
        }
        self.uploads.try_take(caller).map_err(RegistryError::Busy)
    }

    /// The largest component, in bytes.
    pub fn component_limit(&self) -> usize {
        self.loader.limit()
    }

    /// Takes a component that somebody sent and that was admitted. New plans get it once it is
    /// activated.
    ///
    /// # Errors
    /// When it is no step plugin of this host, or can't be kept; then nothing changed.
    pub async fn upload(
        &self,
        component: Component,
        _admitted: Place<Caller>,
    ) -> Result<Arc<PluginVersion>, RegistryError> {
        let version = match self.loader.load(component.clone(), Origin::Upload).await {
            Ok(version) => version,
            Err(error) => {
                self.let_go_of(&component).await;
                return Err(error.into());
            }
        };
        let _order = self.choosing.lock().await;
        if let Err(error) = self.has_room(&version.sha256, &component).await {
            self.let_go_of(&component).await;
            return Err(error);
        }
        self.keep(version, component, UPLOAD).await
    }

    /// Whether one more component may be kept, beside all that are.
    async fn has_room(&self, digest: &str, more: &Component) -> Result<(), RegistryError> {
        if self.keeps(digest) {
            return Ok(());
        }
        let kept = self.shelf.bytes().await?;
        let most = self.loader.sandbox.limits().kept_bytes;
        let size = u64::try_from(more.bytes.len()).unwrap_or(u64::MAX);
        if kept.saturating_add(size) > most {
            return Err(RegistryError::NoRoom { size, kept, most });
        }
        Ok(())
    }

    /// A component that is refused is not wanted again: its compiled form would only cost room.
    async fn let_go_of(&self, refused: &Component) {
        let digest = sha256(&refused.bytes);
        if self.keeps(&digest) {
            return;
        }
        if let Err(error) = self.loader.cache.remove(&digest).await {
            tracing::warn!("the compiled form of {digest} could not be removed: {error}");
        }
    }

    /// New plans get this version from now on.
    ///
    /// # Errors
    /// When there is no such version, it can't be loaded, or the operator's settings do not fit it;
    /// then nothing changed.
    pub async fn activate(
        &self,
        kind: &str,
        selector: &Selector,
    ) -> Result<Arc<PluginVersion>, RegistryError> {
        let _order = self.choosing.lock().await;
        let digest = self.read().select(kind, selector)?;
        let version = self.fitting(&digest).await?;
        self.choose(kind, Some(&version)).await?;
        version.calls.lift();
        Ok(version)
    }

    /// No new plans of this kind from now on; open ones go on.
    ///
    /// # Errors
    /// When there is no such kind.
    pub async fn deactivate(&self, kind: &str) -> Result<(), RegistryError> {
        let _order = self.choosing.lock().await;
        self.read().records(kind)?;
        self.choose(kind, None).await
    }

    async fn choose(
        &self,
        kind: &str,
        version: Option<&Arc<PluginVersion>>,
    ) -> Result<(), RegistryError> {
        let sha256 = version.map(|version| version.sha256.clone());
        let last = self
            .read()
            .chosen
            .get(kind)
            .and_then(|choices| choices.last().cloned());
        if last.as_ref() == Some(&sha256) {
            // A rollback leads back to what was before, not to the same once more.
            return Ok(());
        }
        let choice = PluginChoice {
            kind: kind.to_owned(),
            sha256: sha256.clone(),
        };
        self.store.choose_plugin(choice, CHOICES).await?;
        let mut state = self.write();
        let choices = state.chosen.entry(kind.to_owned()).or_default();
        choices.push(sha256);
        let old = choices.len().saturating_sub(CHOICES);
        choices.drain(..old);
        state.offer(version);
        Ok(())
    }

    /// Takes back the last activation or deactivation.
    ///
    /// # Errors
    /// When there was none.
    pub async fn rollback(&self, kind: &str) -> Result<(), RegistryError> {
        let _order = self.choosing.lock().await;
        self.read().records(kind)?;
        let before = {
            let state = self.read();
            let chosen = state.chosen.get(kind).map_or(&[][..], Vec::as_slice);
            chosen.iter().rev().nth(1).cloned().flatten()
        };
        // Loaded first: what can't be loaded is not gone back to.
        let version = match &before {
            Some(digest) => Some(self.fitting(digest).await?),
            None => None,
        };
        if !self.store.take_back_choice(kind).await? {
            return Err(RegistryError::NothingChosen(kind.to_owned()));
        }
        let mut state = self.write();
        if let Some(choices) = state.chosen.get_mut(kind) {
            choices.pop();
            if choices.is_empty() {
                state.chosen.remove(kind);
            }
        }
        state.offer(version.as_ref());
        Ok(())
    }

    /// Forgets a version.
    ///
    /// # Errors
    /// When there is none, or it is needed: by open plans, by new ones, or to roll back to.
    pub async fn delete(&self, kind: &str, digest: &str) -> Result<(), RegistryError> {
        let _order = self.choosing.lock().await;
        let digest = self
            .read()
            .select(kind, &Selector::Sha256(digest.to_owned()))?;
        if let Some(why) = self.read().needs(kind, &digest) {
            return Err(RegistryError::Needed(digest, why.to_owned()));
        }
        if !self.store.remove_plugin(&digest).await? {
            let why = "open plans were created with it".to_owned();
            return Err(RegistryError::Needed(digest, why));
        }
        self.forget(&digest).await;
        Ok(())
    }

    /// Lets go of what came with the host or from the folder and is not there any more, once no
    /// open plan needs it; how many versions that were.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn clean_up(&self) -> Result<usize, RegistryError> {
        let _order = self.choosing.lock().await;
        let old: Vec<PluginRecord> = {
            let state = self.read();
            let old = state.kept.values().filter(|record| {
                record.origin != UPLOAD && state.needs(&record.kind, &record.sha256).is_none()
            });
            old.cloned().collect()
        };
        let mut count = 0;
        for record in old {
            if self.store.remove_plugin(&record.sha256).await? {
                self.forget(&record.sha256).await;
                count += 1;
            }
        }
        Ok(count)
    }

    async fn forget(&self, digest: &str) {
        {
            let mut state = self.write();
            state.kept.remove(digest);
            state.loaded.remove(digest);
        }
        // A file that stays costs room and nothing else.
        let removed = match self.shelf.remove(digest).await {
            Ok(()) => self.loader.cache.remove(digest).await,
            failed => failed,
        };
        if let Err(error) = removed {
            tracing::warn!("the component {digest} could not be removed: {error}");
        }
    }

    /// Every version of a kind, for an operator.
    ///
    /// # Errors
    /// When there is no such kind, or the store can't be read.
    pub async fn versions(&self, kind: &str) -> Result<Vec<VersionLine>, RegistryError> {
        let open = self.store.open_plans().await?;
        let state = self.read();
        let current = state.current(kind).map(|version| version.sha256.clone());
        let granted = |version: &Arc<PluginVersion>| {
            let is_shipped = state.is_shipped(&version.sha256);
            self.loader.grant(&version.manifest, is_shipped).shown()
        };
        let line = |record: &PluginRecord| {
            let loaded = state.loaded.get(&record.sha256);
            let origin = loaded.map(|version| version.origin.to_string());
            let calls = state.loaded.calls(&record.sha256);
            VersionLine {
                version: record.version.clone(),
                contract: loaded.map(|version| version.plugin.contract().to_string()),
                sha256: record.sha256.clone(),
                origin: origin.unwrap_or_else(|| record.origin.clone()),
                active: current.as_ref() == Some(&record.sha256),
                quarantined: calls.is_some_and(|calls| calls.is_quarantined()),
                open_plans: open.get(&record.sha256).copied().unwrap_or(0),
                calls: calls.map_or(0, |calls| calls.count()),
                errors: calls.map_or(0, |calls| calls.faults()),
                average_micros: calls.map_or(0, |calls| calls.average_micros()),
                granted: loaded.map(granted),
            }
        };
        Ok(state.records(kind)?.into_iter().map(line).collect())
    }
}

impl State {
    /// Has the version in memory that new plans get from now on, and lets go of what they got before.
    fn offer(&mut self, version: Option<&Arc<PluginVersion>>) {
        if let Some(version) = version {
            self.loaded.put_back(version);
        }
        self.trim();
    }

    /// The kept versions of a kind.
    fn records(&self, kind: &str) -> Result<Vec<&PluginRecord>, RegistryError> {
        let records: Vec<&PluginRecord> = self
            .kept
            .values()
            .filter(|record| record.kind == kind)
            .collect();
        if records.is_empty() && self.is_loading(kind) {
            return Err(self.not_loaded(kind));
        }
        if records.is_empty() {
            let name = kind.chars().take(64).collect();
            return Err(RegistryError::NoKind {
                kind: name,
                loaded: self.kinds(),
            });
        }
        Ok(records)
    }

    fn select(&self, kind: &str, selector: &Selector) -> Result<String, RegistryError> {
        let records = self.records(kind)?;
        let (asked, found): (&String, Vec<&PluginRecord>) = match selector {
            Selector::Sha256(digest) => (
                digest,
                records
                    .iter()
                    .copied()
                    .filter(|r| r.sha256 == *digest)
                    .collect(),
            ),
            Selector::Version(version) => (
                version,
                records
                    .iter()
                    .copied()
                    .filter(|r| r.version == *version)
                    .collect(),
            ),
        };
        match found.as_slice() {
            [one] => Ok(one.sha256.clone()),
            [] => Err(RegistryError::NoVersion {
                kind: kind.to_owned(),
                asked: asked.chars().take(64).collect(),
                known: records
                    .iter()
                    .map(|r| format!("{} ({})", r.version, r.sha256))
                    .collect(),
            }),
            several => Err(RegistryError::Ambiguous {
                kind: kind.to_owned(),
                version: asked.clone(),
                known: several.iter().map(|record| record.sha256.clone()).collect(),
            }),
        }
    }

    /// Why a version is needed, but for plans that were created with it.
    fn needs(&self, kind: &str, digest: &str) -> Option<&'static str> {
        let is = |other: Option<&String>| other.is_some_and(|other| other == digest);
        let chosen = self.chosen.get(kind).map_or(&[][..], Vec::as_slice);
        if self
            .current(kind)
            .is_some_and(|current| current.sha256 == digest)
        {
            Some("new plans get it")
        } else if chosen.iter().any(|choice| is(choice.as_ref())) {
            Some("a rollback may lead back to it")
        } else if is(self.folder.get(kind)) {
            Some("it is in the plugins folder")
        } else if is(self.embedded.get(kind)) {
            Some("it is part of the host")
        } else {
            None
        }
    }
}
