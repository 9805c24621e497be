//! `POST /plugins`: takes a component. New plans get it once it is activated.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde::Serialize;

use super::App;
use super::body;
use super::error::HttpError;
use super::list_plugins::PluginLine;

/// How much longer a component may take to arrive than another body.
const PATIENCE: u32 = 10;

/// `{ok, plugin}`
#[derive(Serialize)]
pub(super) struct PluginAnswer {
    ok: bool,
    plugin: PluginLine,
}

/// The component as the body → `{ok, plugin: {kind, version, sha256, …}}`.
pub(super) async fn upload_plugin(
    State(app): State<App>,
    request: Request,
) -> Result<Json<PluginAnswer>, HttpError> {
    let registry = &app.engine.registry;
    let admitted = registry.admit()?;
    let reading = body::read(request.into_body(), registry.component_limit());
    let patience = Duration::from_millis(app.engine.limits().client_ms).saturating_mul(PATIENCE);
    let bytes = tokio::time::timeout(patience, reading)
        .await
        .map_err(|_| {
            HttpError::new(
                StatusCode::REQUEST_TIMEOUT,
                "the component did not arrive in time",
            )
        })??;
    let version = registry.upload(bytes.into(), &admitted).await?;
    Ok(Json(PluginAnswer {
        ok: true,
        plugin: PluginLine::from(&*version),
    }))
}
