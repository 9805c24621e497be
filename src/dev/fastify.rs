//! What the services have in common because they all run on Fastify: how a body is read, and how
//! a fault is worded. Handlers take a [`Body`] and answer a [`Fault`] when they can't go on.
//!
//! Field access follows JavaScript, since that is what callers of the real services meet: a
//! field of an array, a number or a text is simply not there, and only `null` and no body at all
//! are an error.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::js;

/// Fastify's default.
pub(super) const BODY_LIMIT: usize = 1024 * 1024;

/// Gives a service's routes the answer to an unknown path or method, which is the same to both,
/// and every answer the type that Fastify says.
pub(super) fn with_faults(routes: Router) -> Router {
    routes
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .layer(map_response(said))
}

async fn said(mut answer: Response) -> Response {
    if let Some(kind) = answer.headers_mut().get_mut(CONTENT_TYPE) {
        *kind = HeaderValue::from_static("application/json; charset=utf-8");
    }
    answer
}

/// Marks a request to a service whose version of Fastify has a code for a body that is not JSON.
#[derive(Clone)]
pub(super) struct CodedFaults;

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
        let nothing = match &self.value {
            Some(Value::Null) => "null",
            Some(_) => return Ok(self.fields_if_any()),
            None => "undefined",
        };
        Err(thrown(&format!(
            "Cannot read properties of {nothing} (reading '{first}')"
        )))
    }

    /// The fields of a body that may be anything.
    pub(super) fn fields_if_any(self) -> Fields {
        let map = match self.value {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        };
        Fields {
            map,
            size: self.size,
        }
    }
}

impl<S: Sync> FromRequest<S> for Body {
    type Rejection = Fault;

    async fn from_request(request: Request, _: &S) -> Result<Self, Fault> {
        let headers = request.headers();
        let kind = headers
            .get(CONTENT_TYPE)
            .map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned());
        let sized = headers.contains_key(CONTENT_LENGTH);
        let coded = request.extensions().get::<CodedFaults>().is_some();
        let bytes = to_bytes(request.into_body(), BODY_LIMIT)
            .await
            .map_err(|_| too_large())?;
        let Some(kind) = kind else {
            return match bytes.len() {
                0 => Ok(Self {
                    value: None,
                    size: 0,
                }),
                _ => Err(unsupported("undefined")),
            };
        };
        let text = text(&bytes, sized)?;
        let value = match media_type(&kind).as_str() {
            "application/json" => parse(&text, coded)?,
            "text/plain" => text.into(),
            _ => return Err(unsupported(&kind)),
        };
        Ok(Self {
            value: Some(value),
            size: bytes.len(),
        })
    }
}

fn media_type(kind: &str) -> String {
    let kind = kind.split(';').next().unwrap_or(kind);
    kind.trim().to_ascii_lowercase()
}

/// What is not UTF-8 is replaced, and then the body no longer has the length that it said.
fn text(bytes: &[u8], sized: bool) -> Result<String, Fault> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    if sized && text.len() != bytes.len() {
        let message = "Request body size did not match Content-Length";
        return Err(bad(Some("FST_ERR_CTP_INVALID_CONTENT_LENGTH"), message));
    }
    Ok(text)
}

fn parse(text: &str, coded: bool) -> Result<Value, Fault> {
    if text.is_empty() {
        let message = "Body cannot be empty when content-type is set to 'application/json'";
        return Err(bad(Some("FST_ERR_CTP_EMPTY_JSON_BODY"), message));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let code = coded.then_some("FST_ERR_CTP_INVALID_JSON_BODY");
        bad(code, &format!("The body is not valid JSON: {error}"))
    })?;
    if poisons(&value) {
        return Err(bad(None, "Object contains forbidden prototype property"));
    }
    Ok(value)
}

/// Whether a value has a name that would change what objects of JavaScript are. How deep it goes
/// is bounded by the parser.
fn poisons(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(poisons),
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            name == "__proto__"
                || (name == "constructor" && value.get("prototype").is_some())
                || poisons(value)
        }),
        _ => false,
    }
}

fn bad(code: Option<&str>, message: &str) -> Fault {
    Fault::framework(StatusCode::BAD_REQUEST, code, message.to_owned())
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
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Fields {
    map: Map<String, Value>,
    /// How many bytes the body had: what it costs to keep its fields.
    #[serde(skip)]
    pub(super) size: usize,
}

impl Fields {
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key)
    }

    /// The field, where JavaScript would call it truthy.
    pub(super) fn given(&self, key: &str) -> Option<&Value> {
        self.get(key).filter(|value| js::truthy(value))
    }

    /// The field, where it is neither missing nor null.
    pub(super) fn set(&self, key: &str) -> Option<&Value> {
        self.get(key).filter(|value| !value.is_null())
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
