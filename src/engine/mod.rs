//! Creates plans and drives their steps: claim, shape, call, interpret, commit.
//!
//! # Layout
//! - [`create`]: which steps a plan gets, and what each would send.
//! - [`drive`]: one step from its beginning to its stored end.
//! - [`step`]: the round trips of one step.
//! - [`policy`]: what a mode lets through, judged for each request.
//! - [`request`]: a plugin's request, checked.

mod create;
mod drive;
mod error;
mod policy;
mod request;
mod step;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::config::{Config, Limits};
use crate::plan::Mode;
use crate::registry::Registry;
use crate::services::{Catalogue, Gateway};
use crate::store::Store;

pub use create::NewPlan;
pub use error::EngineError;
use policy::Policy;
#[doc(hidden)]
pub use request::check_request;
#[doc(hidden)]
pub use step::check_verdict;

/// Creates plans and drives their steps.
pub struct Engine {
    /// Where plans are kept.
    pub store: Arc<dyn Store>,
    /// The step kinds.
    pub registry: Registry,
    catalogue: Catalogue,
    /// How services are called.
    pub gateway: Gateway,
    policy: Policy,
    limits: Limits,
    default_mode: Mode,
    /// One permit a step under way.
    running: Arc<Semaphore>,
}

impl Engine {
    /// An engine over these parts.
    pub fn new(
        config: &Config,
        store: Arc<dyn Store>,
        registry: Registry,
        catalogue: Catalogue,
        gateway: Gateway,
    ) -> Self {
        Self {
            store,
            registry,
            catalogue,
            gateway,
            policy: Policy::new(&config.policy.live_requires),
            limits: config.limits.clone(),
            default_mode: config.default_mode,
            running: Arc::new(Semaphore::new(config.limits.concurrent_steps)),
        }
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Steps under way.
    pub fn running(&self) -> usize {
        self.limits
            .concurrent_steps
            .saturating_sub(self.running.available_permits())
    }

    /// Waits until no step is under way and lets none begin, for at most `grace`; whether all
    /// ended in time.
    pub async fn finish(&self, grace: Duration) -> bool {
        let all = u32::try_from(self.limits.concurrent_steps).unwrap_or(u32::MAX);
        let idle = tokio::time::timeout(grace, self.running.acquire_many(all)).await;
        self.running.close();
        idle.is_ok()
    }
}
