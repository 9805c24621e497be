//! Recipes: which steps a plan gets is data. Some ship with the host, others are the operator's.
//!
//! # Layout
//! - [`StepSpec`]: a step as it is asked for, by a client or by a recipe, in one form.
//! - [`RecipeConfig`]: `[[recipe]]` as it is configured, and as `shipped.toml` has it.
//! - [`Recipe`], [`Recipes`]: those in force, and which is the default of which plans.
//!
//! Nothing here knows which step kinds are loaded: that is the engine's to check.

mod config;
mod in_force;
mod step;

pub use config::RecipeConfig;
pub(crate) use config::json;
pub use in_force::{Origin, Recipe, Recipes};
pub use step::StepSpec;
pub(crate) use step::{SETTINGS, step_id};
