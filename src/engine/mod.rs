//! Creates plans and drives their steps: claim, shape, call, interpret, commit.
//!
//! # Layout
//! - [`create`]: plans, and what each of their steps would send; [`recipes`]: what they are made
//!   of; [`assemble`]: their steps.
//! - [`drive`]: one step from its beginning to its stored end.
//! - [`step`]: the round trips of one step; [`verdict`]: what a plugin's verdict makes of it.
//! - [`decide`]: what people decide, carried out. [`run`]: plans that are driven to their end;
//!   [`rest`]: those that only wait.
//! - [`doubt`]: what the host finds of services because of which a check says no.
//! - [`shares`]: what callers share. [`show`]: what a step would send now. [`settings`]: the settings that a step has.
//! - [`record`]: the last steps of the kinds that are recorded.
//! - [`policy`]: what a mode lets through, judged for each request. [`checks`]: which count before.
//! - [`request`]: a plugin's request, checked. [`room`]: how much a plan may carry. [`kept`]: what is kept of a step, without secrets.

mod assemble;
mod checks;
mod create;
mod decide;
mod doubt;
mod drive;
mod error;
mod kept;
mod policy;
mod recipes;
mod record;
mod request;
mod rest;
mod room;
mod run;
mod settings;
mod shares;
mod show;
mod step;
mod verdict;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::config::{Config, Limits, PluginConfig, RunConfig};
use crate::plan::{ApprovalMode, Mode};
use crate::recipe::Recipes;
use crate::registry::Registry;
use crate::services::{Catalogue, Gateway, Secrets};
use crate::store::Store;

pub use create::NewPlan;
pub use error::EngineError;
use policy::Policy;
pub use recipes::Wanted;
pub use record::Recording;
use record::Recordings;
#[doc(hidden)]
pub use request::check_request;
use rest::Resting;
use run::Runs;
use settings::Turns;
use shares::Shares;
use verdict::Patience;
#[doc(hidden)]
pub use verdict::check_verdict;

/// Creates plans and drives their steps.
pub struct Engine {
    /// Where plans are kept.
    pub store: Arc<dyn Store>,
    /// The step kinds.
    pub registry: Arc<Registry>,
    catalogue: Catalogue,
    /// The services that checks may speak of.
    neighbours: Catalogue,
    /// How services are called.
    pub gateway: Gateway,
    policy: Policy,
    recipes: Recipes,
    limits: Limits,
    default_mode: Mode,
    approvals: ApprovalMode,
    run: RunConfig,
    plugins: BTreeMap<String, PluginConfig>,
    /// The last steps of the kinds that are recorded.
    pub recordings: Recordings,
    secrets: Secrets,
    runs: Runs,
    /// Driven plans that only wait.
    resting: Resting,
    turns: Turns,
    /// What callers share.
    pub shares: Shares,
    /// Whether the host was told to stop.
    stopping: watch::Sender<bool>,
}

impl Engine {
    /// An engine over these parts. What is configured is held against the step kinds by
    /// [`check`](Self::check), once they are loaded.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn new(
        config: &Config,
        store: Arc<dyn Store>,
        registry: Arc<Registry>,
        catalogue: Catalogue,
        gateway: Gateway,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            store,
            registry,
            catalogue,
            neighbours: config.neighbours()?,
            gateway,
            policy: Policy::new(&config.policy),
            recipes: config.recipes()?,
            limits: config.limits.clone(),
            default_mode: config.default_mode,
            approvals: config.approval.mode,
            run: config.run.clone(),
            plugins: config.plugin.clone(),
            recordings: Recordings::new(&config.plugin),
            secrets: config.secrets()?,
            runs: Runs::default(),
            resting: Resting::default(),
            turns: Turns::default(),
            shares: Shares::new(&config.limits, &config.run),
            stopping: watch::Sender::new(false),
        })
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Steps under way.
    pub fn running(&self) -> usize {
        self.shares.steps.taken()
    }

    /// Plans that are driven to their end.
    pub fn driven(&self) -> usize {
        self.shares.runs.taken()
    }

    /// Plans that would be driven, and only wait for a moment: they take no place of those.
    pub fn resting(&self) -> usize {
        self.resting.count()
    }

    /// Plans that may be driven at the same time.
    pub fn most_driven(&self) -> usize {
        self.run.plans
    }

    /// How a plugin's wish to be tried again later is met, the step having waited this often.
    fn patience(&self, kind: &str, waited: u32) -> Patience {
        let own = self.plugins.get(kind).and_then(|plugin| plugin.retries);
        let doubled = self.run.first_wait_ms.saturating_mul(1 << waited.min(32));
        Patience {
            wait_ms: doubled.min(self.run.longest_wait_ms),
            longest_ms: self.run.longest_wait_ms,
            most: own.unwrap_or(self.run.retries),
        }
    }

    /// Lets no plan be driven on. What is under way goes on.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Ends once the host was told to stop.
    pub async fn stopped(&self) {
        // Errs only if the engine is gone, and this borrows it.
        let _ = self.stopping.subscribe().wait_for(|stops| *stops).await;
    }

    /// Waits until no step is under way and lets none begin, for at most `grace`; whether all
    /// ended in time.
    pub async fn finish(&self, grace: Duration) -> bool {
        self.stop();
        self.shares.finish(grace).await
    }
}
