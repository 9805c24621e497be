//! Configuration: every default in one place, then the file, then `MESH_…` variables, then flags;
//! each may overrule the one before. Checked at start: what is wrong is named with its remedy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Deserializer, de};
use toml::{Table, Value};

use crate::brain::BrainConfig;
use crate::plan::{ApprovalMode, Effect, Mode};
use crate::sandbox;
use crate::services::{BreakerConfig, Catalogue, RetryConfig, Routes, Service, known};
use crate::store;

/// What environment variables begin with.
const PREFIX: &str = "MESH_";

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The address to listen on. Port 0 takes a free one.
    pub listen: String,
    /// Where the database and the cache of compiled components are kept.
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
    /// What plans need before they may act.
    pub policy: Policy,
    /// What the approvals of people are for.
    pub approval: Approval,
    /// How plans are driven to their end.
    pub run: RunConfig,
    /// What is different for one step kind, by kind.
    pub plugin: BTreeMap<String, PluginConfig>,
    /// How requests to services are tried again.
    pub retry: RetryConfig,
    /// When a service that keeps failing is left alone.
    pub breaker: BreakerConfig,
    /// What becomes of events that the audit log rejects.
    pub brain: BrainConfig,
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
            policy: Policy::default(),
            approval: Approval::default(),
            run: RunConfig::default(),
            plugin: BTreeMap::new(),
            retry: RetryConfig::default(),
            breaker: BreakerConfig::default(),
            brain: BrainConfig::default(),
            retention: Retention::default(),
            limits: Limits::default(),
        }
    }
}

fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Mode, D::Error> {
    Mode::named(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

/// `[services.<name>]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ServiceConfig {
    /// Its base URL.
    pub url: Option<String>,
    /// How long one request may take, in milliseconds; 30,000 by default.
    pub timeout_ms: Option<u64>,
    /// Headers sent with every request. Their values are never shown.
    pub headers: BTreeMap<String, Secret>,
    /// It does a request with a known `Idempotency-Key` only once; false by default.
    pub idempotent: bool,
    /// What requests do: `"POST /trends/query" = "read"`. Unlisted, a GET reads and all else writes.
    pub routes: BTreeMap<String, Effect>,
}

/// `[policy]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// The step kinds that must come before a write of a LIVE plan.
    pub live_requires: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            live_requires: ["autonomy", "srl", "hardening"].map(str::to_owned).to_vec(),
        }
    }
}

/// `[approval]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Approval {
    /// Whether a write of a LIVE plan waits for the approvals before it. A plan keeps what was set
    /// when it was created.
    pub mode: ApprovalMode,
}

impl Default for Approval {
    fn default() -> Self {
        Self {
            mode: ApprovalMode::Enforce,
        }
    }
}

/// `[run]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct RunConfig {
    /// Plans that are driven at the same time; past it 503.
    pub plans: usize,
    /// How often one step is tried again whose service asks for it.
    pub retries: u32,
    /// How long it waits first where the service does not say, in milliseconds; it doubles.
    pub first_wait_ms: u64,
    /// The longest wait, in milliseconds. A step whose service asks for more fails.
    pub longest_wait_ms: u64,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            plans: 1_024,
            retries: 5,
            first_wait_ms: 1_000,
            longest_wait_ms: 60 * 60 * 1_000,
        }
    }
}

/// `[plugin.<kind>]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PluginConfig {
    /// How often its step is tried again, instead of `[run] retries`.
    pub retries: Option<u32>,
}

/// `[retention]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// Days that delivered events of the audit log are kept.
    pub events_days: u32,
    /// Days that finished plans are kept, with their history.
    pub plans_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            events_days: 90,
            plans_days: 90,
        }
    }
}

impl From<&Retention> for store::Retention {
    fn from(retention: &Retention) -> Self {
        let days = |days: u32| Duration::from_secs(u64::from(days) * 24 * 60 * 60);
        Self {
            events: days(retention.events_days),
            plans: days(retention.plans_days),
        }
    }
}

/// `[limits]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// The largest request body, in bytes.
    pub body_bytes: usize,
    /// The largest answer of a service, in bytes.
    pub answer_bytes: usize,
    /// Steps of one plan.
    pub steps: usize,
    /// Steps under way at the same time, over all plans; past it 503.
    pub concurrent_steps: usize,
    /// Connections of clients; past it 503.
    pub connections: usize,
    /// How long one step may take, tries and follow-up calls included, in milliseconds.
    pub step_ms: u64,
    /// How long a client may take to send a request, in milliseconds, or stay silent between two.
    pub client_ms: u64,
    /// How long steps under way may take to end once the host is told to stop, in milliseconds.
    pub grace_ms: u64,
    /// Round trips of one step, follow-up calls included.
    pub rounds: u32,
    /// `[limits.plugin]`: what one sandboxed call may use.
    pub plugin: sandbox::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            answer_bytes: 1 << 20,
            steps: 50,
            concurrent_steps: 256,
            connections: 1_024,
            step_ms: 60_000,
            client_ms: 30_000,
            grace_ms: 30_000,
            rounds: 4,
            plugin: sandbox::Limits::default(),
        }
    }
}

