//! A plugin's request, checked: nothing of it is trusted.

use reqwest::header::{self, HeaderMap, HeaderName};
use serde::Serialize;

use super::kept::Keeper;
use super::policy::Unsent;
use crate::plan::{Effect, HeaderValue, Headers, Json, Method, Sending};
use crate::sandbox::bindings as wit;
use crate::services::{
    Outgoing, Secrets, Service, Values, check_secret_name, headers as names, method, path,
};
use crate::text::shorten;

/// The round trip with which a step begins.
pub(super) const FIRST: u32 = 1;

/// The most headers of one request.
const HEADERS: usize = 32;

/// The longest value of a header, in bytes.
const HEADER_BYTES: usize = 8 << 10;

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
            .map_err(|error| format!("the path {:?}: {error}", shown(&request.path)))?;
        let body = request.body.clone().map(Json::parse).transpose();
        let body = body.map_err(|error| format!("the body is not JSON: {error}"))?;
        if let Some(body) = &body {
            method::check_body(body.as_str()).map_err(|error| format!("the body: {error}"))?;
        }
        let method = Method::from(request.method);
        if service.routes.may_simulate(method, &request.path) {
            return Err(format!(
                "a service could take the path {:?} for another one, and one of the two simulates: \
                 write it as the catalogue of services does",
                shown(&request.path)
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

    /// As the plan shows it, where it would be sent in this round trip.
    pub(super) fn sending(&self, shown_only: bool, round: u32, keeper: &Keeper<'_>) -> Sending {
        let sending = Sending {
            method: self.method,
            endpoint: self.path.clone(),
            effect: self.effect,
            repeatable: self.repeatable,
            shown_only,
            round,
            headers: self.headers.clone(),
            payload: self.body.clone(),
        };
        keeper.sending(sending)
    }

    /// That a person who approves it sees all of it.
    ///
    /// # Errors
    /// When it has the value of a secret in it, which is never shown: then two requests could look
    /// the same.
    pub(super) fn is_shown_whole(&self, keeper: &Keeper<'_>) -> Result<(), String> {
        let shown = self.sending(false, FIRST, keeper);
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
            told: Values::default(),
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
        let refused = |why| format!("the header {:?}: {why}", shown(&header.name));
        let name = names::check_name(&header.name).map_err(refused)?;
        if headers.has(name.as_str()) {
            let why = "it is there more than once: join its values with a comma".to_owned();
            return Err(refused(why));
        }
        let value = header_value(&header.value).map_err(refused)?;
        headers.add(name.as_str().to_owned(), value);
    }
    Ok(headers)
}

fn header_value(asked: &wit::HeaderValue) -> Result<HeaderValue, String> {
    match asked {
        wit::HeaderValue::Text(text) if text.len() > HEADER_BYTES => {
            Err(format!("its value is longer than {HEADER_BYTES} bytes"))
        }
        wit::HeaderValue::Text(text) => match header::HeaderValue::from_str(text) {
            Ok(_) if text.is_ascii() => Ok(HeaderValue::Text(text.clone())),
            _ => Err("its value is not legal".to_owned()),
        },
        wit::HeaderValue::Secret(name) => {
            check_secret_name(name).map_err(|error| format!("it asks for a secret: {error}"))?;
            Ok(HeaderValue::Secret {
                secret: name.clone(),
            })
        }
    }
}

/// Enough of a guest's text to recognize it by.
fn shown(text: &str) -> String {
    shorten(text, 100)
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
    use super::{CallIdentity, HEADER_BYTES, headers};
    use crate::sandbox::bindings as wit;

    #[test]
    fn a_header_is_there_once_and_not_too_long() {
        let header = |name: &str, value: String| wit::Header {
            name: name.to_owned(),
            value: wit::HeaderValue::Text(value),
        };
        let accept = |name| header(name, "a".to_owned());
        assert!(headers(&[accept("accept"), accept("prefer")]).is_ok());
        let twice = headers(&[accept("accept"), accept("ACCEPT")]);
        assert!(twice.is_err_and(|why| why.contains("more than once")));
        let length = |length| headers(&[header("accept", "a".repeat(length))]);
        assert!(length(HEADER_BYTES).is_ok());
        assert!(length(HEADER_BYTES + 1).is_err_and(|why| why.contains("longer than")));
    }

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
