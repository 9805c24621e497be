//! Accepts connections, as many as are allowed, and closes those whose clients are too slow.

use std::future::Future;
use std::io;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::Visitors;
use super::hang_up::HangUp;
use super::line::{Line, Talk, refusal};
use crate::caller::Caller;
use crate::places::NoPlace;

/// The wait after a failed accept: mostly too many open files, which passes.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// The longest silence that the system takes before it asks whether a client is there (Linux,
/// MAX_TCP_KEEPIDLE).
const LONGEST_SILENCE: Duration = Duration::from_secs(32_767);

/// How clients are treated.
#[derive(Debug, Clone, Copy)]
pub struct Manners {
    /// How long a client may take for a request's head, stay silent, or leave sent data
    /// unacknowledged.
    pub patience: Duration,
    /// How long requests may take to end after `stop`.
    pub grace: Duration,
}

/// Serves until `stop`, then lets the requests that are under way end, within the time of grace.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    visitors: Visitors,
    manners: Manners,
    stop: impl Future<Output = ()>,
) {
    let open = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(manners.patience)
        .half_close(true);
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, caller) = match accepted {
            Ok((stream, peer)) => (stream, Caller::from(peer)),
            Err(error) => {
                tracing::warn!("a connection could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        if let Err(error) = tune(&stream, manners.patience) {
            tracing::debug!("a connection is gone already: {error}");
            continue;
        }
        let place = match visitors.connections.try_take(&caller) {
            Ok(place) => place,
            Err(why) => {
                if let Ok(place) = visitors.refusals.try_take(&caller) {
                    tokio::spawn(async move {
                        refuse(stream, &why, manners.patience).await;
                        drop(place);
                    });
                }
                continue;
            }
        };
        let router = TowerToHyperService::new(router.clone());
        let (line, hang_up) = (Line::from(stream), HangUp::default());
        let talk = TokioIo::new(Talk::new(line.clone()));
        let (asked_on, told) = (line.clone(), hang_up.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(caller);
            request.extensions_mut().insert(asked_on.clone());
            request.extensions_mut().insert(told.clone());
            router.call(request)
        });
        let connection = open.watch(http.serve_connection(talk, service));
        tokio::spawn(async move {
            tokio::select! {
                ended = connection => {
                    if let Err(error) = ended {
                        tracing::debug!("a connection ended: {error}");
                    }
                }
                () = line.broken() => tracing::debug!("a connection is broken"),
                () = hang_up.wanted() => tracing::debug!("a client left what it was sent"),
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(manners.grace, open.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            "some requests were still open after {} s",
            manners.grace.as_secs()
        );
    }
}

/// A client that vanished, or reads nothing, is noticed by the kernel.
fn tune(stream: &TcpStream, patience: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    // The system counts this one in whole seconds, and refuses none.
    let silence = patience.clamp(Duration::from_secs(1), LONGEST_SILENCE);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(silence))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(patience))?;
    Ok(())
}

async fn refuse(mut stream: TcpStream, why: &NoPlace, patience: Duration) {
    let refusal = one_too_many(why);
    let told = async {
        stream.write_all(refusal.as_bytes()).await?;
        stream.shutdown().await
    };
    // Best effort: a client that can't be told is closed all the same.
    let _ = tokio::time::timeout(patience.min(Duration::from_secs(1)), told).await;
}

/// What a client is told that is one too many.
fn one_too_many(why: &NoPlace) -> String {
    let status = match why {
        NoPlace::Share { .. } => "429 Too Many Requests",
        NoPlace::Full { .. } | NoPlace::Closed => "503 Service Unavailable",
    };
    let why = format!("too many connections: {why}");
    refusal(status, "retry-after: 1\r\n", &why)
}
