//! Makes a plan's steps of what was asked for: finds the kinds and the settings, puts the simulation
//! where a SIMULATION would write, and makes a write once for each domain.

use std::sync::Arc;

use super::settings::Asked;
use crate::plan::{Domain, Effect, Headers, Mode, Step, StepStatus};
use crate::recipe::{StepSpec, step_id};
use crate::registry::{PluginVersion, Registry};
use crate::services::Catalogue;

/// What stands in for a write in a SIMULATION.
pub(super) const SIMULATION: &str = "simulation";

/// The setting with which a step says how often it writes.
const WRITES: &str = "writes";

/// A step, and the kind that runs it.
pub(super) struct Draft {
    pub(super) step: Step,
    pub(super) kind: Arc<PluginVersion>,
}

/// The steps of a plan, and the settings that have to be checked before it may have them.
pub(super) struct Assembled {
    pub(super) drafts: Vec<Draft>,
    pub(super) settings: Vec<Asked>,
}

/// The steps, and the kind of each.
pub(super) fn apart(drafts: Vec<Draft>) -> (Vec<Step>, Vec<Arc<PluginVersion>>) {
    let drafts = drafts.into_iter();
    drafts.map(|draft| (draft.step, draft.kind)).unzip()
}

/// What steps are made with.
pub(super) struct Assembler<'a> {
    pub(super) registry: &'a Registry,
    pub(super) catalogue: &'a Catalogue,
    /// Steps of one plan.
    pub(super) most: usize,
}

/// One step that was asked for.
struct Found<'a> {
    spec: &'a StepSpec,
    /// The kind that was asked for, with the settings that it would have.
    asked: Asked,
    /// The kind that runs it in this mode.
    kind: Arc<PluginVersion>,
    /// It is another kind than the one asked for.
    is_stand_in: bool,
    /// What it is made once for; nothing of its own where that is `None`.
    domains: Vec<Option<Domain>>,
}

