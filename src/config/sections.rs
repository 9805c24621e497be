//! The sections of the file that are nothing but settings, each with its defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;

use crate::plan::ApprovalMode;
use crate::sandbox;
use crate::store;

/// `[policy]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// The step kinds that must come before a write of a LIVE plan.
    pub live_requires: Vec<String>,
    /// Who plays a SIMULATION through.
    pub simulation: SimulatedBy,
    /// By kind, the components that count as such a check beside the embedded one.
    pub trusted: BTreeMap<String, Trusted>,
}

/// Who plays a SIMULATION through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SimulatedBy {
    /// Nobody: the host shows what it would ask for, and sends nothing.
    Local,
    /// The service. The operator knows that it does nothing else meanwhile.
    Engine,
}

/// `[policy.trusted.<kind>]`: components that the operator knows.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Trusted {
    /// Their digests.
    pub sha256: Vec<String>,
    /// The public keys of minisign of who signs them.
    pub signature: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            live_requires: ["autonomy", "srl", "hardening"].map(str::to_owned).to_vec(),
            simulation: SimulatedBy::Local,
            trusted: BTreeMap::new(),
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
    /// How often one step is tried again whose service asks for it, or can't be reached.
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
            // With waits that double this is a quarter of an hour: a service may need that to start.
            retries: 10,
            first_wait_ms: 1_000,
            longest_wait_ms: 60 * 60 * 1_000,
        }
    }
}

/// `[plugin.<kind>]`: what is different for one step kind.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PluginConfig {
    /// How often its step is tried again, instead of `[run] retries`.
    pub retries: Option<u32>,
    /// Round trips of one step, instead of `[limits] rounds`.
    pub rounds: Option<u32>,
    /// How many of its last steps are kept as cases for its author; 0 is none.
    pub record: usize,
    /// Calls of this kind at the same time, beside `[limits.plugin] concurrent_calls` of all.
    pub concurrent_calls: Option<u32>,
    /// Instead of `[limits.plugin] cpu_ms`, in milliseconds.
    pub cpu_ms: Option<u64>,
    /// Instead of `[limits.plugin] wall_ms`, in milliseconds.
    pub wall_ms: Option<u64>,
    /// Instead of `[limits.plugin] memory_bytes`.
    pub memory_bytes: Option<usize>,
    /// Instead of `[limits.plugin] handed_bytes`.
    pub handed_bytes: Option<usize>,
    /// The kinds whose results it is handed; all if it says nothing.
    pub results: Option<BTreeSet<String>>,
    /// Instead of `[limits.plugin] output_bytes`.
    pub output_bytes: Option<usize>,
    /// Instead of `[limits.plugin] log_bytes`.
    pub log_bytes: Option<usize>,
    /// Its settings, where recipes and clients say nothing else.
    pub settings: toml::Table,
    /// The settings that recipes and clients may not name.
    pub locked: BTreeSet<String>,
    /// By service, the routes that it may ask for: `["reads", "POST /campaign/*"]`. Without it an
    /// embedded plugin may ask its service for everything, and one from outside for what reads.
    pub grants: Option<BTreeMap<String, Vec<String>>>,
    /// By service, the headers that it may set, beside those that every plugin may.
    pub headers: BTreeMap<String, Vec<String>>,
    /// By service, the secrets of `[secrets]` that it may name in a header.
    pub secrets: BTreeMap<String, Vec<String>>,
}

impl PluginConfig {
    /// The limits of the kind's calls, where the usual ones are these.
    pub(super) fn share(&self, usual: &sandbox::Limits) -> Result<sandbox::Share, String> {
        let limits = sandbox::Limits {
            cpu_ms: self.cpu_ms.unwrap_or(usual.cpu_ms),
            wall_ms: self.wall_ms.unwrap_or(usual.wall_ms),
            memory_bytes: self.memory_bytes.unwrap_or(usual.memory_bytes),
            handed_bytes: self.handed_bytes.or(usual.handed_bytes),
            output_bytes: self.output_bytes.unwrap_or(usual.output_bytes),
            log_bytes: self.log_bytes.unwrap_or(usual.log_bytes),
            ..usual.clone()
        };
        limits.check()?;
        if self.rounds == Some(0) || self.concurrent_calls == Some(0) {
            return Err("rounds and concurrent_calls must be at least 1".to_owned());
        }
        Ok(sandbox::Share::new(limits, self.concurrent_calls))
    }
}

/// `[retention]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// Days that delivered events of the audit log are kept.
    pub events_days: u32,
    /// Days that finished plans are kept, with their history.
    pub plans_days: u32,
    /// Days that plans are kept that nobody goes on with: neither over, nor run by the host.
    pub idle_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            events_days: 90,
            plans_days: 90,
            idle_days: 365,
        }
    }
}

impl From<&Retention> for store::Retention {
    fn from(retention: &Retention) -> Self {
        let days = |days: u32| Duration::from_secs(u64::from(days) * 24 * 60 * 60);
        Self {
            events: days(retention.events_days),
            plans: days(retention.plans_days),
            idle: days(retention.idle_days),
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
    /// What one plan may carry, in bytes: its goal, and what its steps are set to, send, get and say.
    pub plan_bytes: usize,
    /// Steps of one plan.
    pub steps: usize,
    /// How often a step is tried before its plan is taken back no more.
    pub attempts: u32,
    /// Steps under way at the same time, over all plans; past it 503.
    pub concurrent_steps: usize,
    /// Clients that wait for a plan that is run; past it 503.
    pub waits: usize,
    /// Connections of clients; past it 503.
    pub connections: usize,
    /// Event streams at the same time; past it 503.
    pub event_streams: usize,
    /// Clients that read lists, histories, plans or other large answers at the same time; past it 503.
    pub readers: usize,
    /// How long one step may take, tries and follow-up calls included, in milliseconds.
    pub step_ms: u64,
    /// How long a request that simulates may take, beside the step's own time and instead of its
    /// service's, in milliseconds.
    pub simulation_ms: u64,
    /// How long a client may take to send a request, in milliseconds, stay silent between two, or leave
    /// what it is sent.
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
            plan_bytes: 16 << 20,
            steps: 50,
            attempts: 100,
            concurrent_steps: 256,
            waits: 512,
            connections: 1_024,
            event_streams: 64,
            readers: 32,
            step_ms: 60_000,
            simulation_ms: 120_000,
            client_ms: 30_000,
            grace_ms: 30_000,
            rounds: 4,
            plugin: sandbox::Limits::default(),
        }
    }
}
