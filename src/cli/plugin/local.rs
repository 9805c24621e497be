//! What a component is looked at with: the sandbox, the limits and the services of the configured
//! host, which need not run.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;

use crate::cli::options::configured;
use crate::config::Config;
use crate::output;
use crate::registry::{Loader, Terms};
use crate::sandbox::{CompileCache, Sandbox, THIS_PROGRAM};
use crate::services::Catalogue;

/// Which host it would be for.
#[derive(Debug, Args)]
pub(super) struct LocalArgs {
    /// The configuration of the host that it is for (TOML) [variable: MESH_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A public key of minisign that it must be signed by, instead of those of the file (repeatable)
    #[arg(long, value_name = "KEY")]
    require_signature: Vec<String>,
}

/// A host as far as components are concerned.
pub(super) struct Local {
    pub(super) config: Config,
    pub(super) catalogue: Catalogue,
    pub(super) terms: Terms,
    sandbox: Arc<Sandbox>,
    cache: Arc<CompileCache>,
}

impl LocalArgs {
    pub(super) fn local(&self) -> anyhow::Result<Local> {
        let mut config = configured(self.config.as_deref())?;
        if !self.require_signature.is_empty() {
            config.require_signature.clone_from(&self.require_signature);
        }
        let folder = cache_folder(&config)?;
        Ok(Local {
            catalogue: config.catalogue()?,
            terms: config.terms()?,
            sandbox: Arc::new(Sandbox::new(
                config.limits.plugin.clone(),
                THIS_PROGRAM.into(),
            )?),
            cache: Arc::new(CompileCache::open(&folder)?),
            config,
        })
    }
}

impl Local {
    pub(super) fn loader(&self) -> Loader {
        Loader {
            sandbox: Arc::clone(&self.sandbox),
            cache: Arc::clone(&self.cache),
            catalogue: self.catalogue.clone(),
            terms: self.terms.clone(),
        }
    }
}

/// The configured folder, or the user's: an author's project is no place for a host's data.
fn cache_folder(config: &Config) -> anyhow::Result<PathBuf> {
    if let Some(folder) = &config.cache_dir {
        return Ok(folder.clone());
    }
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let home = || variable("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let folder = variable("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    let folder =
        folder.context("there is no folder for compiled components: set MESH_CACHE_DIR")?;
    Ok(folder.join("codex-mesh"))
}

/// Writes to stdout. Nobody has to read to the end: `… | head` is no failure.
pub(super) fn show(text: &str) -> std::io::Result<()> {
    match output::print(text) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
