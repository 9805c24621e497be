//! `[[recipe]]`, as the configuration and `shipped.toml` have it.

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Number, Value as Json};
use toml::Value;

use super::{Origin, Recipe, StepSpec};
use crate::plan::{Domain, Mode};

/// `[[recipe]]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RecipeConfig {
    /// What clients call it: 1 to 64 of a-z, 0-9 and -, beginning with a letter.
    pub name: String,
    /// The domains whose plans get it if they name nothing; by name only if there are none.
    pub domains: Vec<Domain>,
    /// The modes in which that is so; every mode if there are none.
    #[serde(deserialize_with = "modes")]
    pub modes: Vec<Mode>,
    /// Its steps, in the form that `POST /mesh/create` takes; those of the shipped recipe with this
    /// name if it has none.
    pub steps: Option<Vec<Value>>,
}

fn modes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Mode>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let modes = names.iter().map(|name| Mode::named(name));
    modes
        .collect::<Result<_, _>>()
        .map_err(|error| de::Error::custom(format!("modes: each {error}")))
}

impl RecipeConfig {
    /// The recipe, with at most this many steps. `shipped` is the one that it replaces.
    ///
    /// # Errors
    /// What is wrong with it, and what is allowed.
    pub(super) fn recipe(
        &self,
        origin: Origin,
        most_steps: usize,
        shipped: Option<&Recipe>,
    ) -> Result<Recipe, String> {
        let name: String = self.name.chars().take(64).collect();
        let wrong = |error: String| format!("the recipe {name:?}: {error}");
        if !is_name(&self.name) {
            return Err(wrong(
                "its name must be 1 to 64 of a-z, 0-9 and -, beginning with a letter".to_owned(),
            ));
        }
        if self.domains.is_empty() && !self.modes.is_empty() {
            return Err(wrong(
                "it has modes and no domains: add the domains whose plans get it in these modes, \
                 or leave out the modes, as by name it may be used in each"
                    .to_owned(),
            ));
        }
        let steps = match (&self.steps, shipped) {
            (None, Some(shipped)) => Ok(shipped.steps.clone()),
            (steps, _) => specs(steps.as_deref().unwrap_or_default(), most_steps),
        };
        Ok(Recipe {
            name: self.name.clone(),
            domains: self.domains.clone(),
            modes: self.modes.clone(),
            steps: steps.map_err(wrong)?,
            origin,
        })
    }
}

fn specs(steps: &[Value], most: usize) -> Result<Vec<StepSpec>, String> {
    let steps = steps
        .iter()
        .enumerate()
        .map(|(index, step)| json(step).map_err(|error| format!("steps[{index}] has {error}")));
    StepSpec::list(&Json::Array(steps.collect::<Result<_, _>>()?), most)
}

fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// TOML as JSON. The error says what JSON does not have.
pub(crate) fn json(value: &Value) -> Result<Json, String> {
    Ok(match value {
        Value::String(text) => Json::String(text.clone()),
        Value::Integer(number) => Json::Number((*number).into()),
        Value::Float(number) => Number::from_f64(*number)
            .map(Json::Number)
            .ok_or_else(|| format!("the number {number}, which JSON does not have"))?,
        Value::Boolean(flag) => Json::Bool(*flag),
        Value::Datetime(moment) => {
            return Err(format!(
                "the time {moment}, which JSON does not have: put it in quotation marks"
            ));
        }
        Value::Array(items) => Json::Array(items.iter().map(json).collect::<Result<_, _>>()?),
        Value::Table(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| Ok((key.clone(), json(value)?)));
            Json::Object(fields.collect::<Result<Map<_, _>, String>>()?)
        }
    })
}
