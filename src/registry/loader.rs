//! Loads components, all in the same way: within the limits, and with their manifest checked.

use std::path::PathBuf;
use std::sync::Arc;

use super::version::{Calls, Origin, PluginVersion};
use super::{Manifest, folder};
use crate::sandbox::{CompileCache, LoadError, Plugin, Sandbox, sha256};
use crate::services::Catalogue;

/// Loads components.
pub(super) struct Loader {
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) cache: Arc<CompileCache>,
    pub(super) catalogue: Catalogue,
}

impl Loader {
    pub(super) async fn load(
        &self,
        bytes: Arc<[u8]>,
        origin: Origin,
    ) -> Result<PluginVersion, LoadError> {
        let size = bytes.len();
        let sha256 = sha256(&bytes);
        let sandbox = Arc::clone(&self.sandbox);
        let (plugin, manifest) = Plugin::load(sandbox, Arc::clone(&self.cache), bytes).await?;
        let manifest = Manifest::check(manifest, &self.catalogue).map_err(LoadError::Manifest)?;
        Ok(PluginVersion {
            plugin,
            manifest,
            sha256,
            size,
            origin,
            calls: Calls::default(),
        })
    }

    pub(super) async fn load_file(
        &self,
        file: PathBuf,
    ) -> anyhow::Result<(PluginVersion, Arc<[u8]>)> {
        let bytes = folder::read(&file, self.limit())?;
        let version = self.load(Arc::clone(&bytes), Origin::File(file)).await?;
        Ok((version, bytes))
    }

    /// The largest component, in bytes.
    pub(super) fn limit(&self) -> usize {
        self.sandbox.limits().component_bytes
    }
}
