//! One request to a service, and its bounded answer.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
};

use super::connect::{self, Connections, Link};
use super::error::What;
use super::paced::paced;
use super::{CallError, Catalogue, Redactor, Service, Values};
use super::{body, retry_after};
use crate::plan::Method;

/// How much later than a request's own time it is given up: connecting that takes all of that time
/// is told as such.
const SLACK: Duration = Duration::from_millis(20);

/// Calls services: no redirects, no proxies but the operator's, no compression, answers capped and
/// without secrets.
#[derive(Debug, Clone)]
pub struct Client {
    direct: Connections,
    /// By the proxy's URL.
    proxied: BTreeMap<String, Connections>,
    answer_bytes: usize,
    redactor: Redactor,
}

/// What is sent.
#[derive(Debug, Clone, Default)]
pub struct Outgoing {
    /// The method; `None` is GET.
    pub method: Option<Method>,
    /// Path with optional query, already checked.
    pub path: String,
    /// Headers of this request.
    pub headers: HeaderMap,
    /// JSON.
    pub body: Option<String>,
    /// The values of secrets that whoever asked said itself: they stay in the answer, or what is
    /// left of an echo would tell which of its words are one.
    pub told: Values,
    /// How long it may take, if not as long as its service's requests.
    pub timeout: Option<Duration>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers that matter, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// From sending to the last byte.
    pub elapsed: Duration,
}

impl Answer {
    /// How long it asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(name, _)| name == RETRY_AFTER.as_str())?;
        retry_after::wait(value)
    }
}

/// What came back, as it came.
#[derive(Debug)]
pub struct Received {
    /// The HTTP status.
    pub status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    elapsed: Duration,
    told: Values,
}

