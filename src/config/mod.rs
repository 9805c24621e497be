//! Configuration: every default in one place, then the file, then `MESH_…` variables, then flags;
//! each may overrule the one before. Checked at start: what is wrong is named with its remedy.
//!
//! # Layout
//! - [`Config`]: everything that can be set, and what is wrong beyond names and types.
//! - [`sections`], [`service`], [`secrets`], [`grants`], [`settings`], [`components`], [`http`]: its parts,
//!   with their defaults.
//! - [`durations`]: within what every duration has to be.
//! - [`sources`]: where it comes from.

mod components;
mod durations;
mod grants;
mod http;
mod secrets;
mod sections;
mod service;
mod settings;
mod sources;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{anyhow, bail};
use serde::{Deserialize, Deserializer, de};
use toml::Table;

use crate::brain::BrainConfig;
use crate::plan::Mode;
use crate::recipe::{RecipeConfig, Recipes};
use crate::registry::{Quarantine, Terms, check_kind};
use crate::services::{BreakerConfig, Catalogue, Redactor, RetryConfig, Secrets, known};

pub use http::{HttpConfig, UnknownFields};
pub use secrets::Secret;
pub use sections::{
    Approval, Limits, PluginConfig, Policy, Retention, RunConfig, SimulatedBy, Trusted,
};
pub use service::ServiceConfig;
use service::service;
use sources::{Overlay, overlay, parse, read_file, unquoted};

/// What environment variables begin with.
const PREFIX: &str = "MESH_";

/// The most steps of one kind that are recorded.
const MOST_RECORDED: usize = 100;

/// The most of anything that there may be at the same time.
const MOST: usize = 1_000_000;

/// How much a plan may be allowed to carry, in bytes.
const PLAN_BYTES: RangeInclusive<usize> = 1 << 10..=256 << 20;

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The address to listen on. Port 0 takes a free one.
    pub listen: String,
    /// Where the database, the plugins that plans need, and the cache of compiled ones are kept.
    pub data_dir: PathBuf,
    /// Where compiled components are cached, if not in the data folder.
    pub cache_dir: Option<PathBuf>,
    /// Where components are loaded from beside the embedded ones.
    pub plugins_dir: Option<PathBuf>,
    /// The mode of plans that name none.
    #[serde(deserialize_with = "mode")]
    pub default_mode: Mode,
    /// The services, by name. Those of [`known`] are there without being named.
    pub services: BTreeMap<String, ServiceConfig>,
    /// Secrets that plugins may name, if they are granted them. Their values are never shown.
    pub secrets: BTreeMap<String, Secret>,
    /// What plans need before they may act.
    pub policy: Policy,
    /// Which steps plans get, beside or instead of the shipped recipes.
    pub recipe: Vec<RecipeConfig>,
    /// What the approvals of people are for.
    pub approval: Approval,
    /// How plans are driven to their end.
    pub run: RunConfig,
    /// The digests of the components that may be loaded beside the embedded ones; all may if this is
    /// empty, and `require_signature` too.
    pub require_sha256: Vec<String>,
    /// The public keys of minisign that components beside the embedded ones may be signed by; all may
    /// be loaded if this is empty, and `require_sha256` too.
    pub require_signature: Vec<String>,
    /// When a plugin that keeps failing is not called any more.
    pub quarantine: Quarantine,
    /// What is different for one step kind, by kind.
    pub plugin: BTreeMap<String, PluginConfig>,
    /// How requests to services are tried again.
    pub retry: RetryConfig,
    /// When a service that keeps failing is left alone.
    pub breaker: BreakerConfig,
    /// What becomes of events that the audit log rejects.
    pub brain: BrainConfig,
    /// Who may ask, and how strictly requests are read.
    pub http: HttpConfig,
    /// How long things are kept.
    pub retention: Retention,
    /// How much of everything there may be.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:5565".to_owned(),
            data_dir: PathBuf::from("data"),
            cache_dir: None,
            plugins_dir: None,
            default_mode: Mode::Live,
            services: BTreeMap::new(),
            secrets: BTreeMap::new(),
            policy: Policy::default(),
            recipe: Vec::new(),
            approval: Approval::default(),
            run: RunConfig::default(),
            require_sha256: Vec::new(),
            require_signature: Vec::new(),
            quarantine: Quarantine::default(),
            plugin: BTreeMap::new(),
            retry: RetryConfig::default(),
            breaker: BreakerConfig::default(),
            brain: BrainConfig::default(),
            http: HttpConfig::default(),
            retention: Retention::default(),
            limits: Limits::default(),
        }
    }
}

fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Mode, D::Error> {
    Mode::named(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

/// What was configured, and what was odd about it.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// For the operator.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads the file, if there is one, and overlays the variables.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn load(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> anyhow::Result<Loaded> {
        let mut table = match file {
            Some(path) => read_file(path)?,
            None => Table::new(),
        };
        let mut warnings = Vec::new();
        for (name, text) in variables {
            let Some(path) = name.strip_prefix(PREFIX) else {
                continue;
            };
            match overlay(&table, path, &text) {
                Ok(changed) => table = changed,
                Err(Overlay::Unknown) => {
                    warnings.push(format!("the variable {name} is not known and is ignored"));
                }
                Err(Overlay::Wrong(error)) => {
                    bail!("the variable {name} is wrong: {}", unquoted(&error))
                }
            }
        }
        let (config, _) = parse(table).map_err(|error| anyhow!("{}", unquoted(&error)))?;
        config.check()?;
        Ok(Loaded { config, warnings })
    }

    /// What is wrong beyond names and types, if anything.
    fn check(&self) -> anyhow::Result<()> {
        self.limits
            .plugin
            .check()
            .map_err(|rule| anyhow!("[limits.plugin] {rule}"))?;
        let positive = [
            ("body_bytes", self.limits.body_bytes),
            ("answer_bytes", self.limits.answer_bytes),
            ("steps", self.limits.steps),
            ("concurrent_steps", self.limits.concurrent_steps),
            ("waits", self.limits.waits),
            ("connections", self.limits.connections),
            ("event_streams", self.limits.event_streams),
            ("readers", self.limits.readers),
            ("rounds", usize::try_from(self.limits.rounds)?),
            ("attempts", usize::try_from(self.limits.attempts)?),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            bail!("[limits] {name} must be at least 1");
        }
        let bounded = [
            ("[limits] concurrent_steps", self.limits.concurrent_steps),
            ("[limits] waits", self.limits.waits),
            ("[limits] connections", self.limits.connections),
            ("[limits] event_streams", self.limits.event_streams),
            ("[limits] readers", self.limits.readers),
            ("[run] plans", self.run.plans),
        ];
        if let Some((name, _)) = bounded.iter().find(|(_, value)| *value > MOST) {
            bail!("{name} must be at most {MOST}");
        }
        if !PLAN_BYTES.contains(&self.limits.plan_bytes) {
            let (least, most) = PLAN_BYTES.into_inner();
            bail!("[limits] plan_bytes must be from {least} to {most}");
        }
        let mut plugins = self.plugin.iter();
        if let Some((kind, _)) = plugins.find(|(_, plugin)| plugin.record > MOST_RECORDED) {
            bail!("[plugin.{kind}] record must be at most {MOST_RECORDED}");
        }
        if self.run.plans == 0 {
            bail!("[run] plans must be at least 1");
        }
        if self.quarantine.failures == 0 {
            bail!("[quarantine] failures must be at least 1");
        }
        if self.retry.tries == 0 {
            bail!("[retry] tries must be at least 1");
        }
        if self.brain.rejections == 0 {
            bail!("[brain] rejections must be at least 1");
        }
        if self.breaker.failures == 0 {
            bail!("[breaker] failures must be at least 1");
        }
        durations::check(self)?;
        self.http.access(&self.listen)?;
        self.recipes()?;
        self.secrets()?;
        self.terms().map(drop)
    }

    /// What plugins are allowed.
    ///
    /// # Errors
    /// What is wrong with a kind's limits, grants or settings, or with a list of what may be loaded.
    pub fn terms(&self) -> anyhow::Result<Terms> {
        let (mut shares, mut needs) = (BTreeMap::new(), BTreeMap::new());
        for (kind, plugin) in &self.plugin {
            let share = plugin.share(&self.limits.plugin);
            let share = share.map_err(|rule| anyhow!("[plugin.{kind}] {rule}"))?;
            shares.insert(kind.clone(), Arc::new(share));
            if let Some(kinds) = &plugin.results {
                let wrong = kinds.iter().find_map(|kind| check_kind(kind).err());
                if let Some(wrong) = wrong {
                    bail!("[plugin.{kind}] results: {wrong}");
                }
                needs.insert(kind.clone(), kinds.clone());
            }
        }
        Ok(Terms {
            shares,
            allowed: Arc::new(self.allowed()?),
            trusted: Arc::new(self.trusted()?),
            quarantine: self.quarantine,
            needs,
            grants: grants::grants(&self.plugin, &self.catalogue()?, &self.secrets)?,
            settings: settings::settings(&self.plugin)?,
        })
    }

    /// The secrets that plugins may name.
    ///
    /// # Errors
    /// What is wrong with one, without its value.
    pub fn secrets(&self) -> anyhow::Result<Secrets> {
        secrets::secrets(&self.secrets)
    }

    /// What keeps secrets out of everything but the requests that need them.
    ///
    /// # Errors
    /// When a secret or a service is wrong.
    pub fn redactor(&self) -> anyhow::Result<Redactor> {
        Redactor::new(&self.secrets()?, &self.catalogue()?)
    }

    /// The folder of compiled components.
    pub fn cache_dir(&self) -> PathBuf {
        self.cache_dir
            .clone()
            .unwrap_or_else(|| self.data_dir.join("cache"))
    }

    /// The recipes in force. Whether their step kinds are loaded is not known here.
    ///
    /// # Errors
    /// What is wrong with a recipe.
    pub fn recipes(&self) -> anyhow::Result<Recipes> {
        Recipes::over_shipped(&self.recipe, self.limits.steps)
            .map_err(|error| anyhow!("[[recipe]] {error}"))
    }

    /// The services that checks may speak of: those of the catalogue, and others that no plan asks.
    ///
    /// # Errors
    /// What is wrong with a service.
    pub fn neighbours(&self) -> anyhow::Result<Catalogue> {
        let catalogue = self.catalogue()?;
        let none = ServiceConfig::default();
        let others = known::NEIGHBOURS.iter();
        let others = others.filter(|(name, _)| catalogue.get(name).is_none());
        let others = others.map(|(name, url)| service(name, Some(url), &[], &none));
        let others = others.collect::<Result<Vec<_>, _>>()?;
        Ok(Catalogue::new(catalogue.iter().cloned().chain(others)))
    }

    /// The services: the known ones, changed and added to as configured.
    ///
    /// # Errors
    /// What is wrong with a service.
    pub fn catalogue(&self) -> anyhow::Result<Catalogue> {
        let none = ServiceConfig::default();
        let mut services = Vec::new();
        for (name, url, routes) in known::SERVICES {
            let set = self.services.get(name).unwrap_or(&none);
            services.push(service(name, Some(url), routes, set)?);
        }
        for (name, set) in &self.services {
            if known::SERVICES.iter().all(|(known, ..)| known != name) {
                services.push(service(name, None, &[], set)?);
            }
        }
        Ok(Catalogue::new(services))
    }
}
