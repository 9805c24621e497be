//! What the services have in common because they all run on Fastify: how a body is read, and how
//! a fault is worded. Handlers take a [`Body`] and answer a [`Fault`] when they can't go on.
//!
//! Field access follows JavaScript, since that is what callers of the real services meet: a
//! field of an array, a number or a text is simply not there, and only `null` and no body at all
//! are an error.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

/// Fastify's default.
pub(super) const BODY_LIMIT: usize = 1024 * 1024;

/// Gives a service's routes the answer to an unknown path or method, which is the same to both.
pub(super) fn with_faults(routes: Router) -> Router {
    routes
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
}

async fn not_found(method: Method, uri: Uri) -> Fault {
    let message = format!("Route {method}:{uri} not found");
    Fault::framework(StatusCode::NOT_FOUND, None, message)
}

/// A health route that always answers the same.
pub(super) fn health<S: Clone + Send + Sync + 'static>(answer: Value) -> MethodRouter<S> {
    get(|| async move { Json(answer) })
}

/// Any answer but the one the handler is named for.
#[derive(Debug)]
pub(super) struct Fault(StatusCode, Value);

impl Fault {
    pub(super) fn new(status: StatusCode, body: Value) -> Self {
        Self(status, body)
    }

    /// A refusal the service words itself.
    pub(super) fn refused(status: StatusCode, error: &str) -> Self {
        Self(status, json!({"ok": false, "error": error}))
    }

    /// An exception the service catches.
    pub(super) fn caught(error: &str) -> Self {
        Self::refused(StatusCode::INTERNAL_SERVER_ERROR, error)
    }

    /// An exception the service leaves to Fastify.
    pub(super) fn uncaught(message: &str) -> Self {
        Self::framework(StatusCode::INTERNAL_SERVER_ERROR, None, message.to_owned())
    }

    fn framework(status: StatusCode, code: Option<&str>, message: String) -> Self {
        let mut body = json!({
            "statusCode": status.as_u16(),
            "error": status.canonical_reason(),
            "message": message,
        });
        if let (Some(code), Some(body)) = (code, body.as_object_mut()) {
            body.insert("code".to_owned(), code.into());
        }
        Self(status, body)
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

/// A request's body as Fastify hands it to a handler: `None` stands for `undefined`.
pub(super) struct Body {
    value: Option<Value>,
    size: usize,
}

impl Body {
    /// The fields of the body. Reading one of `null` or of no body throws: `first` names the
    /// field the service reads first, and `thrown` is what the service makes of an exception.
    pub(super) fn fields(self, first: &str, thrown: fn(&str) -> Fault) -> Result<Fields, Fault> {
        let nothing = match self.value {
            Some(Value::Object(map)) => {
                return Ok(Fields {
                    map,
                    size: self.size,
                });
            }
            Some(Value::Null) => "null",
            Some(_) => {
                return Ok(Fields {
                    map: Map::new(),
                    size: self.size,
                });
            }
            None => "undefined",
        };
        Err(thrown(&format!(
            "Cannot read properties of {nothing} (reading '{first}')"
        )))
    }
}

impl<S: Sync> FromRequest<S> for Body {
    type Rejection = Fault;

    async fn from_request(request: Request, _: &S) -> Result<Self, Fault> {
        let kind = media_type(request.headers());
        let bytes = to_bytes(request.into_body(), BODY_LIMIT)
            .await
            .map_err(|_| too_large())?;
        let value = match kind.as_deref() {
            None if bytes.is_empty() => None,
            Some("application/json") => Some(parse(&bytes)?),
            Some("text/plain") => Some(String::from_utf8_lossy(&bytes).into_owned().into()),
            other => return Err(unsupported(other.unwrap_or("undefined"))),
        };
        Ok(Self {
            value,
            size: bytes.len(),
        })
    }
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let kind = text.split(';').next().unwrap_or(text);
    Some(kind.trim().to_ascii_lowercase())
}

fn parse(bytes: &[u8]) -> Result<Value, Fault> {
    if bytes.is_empty() {
        let message = "Body cannot be empty when content-type is set to 'application/json'";
        let code = Some("FST_ERR_CTP_EMPTY_JSON_BODY");
        return Err(Fault::framework(
            StatusCode::BAD_REQUEST,
            code,
            message.to_owned(),
        ));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let message = format!("The body is not valid JSON: {error}");
        Fault::framework(StatusCode::BAD_REQUEST, None, message)
    })
}

fn too_large() -> Fault {
    let code = Some("FST_ERR_CTP_BODY_TOO_LARGE");
    let message = "Request body is too large".to_owned();
    Fault::framework(StatusCode::PAYLOAD_TOO_LARGE, code, message)
}

fn unsupported(kind: &str) -> Fault {
    let code = Some("FST_ERR_CTP_INVALID_MEDIA_TYPE");
    let message = format!("Unsupported Media Type: {kind}");
    Fault::framework(StatusCode::UNSUPPORTED_MEDIA_TYPE, code, message)
}

/// The fields of a JSON body.
pub(super) struct Fields {
    map: Map<String, Value>,
    /// How many bytes the body had: what it costs to keep its fields.
    pub(super) size: usize,
}

impl Fields {
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key)
    }

    /// The field, where JavaScript would call it truthy. Most services ask no more of a field
    /// they require.
    pub(super) fn given(&self, key: &str) -> Option<&Value> {
        self.get(key).filter(|value| match value {
            Value::Null => false,
            Value::Bool(set) => *set,
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::String(text) => !text.is_empty(),
            Value::Array(_) | Value::Object(_) => true,
        })
    }

    /// The field, where it is a text with something in it.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.given(key).and_then(Value::as_str)
    }

    /// The field as it came, for an answer that repeats it.
    pub(super) fn copy(&self, key: &str) -> Option<Value> {
        self.get(key).cloned()
    }
}