/// Text that is never shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
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
                Err(Overlay::Wrong(error)) => bail!("the variable {name} is wrong: {error}"),
            }
        }
        let (config, _) = parse(table).map_err(|error| anyhow!("{error}"))?;
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
            ("connections", self.limits.connections),
            ("step_ms", usize::try_from(self.limits.step_ms)?),
            ("client_ms", usize::try_from(self.limits.client_ms)?),
            ("rounds", usize::try_from(self.limits.rounds)?),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            bail!("[limits] {name} must be at least 1");
        }
        if self.run.plans == 0 {
            bail!("[run] plans must be at least 1");
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
        self.catalogue().map(drop)
    }

    /// The folder of compiled components.
    pub fn cache_dir(&self) -> PathBuf {
        self.cache_dir
            .clone()
            .unwrap_or_else(|| self.data_dir.join("cache"))
    }

    /// The services: the known ones, changed and added to as configured.
    ///
    /// # Errors
    /// What is wrong with a service.
    pub fn catalogue(&self) -> anyhow::Result<Catalogue> {
        let none = ServiceConfig::default();
        let mut services = Vec::new();
        for (name, url, reads) in known::SERVICES {
            let set = self.services.get(name).unwrap_or(&none);
            services.push(service(name, Some(url), reads, set)?);
        }
        for (name, set) in &self.services {
            if known::SERVICES.iter().all(|(known, ..)| known != name) {
                services.push(service(name, None, &[], set)?);
            }
        }
        Ok(Catalogue::new(services))
    }
}

fn service(
    name: &str,
    default_url: Option<&str>,
    reads: &[&str],
    set: &ServiceConfig,
) -> anyhow::Result<Service> {
    let at = || format!("[services.{name}]");
    let url = set.url.as_deref().or(default_url);
    let url = url.with_context(|| format!("{} has no url: add url = \"http://…\"", at()))?;
    let base: Url = url
        .parse()
        .with_context(|| format!("{} url is not a URL", at()))?;
    if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
        bail!(
            "{} url must begin with http:// or https:// and name a host",
            at()
        );
    }
    if base.query().is_some() || base.fragment().is_some() {
        bail!("{} url must not have a query or a fragment", at());
    }
    let timeout = set.timeout_ms.unwrap_or(30_000);
    if timeout == 0 {
        bail!("{} timeout_ms must be at least 1", at());
    }
    let reads = reads
        .iter()
        .map(|route| ((*route).to_owned(), Effect::Read));
    let routes = set
        .routes
        .iter()
        .map(|(route, effect)| (route.clone(), *effect));
    Ok(Service {
        name: name.to_owned(),
        base,
        timeout: Duration::from_millis(timeout),
        idempotent: set.idempotent,
        headers: headers(&set.headers).with_context(at)?,
        routes: Routes::parse(reads.chain(routes)).map_err(|error| anyhow!("{} {error}", at()))?,
    })
}

fn headers(set: &BTreeMap<String, Secret>) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, Secret(value)) in set {
        let key: HeaderName = name
            .parse()
            .with_context(|| format!("{name:?} names no header"))?;
        let mut value: HeaderValue = value
            .parse()
            .with_context(|| format!("the value of the header {name:?} is not legal"))?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

fn read_file(path: &Path) -> anyhow::Result<Table> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("can't read the configuration {}", path.display()))?;
    let wrong = || format!("the configuration {} is wrong", path.display());
    let table: Table = text.parse().with_context(wrong)?;
    let (_, unknown) = parse(table.clone())
        .map_err(|error| anyhow!("{error}"))
        .with_context(wrong)?;
    match unknown.first() {
        Some(key) => Err(anyhow!("the key {key} is not known")).with_context(wrong),
        None => Ok(table),
    }
}

/// The configuration in a table, and the keys in it that mean nothing.
fn parse(table: Table) -> Result<(Config, Vec<String>), toml::de::Error> {
    let mut unknown = Vec::new();
    let config = serde_ignored::deserialize(table, |path| unknown.push(path.to_string()))?;
    Ok((config, unknown))
}

enum Overlay {
    Unknown,
    Wrong(toml::de::Error),
}

/// The table with one variable set. What the text is (a number, a text) follows from where it
/// goes: the reading that fits is taken.
fn overlay(table: &Table, path: &str, text: &str) -> Result<Table, Overlay> {
    let keys: Vec<String> = path.split("__").map(str::to_lowercase).collect();
    let literal = format!("x = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut t| t.remove("x"));
    let readings = [Some(Value::String(text.to_owned())), literal];
    let mut outcome = Err(Overlay::Unknown);
    for reading in readings.into_iter().flatten() {
        let mut changed = table.clone();
        if !set(&mut changed, &keys, reading) {
            return Err(Overlay::Unknown);
        }
        match parse(changed.clone()) {
            Ok((_, unknown)) if unknown.is_empty() => return Ok(changed),
            Ok(_) => return Err(Overlay::Unknown),
            Err(error) => outcome = Err(Overlay::Wrong(error)),
        }
    }
    outcome
}

/// Sets the value at the end of a path, making the tables on the way.
fn set(table: &mut Table, keys: &[String], value: Value) -> bool {
    match keys {
        [] => false,
        [key] => {
            table.insert(key.clone(), value);
            true
        }
        // No header's name has an underscore, and no variable's a dash.
        [key, name] if key == "headers" => {
            let name = [name.replace('_', "-")];
            child(table, key).is_some_and(|headers| set(headers, &name, value))
        }
        [key, rest @ ..] => child(table, key).is_some_and(|child| set(child, rest, value)),
    }
}

fn child<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut Table> {
    table
        .entry(key.to_owned())
        .or_insert_with(|| Value::Table(Table::new()))
        .as_table_mut()
}
