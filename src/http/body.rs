//! JSON bodies: read within the limit, then taken field by field, so that what is wrong is named
//! together with what is allowed.

use std::future::poll_fn;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::App;
use super::error::HttpError;
use super::strict::{self, Place};
use crate::config::{Limits, UnknownFields};
use crate::plan::UnknownName;
use crate::repeated::repeated;

/// How much of a body over the limit is read and dropped, in bytes. A connection that is closed
/// with bytes unread is reset, and the client might never see why.
const DRAINED: usize = 16 << 20;

/// A JSON object, of which a route says which fields it takes.
pub(super) struct JsonBody {
    fields: Map<String, Value>,
    unknown: UnknownFields,
}

/// The fields of a JSON object that a route takes.
pub(super) struct Fields(Map<String, Value>);

impl FromRequest<App> for JsonBody {
    type Rejection = HttpError;

    async fn from_request(request: Request, app: &App) -> Result<Self, HttpError> {
        let content_type = request.headers().get(CONTENT_TYPE);
        let is_json = content_type
            .and_then(|value| value.to_str().ok())
            .is_some_and(is_json);
        let Limits {
            body_bytes,
            client_ms,
            ..
        } = *app.engine.limits();
        // Read even if it is of no use: a client that still writes when the connection is closed
        // on it never sees the answer.
        let reading = read(request.into_body(), body_bytes);
        let reading = tokio::time::timeout(Duration::from_millis(client_ms), reading);
        let bytes = reading.await.map_err(|_| {
            HttpError::new(
                StatusCode::REQUEST_TIMEOUT,
                "the body did not arrive in time",
            )
        })??;
        if !is_json {
            return Err(HttpError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the content type must be application/json",
            ));
        }
        Self::parse(&bytes, app.http.unknown_fields)
    }
}

/// The whole body, if it is not over the limit.
pub(super) async fn read(mut body: Body, limit: usize) -> Result<Vec<u8>, HttpError> {
    let (mut bytes, mut seen) = (Vec::new(), 0_usize);
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| HttpError::bad("the body could not be read to its end"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        seen = seen.saturating_add(data.len());
        if seen <= limit {
            bytes.extend_from_slice(&data);
        } else if seen > limit.saturating_add(DRAINED) {
            break;
        }
    }
    if seen <= limit {
        return Ok(bytes);
    }
    Err(HttpError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body is over the size limit of {limit} bytes"),
    ))
}

/// `application/json`, whatever its parameters.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

impl JsonBody {
    /// A body that has arrived. No object in it has a name twice, however deep.
    pub(super) fn parse(body: &[u8], unknown: UnknownFields) -> Result<Self, HttpError> {
        let not_json = |error| HttpError::bad(format!("the body is not JSON: {error}"));
        let Value::Object(fields) = serde_json::from_slice(body).map_err(not_json)? else {
            return Err(HttpError::bad("the body must be a JSON object"));
        };
        // What could be read as JSON is UTF-8.
        match repeated(&String::from_utf8_lossy(body)) {
            None => Ok(Self { fields, unknown }),
            Some(name) => Err(strict::twice(&name, Place::Body)),
        }
    }

    /// Its fields, if it has none but these.
    pub(super) fn fields(self, known: &[&str]) -> Result<Fields, HttpError> {
        let names = self.fields.keys().map(String::as_str);
        strict::check(names, known, Place::Body, self.unknown)?;
        Ok(Fields(self.fields))
    }
}

impl Fields {
    /// A text that must be there.
    pub(super) fn text(&self, name: &str) -> Result<&str, HttpError> {
        match self.0.get(name) {
            Some(Value::String(text)) => Ok(text),
            None | Some(Value::Null) => Err(HttpError::bad(format!("{name} is required"))),
            Some(_) => Err(HttpError::bad(format!("{name} must be a text"))),
        }
    }

    /// A text of 1 to `longest` characters, not only of blanks.
    pub(super) fn bounded_text(&self, name: &str, longest: usize) -> Result<String, HttpError> {
        let text = self.text(name)?;
        if text.trim().is_empty() {
            return Err(HttpError::bad(format!("{name} must not be empty")));
        }
        let length = text.chars().count();
        if length > longest {
            return Err(HttpError::bad(format!(
                "{name} has {length} characters, and at most {longest} are allowed"
            )));
        }
        Ok(text.to_owned())
    }

    /// One of a vocabulary.
    pub(super) fn name<T: FromStr<Err = UnknownName>>(&self, name: &str) -> Result<T, HttpError> {
        let text = self.text(name)?;
        text.parse()
            .map_err(|error| HttpError::bad(format!("{name} {error}")))
    }

    /// A yes or no; no if it is missing.
    pub(super) fn flag(&self, name: &str) -> Result<bool, HttpError> {
        match self.optional(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(HttpError::bad(format!("{name} must be true or false"))),
        }
    }

    /// A whole number that may be missing.
    pub(super) fn number(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, HttpError> {
        let Some(value) = self.optional(name) else {
            return Ok(None);
        };
        let number = whole(value).filter(|number| range.contains(number));
        number.map(Some).ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            HttpError::bad(format!(
                "{name} must be a whole number from {least} to {most}"
            ))
        })
    }

    /// A field that may be missing; null counts as missing.
    pub(super) fn optional(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }
}

/// A whole number, however it is written: `1e3` and `1000.0` are 1000.
fn whole(value: &Value) -> Option<u64> {
    let is_whole = |number: &f64| number.fract() == 0.0 && (0.0..=1e15).contains(number);
    let written_otherwise = || {
        let number = value.as_f64().filter(is_whole)?;
        format!("{number:.0}").parse().ok()
    };
    value.as_u64().or_else(written_otherwise)
}
