//! Calls to services as steps make them: tried again where that is safe, within a deadline; a
//! service that keeps failing is left alone for a while.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::breaker::LeftAlone;
use super::breakers::Breakers;
use super::client::is_for_now;
use super::error::What;
use super::{
    Answer, BreakerConfig, BreakerState, CallError, Catalogue, Client, Link, Outgoing, Redactor,
    Service,
};

/// `[retry]`: how requests are tried again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RetryConfig {
    /// How often a request is sent at the most.
    pub tries: u32,
    /// The wait after the first try, in milliseconds; it doubles with each more.
    pub first_wait_ms: u64,
    /// The longest wait, in milliseconds. A service that asks for more (`Retry-After`) is not
    /// tried again within the step.
    pub longest_wait_ms: u64,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            tries: 3,
            first_wait_ms: 100,
            longest_wait_ms: 2_000,
        }
    }
}

/// A wait that doubles, up to a limit.
#[derive(Debug, Clone)]
pub struct Pace {
    next: Duration,
    longest: Duration,
}

impl Pace {
    /// Begins with `first`.
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self {
            next: first,
            longest,
        }
    }

    /// The next wait: half to all of it, so that callers that failed together do not come back
    /// together.
    pub fn wait(&mut self) -> Duration {
        let wait = self.next.min(self.longest);
        self.next = wait.saturating_mul(2);
        let mut byte = [0; 1];
        // Without random numbers there is no jitter, and no harm.
        let _ = getrandom::fill(&mut byte);
        wait.mul_f64(0.5 + f64::from(u8::from_ne_bytes(byte)) / 512.0)
    }
}

/// What came of a call.
#[derive(Debug)]
pub struct Called {
    /// The answer, or why there is none.
    pub outcome: Result<Answer, CallError>,
    /// How often it was sent.
    pub tries: u32,
    /// Whether any of these may have reached the service.
    pub arrived: bool,
}

/// A request, for a step.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The step's kind.
    pub kind: &'a str,
    /// The service.
    pub service: &'a Service,
    /// What is sent to it.
    pub request: &'a Outgoing,
    /// Whether it may be sent again although it may have arrived.
    pub repeatable: bool,
    /// By when it must be answered.
    pub deadline: Instant,
}

/// Calls services.
#[derive(Debug)]
pub struct Gateway {
    client: Client,
    retry: RetryConfig,
    /// The names of all services.
    services: Vec<String>,
    breakers: Breakers,
}

impl Gateway {
    /// A gateway to these services.
    pub fn new(
        client: Client,
        catalogue: &Catalogue,
        retry: RetryConfig,
        breaker: &BreakerConfig,
    ) -> Self {
        let services = catalogue.iter().map(|service| service.name.clone());
        Self {
            client,
            retry,
            services: services.collect(),
            breakers: Breakers::new(breaker.clone()),
        }
    }

    /// Sends requests as they are.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// What keeps secrets out of the answers.
    pub fn redactor(&self) -> &Redactor {
        self.client.redactor()
    }

    /// Every service with the kinds for which it failed lately, and what their breakers do now.
    pub fn states(&self) -> impl Iterator<Item = (&str, BTreeMap<String, BreakerState>)> {
        let now = Instant::now();
        let names = self.services.iter().map(String::as_str);
        names.map(move |name| (name, self.breakers.states(name, now)))
    }

    /// Sends a request until it is answered. One that is not repeatable is sent again only where it
    /// is certain that nothing arrived, and never over a connection that the service may be about
    /// to close.
    pub async fn call(&self, call: Call<'_>) -> Called {
        let millis = Duration::from_millis;
        let mut pace = Pace::new(
            millis(self.retry.first_wait_ms),
            millis(self.retry.longest_wait_ms),
        );
        let (mut tries, mut arrived) = (0, false);
        loop {
            if let Err(error) = self.admit(&call) {
                return Called {
                    outcome: Err(error),
                    tries,
                    arrived,
                };
            }
            tries += 1;
            let link = if call.repeatable && tries == 1 {
                Link::Kept
            } else {
                Link::Fresh
            };
            let outcome = self.send(&call, link).await;
            arrived |= !outcome.as_ref().is_err_and(CallError::nothing_arrived);
            let again = tries < self.retry.tries && may_repeat(&outcome, call.repeatable);
            let wait = again.then(|| self.wait(&outcome, &mut pace)).flatten();
            match wait {
                Some(wait) if Instant::now() + wait < call.deadline => {
                    tracing::debug!("{} is asked again after {wait:?}", call.service.name);
                    tokio::time::sleep(wait).await;
                }
                _ => {
                    return Called {
                        outcome,
                        tries,
                        arrived,
                    };
                }
            }
        }
    }

    fn admit(&self, call: &Call<'_>) -> Result<(), CallError> {
        let admitted = self
            .breakers
            .admit(&call.service.name, call.kind, Instant::now());
        admitted.map_err(|LeftAlone { wait, last }| {
            CallError::new(call.service, What::Open { wait, last })
        })
    }

    async fn send(&self, call: &Call<'_>, link: Link) -> Result<Answer, CallError> {
        let Call {
            service, request, ..
        } = *call;
        let left = call.deadline.saturating_duration_since(Instant::now());
        let timeout = request.timeout.unwrap_or(service.timeout).min(left);
        let sent = self.client.call(service, request.clone(), timeout, link);
        let outcome = sent.await;
        match health(&outcome) {
            Health::Well => self.breakers.worked(&service.name, call.kind),
            Health::Ill(what) => {
                self.breakers
                    .failed(&service.name, call.kind, what, Instant::now());
            }
            Health::Unknown => {}
        }
        outcome
    }

    /// How long to wait before the next try; `None` if the service wants to be left alone for
    /// longer than a step waits.
    fn wait(&self, outcome: &Result<Answer, CallError>, pace: &mut Pace) -> Option<Duration> {
        let wait = pace.wait();
        let Some(asked) = outcome.as_ref().ok().and_then(Answer::retry_after) else {
            return Some(wait);
        };
        let longest = Duration::from_millis(self.retry.longest_wait_ms);
        (asked <= longest).then_some(wait.max(asked))
    }
}

/// Bad gateway, unavailable, gateway timeout.
fn is_gateway_failure(status: u16) -> bool {
    matches!(status, 502..=504)
}

/// What a request says of its service.
enum Health {
    Well,
    /// It did this.
    Ill(String),
    Unknown,
}

fn health(outcome: &Result<Answer, CallError>) -> Health {
    match outcome {
        Ok(answer) if is_gateway_failure(answer.status) => {
            Health::Ill(format!("answered {}", answer.status))
        }
        Err(error) if error.is_our_own() => Health::Unknown,
        Err(error) if error.may_pass() => Health::Ill(error.what()),
        Ok(_) | Err(_) => Health::Well,
    }
}

fn may_repeat(outcome: &Result<Answer, CallError>, repeatable: bool) -> bool {
    match outcome {
        Ok(answer) => repeatable && is_for_now(answer.status),
        Err(error) => error.may_pass() && (repeatable || error.nothing_arrived()),
    }
}
