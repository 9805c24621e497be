//! The operator's settings of kinds, `[plugin.<kind>.settings]`: laid under what recipes and clients
//! say, but for those that are the operator's alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use tokio::task::spawn_blocking;

use super::{MOST_WORK, Manifest};
use crate::plan::Json;

/// What is the operator's alone without being locked by one: who sets it decides what a check may
/// overlook.
const LOCKED: [(&str, &[&str]); 2] = [
    ("hardening", &["knownBad", "knownBadMeans"]),
    ("ops", &["knownBad", "knownBadMeans"]),
];

/// What the operator sets, by kind.
#[derive(Debug, Clone, Default)]
pub struct OperatorSettings(BTreeMap<String, KindSettings>);

/// What the operator sets for one kind.
#[derive(Debug, Clone, Default)]
pub struct KindSettings {
    /// The settings.
    pub given: Map<String, Value>,
    /// Those that nobody else may name, beside those that ship locked.
    pub locked: BTreeSet<String>,
}

impl OperatorSettings {
    /// Sets this for a kind.
    pub fn set(&mut self, kind: String, settings: KindSettings) {
        self.0.insert(kind, settings);
    }

    /// What is set for this kind, if anything is.
    pub fn of(&self, kind: &str) -> Option<&KindSettings> {
        self.0.get(kind)
    }

    /// Whether there are settings for this kind.
    pub fn sets(&self, kind: &str) -> bool {
        self.of(kind).is_some_and(|own| !own.given.is_empty())
    }

    /// The kinds for which there are settings.
    pub(super) fn kinds(&self) -> impl Iterator<Item = &String> {
        self.0.keys().filter(|kind| self.sets(kind))
    }

    /// The settings of this kind that only the operator may name.
    pub fn locked(&self, kind: &str) -> BTreeSet<&str> {
        let shipped = LOCKED.iter().filter(|(locked, _)| *locked == kind);
        let shipped = shipped.flat_map(|(_, names)| names.iter().copied());
        let own = self.of(kind).into_iter().flat_map(|own| &own.locked);
        shipped.chain(own.map(String::as_str)).collect()
    }

    /// The settings of a step: its own, over those of the operator that are `told`.
    ///
    /// # Errors
    /// Which of its own it may not have, to follow "settings".
    pub fn under(
        &self,
        kind: &str,
        own: Option<&Json>,
        told: impl Fn(&str) -> bool,
    ) -> Result<Value, String> {
        let own = own.map_or("{}", Json::as_str);
        let own: Map<String, Value> =
            serde_json::from_str(own).map_err(|error| format!(" can't be read: {error}"))?;
        let locked = self.locked(kind);
        if let Some(name) = own.keys().find(|name| locked.contains(name.as_str())) {
            return Err(format!(
                ".{name} is locked: only the operator sets it, under [plugin.{kind}.settings]"
            ));
        }
        let given = self.of(kind).map(|settings| settings.given.clone());
        let mut all = given.unwrap_or_default();
        all.retain(|name, _| told(name));
        all.extend(own);
        Ok(Value::Object(all))
    }

    /// Whether the operator's settings fit a version of their kind.
    ///
    /// # Errors
    /// What of them does not, without what they are.
    pub async fn fit(&self, manifest: &Manifest) -> Result<(), String> {
        let Manifest { kind, version, .. } = manifest;
        let Some(settings) = self.of(kind).filter(|own| !own.given.is_empty()) else {
            return Ok(());
        };
        let given = Value::Object(settings.given.clone());
        let schema = manifest.settings_schema.clone();
        if schema.work(&given) > MOST_WORK {
            return Err(format!(
                "[plugin.{kind}.settings] is too large for the schema of {kind} {version}: checking \
                 it would take too long"
            ));
        }
        let checking = spawn_blocking(move || schema.check_part(&given));
        let checked = checking.await;
        let fits = checked.unwrap_or_else(|error| Err(format!(": it can't be checked: {error}")));
        fits.map_err(|error| {
            format!(
                "[plugin.{kind}.settings] does not fit {kind} {version}{error}: correct it, or \
                 choose another version of {kind}"
            )
        })
    }

    /// What is locked of this kind, and no setting of it: probably misspelt.
    pub(super) fn misspelt(&self, manifest: &Manifest) -> Option<String> {
        let Manifest { kind, version, .. } = manifest;
        let mut locked = self.of(kind)?.locked.iter();
        let name = locked.find(|name| !manifest.settings_schema.allows(name))?;
        Some(format!(
            "[plugin.{kind}] locked: {name:?} is no setting of {kind} {version}"
        ))
    }
}
