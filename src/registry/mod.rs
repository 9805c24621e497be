//! Which step kinds there are, where each came from, and which component a new plan gets.
//!
//! # Layout
//! - [`Registry`]: the loaded kinds.
//! - [`Manifest`]: what a plugin says of itself, checked; [`SettingsSchema`]: of its settings.
//! - [`embedded`]: the components built from `plugins/` and shipped in the host.

pub mod embedded;
mod folder;
mod manifest;
mod schema;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::sandbox::{CompileCache, LoadError, Plugin, Sandbox, sha256};
use crate::services::Catalogue;

pub use manifest::Manifest;
pub use schema::SettingsSchema;

/// One loaded step kind.
pub struct Kind {
    /// Runs it.
    pub plugin: Plugin,
    /// What it says of itself.
    pub manifest: Manifest,
    /// The digest of its component, in lower-case hexadecimal.
    pub sha256: String,
    /// The size of its component, in bytes.
    pub size: usize,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a component came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It is part of the host.
    Embedded,
    /// From this file.
    File(PathBuf),
}

/// The loaded kinds, by name.
pub struct Registry {
    kinds: BTreeMap<String, Arc<Kind>>,
    /// What the operator should know of the files in the plugins folder.
    pub notices: Vec<String>,
}

/// Loads components one by one, all in the same way.
struct Loader<'a> {
    sandbox: Arc<Sandbox>,
    cache: Arc<CompileCache>,
    catalogue: &'a Catalogue,
}

impl Registry {
    /// Loads the embedded components, then those in the folder. A file that is no valid step
    /// component is skipped and reported.
    ///
    /// # Errors
    /// When an embedded component does not load, or the folder can't be read.
    pub async fn load(
        sandbox: Arc<Sandbox>,
        cache: Arc<CompileCache>,
        catalogue: &Catalogue,
        folder: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let loader = Loader {
            sandbox,
            cache,
            catalogue,
        };
        let mut registry = Self {
            kinds: BTreeMap::new(),
            notices: Vec::new(),
        };
        for (name, bytes) in embedded::COMPONENTS {
            let kind = loader.load(Arc::from(*bytes), Origin::Embedded).await;
            let kind = kind.map_err(|error| anyhow::anyhow!("the embedded {name}: {error}"))?;
            registry
                .kinds
                .insert(kind.manifest.kind.clone(), Arc::new(kind));
        }
        if let Some(folder) = folder {
            for file in folder::components(folder)? {
                registry.load_file(&loader, file).await;
            }
        }
        Ok(registry)
    }

    async fn load_file(&mut self, loader: &Loader<'_>, file: PathBuf) {
        let shown = file.display().to_string();
        let notice = match loader.load_file(file).await {
            Ok(kind) => self.add(kind),
            Err(error) => Some(format!("{shown} is skipped: {error}")),
        };
        self.notices.extend(notice);
    }

    /// Adds a kind from a file. It replaces an embedded one; of two files the first stays.
    fn add(&mut self, kind: Kind) -> Option<String> {
        let name = kind.manifest.kind.clone();
        let notice = match self.kinds.get(&name).map(|old| &old.origin) {
            None => None,
            Some(Origin::Embedded) => {
                Some(format!("{} replaces the embedded kind {name}", kind.origin))
            }
            Some(first @ Origin::File(_)) => {
                return Some(format!(
                    "{} is skipped: {first} already serves the kind {name}",
                    kind.origin
                ));
            }
        };
        self.kinds.insert(name, Arc::new(kind));
        notice
    }

    /// The kind with this name.
    pub fn get(&self, kind: &str) -> Option<&Arc<Kind>> {
        self.kinds.get(kind)
    }

    /// Every kind, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.kinds.values()
    }
}

impl Loader<'_> {
    async fn load(&self, bytes: Arc<[u8]>, origin: Origin) -> Result<Kind, LoadError> {
        let size = bytes.len();
        let sha256 = sha256(&bytes);
        let sandbox = Arc::clone(&self.sandbox);
        let (plugin, manifest) = Plugin::load(sandbox, Arc::clone(&self.cache), bytes).await?;
        let manifest = Manifest::check(manifest, self.catalogue).map_err(LoadError::Manifest)?;
        Ok(Kind {
            plugin,
            manifest,
            sha256,
            size,
            origin,
        })
    }

    async fn load_file(&self, file: PathBuf) -> anyhow::Result<Kind> {
        let limit = self.sandbox.limits().component_bytes;
        let bytes = folder::read(&file, limit)?;
        Ok(self.load(bytes, Origin::File(file)).await?)
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Embedded => f.write_str("embedded"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
