//! The settings of steps: a step's own over the operator's, held to the schema of its kind. Schemas
//! are plugins', and settings clients': what a check may take is known before, bounded for a whole
//! plan, and done off the threads that answer requests where it is more than a moment.

use std::sync::Arc;

use serde_json::Value;
use tokio::task::spawn_blocking;

use super::{Engine, kept};
use crate::places::{Places, Purpose, Share};
use crate::plan::{Json, Step};
use crate::registry::{MOST_WORK, PluginVersion};

/// What is checked where it is, in the steps of
/// [`SettingsSchema::work`](crate::registry::SettingsSchema::work): some milliseconds.
const AT_ONCE: usize = 10_000_000;

/// Checks that take long, at the same time.
const LONG: usize = 2;

/// Settings that a step would have, to be checked.
pub(super) struct Asked {
    /// Which step, as in `steps[0].`.
    pub(super) place: String,
    pub(super) kind: Arc<PluginVersion>,
    pub(super) settings: Value,
    /// The operator set some of them, and they are not a client's to see.
    pub(super) is_shared: bool,
}

/// What is said of them.
const CHECKS: Purpose = Purpose {
    are: "settings are being checked",
    setting: "fixed",
};

/// Where checks that take long wait for their turn, kind by kind.
pub(super) struct Turns(Places<String>);

impl Default for Turns {
    fn default() -> Self {
        Self(Places::new(CHECKS, LONG, [Share::each(1)]))
    }
}

impl Turns {
    /// Checks the settings of one plan.
    ///
    /// # Errors
    /// What is wrong with the first that is wrong, or that all of them would take too long.
    pub(super) async fn check(&self, asked: Vec<Asked>) -> Result<(), String> {
        let works = asked.iter().map(Asked::work);
        let work = works.fold(0, usize::saturating_add);
        if work > MOST_WORK {
            // Of those that are alike, the first.
            let largest = asked.iter().rev().max_by_key(|asked| asked.work());
            let (place, kind) = largest.map_or(("", ""), |asked| {
                (asked.place.as_str(), asked.kind.manifest.kind.as_str())
            });
            return Err(format!(
                "{place}settings are too large for the schema of {kind}: checking them would take \
                 too long. Make them shorter, or make fewer steps of this kind"
            ));
        }
        if work <= AT_ONCE {
            return asked.iter().try_for_each(Asked::check);
        }
        let largest = asked.iter().max_by_key(|asked| asked.work());
        let kind = largest.map_or("", |asked| &asked.kind.manifest.kind);
        let turn = self.0.take(&kind.to_owned()).await;
        let turn = turn.map_err(|closed| closed.to_string())?;
        let checking = spawn_blocking(move || {
            let _turn = turn;
            asked.iter().try_for_each(Asked::check)
        });
        let checked = checking.await;
        checked.unwrap_or_else(|error| Err(format!("the settings can't be checked: {error}")))
    }
}

impl Asked {
    fn work(&self) -> usize {
        self.kind.manifest.settings_schema.work(&self.settings)
    }

    fn check(&self) -> Result<(), String> {
        let schema = &self.kind.manifest.settings_schema;
        let checked = if self.is_shared {
            schema.check_masked(&self.settings)
        } else {
            schema.check(&self.settings)
        };
        let kind = &self.kind.manifest.kind;
        checked.map_err(|error| {
            let with = if self.is_shared {
                format!(", with those of [plugin.{kind}.settings]")
            } else {
                String::new()
            };
            format!("{}settings{error}{with}", self.place)
        })
    }
}

impl Engine {
    /// What the operator sets for a kind, without the values of secrets.
    pub fn shown_settings(&self, kind: &str) -> Json {
        let own = self.registry.settings().of(kind);
        let given = own.map(|own| own.given.clone()).unwrap_or_default();
        let json = Json::parse(Value::Object(given).to_string());
        json.map_or_else(
            |_| Json::null(),
            |json| kept::json(self.gateway.redactor(), &json),
        )
    }

    /// The settings that a step has now, as JSON: what the operator sets counts as it is today, also
    /// for a plan of yesterday. Of that, its version is told what it knows: it may be an older one.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) async fn settings(
        &self,
        step: &Step,
        plugin: &Arc<PluginVersion>,
    ) -> Result<String, String> {
        let operators = self.registry.settings();
        let own = step.settings.as_ref();
        let schema = &plugin.manifest.settings_schema;
        let settings = operators
            .under(&step.kind, own, |name| schema.allows(name))
            .map_err(|error| format!("its settings{error}"))?;
        let text = settings.to_string();
        if operators.sets(&step.kind) {
            let asked = Asked {
                place: "its ".to_owned(),
                kind: Arc::clone(plugin),
                settings,
                is_shared: true,
            };
            self.turns.check(vec![asked]).await?;
            return Ok(text);
        }
        // They were checked when the plan was created with them, against this very schema.
        Ok(own.map_or_else(|| "{}".to_owned(), |own| Json::as_str(own).to_owned()))
    }
}
