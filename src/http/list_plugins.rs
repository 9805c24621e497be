//! `GET /plugins`: the step kinds that are loaded.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use super::error::HttpError;
use super::reader::Reader;
use crate::engine::Engine;
use crate::plan::Json as RawJson;
use crate::registry::{Granted, PluginVersion, PluginsState};

/// `{ok, plugins, loading, notices}`
#[derive(Serialize)]
struct PluginsAnswer {
    ok: bool,
    plugins: Vec<PluginLine>,
    #[serde(flatten)]
    state: PluginsState,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PluginLine {
    kind: String,
    version: String,
    /// The version of the contract that it was built for.
    contract: String,
    label: String,
    service: String,
    method: &'static str,
    endpoint: String,
    description: String,
    settings_schema: RawJson,
    /// What the operator sets where nobody else does.
    settings: RawJson,
    /// The settings that only the operator may name.
    locked: Vec<String>,
    sha256: String,
    /// In bytes.
    size: usize,
    /// It failed too often, and new plans can't have it.
    quarantined: bool,
    /// `embedded`, `upload`, `kept` (for open plans), or the file it was loaded from.
    origin: String,
    /// It came with the host, or the operator named it: it counts as a check of its kind.
    trusted: bool,
    /// What it may call.
    granted: Granted,
}

impl PluginLine {
    pub(super) fn of(version: &PluginVersion, engine: &Engine) -> Self {
        let granted = engine.registry.grant(version).shown();
        let manifest = version.manifest.clone();
        let operators = engine.registry.settings();
        let locked = operators.locked(&manifest.kind).into_iter();
        Self {
            granted,
            trusted: engine.registry.trusts(version),
            settings: engine.shown_settings(&manifest.kind),
            locked: locked.map(str::to_owned).collect(),
            kind: manifest.kind,
            version: manifest.version.to_string(),
            contract: version.plugin.contract().to_string(),
            label: manifest.label,
            service: manifest.service,
            method: manifest.method.as_str(),
            endpoint: manifest.endpoint,
            description: manifest.description,
            settings_schema: manifest.settings_schema.json().clone(),
            sha256: version.sha256.clone(),
            size: version.size,
            quarantined: version.calls.is_quarantined(),
            origin: version.origin.to_string(),
        }
    }
}

/// `{ok, plugins: [{kind, version, label, service, …}], loading, notices}`, by kind.
pub(super) async fn list_plugins(
    State(engine): State<Arc<Engine>>,
    reader: Reader,
) -> Result<Response, HttpError> {
    // First: what is loaded meanwhile is then in the list.
    let state = engine.registry.plugins_state();
    let plugins = engine
        .registry
        .offered()
        .iter()
        .map(|version| PluginLine::of(version, &engine))
        .collect();
    reader.answer(&PluginsAnswer {
        ok: true,
        plugins,
        state,
    })
}
