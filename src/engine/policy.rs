//! What a mode and the grants let through. Judged for every request just before it is sent,
//! follow-up calls included: what a plugin said earlier, in its manifest or when the plan was
//! created, counts for nothing here.

use std::sync::Arc;

use super::checks::{Missing, Trusted};
use super::request::Checked;
use crate::config::{self, SimulatedBy};
use crate::plan::{Effect, Mode, Plan, Step, StepStatus};
use crate::registry::{Grant, PluginVersion, Registry};

/// What is done with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Gate {
    /// It is sent.
    Send,
    /// It is shown and not sent.
    ShowOnly(Unsent),
    /// It is refused, and why.
    Refuse(String),
}

/// Why a request is shown and not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsent {
    /// A DRY_RUN only reads.
    DryRun,
    /// It would have simulated, and why that is left out, for the operator.
    NotSimulated(&'static str),
}

/// Why a SIMULATION is not played through by a service, unless the operator says so.
const UNKNOWN_ENGINE: &str = "the service was not asked, because a simulation engine may act for \
                              real while it simulates (the Codex one does). Where it is known to \
                              do nothing else, set simulation = \"engine\" under [policy]";

/// Why nothing simulates in another mode.
const NO_SIMULATION: &str = "the service was not asked, because only plans in mode SIMULATION \
                             simulate";

/// The operator's rules.
#[derive(Debug)]
pub(super) struct Policy {
    live_requires: Vec<String>,
    simulation: SimulatedBy,
}

impl Policy {
    pub(super) fn new(policy: &config::Policy) -> Self {
        Self {
            live_requires: policy.live_requires.clone(),
            simulation: policy.simulation,
        }
    }

    /// Whether a LIVE plan may write only after a step of this kind.
    pub(super) fn requires(&self, kind: &str) -> bool {
        self.live_requires.iter().any(|required| required == kind)
    }

    /// The steps of a plan that must come before what it writes, if it may write at all.
    pub(super) fn checks<'p>(&self, plan: &'p Plan) -> impl Iterator<Item = &'p Step> {
        let live = plan.mode == Mode::Live;
        let steps = plan.steps.iter();
        steps.filter(move |step| live && self.requires(&step.kind))
    }

    /// What is done with this request of `step`, whose plugin has this grant.
    pub(super) fn gate(
        &self,
        plan: &Plan,
        step: &Step,
        request: &Checked,
        grant: &Grant<'_>,
        trusted: &Trusted<'_>,
    ) -> Gate {
        let granted = || match grant.check(request.method, &request.path, &request.headers) {
            Ok(()) => Gate::Send,
            Err(missing) => Gate::Refuse(format!("{missing}. Nothing was sent")),
        };
        match (plan.mode, request.effect) {
            (_, Effect::Read) => granted(),
            // Whoever reviews it sees what it would take to grant.
            (Mode::DryRun, Effect::Simulate | Effect::Write) => Gate::ShowOnly(Unsent::DryRun),
            (Mode::Simulation, Effect::Simulate) => match self.simulation {
                SimulatedBy::Engine => granted(),
                SimulatedBy::Local => Gate::ShowOnly(Unsent::NotSimulated(UNKNOWN_ENGINE)),
            },
            (Mode::Live, Effect::Simulate) => Gate::ShowOnly(Unsent::NotSimulated(NO_SIMULATION)),
            (Mode::Simulation, Effect::Write) => Gate::Refuse(
                "it tried to write, and a SIMULATION never writes: nothing was sent".to_owned(),
            ),
            (Mode::Live, Effect::Write) => {
                let done = |other: &Step| other.status == StepStatus::Done;
                match self.missing(plan, step, done, trusted) {
                    None => granted(),
                    Some(missing) => Gate::Refuse(match missing.told() {
                        Some(told) => format!("{told}. Nothing was sent"),
                        None => format!(
                            "it tried to write in a LIVE plan without {} done before it: nothing \
                             was sent",
                            missing.absent.join(", ")
                        ),
                    }),
                }
            }
        }
    }

    /// Refuses a LIVE plan in which a step would write unchecked, or ask for what its plugin is not
    /// granted. `kinds` are its steps' plugins.
    pub(super) fn check(
        &self,
        plan: &Plan,
        kinds: &[Arc<PluginVersion>],
        registry: &Registry,
    ) -> Result<(), String> {
        if plan.mode != Mode::Live {
            return Ok(());
        }
        let steps = plan.steps.iter().zip(kinds);
        let trusted = steps.filter(|(_, kind)| registry.trusts(kind));
        let trusted = trusted.map(|(step, _)| step.id.as_str()).collect();
        for step in plan
            .steps
            .iter()
            .filter(|step| step.effect == Effect::Write)
        {
            if let Some(missing) = self.missing(plan, step, |_| true, &trusted) {
                let remedy = missing
                    .told()
                    .unwrap_or_else(|| format!("add {} before it", missing.absent.join(", ")));
                return Err(format!(
                    "steps: {} ({}) writes, and a LIVE plan may only write after {}: {remedy}, or \
                     use mode DRY_RUN or SIMULATION",
                    step.id,
                    step.kind,
                    self.live_requires.join(", "),
                ));
            }
        }
        // What would simulate is not sent.
        let sent = |(step, _): &(&Step, _)| step.effect != Effect::Simulate;
        let mut steps = plan.steps.iter().zip(kinds).filter(sent);
        steps.try_for_each(|(step, kind)| {
            let grant = registry.grant(kind);
            let granted = grant.check(step.method, &step.endpoint, &step.headers);
            granted.map_err(|missing| {
                format!(
                    "steps: {} ({}) can't be done: {missing}. Or use mode DRY_RUN or SIMULATION",
                    step.id, step.kind
                )
            })
        })
    }

    /// What this step lacks to write: of every required kind a step before it that `counts`, and
    /// whose component is known. One that a person skipped is that person's word, and no component's.
    fn missing<'p>(
        &'p self,
        plan: &'p Plan,
        step: &Step,
        counts: impl Fn(&Step) -> bool,
        trusted: &Trusted<'_>,
    ) -> Option<Missing<'p>> {
        let before = plan.before(&step.id);
        let mut missing = Missing {
            absent: Vec::new(),
            unknown: Vec::new(),
        };
        for kind in &self.live_requires {
            let of_kind = before.iter().filter(|other| other.kind == *kind);
            let done: Vec<&Step> = of_kind.copied().filter(|other| counts(other)).collect();
            let is_known =
                |other: &&Step| other.skipped.is_some() || trusted.contains(other.id.as_str());
            if done.is_empty() {
                missing.absent.push(kind);
            } else if !done.iter().any(is_known) {
                missing.unknown.extend(done);
            }
        }
        let is_any = !missing.absent.is_empty() || !missing.unknown.is_empty();
        is_any.then_some(missing)
    }
}
