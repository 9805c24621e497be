//! A plugin's request, checked: nothing of it is trusted.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use crate::plan::{Effect, Json, Method, Sending};
use crate::sandbox::bindings as wit;
use crate::services::{Outgoing, Service, path};

/// Headers that steer the connection, that are the host's to set, or that some services read as
/// another method or path than the one that was judged.
const RESERVED: [&str; 23] = [
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "idempotency-key",
    "keep-alive",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-method",
    "x-original-url",
    "x-rewrite-url",
];

const RESERVED_PREFIXES: [&str; 2] = ["proxy-", "x-forwarded-"];

/// The most headers of one request.
const HEADERS: usize = 32;

/// A request that may be sent, as far as its form goes.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Json>,
    pub(super) effect: Effect,
}

impl Checked {
    /// Checks a request for this service.
    ///
    /// # Errors
    /// What is wrong with it, to follow "the plugin's request is refused: ".
    pub(super) fn new(request: &wit::Request, service: &Service) -> Result<Self, String> {
        path::check(&request.path)
            .map_err(|error| format!("the path {:?}: {error}", shorten(&request.path)))?;
        let body = request.body.clone().map(Json::parse).transpose();
        let body = body.map_err(|error| format!("the body is not JSON: {error}"))?;
        let method = Method::from(request.method);
        Ok(Self {
            method,
            path: request.path.clone(),
            headers: headers(&request.headers)?,
            body,
            effect: service.routes.effect(method, &request.path),
        })
    }

    /// As the plan shows it.
    pub(super) fn sending(&self) -> Sending {
        Sending {
            method: self.method,
            endpoint: self.path.clone(),
            effect: self.effect,
            payload: self.body.clone(),
        }
    }

    /// As the client sends it.
    pub(super) fn outgoing(&self) -> Outgoing {
        Outgoing {
            method: Some(self.method),
            path: self.path.clone(),
            headers: self.headers.clone(),
            body: self.body.as_ref().map(|body| body.as_str().to_owned()),
        }
    }

    /// The result of a step that shows what it would send.
    pub(super) fn would_send(&self, service: &Service) -> Result<Json, serde_json::Error> {
        let shown = DryRun {
            dry_run: true,
            would_send: WouldSend {
                service: &service.name,
                method: self.method.as_str(),
                endpoint: &self.path,
                payload: self.body.as_ref(),
            },
        };
        Json::parse(serde_json::to_string(&shown)?)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DryRun<'a> {
    dry_run: bool,
    would_send: WouldSend<'a>,
}

#[derive(Serialize)]
struct WouldSend<'a> {
    service: &'a str,
    method: &'static str,
    endpoint: &'a str,
    payload: Option<&'a Json>,
}

fn headers(asked: &[wit::Header]) -> Result<HeaderMap, String> {
    if asked.len() > HEADERS {
        return Err(format!(
            "it has {} headers, and the limit is {HEADERS}",
            asked.len()
        ));
    }
    let mut headers = HeaderMap::new();
    for header in asked {
        let shown = shorten(&header.name);
        let name: HeaderName = header
            .name
            .parse()
            .map_err(|_| format!("{shown:?} names no header"))?;
        if RESERVED.contains(&name.as_str())
            || RESERVED_PREFIXES
                .iter()
                .any(|prefix| name.as_str().starts_with(prefix))
        {
            return Err(format!("the header {shown:?} is the host's to set"));
        }
        let wit::HeaderValue::Text(text) = &header.value else {
            return Err(format!(
                "the header {shown:?} asks for a secret, and none is granted to this plugin"
            ));
        };
        let value: HeaderValue = text
            .parse()
            .map_err(|_| format!("the value of the header {shown:?} is not legal"))?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// Enough of a guest's text to recognize it by.
fn shorten(text: &str) -> String {
    text.chars().take(100).collect()
}
