//! `GET /recipes`: what plans can be made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::engine::Engine;
use crate::plan::{Domain, Mode};
use crate::recipe::{Origin, Recipe, StepSpec};

/// `{ok, recipes}`
#[derive(Serialize)]
pub(super) struct RecipesAnswer {
    ok: bool,
    recipes: Vec<RecipeLine>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecipeLine {
    name: String,
    /// The domains it claims.
    domains: Vec<Domain>,
    /// The modes in which it claims them.
    modes: Vec<Mode>,
    steps: Vec<StepSpec>,
    /// The plans that get it if they name nothing: by domain the modes.
    default_for: BTreeMap<&'static str, Vec<Mode>>,
    /// `shipped` or `configured`.
    origin: &'static str,
    /// Whether new plans can have all its step kinds.
    available: bool,
    /// Those that they can't have: not loaded, deactivated or quarantined.
    missing: Vec<String>,
}

impl RecipeLine {
    fn of(engine: &Engine, recipe: &Recipe) -> Self {
        let modes_of = |domain: &Domain| {
            let modes = engine.recipes().modes_of(recipe, *domain);
            (!modes.is_empty()).then(|| (domain.as_str(), modes))
        };
        let missing: Vec<String> = engine
            .missing(recipe)
            .into_iter()
            .map(str::to_owned)
            .collect();
        let modes = match recipe.modes.as_slice() {
            [] => Mode::ALL,
            modes => modes,
        };
        Self {
            name: recipe.name.clone(),
            domains: recipe.domains.clone(),
            modes: modes.to_vec(),
            steps: recipe.steps.clone(),
            default_for: Domain::ALL.iter().filter_map(modes_of).collect(),
            origin: match recipe.origin {
                Origin::Shipped => "shipped",
                Origin::Configured => "configured",
            },
            available: missing.is_empty(),
            missing,
        }
    }
}

/// `{ok, recipes: [{name, domains, modes, steps, defaultFor, origin, available, missing}]}`, by
/// name.
pub(super) async fn list_recipes(State(engine): State<Arc<Engine>>) -> Json<RecipesAnswer> {
    let recipes = engine.recipes().iter();
    Json(RecipesAnswer {
        ok: true,
        recipes: recipes
            .map(|recipe| RecipeLine::of(&engine, recipe))
            .collect(),
    })
}
