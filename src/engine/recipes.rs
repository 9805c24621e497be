//! Recipes against what is loaded: at start, and for a plan that asks for one.

use anyhow::anyhow;

use super::Engine;
use super::assemble::{Assembler, SIMULATION, apart};
use super::create::{NewPlan, pending_plan};
use crate::plan::{ApprovalMode, Domain, Mode, Timestamp};
use crate::recipe::{Origin, Recipe, Recipes, StepSpec};
use crate::registry::RegistryError;

/// What a plan is made of.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// What the recipes say for its domain and mode.
    Default,
    /// The recipe with this name.
    Recipe(String),
    /// These steps.
    Steps(Vec<StepSpec>),
}

impl Engine {
    /// The recipes in force.
    pub fn recipes(&self) -> &Recipes {
        &self.recipes
    }

    /// The kinds that a recipe needs and that new plans can't have, once each.
    pub fn missing<'r>(&self, recipe: &'r Recipe) -> Vec<&'r str> {
        let missing = missing(&self.assembler(), recipe).into_iter();
        missing.map(|(kind, _)| kind).collect()
    }

    /// The steps that a plan is to be made of, and the recipe that they are of, if any.
    pub(super) fn wanted<'w>(
        &'w self,
        new: &'w NewPlan,
        mode: Mode,
    ) -> Result<(Option<&'w Recipe>, &'w [StepSpec]), String> {
        let (recipe, steps) = self.asked(new, mode)?;
        if let Some(recipe) = recipe
            && let Some(why) = why_not(&missing(&self.assembler(), recipe))
        {
            return Err(format!("the recipe {:?} {why}", recipe.name));
        }
        Ok((recipe, steps))
    }

    /// The same, whether or not the kinds are there.
    fn asked<'w>(
        &'w self,
        new: &'w NewPlan,
        mode: Mode,
    ) -> Result<(Option<&'w Recipe>, &'w [StepSpec]), String> {
        let recipe = match &new.wanted {
            Wanted::Steps(steps) => return Ok((None, steps)),
            Wanted::Recipe(name) => self.recipes.named(name),
            Wanted::Default => self.recipes.default_of(new.domain, mode),
        };
        let recipe = recipe.map_err(|error| format!("recipe {error}"))?;
        Ok((Some(recipe), &recipe.steps))
    }

    /// Why a plan can't be created yet that needs a kind which may still come.
    pub(super) fn awaited(&self, new: &NewPlan, mode: Mode) -> Option<RegistryError> {
        let (_, steps) = self.asked(new, mode).ok()?;
        let stand_in = (mode == Mode::Simulation).then_some(SIMULATION);
        let mut kinds = steps.iter().map(|step| step.kind.as_str()).chain(stand_in);
        kinds.find_map(|kind| self.registry.loading(kind))
    }
}

/// The kinds that a new plan of this recipe can't have, once each, and why.
fn missing<'r>(assembler: &Assembler<'_>, recipe: &'r Recipe) -> Vec<(&'r str, RegistryError)> {
    let mut missing: Vec<(&str, RegistryError)> = Vec::new();
    for kind in recipe.kinds() {
        let is_known = missing.iter().any(|(known, _)| *known == kind);
        if let (false, Err(error)) = (is_known, assembler.registry.current(kind)) {
            missing.push((kind, error));
        }
    }
    missing
}

/// Why a recipe with these missing kinds can't be used, and what to do, if there are any.
fn why_not(missing: &[(&str, RegistryError)]) -> Option<String> {
    let errors = missing.iter().map(|(_, error)| error);
    let known = errors.filter(|error| !matches!(error, RegistryError::NoKind { .. }));
    let known: Vec<String> = known.map(ToString::to_string).collect();
    if !known.is_empty() {
        return Some(format!("can't be used: {}", known.join("; ")));
    }
    let kinds: Vec<&str> = missing.iter().map(|(kind, _)| *kind).collect();
    (!kinds.is_empty()).then(|| {
        format!(
            "needs step kinds that are not loaded: {}. Build their plugins with `codex-mesh plugin \
             build`, put them into a folder, and start the host with --plugins FOLDER",
            kinds.join(", ")
        )
    })
}

impl Engine {
    /// Holds what is configured against the loaded kinds.
    ///
    /// # Errors
    /// What does not fit them, and what to do.
    pub async fn check(&self) -> anyhow::Result<()> {
        self.registry.check().await?;
        self.check_recipes().await
    }

    /// Holds every recipe against the loaded kinds, and those that plans get by themselves against
    /// the policy. A shipped recipe may not fit what the operator has changed: it is reported.
    ///
    /// # Errors
    /// Which configured recipe can't be used, which step of it, and what to do.
    async fn check_recipes(&self) -> anyhow::Result<()> {
        for recipe in self.recipes.iter() {
            let Err(error) = self.check_recipe(recipe).await else {
                continue;
            };
            match recipe.origin {
                // What was chosen while the host ran must not keep it from starting again.
                Origin::Configured if self.registry.is_chosen(&recipe.kinds()) => {
                    tracing::warn!("[[recipe]] {error}");
                }
                // Nor must a folder that does not answer.
                Origin::Configured if self.registry.is_troubled() => {
                    tracing::warn!("[[recipe]] {error}");
                }
                Origin::Configured => return Err(anyhow!("[[recipe]] {error}")),
                // Not an odd thing: what it needs beyond the host's own kinds is shipped apart.
                Origin::Shipped if !self.missing(recipe).is_empty() => {}
                Origin::Shipped => tracing::warn!("{error}"),
            }
        }
        Ok(())
    }

    async fn check_recipe(&self, recipe: &Recipe) -> Result<(), String> {
        let wrong = |error: String| format!("the recipe {:?}: {error}", recipe.name);
        // In a mode that replaces nothing and requires nothing.
        let assembled = self.assembler().assemble(&recipe.steps, &[], Mode::DryRun);
        let settings = assembled.map_err(wrong)?.settings;
        self.turns.check(settings).await.map_err(wrong)?;
        for &domain in Domain::ALL {
            for mode in self.recipes.modes_of(recipe, domain) {
                self.try_out(recipe, domain, mode).map_err(|error| {
                    wrong(format!(
                        "it is the default of {domain} plans in mode {mode}, and they can't be made \
                         of it: {error}"
                    ))
                })?;
            }
        }
        Ok(())
    }

    fn try_out(&self, recipe: &Recipe, domain: Domain, mode: Mode) -> Result<(), String> {
        let new = NewPlan {
            session_id: String::new(),
            domain,
            domains: Vec::new(),
            goal: String::new(),
            mode: Some(mode),
            wanted: Wanted::Default,
        };
        let drafts = self.assembler().assemble(&recipe.steps, &[], mode)?.drafts;
        let mut plan = pending_plan(new, mode, ApprovalMode::Enforce, Timestamp::from_millis(0));
        let (steps, kinds) = apart(drafts);
        plan.steps = steps;
        self.policy.check(&plan, &kinds, &self.registry)
    }
}
