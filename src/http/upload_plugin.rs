//! `POST /plugins`: takes a component. New plans get it once it is activated.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::App;
use super::body;
use super::error::HttpError;
use super::get_plugin::carried_out;
use super::list_plugins::PluginLine;
use crate::caller::Caller;
use crate::registry::{Component, SIGNATURE_BYTES};

/// How much longer a component may take to arrive than another body.
const PATIENCE: u32 = 10;

/// The header with the component's signature: its `.minisig` file, in base64.
pub const SIGNATURE_HEADER: &str = "plugin-signature";

/// `{ok, plugin}`
#[derive(Serialize)]
pub(super) struct PluginAnswer {
    ok: bool,
    plugin: PluginLine,
}

/// The component as the body, as `application/wasm`, and its signature as a header →
/// `{ok, plugin: {kind, version, sha256, …}}`.
pub(super) async fn upload_plugin(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<Json<PluginAnswer>, HttpError> {
    let registry = Arc::clone(&app.engine.registry);
    let patience = Duration::from_millis(app.engine.limits().client_ms).saturating_mul(PATIENCE);
    let signature = signature(request.headers());
    let refused = signature.and_then(|signature| Ok((signature, registry.admit(&caller)?)));
    // Read even if it is of no use, as every body is.
    let limit = if refused.is_ok() {
        registry.component_limit()
    } else {
        0
    };
    let read = tokio::time::timeout(patience, body::read(request.into_body(), limit)).await;
    let (signature, admitted) = refused?;
    let bytes = read.map_err(|_| {
        let message = "the component did not arrive in time";
        HttpError::new(StatusCode::REQUEST_TIMEOUT, message)
    })??;
    let component = Component {
        bytes: bytes.into(),
        signature,
    };
    let taking = async move { registry.upload(component, admitted).await };
    let version = carried_out(taking).await?;
    Ok(Json(PluginAnswer {
        ok: true,
        plugin: PluginLine::of(&version, &app.engine),
    }))
}

/// What the headers say of the component: that it is one, and its signature if there is one.
fn signature(headers: &HeaderMap) -> Result<Option<Arc<[u8]>>, HttpError> {
    // No other web page can send this type unasked.
    if headers
        .get(CONTENT_TYPE)
        .is_none_or(|is| is != "application/wasm")
    {
        let message = "the content type must be application/wasm";
        return Err(HttpError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let Some(header) = headers.get(SIGNATURE_HEADER) else {
        return Ok(None);
    };
    let signature = STANDARD.decode(header).ok();
    let signature = signature.filter(|signature| signature.len() <= SIGNATURE_BYTES);
    let signature = signature.ok_or_else(|| {
        HttpError::bad(format!(
            "{SIGNATURE_HEADER} must be the base64 of a .minisig file of up to {SIGNATURE_BYTES} \
             bytes"
        ))
    })?;
    Ok(Some(signature.into()))
}