impl Client {
    /// A client of these services that takes answers of up to `answer_bytes`.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(services: &Catalogue, answer_bytes: usize) -> anyhow::Result<Self> {
        let mut proxied = BTreeMap::new();
        for proxy in services.iter().filter_map(|service| service.proxy.as_ref()) {
            if !proxied.contains_key(proxy.as_str()) {
                let connections = Connections::new(Some(proxy))?;
                proxied.insert(proxy.as_str().to_owned(), connections);
            }
        }
        Ok(Self {
            direct: Connections::new(None)?,
            proxied,
            answer_bytes,
            redactor: Redactor::default(),
        })
    }

    /// The same, but nothing that this one looks for gets into an answer.
    pub fn redacting(self, redactor: Redactor) -> Self {
        Self { redactor, ..self }
    }

    /// What keeps secrets out of its answers.
    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Sends one request and reads the whole answer, in `timeout` from beginning to end.
    ///
    /// # Errors
    /// Why there is no answer, or none that can be read.
    pub async fn call(
        &self,
        service: &Service,
        request: Outgoing,
        timeout: Duration,
        link: Link,
    ) -> Result<Answer, CallError> {
        let received = self.send(service, request, timeout, link).await?;
        self.read(service, received)
    }

    /// The same, where it matters only that there is an answer, and its status.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn send(
        &self,
        service: &Service,
        request: Outgoing,
        timeout: Duration,
        link: Link,
    ) -> Result<Received, CallError> {
        let exchange = self.exchange(service, request, link);
        let exchange = connect::within(timeout, exchange);
        let exchanged = tokio::time::timeout(timeout.saturating_add(SLACK), exchange).await;
        exchanged.unwrap_or_else(|_| Err(CallError::new(service, What::Timeout(timeout))))
    }

    /// What an answer says.
    ///
    /// # Errors
    /// Why it can't be read.
    pub fn read(&self, service: &Service, received: Received) -> Result<Answer, CallError> {
        let Received {
            status,
            headers,
            body,
            elapsed,
            told,
        } = received;
        let text = match body::text(&headers, body) {
            Ok(text) => text,
            // It is busy, or the gateway before it has no answer: that is all that it says.
            Err(_) if is_for_now(status) => String::new(),
            Err(why) => {
                // It may be what was wrong.
                let why = match status {
                    200..300 => why.to_string(),
                    status => format!("{why}. Its status was {status}"),
                };
                let why = self.redactor.clean_but(why, &told);
                return Err(CallError::new(service, What::Unreadable(why)));
            }
        };
        Ok(Answer {
            status,
            headers: self.headers_that_matter(&headers, &told),
            body: self.redactor.clean_but(text, &told),
            elapsed,
        })
    }

    async fn exchange(
        &self,
        service: &Service,
        mut request: Outgoing,
        link: Link,
    ) -> Result<Received, CallError> {
        let told = std::mem::take(&mut request.told);
        let started = Instant::now();
        let failed = |error| CallError::from_reqwest(service, &error);
        let request = self.request(service, request, link)?;
        let mut response = request.send().await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > self.answer_bytes {
                return Err(CallError::new(service, What::TooLarge(self.answer_bytes)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Received {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body,
            elapsed: started.elapsed(),
            told,
        })
    }

    /// The way to this service.
    fn connections(&self, service: &Service) -> Result<&Connections, CallError> {
        let Some(proxy) = &service.proxy else {
            return Ok(&self.direct);
        };
        let unknown = || What::Request("its proxy was not there at the start".to_owned());
        let connections = self.proxied.get(proxy.as_str());
        connections.ok_or_else(|| CallError::new(service, unknown()))
    }

    fn request(
        &self,
        service: &Service,
        request: Outgoing,
        link: Link,
    ) -> Result<reqwest::RequestBuilder, CallError> {
        let refuse = |what: &str| CallError::new(service, What::Request(what.to_owned()));
        let (path, query) = match request.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (request.path.as_str(), None),
        };
        let mut url = service.base.clone();
        url.set_path(&format!(
            "{}{path}",
            service.base.path().trim_end_matches('/')
        ));
        url.set_query(query);
        // The path was checked; that the URL still ends in it shows that it was read as meant.
        if !url.path().ends_with(path) {
            return Err(refuse("its path would be changed on the way"));
        }
        let method = request.method.unwrap_or(Method::Get).as_str().parse();
        let method = method.map_err(|_| refuse("its method is not known"))?;
        let mut headers = request.headers;
        let has_credentials =
            !service.base.username().is_empty() || service.base.password().is_some();
        // The operator's credentials, which are made of the address, win over what is a plugin's own
        // idea, but not over a secret that it was granted.
        let is_granted = |value: &HeaderValue| value.is_sensitive();
        if has_credentials && !headers.get(AUTHORIZATION).is_some_and(is_granted) {
            headers.remove(AUTHORIZATION);
        }
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let client = self.connections(service)?.client(link);
        let mut builder = client
            .request(method, url)
            .headers(headers)
            // The operator's headers come last: they win over a plugin's.
            .headers(service.headers.clone());
        if let Some(body) = request.body {
            builder = builder
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(paced(body));
        }
        Ok(builder)
    }

    /// `content-type`, and `retry-after` in seconds: the time that a date stands for is known here.
    fn headers_that_matter(&self, headers: &HeaderMap, told: &Values) -> Vec<(String, String)> {
        let text = |name| headers.get(name)?.to_str().ok().map(str::to_owned);
        let now = jiff::Timestamp::now().as_millisecond();
        let seconds = retry_after::seconds(headers, now).map(|seconds| seconds.to_string());
        let matter = [
            (CONTENT_TYPE, text(CONTENT_TYPE)),
            (RETRY_AFTER, seconds.or_else(|| text(RETRY_AFTER))),
        ];
        let matter = matter.into_iter().filter_map(|(name, value)| {
            let value = self.redactor.clean_but(value?, told);
            Some((name.as_str().to_owned(), value))
        });
        matter.collect()
    }
}

/// Whether this status says that the service can't answer now: too many requests, bad gateway,
/// unavailable, gateway timeout.
pub(super) fn is_for_now(status: u16) -> bool {
    matches!(status, 429 | 502..=504)
}
