//! Accepts connections, as many as are allowed, and closes those whose clients are too slow.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// The wait after a failed accept: mostly too many open files, which passes.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Refusals that are being written at the same time; past it connections are just closed.
const REFUSALS: usize = 64;

/// What a client is told that is one too many.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
    content-type: application/json\r\ncontent-length: 62\r\nconnection: close\r\n\r\n\
    {\"ok\":false,\"error\":\"too many connections: try again shortly\"}";

/// How clients are treated.
#[derive(Debug, Clone, Copy)]
pub struct Manners {
    /// Connections at the same time.
    pub connections: usize,
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
    manners: Manners,
    stop: impl Future<Output = ()>,
) {
    let slots = Arc::new(Semaphore::new(manners.connections));
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    let open = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(manners.patience);
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
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
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            if let Ok(permit) = Arc::clone(&refusals).try_acquire_owned() {
                tokio::spawn(async move {
                    refuse(stream, manners.patience).await;
                    drop(permit);
                });
            }
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = open.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("a connection ended: {error}");
            }
            drop(slot);
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
    let silence = patience.max(Duration::from_secs(1));
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(silence))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(patience))?;
    Ok(())
}

async fn refuse(mut stream: TcpStream, patience: Duration) {
    let told = async {
        stream.write_all(REFUSAL).await?;
        stream.shutdown().await
    };
    // Best effort: a client that can't be told is closed all the same.
    let _ = tokio::time::timeout(patience.min(Duration::from_secs(1)), told).await;
}

#[cfg(test)]
mod tests {
    use super::REFUSAL;

    #[test]
    fn the_refusal_has_the_length_that_it_says() {
        let text = String::from_utf8_lossy(REFUSAL);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        assert!(
            head.contains(&format!("content-length: {}\r\n", body.len())),
            "{}",
            body.len()
        );
    }
}
