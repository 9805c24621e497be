//! The connection of one client, as hyper reads and writes it.
//!
//! A client may end its side once it has asked, as `nc -N` does, and is answered all the same. One that
//! is gone is noticed by the reset that its system answers with. What hyper refuses by itself, before
//! any of our code sees it, is told in the shape of every other error.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use serde_json::Value;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// How often a client is looked at that sent more than it was asked for.
const LOOK: Duration = Duration::from_secs(1);

/// The socket. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Line(Arc<TcpStream>);

impl From<TcpStream> for Line {
    fn from(stream: TcpStream) -> Self {
        Self(Arc::new(stream))
    }
}

impl Line {
    /// Ends once the connection is broken. The client has closed it, or its machine is gone.
    pub(super) async fn broken(&self) {
        // An error of the wait itself says as much.
        let _ = self.0.ready(Interest::ERROR).await;
    }

    /// Ends once the client sends no more. It may be gone, or only have ended its side.
    pub(super) async fn ended(&self) {
        while let Ok(1..) = self.0.peek(&mut [0]).await {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// What hyper reads and writes.
#[derive(Debug)]
pub(super) struct Talk {
    line: Line,
    /// What is written instead of a refusal of hyper, and how much of it is.
    instead: Vec<u8>,
    written: usize,
}

impl Talk {
    pub(super) fn new(line: Line) -> Self {
        Self {
            line,
            instead: Vec::new(),
            written: 0,
        }
    }

    /// Writes what is left of our own refusal.
    fn poll_refusal(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(left) = self.instead.get(self.written..)
            && !left.is_empty()
        {
            ready!(self.line.0.poll_write_ready(cx))?;
            match self.line.0.try_write(left) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(more) => self.written += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Talk {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = &self.line.0;
        loop {
            ready!(stream.poll_read_ready(cx))?;
            match stream.try_read_buf(buf) {
                Ok(_) => return Poll::Ready(Ok(())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Talk {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [buf] = bufs
            && let Some(refusal) = instead_of(buf)
        {
            self.instead = refusal.into_bytes();
            self.written = 0;
            // It goes out with the flush, which hyper does before it closes.
            return Poll::Ready(Ok(buf.len()));
        }
        let stream = &self.line.0;
        loop {
            ready!(stream.poll_write_ready(cx))?;
            match stream.try_write_vectored(bufs) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_refusal(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_refusal(cx))?;
        Poll::Ready(SockRef::from(&*self.line.0).shutdown(Shutdown::Write))
    }
}

/// What is told instead of these bytes, if they are a refusal of hyper: the head of an error without a
/// body. None of our own answers is one.
fn instead_of(buf: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(buf).ok()?;
    let status = head
        .strip_prefix("HTTP/1.1 ")
        .or(head.strip_prefix("HTTP/1.0 "))?;
    let (status, _) = status.split_once("\r\n")?;
    let why = match status.get(..3)? {
        "400" => {
            "this is no request of HTTP/1.1 (RFC 9112): its method, address, version or a header is \
             malformed"
        }
        "414" => "the address of the request is too long (RFC 9110, section 15.5.15)",
        "431" => {
            "the head of the request is too large (RFC 6585, section 5): send fewer or shorter headers"
        }
        _ => return None,
    };
    let is_empty = head.contains("\r\ncontent-length: 0\r\n");
    (is_empty && head.ends_with("\r\n\r\n")).then(|| refusal(status, "", why))
}

/// An answer that ends the connection, and is written without hyper.
pub(super) fn refusal(status: &str, headers: &str, why: &str) -> String {
    let body = format!("{{\"ok\":false,\"error\":{}}}", Value::from(why));
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-type: application/json; charset=utf-8\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
