//! A plugin's request, checked: nothing of it is trusted.

use std::collections::BTreeMap;

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

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Which call this is: the same for every try of it, also after a crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CallIdentity {
    pub(super) plan: String,
    pub(super) step: String,
    pub(super) attempt: u32,
    pub(super) round: u32,
}

impl CallIdentity {
    fn key(&self) -> String {
        format!(
            "{}/{}/{}/{}",
            self.plan, self.step, self.attempt, self.round
        )
    }

    /// W3C Trace Context, version 00: the plan is the trace, the call a new span of it.
    fn traceparent(&self) -> String {
        let trace = self.plan.replace('-', "");
        let mut span = [0; 8];
        // An all-zero span is not valid, so a failure here costs the trace, not the call.
        let _ = getrandom::fill(&mut span);
        format!("00-{trace}-{:016x}-01", u64::from_ne_bytes(span))
    }
}

/// A request that may be sent, as far as its form goes.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Json>,
    pub(super) effect: Effect,
    pub(super) repeatable: bool,
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
            repeatable: service.idempotent,
        })
    }

    /// As the plan shows it.
    pub(super) fn sending(&self, shown_only: bool) -> Sending {
        Sending {
            method: self.method,
            endpoint: self.path.clone(),
            effect: self.effect,
            repeatable: self.repeatable,
            shown_only,
            headers: self.shown_headers(),
            payload: self.body.clone(),
        }
    }

    /// Its headers, by name; one that comes several times has its values in one line, as a proxy
    /// may put them (RFC 9110, section 5.3).
    pub(super) fn shown_headers(&self) -> BTreeMap<String, String> {
        let mut shown: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &self.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            shown
                .entry(name.as_str().to_owned())
                .and_modify(|values| *values = format!("{values}, {value}"))
                .or_insert_with(|| value.into_owned());
        }
        shown
    }

    /// As the client sends it: with what tells the service which call this is.
    pub(super) fn outgoing(&self, identity: &CallIdentity) -> Result<Outgoing, String> {
        let mut headers = self.headers.clone();
        let value = |text: String| HeaderValue::try_from(text).map_err(|error| error.to_string());
        headers.insert(IDEMPOTENCY_KEY, value(identity.key())?);
        headers.insert(TRACEPARENT, value(identity.traceparent())?);
        Ok(Outgoing {
            method: Some(self.method),
            path: self.path.clone(),
            headers,
            body: self.body.as_ref().map(|body| body.as_str().to_owned()),
        })
    }

    /// The result of a step that shows what it would send.
    pub(super) fn would_send(&self, service: &Service) -> Result<Json, serde_json::Error> {
        let shown = DryRun {
            dry_run: true,
            would_send: WouldSend {
                service: &service.name,
                method: self.method.as_str(),
                endpoint: &self.path,
                headers: self.shown_headers(),
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
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
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

/// Checks a plugin's request as far as it can go wrong before it is sent: a way in for a fuzz
/// target.
#[doc(hidden)]
pub fn check_request(request: &wit::Request, service: &Service) -> Option<Outgoing> {
    let identity = CallIdentity {
        plan: "00000000-0000-7000-8000-000000000001".to_owned(),
        step: "step-1".to_owned(),
        attempt: 1,
        round: 1,
    };
    Checked::new(request, service)
        .and_then(|checked| checked.outgoing(&identity))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::CallIdentity;

    #[test]
    fn every_round_and_attempt_has_its_own_key_in_one_trace() {
        let call = |attempt, round| CallIdentity {
            plan: "019a0000-0000-7000-8000-000000000000".to_owned(),
            step: "step-2".to_owned(),
            attempt,
            round,
        };
        let keys = [(1, 1), (1, 2), (2, 1)].map(|(attempt, round)| call(attempt, round).key());
        let plan = "019a0000-0000-7000-8000-000000000000";
        let expected = ["1/1", "1/2", "2/1"].map(|end| format!("{plan}/step-2/{end}"));
        assert_eq!(keys, expected);
        for (attempt, round) in [(1, 1), (1, 2), (2, 1)] {
            let parent = call(attempt, round).traceparent();
            let trace = "00-019a0000000070008000000000000000-";
            assert!(
                parent.starts_with(trace) && parent.ends_with("-01"),
                "{parent}"
            );
            assert_ne!(
                call(attempt, round).traceparent(),
                parent,
                "a new span each"
            );
        }
    }
}
