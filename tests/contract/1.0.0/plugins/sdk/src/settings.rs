//! Reading this step's settings. A setting that was given is right or refused, by name and with
//! what would be right; it is never quietly replaced by a default.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::Context;
use crate::answer::quote;

impl Context {
    /// The whole number given for this setting.
    pub fn number_setting(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, String> {
        let wanted = || format!("a whole number from {} to {}", range.start(), range.end());
        self.setting(name, wanted, |value| {
            value.as_u64().filter(|number| range.contains(number))
        })
    }

    /// The text given for this setting, without the white space around it.
    pub fn text_setting(&self, name: &str, longest: usize) -> Result<Option<String>, String> {
        let wanted = || format!("a text of 1 to {longest} characters that is not blank");
        self.setting(name, wanted, |value| {
            let text = value.as_str()?;
            let fits = text.chars().nth(longest).is_none() && !text.trim().is_empty();
            fits.then(|| text.trim().to_owned())
        })
    }

    /// The one of `choices` given for this setting.
    pub fn choice_setting<'a>(
        &self,
        name: &str,
        choices: &[&'a str],
    ) -> Result<Option<&'a str>, String> {
        let wanted = || format!("one of {}", choices.join(", "));
        self.setting(name, wanted, |value| {
            choices
                .iter()
                .copied()
                .find(|choice| value.as_str() == Some(choice))
        })
    }

    fn setting<T>(
        &self,
        name: &str,
        wanted: impl Fn() -> String,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let settings: Map<String, Value> = serde_json::from_str(&self.step.settings)
            .map_err(|error| format!("the settings are not a JSON object: {error}"))?;
        let Some(value) = settings.get(name) else {
            return Ok(None);
        };
        read(value).map(Some).ok_or_else(|| {
            format!(
                "the setting {name} must be {}, not {}",
                wanted(),
                quote(&value.to_string())
            )
        })
    }
}
