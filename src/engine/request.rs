//! A plugin's request, checked: nothing of it is trusted.

use reqwest::header::{self, HeaderMap, HeaderName};
use serde::Serialize;

use super::kept;
use super::policy::Unsent;
use crate::plan::{Effect, HeaderValue, Headers, Json, Method, Sending};
use crate::sandbox::bindings as wit;
use crate::services::{Outgoing, Redactor, Secrets, Service, check_secret_name, path};

/// Headers that steer the connection, that are the host's to set, or that some services read as
/// another method or path than the one that was judged.
const RESERVED: [&str; 28] = [
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
    "remote-user",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "true-client-ip",
    "upgrade",
    "via",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-method",
    "x-original-url",
    "x-override-method",
    "x-real-ip",
    "x-remote-user",
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
    pub(super) headers: Headers,
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
        if service.routes.may_simulate(method, &request.path) {
            return Err(format!(
                "a service could take the path {:?} for another one, and one of the two simulates: \
                 write it as the catalogue of services does",
                shorten(&request.path)
            ));
        }
        let effect = service.routes.effect(method, &request.path);
        Ok(Self {
            method,
            path: request.path.clone(),
            headers: headers(&request.headers)?,
            body,
            effect,
            // What an engine does meanwhile has no key.
            repeatable: service.idempotent && effect != Effect::Simulate,
        })
    }

    /// As the plan shows it.
    pub(super) fn sending(&self, shown_only: bool, redactor: &Redactor) -> Sending {
        let sending = Sending {
            method: self.method,
            endpoint: self.path.clone(),
            effect: self.effect,
            repeatable: self.repeatable,
            shown_only,
            headers: self.headers.clone(),
            payload: self.body.clone(),
        };
        kept::sending(redactor, sending)
    }

    /// That a person who approves it sees all of it.
    ///
    /// # Errors
    /// When it has the value of a secret in it, which is never shown: then two requests could look
    /// the same.
    pub(super) fn is_shown_whole(&self, redactor: &Redactor) -> Result<(), String> {
        let shown = self.sending(false, redactor);
        if shown.endpoint == self.path
            && shown.headers == self.headers
            && shown.payload == self.body
        {
            return Ok(());
        }
        Err(
            "it writes, and has the value of a secret in it, which nobody could see who approves \
             it: leave that out, or name the secret in a header"
                .to_owned(),
        )
    }

    /// As the client sends it: with what tells the service which call this is, and the values of
    /// the secrets that it names.
    pub(super) fn outgoing(
        &self,
        identity: &CallIdentity,
        secrets: &Secrets,
    ) -> Result<Outgoing, String> {
        let mut headers = HeaderMap::new();
        let text = |text: &str| header::HeaderValue::from_str(text).map_err(|e| e.to_string());
        for (name, value) in self.headers.iter() {
            let value = match value {
                HeaderValue::Text(value) => text(value)?,
                HeaderValue::Secret { secret } => secrets
                    .get(secret)
                    .cloned()
                    .ok_or_else(|| format!("there is no secret {secret} any more"))?,
            };
            let name: HeaderName = name.parse().map_err(|_| "a header has no name")?;
            headers.append(name, value);
        }
        headers.insert(IDEMPOTENCY_KEY, text(&identity.key())?);
        headers.insert(TRACEPARENT, text(&identity.traceparent())?);
        Ok(Outgoing {
            method: Some(self.method),
            path: self.path.clone(),
            headers,
            body: self.body.as_ref().map(|body| body.as_str().to_owned()),
            timeout: None,
        })
    }

    /// The result of a step that shows what it would send, and why it does not.
    pub(super) fn would_send(
        &self,
        service: &Service,
        unsent: Unsent,
    ) -> Result<Json, serde_json::Error> {
        let (dry_run, not_simulated) = match unsent {
            Unsent::DryRun => (Some(true), None),
            Unsent::NotSimulated(reason) => (None, Some(reason)),
        };
        let shown = OnlyShown {
            dry_run,
            simulated: not_simulated.map(|_| false),
            reason: not_simulated,
            would_send: WouldSend {
                service: &service.name,
                method: self.method.as_str(),
                endpoint: &self.path,
                headers: &self.headers,
                payload: self.body.as_ref(),
            },
        };
        Json::parse(serde_json::to_string(&shown)?)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OnlyShown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    simulated: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    would_send: WouldSend<'a>,
}

#[derive(Serialize)]
struct WouldSend<'a> {
    service: &'a str,
    method: &'static str,
    endpoint: &'a str,
    #[serde(skip_serializing_if = "Headers::is_empty")]
    headers: &'a Headers,
    payload: Option<&'a Json>,
}

fn headers(asked: &[wit::Header]) -> Result<Headers, String> {
    if asked.len() > HEADERS {
        return Err(format!(
            "it has {} headers, and the limit is {HEADERS}",
            asked.len()
        ));
    }
    let mut headers = Headers::default();
    for header in asked {
        let name = header_name(&header.name)?;
        headers.add(name.as_str().to_owned(), header_value(header)?);
    }
    Ok(headers)
}

fn header_name(asked: &str) -> Result<HeaderName, String> {
    let shown = shorten(asked);
    let name: HeaderName = asked
        .parse()
        .map_err(|_| format!("{shown:?} names no header"))?;
    // Many servers make no difference between the two.
    let read = name.as_str().replace('_', "-");
    let reserved = |prefix: &&str| read.starts_with(prefix);
    if RESERVED.contains(&read.as_str()) || RESERVED_PREFIXES.iter().any(reserved) {
        return Err(format!("the header {shown:?} is the host's to set"));
    }
    Ok(name)
}

fn header_value(asked: &wit::Header) -> Result<HeaderValue, String> {
    let shown = shorten(&asked.name);
    match &asked.value {
        wit::HeaderValue::Text(text) => match header::HeaderValue::from_str(text) {
            Ok(_) => Ok(HeaderValue::Text(text.clone())),
            Err(_) => Err(format!("the value of the header {shown:?} is not legal")),
        },
        wit::HeaderValue::Secret(name) => {
            check_secret_name(name)
                .map_err(|error| format!("the header {shown:?} asks for a secret: {error}"))?;
            Ok(HeaderValue::Secret {
                secret: name.clone(),
            })
        }
    }
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
        .and_then(|checked| checked.outgoing(&identity, &Secrets::default()))
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
