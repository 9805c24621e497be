//! What a mode and the grants let through. Judged for every request just before it is sent,
//! follow-up calls included: what a plugin said earlier, in its manifest or when the plan was
//! created, counts for nothing here.

use std::sync::Arc;

use super::request::Checked;
use crate::plan::{Effect, Mode, Plan, Step, StepStatus};
use crate::registry::{Grant, PluginVersion, Registry};

/// What is done with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Gate {
    /// It is sent.
    Send,
    /// It is shown and not sent.
    ShowOnly,
    /// It is refused, and why.
    Refuse(String),
}

/// The operator's rules.
#[derive(Debug)]
pub(super) struct Policy {
    live_requires: Vec<String>,
}

impl Policy {
    pub(super) fn new(live_requires: &[String]) -> Self {
        Self {
            live_requires: live_requires.to_vec(),
        }
    }

    /// Whether a LIVE plan may write only after a step of this kind.
    pub(super) fn requires(&self, kind: &str) -> bool {
        self.live_requires.iter().any(|required| required == kind)
    }

    /// What is done with this request of `step`, whose plugin has this grant.
    pub(super) fn gate(
        &self,
        plan: &Plan,
        step: &Step,
        request: &Checked,
        grant: &Grant<'_>,
    ) -> Gate {
        let granted = || match grant.check(request.method, &request.path, &request.headers) {
            Ok(()) => Gate::Send,
            Err(missing) => Gate::Refuse(format!("{missing}. Nothing was sent")),
        };
        match (plan.mode, request.effect) {
            (_, Effect::Read) => granted(),
            // Whoever reviews it sees what it would take to grant.
            (Mode::DryRun, Effect::Write) => Gate::ShowOnly,
            (Mode::Simulation, Effect::Write) => Gate::Refuse(
                "it tried to write, and a SIMULATION never writes: nothing was sent".to_owned(),
            ),
            (Mode::Live, Effect::Write) => {
                let done = |other: &Step| other.status == StepStatus::Done;
                match self.missing(plan, step, done) {
                    None => granted(),
                    Some(missing) => Gate::Refuse(format!(
                        "it tried to write in a LIVE plan without {missing} done before it: \
                         nothing was sent"
                    )),
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
        for step in plan
            .steps
            .iter()
            .filter(|step| step.effect == Effect::Write)
        {
            if let Some(missing) = self.missing(plan, step, |_| true) {
                return Err(format!(
                    "steps: {} ({}) writes, and a LIVE plan may only write after {}: add {missing} \
                     before it, or use mode DRY_RUN or SIMULATION",
                    step.id,
                    step.kind,
                    self.live_requires.join(", "),
                ));
            }
        }
        plan.steps.iter().zip(kinds).try_for_each(|(step, kind)| {
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

    /// The required kinds that no step before this one has, among those that count.
    fn missing(&self, plan: &Plan, step: &Step, counts: impl Fn(&Step) -> bool) -> Option<String> {
        let before = plan.before(&step.id);
        let missing: Vec<&str> = self
            .live_requires
            .iter()
            .filter(|kind| {
                !before
                    .iter()
                    .any(|other| &other.kind == *kind && counts(other))
            })
            .map(String::as_str)
            .collect();
        (!missing.is_empty()).then(|| missing.join(", "))
    }
}
