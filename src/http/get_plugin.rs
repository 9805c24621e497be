//! `GET /plugins/{kind}`: the versions of a step kind. What the routes that change them answer, too.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;

use super::error::HttpError;
use crate::engine::Engine;
use crate::registry::{Registry, VersionLine};

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

/// → `{ok, kind, versions: [{version, sha256, origin, active, openPlans, calls, errors,
/// averageMicros}]}`.
pub(super) async fn get_plugin(
    State(engine): State<Arc<Engine>>,
    Path(kind): Path<String>,
) -> Result<Json<VersionsAnswer>, HttpError> {
    VersionsAnswer::json(&engine.registry, kind).await
}
