//! Answers whose JSON is there as a text already.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::store::StoreError;

/// An answer with this body.
pub(super) fn json(body: impl Into<Body>) -> Response {
    ([(CONTENT_TYPE, "application/json")], body.into()).into_response()
}

/// What was stored, written as JSON. It was JSON before, so this fails for no reason that is known.
pub(super) fn written<T>(json: serde_json::Result<T>) -> Result<T, StoreError> {
    json.map_err(|error| {
        tracing::error!("what is stored can't be written as JSON: {error}");
        StoreError::Fault
    })
}
