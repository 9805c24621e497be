//! Which web pages reach the API through the browser of somebody who does: none that the operator
//! did not name.
//!
//! A page may make its own name an address of this host after it was loaded (DNS rebinding). Its
//! requests still name it in `Host`, so the host answers only to names that are its own. Other pages'
//! requests name them in `Origin`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{
    CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, RETRY_AFTER,
};
use axum::http::{Method, StatusCode, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::cors::CorsLayer;

use super::SIGNATURE_HEADER;
use super::authority::Authority;
use super::error::HttpError;
use crate::text::{plain, shorten};

/// How long a browser may keep what it was told of who may ask.
const KEPT: Duration = Duration::from_secs(600);

/// The longest part of a header that is shown, in characters.
const SHOWN: usize = 100;

/// Under which names the host answers, and which pages may use it.
#[derive(Debug, Clone)]
pub struct Access {
    /// In lower case.
    pub hosts: Vec<String>,
    /// As browsers write them.
    pub origins: Vec<String>,
}

impl Access {
    /// Tells browsers that the pages of the origins may read answers, if there are any.
    pub(super) fn cors(&self) -> Option<CorsLayer> {
        let origins = self.origins.iter();
        let origins: Vec<HeaderValue> = origins.filter_map(|one| one.parse().ok()).collect();
        let own = [
            "last-event-id",
            "traceparent",
            "tracestate",
            SIGNATURE_HEADER,
        ];
        let headers = own.map(HeaderName::from_static);
        (!origins.is_empty()).then(|| {
            CorsLayer::new()
                .allow_origin(origins)
                .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::DELETE])
                .allow_headers([&[CONTENT_TYPE], &headers[..]].concat())
                .expose_headers([RETRY_AFTER])
                .max_age(KEPT)
        })
    }

    fn check(&self, request: &Request) -> Result<(), HttpError> {
        let host = self.host(request)?;
        if request.method().is_safe() {
            return Ok(());
        }
        let mut origins = request.headers().get_all(ORIGIN).iter();
        origins.try_for_each(|origin| self.origin(origin, host))
    }

    /// What the request names as its host, which must be this one.
    fn host<'a>(&self, request: &'a Request) -> Result<Option<&'a str>, HttpError> {
        let named = named(request.headers(), request.version())?;
        // Of a request with a whole URL that one counts (RFC 9112, section 3.2.2).
        let uri = request
            .uri()
            .authority()
            .map(|authority| authority.as_str());
        for host in named.into_iter().chain(uri) {
            let parsed = Authority::parse(host).ok_or_else(|| {
                HttpError::bad(format!(
                    "{} is no host: Host must be a name or an address",
                    shown(host)
                ))
            })?;
            let own = |name: &str| self.hosts.iter().any(|host| host == name);
            if parsed.name().is_some_and(|name| !own(name)) {
                return Err(HttpError::new(
                    StatusCode::MISDIRECTED_REQUEST,
                    format!(
                        "{} is no name of this host: ask it by its address or as localhost, or have \
                         its operator add the name to [http] hosts",
                        shown(host)
                    ),
                ));
            }
        }
        Ok(uri.or(named))
    }

    /// Of what changes something, the page must be of this host, or one that the operator named.
    fn origin(&self, origin: &HeaderValue, host: Option<&str>) -> Result<(), HttpError> {
        let text = String::from_utf8_lossy(origin.as_bytes()).to_ascii_lowercase();
        let is_own = || {
            let (scheme, authority) = text.split_once("://")?;
            let usual = if scheme == "https" { ":443" } else { ":80" };
            let host = host?.to_ascii_lowercase();
            let host = host.strip_suffix(usual).unwrap_or(&host);
            Some(authority.strip_suffix(usual).unwrap_or(authority) == host)
        };
        if self.origins.contains(&text) || is_own() == Some(true) {
            return Ok(());
        }
        Err(HttpError::new(
            StatusCode::FORBIDDEN,
            format!(
                "pages of {} may change nothing here: the host's operator can add the origin to [http] \
                 cors_origins",
                shown(&text)
            ),
        ))
    }
}

/// The one `Host` of a request, which only HTTP/1.0 may leave out (RFC 9112, section 3.2).
fn named(headers: &HeaderMap, version: Version) -> Result<Option<&str>, HttpError> {
    let mut hosts = headers.get_all(HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    let wrong = match (first, second) {
        (None, _) if version == Version::HTTP_10 => return Ok(None),
        (None, _) => "the header Host is missing",
        (Some(_), Some(_)) => "the header Host is there twice",
        (Some(host), None) => match host.to_str() {
            Ok(host) => return Ok(Some(host)),
            Err(_) => "the header Host is no text",
        },
    };
    Err(HttpError::bad(wrong))
}

fn shown(text: &str) -> String {
    plain(&shorten(text, SHOWN))
}

/// Lets no request by that names another host, or that another page sends to change something.
pub(super) async fn checked(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Response {
    match access.check(&request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}
