//! `GET /plugins/{kind}`: the versions of a step kind. What the routes that change them answer, too.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::error::HttpError;
use super::segments::Segments;
use crate::engine::{Engine, EngineError};
use crate::registry::{Registry, RegistryError, VersionLine};

/// `{ok, kind, versions}`
#[derive(Serialize)]
pub(super) struct VersionsAnswer {
    ok: bool,
    kind: String,
    versions: Vec<VersionLine>,
}

impl VersionsAnswer {
    pub(super) async fn json(registry: &Registry, kind: String) -> Result<Json<Self>, HttpError> {
        let versions = registry.versions(&kind).await?;
        Ok(Json(Self {
            ok: true,
            kind,
            versions,
        }))
    }
}

/// Carries out a change of the registry in a task of its own: a client that hangs up leaves it whole.
pub(super) async fn carried_out<T: Send + 'static>(
    change: impl Future<Output = Result<T, RegistryError>> + Send + 'static,
) -> Result<T, HttpError> {
    match tokio::spawn(change).await {
        Ok(changed) => Ok(changed?),
        Err(_) => Err(EngineError::Stopping.into()),
    }
}

/// → `{ok, kind, versions: [{version, contract, sha256, origin, active, quarantined, openPlans, calls,
/// errors, averageMicros, granted?}]}`.
pub(super) async fn get_plugin(
    State(engine): State<Arc<Engine>>,
    Segments(kind): Segments<String>,
) -> Result<Json<VersionsAnswer>, HttpError> {
    VersionsAnswer::json(&engine.registry, kind).await
}
