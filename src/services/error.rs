//! Why a service gave no answer. Each message names the service, says what happened, and what to
//! look at.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use thiserror::Error;

use super::Service;
use super::client::CONNECT;

/// Why a service gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{service} at {address} {what}")]
pub struct CallError {
    service: String,
    address: String,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum What {
    #[error("refused the connection: is it running, and is its address right?")]
    Refused,
    #[error("could not be found by name: {0}")]
    Dns(String),
    #[error("could not be reached over TLS: {0}")]
    Tls(String),
    #[error("could not be connected to within {} ms", .0.as_millis())]
    NoConnection(Duration),
    #[error("did not answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    #[error("closed the connection before its answer was complete")]
    Cut,
    #[error("answered with more than {0} bytes, which is the limit")]
    TooLarge(usize),
    #[error("answered with something that is not UTF-8 text")]
    NotText,
    #[error("can't be sent this request: {0}")]
    Request(String),
    #[error("gave no answer: {0}")]
    Other(String),
}

impl CallError {
    pub(super) fn new(service: &Service, what: What) -> Self {
        Self {
            service: service.name.clone(),
            address: service.shown(),
            what,
        }
    }

    pub(super) fn from_reqwest(service: &Service, error: &reqwest::Error) -> Self {
        Self::new(service, what(service, error))
    }
}

fn what(service: &Service, error: &reqwest::Error) -> What {
    if error.is_timeout() {
        return if error.is_connect() {
            What::NoConnection(CONNECT)
        } else {
            What::Timeout(service.timeout)
        };
    }
    if error.is_builder() {
        return What::Request(innermost(error));
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(what) = cause.downcast_ref::<io::Error>().and_then(what_io) {
            return what;
        }
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return What::Tls(tls.to_string());
        }
        // These error types are private to the client's library.
        let text = cause.to_string();
        if text.starts_with("dns error") {
            return What::Dns(innermost(error));
        }
        if text == "connection closed before message completed" {
            return What::Cut;
        }
        source = cause.source();
    }
    What::Other(innermost(error))
}

/// Looks into what an error of the system carries: its source skips that.
fn what_io(error: &io::Error) -> Option<What> {
    if let Some(inner) = error.get_ref() {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return Some(What::Tls(tls.to_string()));
        }
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return what_io(io);
        }
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(What::Refused),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(What::Cut),
        _ => None,
    }
}

/// The cause at the end of the chain: the outer ones repeat the URL, which may carry a secret.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if cause.is::<reqwest::Error>() {
        "no cause was given".to_owned()
    } else {
        cause.to_string()
    }
}
