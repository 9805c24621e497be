//! Saying what a plugin is.

use serde_json::Value;

use crate::{Manifest, Method, NO_SETTINGS};

impl Manifest {
    /// A step kind without settings that asks `service` for `endpoint`. `version` is the plugin's
    /// own: `env!("CARGO_PKG_VERSION")`. Its label is its kind unless [`Manifest::label`] says
    /// otherwise.
    pub fn new(kind: &str, version: &str, service: &str, method: Method, endpoint: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            version: version.to_owned(),
            label: kind.to_owned(),
            service: service.to_owned(),
            method,
            endpoint: endpoint.to_owned(),
            description: String::new(),
            settings_schema: NO_SETTINGS.to_owned(),
        }
    }

    /// What clients see as the step's label: 1 to 120 characters.
    #[must_use]
    pub fn label(self, label: &str) -> Self {
        Self {
            label: label.to_owned(),
            ..self
        }
    }

    /// What it does, for the person who picks it: up to 1,000 characters.
    #[must_use]
    pub fn description(self, description: &str) -> Self {
        Self {
            description: description.to_owned(),
            ..self
        }
    }

    /// The settings it takes: `properties` of a JSON Schema. Others are refused.
    #[must_use]
    pub fn settings(self, properties: &Value) -> Self {
        let schema = serde_json::json!({
            "type": "object",
            "additionalProperties": false,
            "properties": properties,
        });
        Self {
            settings_schema: schema.to_string(),
            ..self
        }
    }
}
