//! The flags of every command that runs a host, and the configuration that they change.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;

use super::client::URL_VARIABLE;
use crate::config::Config;
use crate::plan::Mode;

/// Flags win over `MESH_…` variables (`MESH_LISTEN`, `MESH_SERVICES__SRL__URL`, …), and those over
/// the file.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The address to listen on; port 0 takes a free one [default: 127.0.0.1:5565]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Where the database, the plugins that plans need, and the cache are kept [default: data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The configuration file (TOML) [variable: MESH_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A folder of step plugins (*.wasm) to load beside the shipped ones
    #[arg(long, value_name = "DIR")]
    plugins: Option<PathBuf>,
    /// Beside the embedded components, loads only those listed by SHA-256, or signed by a listed key (repeatable)
    #[arg(long, value_name = "DIGEST")]
    require_sha256: Vec<String>,
    /// Beside the embedded components, loads only those signed by a listed key of minisign, or listed by SHA-256 (repeatable)
    #[arg(long, value_name = "KEY")]
    require_signature: Vec<String>,
    /// The mode of plans that name none: SIMULATION, DRY_RUN or LIVE [default: LIVE]
    #[arg(long, value_name = "MODE", value_parser = Mode::named)]
    default_mode: Option<Mode>,
}

/// The variable that names the file: the one setting that can't be in it.
const FILE_VARIABLE: &str = "MESH_CONFIG";

impl Options {
    /// The configuration that they, the environment and the file add up to.
    pub(super) fn config(&self) -> anyhow::Result<Config> {
        let mut config = configured(self.config.as_deref())?;
        if let Some(listen) = &self.listen {
            config.listen.clone_from(listen);
        }
        if let Some(data_dir) = &self.data_dir {
            config.data_dir.clone_from(data_dir);
        }
        if self.plugins.is_some() {
            config.plugins_dir.clone_from(&self.plugins);
        }
        if !self.require_sha256.is_empty() {
            config.require_sha256.clone_from(&self.require_sha256);
        }
        if !self.require_signature.is_empty() {
            config.require_signature.clone_from(&self.require_signature);
        }
        if let Some(mode) = self.default_mode {
            config.default_mode = mode;
        }
        Ok(config)
    }
}

/// The configuration that the environment and the file add up to: the file named here, or else the one
/// that the environment names.
pub(super) fn configured(named: Option<&Path>) -> anyhow::Result<Config> {
    let mut variables = Vec::new();
    let mut file = None;
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with("MESH_")) else {
            continue;
        };
        let value = value
            .into_string()
            .map_err(|_| anyhow!("{name} is not UTF-8 text"))?;
        if name == FILE_VARIABLE {
            file = Some(PathBuf::from(value));
        } else if name != URL_VARIABLE {
            variables.push((name.to_owned(), value));
        }
    }
    let file = named.map(Path::to_owned).or(file);
    let loaded = Config::load(file.as_deref(), variables).context("configuration")?;
    for warning in loaded.warnings {
        tracing::warn!("{warning}");
    }
    Ok(loaded.config)
}
