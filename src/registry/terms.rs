//! What the operator allows plugins, and what follows for a version: what it is granted, whether it
//! counts as a check, and whether the operator's settings fit it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::version::{Origin, PluginVersion};
use super::{
    Allowed, Component, Grant, Grants, OperatorNeeds, OperatorSettings, Quarantine, Registry,
    RegistryError,
};
use crate::places::Taken;
use crate::sandbox::Share;

/// What the operator allows plugins.
#[derive(Clone, Default)]
pub struct Terms {
    /// By kind, a share other than the sandbox's usual limits.
    pub shares: BTreeMap<String, Arc<Share>>,
    /// Which components may be loaded beside the embedded ones.
    pub allowed: Arc<Allowed>,
    /// By kind, the components that the operator knows, beside the embedded ones.
    pub trusted: Arc<BTreeMap<String, Allowed>>,
    /// When a version that keeps failing is not called any more.
    pub quarantine: Quarantine,
    /// What they may call.
    pub grants: Grants,
    /// The results that they are handed.
    pub needs: OperatorNeeds,
    /// What their settings are where nobody else says.
    pub settings: OperatorSettings,
}

/// Whose signature of a component of one kind is worth keeping.
pub(super) struct Signers {
    allowed: Arc<Allowed>,
    trusted: Option<Allowed>,
}

impl Signers {
    /// What a component's signature is good for: 2 to be loaded, 1 to count as a check, 0 nothing.
    pub(super) fn worth(&self, component: &Component) -> u8 {
        let signs = |named: &Allowed| named.signer(component).is_ok();
        if signs(&self.allowed) {
            2
        } else {
            u8::from(self.trusted.as_ref().is_some_and(signs))
        }
    }
}

impl Terms {
    /// Whose signatures of components of this kind are worth keeping.
    pub(super) fn signers(&self, kind: &str) -> Signers {
        Signers {
            allowed: Arc::clone(&self.allowed),
            trusted: self.trusted.get(kind).cloned(),
        }
    }
}

impl Registry {
    /// What this version is granted.
    pub fn grant<'a>(&'a self, version: &'a PluginVersion) -> Grant<'a> {
        let is_shipped = self.read().is_shipped(&version.sha256);
        self.loader.grant(&version.manifest, is_shipped)
    }

    /// Whether a version counts as a check: it came with the host, or the operator named it.
    pub fn trusts(&self, version: &PluginVersion) -> bool {
        version.is_named || self.read().is_shipped(&version.sha256)
    }

    /// The same of a step that was created with the version of this digest, which is not loaded for
    /// that if it need not be.
    pub async fn trusts_digest(&self, kind: &str, digest: &str) -> bool {
        if self.read().is_shipped(digest) {
            return true;
        }
        let Some(named) = self.loader.terms.trusted.get(kind) else {
            return false;
        };
        if named.digests.contains(digest) {
            return true;
        }
        let version = self.version(digest).await;
        version.is_ok_and(|version| version.manifest.kind == kind && version.is_named)
    }

    /// How the kinds share the sandbox now, and callers what takes their components.
    pub fn taken(&self) -> impl Iterator<Item = (&'static str, Taken)> {
        let calls = self.loader.sandbox.taken().into_iter();
        calls.chain([("uploads", self.uploads.shown())])
    }

    /// The operator's settings of kinds.
    pub fn settings(&self) -> &OperatorSettings {
        &self.loader.terms.settings
    }

    /// The version with this digest, if the operator's settings fit it.
    pub(super) async fn fitting(&self, digest: &str) -> Result<Arc<PluginVersion>, RegistryError> {
        let version = self.version(digest).await?;
        let fits = self.settings().fit(&version.manifest).await;
        fits.map_err(RegistryError::Settings)?;
        Ok(version)
    }

    /// Whether the operator's settings fit the versions that new plans get. One that somebody chose
    /// while the host ran must not keep it from starting again.
    pub(super) async fn check_settings(&self) -> anyhow::Result<()> {
        let settings = &self.loader.terms.settings;
        for kind in settings.kinds() {
            let Ok(version) = self.current(kind) else {
                self.note(format!(
                    "[plugin.{kind}.settings] can't be checked: no {kind} is loaded"
                ));
                continue;
            };
            match settings.fit(&version.manifest).await {
                Err(error) if version.origin == Origin::Embedded => anyhow::bail!(error),
                Err(error) => self.note(error),
                Ok(()) => {}
            }
        }
        for version in self.offered() {
            if let Some(notice) = settings.misspelt(&version.manifest) {
                self.note(notice);
            }
        }
        Ok(())
    }
}
