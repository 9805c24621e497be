//! How services are connected to: directly or through the operator's proxy, and never as the
//! environment of the process says; within a time limit; and why that did not work. Where it did
//! not, nothing was sent.

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, Proxy, Url};
use rustix::io::Errno;
use thiserror::Error as ThisError;
use tower_layer::Layer;
use tower_service::Service;

/// How long connecting may take, within a request's own timeout.
const CONNECT: Duration = Duration::from_secs(5);

/// Idle connections that are kept for each service.
const IDLE_CONNECTIONS: usize = 32;

tokio::task_local! {
    /// The time of the request under way.
    static TIME: Time;
}

#[derive(Debug, Clone, Copy)]
struct Time {
    timeout: Duration,
    began: Instant,
}

/// Chooses the implementation of cryptography for the whole process. To be called before any HTTP
/// client is made.
pub fn install_tls() {
    // A second installation is refused and changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// An HTTP client as every one of this program begins: without the proxies of the environment, so
/// that nobody sees a request but who is named, and without redirects, so that no credentials go
/// elsewhere.
pub fn http() -> ClientBuilder {
    install_tls();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
}

/// Which connection a request gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// One that was kept open after another request, if there is one. The service may close it just
    /// as the request goes out: then nobody knows what it saw of it.
    Kept,
    /// One that was made for this request alone.
    Fresh,
}

/// The clients of one way to services.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    kept: reqwest::Client,
    fresh: reqwest::Client,
}

impl Connections {
    /// Through this proxy, or directly.
    pub(super) fn new(proxy: Option<&Url>) -> reqwest::Result<Self> {
        let client = |idle| {
            let client = http().connector_layer(InTime).pool_max_idle_per_host(idle);
            match proxy {
                Some(proxy) => client.proxy(Proxy::all(proxy.clone())?).build(),
                None => client.build(),
            }
        };
        Ok(Self {
            kept: client(IDLE_CONNECTIONS)?,
            fresh: client(0)?,
        })
    }

    pub(super) fn client(&self, link: Link) -> &reqwest::Client {
        match link {
            Link::Kept => &self.kept,
            Link::Fresh => &self.fresh,
        }
    }
}

/// Runs a request, whose connecting is held to this timeout.
pub(super) async fn within<F: Future>(timeout: Duration, request: F) -> F::Output {
    let began = Instant::now();
    TIME.scope(Time { timeout, began }, request).await
}

/// Connecting that takes too long is an error of connecting: it is told from a request that was sent
/// and not answered.
#[derive(Debug, Clone)]
struct InTime;

#[derive(Debug, Clone)]
struct Connecting<S>(S);

#[derive(Debug, ThisError)]
#[error("connecting took longer than {} ms", .0.as_millis())]
struct TooSlow(Duration);

type BoxError = Box<dyn Error + Send + Sync>;

impl<S> Layer<S> for InTime {
    type Service = Connecting<S>;

    fn layer(&self, inner: S) -> Connecting<S> {
        Connecting(inner)
    }
}

impl<S, A> Service<A> for Connecting<S>
where
    S: Service<A, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, address: A) -> Self::Future {
        let (limit, left) = TIME
            .try_with(|time| {
                let left = time.timeout.saturating_sub(time.began.elapsed());
                (time.timeout.min(CONNECT), left.min(CONNECT))
            })
            .unwrap_or((CONNECT, CONNECT));
        let connecting = tokio::time::timeout(left, self.0.call(address));
        Box::pin(async move {
            let connected = connecting.await;
            connected.unwrap_or_else(|_| Err(TooSlow(limit).into()))
        })
    }
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub(super) enum NotReached {
    #[error("refused the connection: is it running, and is its address right?")]
    Refused,
    #[error("can't be reached from here ({0}): is its address right, and is there a way to it?")]
    NoWay(String),
    #[error(
        "can't be connected to, because this machine has no room for one more connection ({0}): \
         raise its limits (ulimit -n), or close what needs them"
    )]
    NoRoom(String),
    #[error("could not be found by name: {0}")]
    Dns(String),
    #[error("could not be reached over TLS: {0}")]
    Tls(String),
    #[error("could not be connected to within {} ms", .0.as_millis())]
    TooSlow(Duration),
    #[error("closed the connection before it was set up")]
    Closed,
    #[error("could not be connected to: {0}")]
    Other(String),
}

impl NotReached {
    /// What happened while it was connected to.
    pub(super) fn new(error: &reqwest::Error) -> Self {
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(why) = told(cause) {
                return why;
            }
            source = cause.source();
        }
        Self::Other(innermost(error))
    }

    /// Whether it is this host's own trouble, and says nothing of the service.
    pub(super) fn is_our_own(&self) -> bool {
        matches!(self, Self::NoRoom(_))
    }
}

/// What one error of a chain tells, if it tells what happened.
fn told(cause: &(dyn Error + 'static)) -> Option<NotReached> {
    if let Some(TooSlow(limit)) = cause.downcast_ref() {
        return Some(NotReached::TooSlow(*limit));
    }
    if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
        return Some(NotReached::Tls(tls.to_string()));
    }
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        // The source of such an error skips the one that it carries.
        let carried = error.get_ref();
        return match carried.and_then(|inner| told(inner)) {
            Some(why) => Some(why),
            None => told_by_system(error),
        };
    }
    // This error's type is private to the client's library.
    let is_name = cause.to_string().starts_with("dns error");
    is_name.then(|| NotReached::Dns(innermost(cause)))
}

fn told_by_system(error: &io::Error) -> Option<NotReached> {
    let has_no_room = |code| {
        let full = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
        full.iter().any(|errno| errno.raw_os_error() == code)
    };
    if error.raw_os_error().is_some_and(has_no_room) {
        return Some(NotReached::NoRoom(error.to_string()));
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(NotReached::Refused),
        io::ErrorKind::AddrNotAvailable => Some(NotReached::NoRoom(error.to_string())),
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::PermissionDenied => Some(NotReached::NoWay(error.to_string())),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(NotReached::Closed),
        _ => None,
    }
}

/// The cause at the end of the chain: the outer ones repeat the URL, which may carry a secret.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if cause.is::<reqwest::Error>() {
        "no cause was given".to_owned()
    } else {
        cause.to_string()
    }
}
