//! The one error type at the HTTP edge: `{"ok":false,"error":"…"}`. 4xx say what is wrong and what
//! is allowed; of a 500 the inside is logged, not told.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::engine::EngineError;
use crate::places::NoPlace;
use crate::plan::Refused;
use crate::registry::RegistryError;
use crate::sandbox::LoadError;
use crate::store::StoreError;

/// Seconds after which a busy host may be asked again.
const AGAIN: u64 = 1;

/// `{ok, error}`
#[derive(Serialize)]
struct ErrorAnswer {
    ok: bool,
    error: String,
}

/// What a client is told when there is no answer.
#[derive(Debug)]
pub(super) struct HttpError {
    status: StatusCode,
    message: String,
}

impl HttpError {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// 400: a field is wrong.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 500: the host failed, and why is nobody else's business.
    pub(super) fn fault() -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "the host failed; its log says more")
    }

    pub(super) async fn no_route(method: Method, uri: Uri) -> Self {
        let path: String = uri.path().chars().take(200).collect();
        Self::new(
            StatusCode::NOT_FOUND,
            format!("there is no route {method} {path}"),
        )
    }

    pub(super) async fn wrong_method(method: Method, uri: Uri) -> Self {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(status, format!("{} does not take {method}", uri.path()))
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let body = Json(ErrorAnswer {
            ok: false,
            error: self.message,
        });
        let mut response = (self.status, body).into_response();
        if is_for_now(self.status) {
            response.headers_mut().insert(RETRY_AFTER, AGAIN.into());
        }
        response
    }
}

/// Whether the same request may be answered in a moment.
fn is_for_now(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
    )
}

impl From<NoPlace> for HttpError {
    fn from(why: NoPlace) -> Self {
        let status = match why {
            // RFC 6585, section 4: this caller has too many.
            NoPlace::Share { .. } => StatusCode::TOO_MANY_REQUESTS,
            NoPlace::Full { .. } | NoPlace::Closed => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, why.to_string())
    }
}

impl From<EngineError> for HttpError {
    fn from(error: EngineError) -> Self {
        let message = error.to_string();
        match error {
            EngineError::Invalid(_) => Self::bad(message),
            EngineError::TriedOut(..) => Self::new(StatusCode::CONFLICT, message),
            EngineError::Busy(why) => why.into(),
            EngineError::Loading(error) => error.into(),
            EngineError::Stopping | EngineError::NotStored(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
            }
            EngineError::Store(error) => error.into(),
        }
    }
}

impl From<RegistryError> for HttpError {
    fn from(error: RegistryError) -> Self {
        let message = error.to_string();
        let status = match error {
            RegistryError::Load(LoadError::TooLarge(..)) => StatusCode::PAYLOAD_TOO_LARGE,
            RegistryError::Load(error) if error.may_pass() => StatusCode::SERVICE_UNAVAILABLE,
            RegistryError::Load(_) | RegistryError::Settings(_) => StatusCode::BAD_REQUEST,
            RegistryError::NoKind { .. }
            | RegistryError::NotKept(_)
            | RegistryError::NoVersion { .. } => StatusCode::NOT_FOUND,
            RegistryError::Busy(why) => return why.into(),
            RegistryError::Shelf(..) | RegistryError::Loading { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            RegistryError::Store(error) => return error.into(),
            RegistryError::Deactivated(_)
            | RegistryError::Quarantined(_)
            | RegistryError::NotLoadable(_)
            | RegistryError::Ambiguous { .. }
            | RegistryError::Kept(..)
            | RegistryError::NothingChosen(_)
            | RegistryError::Needed(..)
            | RegistryError::NoRoom { .. }
            | RegistryError::Full(_) => StatusCode::CONFLICT,
        };
        Self::new(status, message)
    }
}

impl From<StoreError> for HttpError {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::NotFound => Self::new(StatusCode::NOT_FOUND, message),
            StoreError::Refused(Refused::NoStep(_)) => Self::new(StatusCode::NOT_FOUND, message),
            StoreError::Refused(_) | StoreError::PluginGone(_) => {
                Self::new(StatusCode::CONFLICT, message)
            }
            StoreError::Full
            | StoreError::ReadOnly
            | StoreError::Disk(_)
            | StoreError::Locked
            | StoreError::Corrupt(_)
            | StoreError::Gone(_)
            | StoreError::Closed => Self::new(StatusCode::SERVICE_UNAVAILABLE, message),
            StoreError::Damaged { .. } => {
                tracing::error!("{message}");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
            }
            StoreError::Fault | StoreError::Database(_) => {
                tracing::error!("{message}");
                Self::fault()
            }
        }
    }
}
