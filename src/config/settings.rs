//! `[plugin.<kind>.settings]` and `locked`: what the operator sets for the steps of a kind. Whether
//! that fits the kind is known once its plugin is loaded.

use std::collections::BTreeMap;

use anyhow::{anyhow, bail};
use serde_json::Value;

use super::PluginConfig;
use crate::recipe::{self, json};
use crate::registry::{KindSettings, OperatorSettings};

/// The settings that come of what is set.
///
/// # Errors
/// Which kind has what JSON does not have, or too much.
pub(super) fn settings(
    plugins: &BTreeMap<String, PluginConfig>,
) -> anyhow::Result<OperatorSettings> {
    let mut settings = OperatorSettings::default();
    for (kind, plugin) in plugins {
        let at = format!("[plugin.{kind}.settings]");
        let given = json(&toml::Value::Table(plugin.settings.clone()));
        let given = given.map_err(|error| anyhow!("{at} has {error}"))?;
        let length = given.to_string().len();
        if length > recipe::SETTINGS {
            bail!(
                "{at} has {length} bytes, and at most {} are allowed",
                recipe::SETTINGS
            );
        }
        let Value::Object(given) = given else {
            bail!("{at} must be a table");
        };
        let locked = plugin.locked.clone();
        settings.set(kind.clone(), KindSettings { given, locked });
    }
    Ok(settings)
}
