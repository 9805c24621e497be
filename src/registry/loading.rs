//! What is still being loaded while the host answers already: the files in the plugins folder, and the
//! versions that operators chose.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Registry, RegistryError, State};

/// What is being loaded.
#[derive(Debug, Default)]
pub(super) struct Loading {
    /// Files in the plugins folder.
    pub(super) files: BTreeSet<String>,
    /// Some of them may have been loaded before a restart.
    pub(super) may_be_known: bool,
    /// Something in the folder does not answer.
    pub(super) is_troubled: bool,
    /// Whether what was there at the start is loaded, as far as it can be.
    is_settled: bool,
    /// The digests of versions that operators chose.
    pub(super) chosen: BTreeSet<String>,
    /// The kinds that the folder served before a restart.
    pub(super) served: BTreeSet<String>,
}

/// How the plugins do, for an operator.
#[derive(Debug, Serialize)]
pub struct PluginsState {
    /// What is still being loaded: files, and the digests of versions that were chosen.
    pub loading: Vec<String>,
    /// What is wrong or odd, and what to do.
    pub notices: Vec<String>,
}

impl State {
    /// Whether this kind may still come, or a version of it that comes before the one that is there.
    pub(super) fn is_loading(&self, kind: &str) -> bool {
        let loading = &self.loading;
        match self.chosen.get(kind).and_then(|choices| choices.last()) {
            Some(Some(digest)) => loading.chosen.contains(digest),
            Some(None) => false,
            None if self.folder.contains_key(kind) => false,
            None if self.embedded.contains_key(kind) => {
                // The one that the operator put in its place must not give way to it.
                let may_come = loading.may_be_known || loading.is_troubled;
                may_come && loading.served.contains(kind)
            }
            None => !loading.is_settled,
        }
    }

    /// That this kind may still come.
    pub(super) fn not_loaded(&self, kind: &str) -> RegistryError {
        RegistryError::Loading {
            kind: kind.chars().take(64).collect(),
            loaded: self.kinds(),
        }
    }
}

impl Registry {
    /// Why new plans can't have this kind yet, if it may still come.
    pub fn loading(&self, kind: &str) -> Option<RegistryError> {
        let state = self.read();
        state.is_loading(kind).then(|| state.not_loaded(kind))
    }

    /// How the plugins do.
    pub fn plugins_state(&self) -> PluginsState {
        let state = self.read();
        let loading = state.loading.files.iter().chain(&state.loading.chosen);
        PluginsState {
            loading: loading.cloned().collect(),
            notices: state
                .folder_notices
                .iter()
                .chain(&state.notices)
                .cloned()
                .collect(),
        }
    }

    /// Whether everything was loaded that was there at the start, as far as it can be.
    pub fn is_settled(&self) -> bool {
        *self.settled.borrow()
    }

    /// Waits until that is so.
    pub async fn settled(&self) {
        // Errs only if the registry is gone, and this borrows it.
        let _ = self.settled.subscribe().wait_for(|settled| *settled).await;
    }

    /// Whether kinds may be missing because the plugins folder, or a file in it, does not answer.
    pub fn is_troubled(&self) -> bool {
        self.read().loading.is_troubled
    }

    /// Tells those who wait, if nothing is being loaded any more.
    pub(super) fn note_progress(&self, state: &mut State) {
        let loading = &mut state.loading;
        if loading.files.is_empty() && loading.chosen.is_empty() {
            loading.is_settled = true;
            self.settled
                .send_if_modified(|settled| !std::mem::replace(settled, true));
        }
    }

    /// Loads the versions that operators chose.
    pub(super) async fn load_choices(&self) {
        let chosen = self.read().loading.chosen.clone();
        for digest in chosen {
            if let Err(error) = self.version(&digest).await {
                self.note(format!("an activated plugin can't be loaded: {error}"));
            }
            let mut state = self.write();
            state.loading.chosen.remove(&digest);
            state.trim();
            self.note_progress(&mut state);
        }
    }

    /// Notes something that the operator should know.
    pub(super) fn note(&self, notice: String) {
        tracing::warn!("{notice}");
        self.write().notices.push(notice);
    }
}