impl Assembler<'_> {
    /// The steps of a plan in this mode; what writes is made once for each of `domains`.
    ///
    /// # Errors
    /// Which step can't be made, and what is allowed.
    pub(super) fn assemble(
        &self,
        specs: &[StepSpec],
        domains: &[Domain],
        mode: Mode,
    ) -> Result<Assembled, String> {
        let found = specs
            .iter()
            .enumerate()
            .map(|(index, spec)| self.find(spec, index, domains, mode));
        let found = found.collect::<Result<Vec<_>, _>>()?;
        let per_domain = |found: &Found<'_>| found.spec.domain.is_none() && found.domains != [None];
        if !domains.is_empty() && !found.iter().any(per_domain) {
            return Err(
                "domains makes one step for each domain of what writes, and no step of this plan \
                 writes without a domain of its own: leave domains out"
                    .to_owned(),
            );
        }
        let count: usize = found.iter().map(|found| found.domains.len()).sum();
        if count > self.most {
            return Err(format!(
                "steps: the plan would have {count} steps, and at most {} are allowed",
                self.most
            ));
        }
        Ok(Assembled {
            drafts: self.lay_out(&found),
            settings: found.into_iter().map(|found| found.asked).collect(),
        })
    }

    fn find<'s>(
        &self,
        spec: &'s StepSpec,
        index: usize,
        domains: &[Domain],
        mode: Mode,
    ) -> Result<Found<'s>, String> {
        let kind = self
            .kind(&spec.kind)
            .map_err(|error| format!("steps[{index}].kind {error}"))?;
        // Also of a kind that is replaced below: what is wrong is wrong in every mode.
        let asked = self
            .asked(spec, &kind, format!("steps[{index}]."))
            .map_err(|error| format!("steps[{index}].settings{error}"))?;
        let writes = self.usual_effect(&kind) == Effect::Write;
        let domains = match spec.domain {
            None if writes && !domains.is_empty() => domains.iter().copied().map(Some).collect(),
            own => vec![own],
        };
        let is_stand_in = writes && mode == Mode::Simulation;
        let kind = if is_stand_in {
            self.kind(SIMULATION)
                .map_err(|error| format!("mode SIMULATION needs a kind that {error}"))?
        } else {
            kind
        };
        Ok(Found {
            spec,
            asked,
            kind,
            is_stand_in,
            domains,
        })
    }

    /// The settings that this step would have. The error follows "settings".
    fn asked(
        &self,
        spec: &StepSpec,
        kind: &Arc<PluginVersion>,
        place: String,
    ) -> Result<Asked, String> {
        let operators = self.registry.settings();
        Ok(Asked {
            place,
            kind: Arc::clone(kind),
            settings: operators.under(&spec.kind, spec.settings.as_ref(), |_| true)?,
            is_shared: operators.sets(&spec.kind),
        })
    }

    fn kind(&self, name: &str) -> Result<Arc<PluginVersion>, String> {
        self.registry
            .current(name)
            .map_err(|error| error.to_string())
    }

    /// What the request that the manifest names would do.
    fn usual_effect(&self, kind: &PluginVersion) -> Effect {
        let manifest = &kind.manifest;
        let (method, path) = (manifest.method, &manifest.endpoint);
        self.catalogue.effect(&manifest.service, method, path)
    }

    /// The steps in a row, each after what it was to come after, however often that was made.
    fn lay_out(&self, found: &[Found<'_>]) -> Vec<Draft> {
        let mut drafts = Vec::new();
        // What became of each step that was asked for.
        let mut made: Vec<Vec<String>> = Vec::new();
        for found in found {
            let after = after(found, &made);
            let first = drafts.len();
            let ids = (first..first + found.domains.len()).map(step_id).collect();
            made.push(ids);
            for domain in &found.domains {
                let step = self.pending_step(drafts.len(), found, *domain, after.clone());
                let kind = Arc::clone(&found.kind);
                drafts.push(Draft { step, kind });
            }
        }
        drafts
    }

    fn pending_step(
        &self,
        index: usize,
        found: &Found<'_>,
        domain: Option<Domain>,
        after: Option<Vec<String>>,
    ) -> Step {
        let manifest = &found.kind.manifest;
        // A label of the write's own would hide that a simulation takes its place, and its
        // settings are not the simulation's.
        let own = (!found.is_stand_in).then_some(found.spec);
        let label = own.and_then(|spec| spec.label.as_ref());
        let label = label.unwrap_or(&manifest.label);
        let label = match (domain, found.spec.domain) {
            (Some(domain), None) => format!("{label} ({domain})"),
            _ => label.clone(),
        };
        Step {
            id: step_id(index),
            kind: manifest.kind.clone(),
            plugin: Some(found.kind.sha256.clone()),
            label,
            domain,
            settings: own.and_then(|spec| spec.settings.clone()),
            after,
            service: manifest.service.clone(),
            method: manifest.method,
            endpoint: manifest.endpoint.clone(),
            effect: self.usual_effect(&found.kind),
            repeatable: false,
            sent: false,
            written: Vec::new(),
            writes: own.map_or(1, |_| writes(&found.asked)),
            held: None,
            attempt: 1,
            headers: Headers::default(),
            payload: None,
            payload_reason: None,
            status: StepStatus::Pending,
            result: None,
            error: None,
            approval: None,
            skipped: None,
            retry: None,
            log: Vec::new(),
            started_at: None,
            finished_at: None,
        }
    }
}

/// What a step comes after, in the plan's own ids; `None` if that is just the step before it.
/// `made` is what became of the steps asked for before it.
fn after(found: &Found<'_>, made: &[Vec<String>]) -> Option<Vec<String>> {
    let before = made.last().map(Vec::as_slice).unwrap_or_default();
    let Some(named) = &found.spec.after else {
        let in_a_row = found.domains.len() == 1 && before.len() <= 1;
        return (!in_a_row).then(|| before.to_vec());
    };
    let became =
        |(index, ids): (usize, &Vec<String>)| named.contains(&step_id(index)).then(|| ids.clone());
    let became = made.iter().enumerate().filter_map(became);
    Some(became.flatten().collect())
}

/// How often one attempt of a step may write by itself: as its setting `writes` says, if its kind has
/// that setting.
fn writes(asked: &Asked) -> u32 {
    let declared = asked.kind.manifest.settings_schema.lists(WRITES);
    let given = asked.settings.get(WRITES).filter(|_| declared);
    let given = given.and_then(|given| u32::try_from(given.as_u64()?).ok());
    given.unwrap_or(1).max(1)
}
