//! Loads components, all in the same way: within the limits, and with their manifest checked.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::calls::Calls;
use super::version::{Origin, PluginVersion};
use super::{Component, Grant, Manifest, Terms};
use crate::sandbox::bindings as wit;
use crate::sandbox::{Boundary, CompileCache, LoadError, Plugin, Sandbox, sha256};
use crate::services::Catalogue;

/// Loads components.
pub struct Loader {
    /// Runs them.
    pub sandbox: Arc<Sandbox>,
    /// Has those that were compiled before.
    pub cache: Arc<CompileCache>,
    /// The services that they may ask.
    pub catalogue: Catalogue,
    /// What the operator allows them.
    pub terms: Terms,
}

impl Loader {
    pub(super) async fn load(
        &self,
        component: Component,
        origin: Origin,
    ) -> Result<PluginVersion, LoadError> {
        self.load_within(component, origin, None).await
    }

    /// The same of one that nobody asked for just now: compiling may take so much time, if that is
    /// less than its limit, and is not done again where it did no good.
    pub(super) async fn load_patiently(
        &self,
        component: Component,
        origin: Origin,
        within: Duration,
    ) -> Result<PluginVersion, LoadError> {
        let bytes = Arc::clone(&component.bytes);
        if let Some(refusal) = self.cache.refusal(&self.sandbox, &bytes).await {
            return Err(refusal);
        }
        let loaded = self.load_within(component, origin, Some(within)).await;
        if let Err(error) = &loaded
            && error.is_the_compilers()
            && !self.may_take_longer(error, within)
        {
            self.cache.remember(&self.sandbox, &bytes, error).await;
        }
        loaded
    }

    /// Whether compiling was given up before its limit.
    pub(super) fn may_take_longer(&self, error: &LoadError, within: Duration) -> bool {
        let limit = Duration::from_millis(self.sandbox.limits().compile_ms);
        matches!(error, LoadError::CompileTime(_)) && within < limit
    }

    async fn load_within(
        &self,
        component: Component,
        origin: Origin,
        within: Option<Duration>,
    ) -> Result<PluginVersion, LoadError> {
        let sha256 = self.digest(component.clone(), &origin).await?;
        let size = component.bytes.len();
        let (sandbox, cache) = (Arc::clone(&self.sandbox), Arc::clone(&self.cache));
        let bytes = Arc::clone(&component.bytes);
        let (plugin, manifest) = Plugin::load_within(sandbox, cache, bytes, within).await?;
        let manifest = self.manifest(manifest).await?;
        let is_named = self.is_named(&manifest.kind, &sha256, component).await;
        let granted = self.terms.grants.check(&manifest);
        granted.map_err(LoadError::NotGranted)?;
        let plugin = match self.terms.shares.get(&manifest.kind) {
            Some(share) => plugin.limited(Arc::clone(share)),
            None => plugin,
        };
        Ok(PluginVersion {
            plugin,
            manifest,
            sha256,
            size,
            origin,
            is_named,
            calls: Arc::new(Calls::new(self.terms.quarantine)),
        })
    }

    /// What a plugin with this manifest is granted.
    pub fn grant<'a>(&'a self, manifest: &'a Manifest, is_shipped: bool) -> Grant<'a> {
        let service = self.catalogue.get(&manifest.service);
        self.terms.grants.of(manifest, service, is_shipped)
    }

    /// The component's digest, if the operator allows it. A large one takes a moment to look at.
    async fn digest(&self, component: Component, origin: &Origin) -> Result<String, LoadError> {
        let (allowed, is_ours) = (Arc::clone(&self.terms.allowed), *origin == Origin::Embedded);
        let looking = spawn_blocking(move || {
            let sha256 = sha256(&component.bytes);
            if !is_ours {
                allowed.check(&sha256, &component)?;
            }
            Ok(sha256)
        });
        let looked = looking.await;
        looked.unwrap_or_else(|error| Err(LoadError::NotAllowed(vec![error.to_string()])))
    }

    /// Whether the operator named this component for its kind. A large one takes a moment.
    async fn is_named(&self, kind: &str, sha256: &str, component: Component) -> bool {
        if !self.terms.trusted.contains_key(kind) {
            return false;
        }
        let trusted = Arc::clone(&self.terms.trusted);
        let (kind, sha256) = (kind.to_owned(), sha256.to_owned());
        let looking = spawn_blocking(move || {
            let named = trusted.get(&kind);
            named.is_some_and(|named| named.lists(&sha256, &component))
        });
        looking.await.unwrap_or(false)
    }

    /// What a plugin says of itself, checked. Its schema may take a moment to compile.
    async fn manifest(&self, said: wit::Manifest) -> Result<Manifest, LoadError> {
        let catalogue = self.catalogue.clone();
        let checking = spawn_blocking(move || Manifest::check(said, &catalogue));
        let checked = checking.await;
        let checked = checked.unwrap_or_else(|error| Err(vec![error.to_string()]));
        checked.map_err(LoadError::Manifest)
    }

    /// Compiles and links a component, and asks it what it is; what it says is not checked.
    ///
    /// # Errors
    /// Why it is no step component.
    pub async fn describe(&self, bytes: Arc<[u8]>) -> Result<(Plugin, wit::Manifest), LoadError> {
        let sandbox = Arc::clone(&self.sandbox);
        Plugin::load(sandbox, Arc::clone(&self.cache), bytes).await
    }

    /// What a component imports and exports.
    ///
    /// # Errors
    /// Why the host would not compile it.
    pub async fn boundary(&self, bytes: Arc<[u8]>) -> Result<Boundary, LoadError> {
        Boundary::of(&self.sandbox, Arc::clone(&self.cache), bytes).await
    }

    /// Reads a component within the size limit, and its signature if there is one.
    ///
    /// # Errors
    /// When one of them is no regular file, can't be read, or is too large.
    pub fn read(&self, file: &Path) -> anyhow::Result<Component> {
        Component::read(file, self.limit())
    }

    /// Loads the component in a file; and gives it as it was read.
    ///
    /// # Errors
    /// Why the file can't be read, or is no step component.
    pub async fn load_file(&self, file: PathBuf) -> anyhow::Result<(PluginVersion, Component)> {
        let component = self.read(&file)?;
        let version = self.load(component.clone(), Origin::File(file)).await?;
        Ok((version, component))
    }

    /// The largest component, in bytes.
    pub(super) fn limit(&self) -> usize {
        self.sandbox.limits().component_bytes
    }
}
