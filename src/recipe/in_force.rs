//! The recipes in force: those of the configuration, the shipped ones that none of them replaces,
//! and which of them plans get that name nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Deserialize;

use super::{RecipeConfig, StepSpec};
use crate::plan::{Domain, Mode};

/// The most recipes of a configuration.
const MOST: usize = 200;

/// The most steps of a shipped recipe. What one plan may have is checked when it is created.
const SHIPPED_STEPS: usize = 20;

/// A named list of steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// What clients call it.
    pub name: String,
    /// The domains whose plans get it if they name nothing.
    pub domains: Vec<Domain>,
    /// The modes in which that is so; every mode if there are none.
    pub modes: Vec<Mode>,
    /// Its steps, in order.
    pub steps: Vec<StepSpec>,
    /// Who wrote it.
    pub origin: Origin,
}

impl Recipe {
    /// The kinds of its steps.
    pub fn kinds(&self) -> Vec<&str> {
        self.steps.iter().map(|step| step.kind.as_str()).collect()
    }
}

/// Who wrote a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It ships with the host.
    Shipped,
    /// The operator.
    Configured,
}

/// The recipes in force.
#[derive(Debug)]
pub struct Recipes {
    by_name: BTreeMap<String, Arc<Recipe>>,
    defaults: HashMap<(Domain, Mode), Arc<Recipe>>,
}

#[derive(Deserialize)]
struct Shipped {
    recipe: Vec<RecipeConfig>,
}

impl Recipe {
    /// How closely it names these plans as its own; less is closer, `None` not at all.
    fn rank(&self, domain: Domain, mode: Mode) -> Option<(bool, bool)> {
        let named =
            self.domains.contains(&domain) && (self.modes.is_empty() || self.modes.contains(&mode));
        named.then_some((self.origin == Origin::Shipped, self.modes.is_empty()))
    }
}

impl Recipes {
    /// The configured recipes, each with at most this many steps, over the shipped ones.
    ///
    /// # Errors
    /// Which recipe is wrong, or which two are at odds, and what to do.
    pub fn over_shipped(configured: &[RecipeConfig], most_steps: usize) -> Result<Self, String> {
        if configured.len() > MOST {
            return Err(format!("there are more than {MOST} recipes"));
        }
        let shipped: Shipped = toml::from_str(include_str!("shipped.toml"))
            .map_err(|error| format!("the shipped recipes are wrong: {error}"))?;
        let mut by_name = BTreeMap::new();
        for recipe in shipped.recipe {
            let recipe = recipe.recipe(Origin::Shipped, SHIPPED_STEPS, None)?;
            by_name.insert(recipe.name.clone(), Arc::new(recipe));
        }
        for recipe in configured {
            let shipped = by_name.get(&recipe.name).map(Arc::as_ref);
            let recipe = recipe.recipe(Origin::Configured, most_steps, shipped)?;
            let replaced = by_name.insert(recipe.name.clone(), Arc::new(recipe));
            if let Some(twice) = replaced.filter(|old| old.origin == Origin::Configured) {
                return Err(format!(
                    "the recipe {:?} is there twice: rename one",
                    twice.name
                ));
            }
        }
        let mut defaults = HashMap::new();
        for &domain in Domain::ALL {
            for &mode in Mode::ALL {
                let recipe = default_of(by_name.values(), domain, mode)?;
                defaults.insert((domain, mode), Arc::clone(recipe));
            }
        }
        Ok(Self { by_name, defaults })
    }

    /// The recipe with this name.
    ///
    /// # Errors
    /// Which names there are.
    pub fn named(&self, name: &str) -> Result<&Arc<Recipe>, String> {
        self.by_name.get(name).ok_or_else(|| {
            let name: String = name.chars().take(64).collect();
            let names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
            format!(
                "{name:?} is not known: it must be one of {}",
                names.join(", ")
            )
        })
    }

    /// The recipe of plans that name nothing.
    ///
    /// # Errors
    /// When there is none, which can't be of recipes that were accepted.
    pub fn default_of(&self, domain: Domain, mode: Mode) -> Result<&Arc<Recipe>, String> {
        let recipe = self.defaults.get(&(domain, mode));
        recipe.ok_or_else(|| no_default(domain, mode))
    }

    /// The modes in which plans of this domain get this recipe if they name nothing.
    pub fn modes_of(&self, recipe: &Recipe, domain: Domain) -> Vec<Mode> {
        let is_default = |mode: &Mode| {
            let default = self.default_of(domain, *mode);
            default.is_ok_and(|default| default.name == recipe.name)
        };
        Mode::ALL.iter().copied().filter(is_default).collect()
    }

    /// Every recipe, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Recipe>> {
        self.by_name.values()
    }
}

/// The recipe that names these plans most closely.
fn default_of<'a>(
    recipes: impl Iterator<Item = &'a Arc<Recipe>>,
    domain: Domain,
    mode: Mode,
) -> Result<&'a Arc<Recipe>, String> {
    let mut ranked: Vec<_> = recipes
        .filter_map(|recipe| Some((recipe.rank(domain, mode)?, recipe)))
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    match ranked.as_slice() {
        [(first, one), (second, other), ..] if first == second => Err(format!(
            "the recipes {:?} and {:?} are both the default of {domain} plans in mode {mode}: \
             take {domain} out of the domains of one, or name other modes",
            one.name, other.name
        )),
        [(_, recipe), ..] => Ok(recipe),
        [] => Err(no_default(domain, mode)),
    }
}

fn no_default(domain: Domain, mode: Mode) -> String {
    format!(
        "no recipe is the default of {domain} plans in mode {mode}: add {domain} to the domains of \
         one"
    )
}
