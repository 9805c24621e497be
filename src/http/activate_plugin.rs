//! `POST /plugins/{kind}/activate`: new plans get this version from now on.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::body::JsonBody;
use super::error::HttpError;
use super::get_plugin::{VersionsAnswer, carried_out};
use super::segments::Segments;
use crate::engine::Engine;
use crate::registry::Selector;

/// `{version}` or `{sha256}` → `{ok, kind, versions}`.
pub(super) async fn activate_plugin(
    State(engine): State<Arc<Engine>>,
    Segments(kind): Segments<String>,
    body: JsonBody,
) -> Result<Json<VersionsAnswer>, HttpError> {
    let fields = body.fields(&["version", "sha256"])?;
    let selector = match (fields.optional("version"), fields.optional("sha256")) {
        (Some(_), None) => Selector::Version(fields.text("version")?.to_owned()),
        (None, Some(_)) => Selector::Sha256(fields.text("sha256")?.to_owned()),
        _ => return Err(HttpError::bad("either version or sha256 is required")),
    };
    let (registry, name) = (Arc::clone(&engine.registry), kind.clone());
    carried_out(async move { registry.activate(&name, &selector).await }).await?;
    VersionsAnswer::json(&engine.registry, kind).await
}
