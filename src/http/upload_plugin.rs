//! `POST /plugins`: takes a component. New plans get it once it is activated.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use serde::Serialize;

use super::App;
use super::body;
use super::error::HttpError;
use super::get_plugin::carried_out;
use super::list_plugins::PluginLine;

/// How much longer a component may take to arrive than another body.
const PATIENCE: u32 = 10;

/// `{ok, plugin}`
#[derive(Serialize)]
pub(super) struct PluginAnswer {
    ok: bool,
    plugin: PluginLine,
}

/// The component as the body, as `application/wasm` → `{ok, plugin: {kind, version, sha256, …}}`.
pub(super) async fn upload_plugin(
    State(app): State<App>,
    request: Request,
) -> Result<Json<PluginAnswer>, HttpError> {
    let registry = Arc::clone(&app.engine.registry);
    let patience = Duration::from_millis(app.engine.limits().client_ms).saturating_mul(PATIENCE);
    let content_type = request.headers().get(CONTENT_TYPE).cloned();
    // No other web page can send this type unasked.
    let refused = if content_type.is_some_and(|is| is == "application/wasm") {
        registry.admit().map_err(HttpError::from)
    } else {
        let message = "the content type must be application/wasm";
        Err(HttpError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
    };
    // Read even if it is of no use, as every body is.
    let limit = if refused.is_ok() {
        registry.component_limit()
    } else {
        0
    };
    let read = tokio::time::timeout(patience, body::read(request.into_body(), limit)).await;
    let admitted = refused?;
    let bytes = read.map_err(|_| {
        let message = "the component did not arrive in time";
        HttpError::new(StatusCode::REQUEST_TIMEOUT, message)
    })??;
    let taking = async move { registry.upload(bytes.into(), admitted).await };
    let version = carried_out(taking).await?;
    Ok(Json(PluginAnswer {
        ok: true,
        plugin: PluginLine::of(&version, &app.engine.registry),
    }))
}
