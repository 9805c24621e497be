//! `POST /plugins/{kind}/activate`: new plans get this version from now on.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};

use super::body::Fields;
use super::error::HttpError;
use super::get_plugin::VersionsAnswer;
use crate::engine::Engine;
use crate::registry::Selector;

/// `{version}` or `{sha256}` → `{ok, kind, versions}`.
pub(super) async fn activate_plugin(
    State(engine): State<Arc<Engine>>,
    Path(kind): Path<String>,
    fields: Fields,
) -> Result<Json<VersionsAnswer>, HttpError> {
    let selector = match (fields.optional("version"), fields.optional("sha256")) {
        (Some(_), None) => Selector::Version(fields.text("version")?.to_owned()),
        (None, Some(_)) => Selector::Sha256(fields.text("sha256")?.to_owned()),
        _ => return Err(HttpError::bad("either version or sha256 is required")),
    };
    engine.registry.activate(&kind, &selector).await?;
    VersionsAnswer::json(&engine.registry, kind).await
}
