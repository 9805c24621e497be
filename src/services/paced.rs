//! The body of a request, bit by bit: between two bits its connection looks for an answer. A service
//! that says no to a large request and closes the connection is heard, instead of the request being
//! written on until that fails.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// How much is written at once, in bytes. The system takes as much, so that writing it does not fail
/// because the service has stopped reading.
const BIT: usize = 64 << 10;

/// How long the connection looks for an answer in between, at the most.
const PAUSE: Duration = Duration::from_millis(1);

/// A body that is written bit by bit.
struct Paced {
    rest: Bytes,
    pause: Option<Pin<Box<Sleep>>>,
}

/// The body of a request: bit by bit if it has more than one.
pub(super) fn paced(body: String) -> reqwest::Body {
    if body.len() <= BIT {
        return body.into();
    }
    reqwest::Body::wrap(Paced {
        rest: body.into(),
        pause: None,
    })
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = BIT.min(self.rest.len());
        self.pause = Some(Box::pin(sleep(PAUSE)));
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.rest.len()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const NO: &[u8] = b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno";

    /// A service that says no as soon as it has seen the beginning, and closes the connection.
    async fn says_no() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let seen = stream.read(&mut [0; 1_000]).await.unwrap();
                    assert!(seen > 0);
                    stream.write_all(NO).await.unwrap();
                });
            }
        });
        url
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_no_to_a_large_request_is_heard() {
        let url = says_no().await;
        let client = crate::services::http().build().unwrap();
        for length in [BIT, BIT + 1, 1 << 20, 2 << 20] {
            for _ in 0..20 {
                let request = client.post(&url).body(paced("x".repeat(length)));
                assert_eq!(request.send().await.unwrap().status(), 413, "{length}");
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_large_request_arrives_whole_and_with_its_length() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let body: String = (100_000..150_000).map(|n| format!("{n}, ")).collect();
        let sent = body.clone();
        let sending = tokio::spawn(async move {
            let client = crate::services::http().build().unwrap();
            client.post(url).body(paced(sent)).send().await
        });
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(&body.as_bytes()[body.len() - 100..]) {
            assert!(stream.read_buf(&mut seen).await.unwrap() > 0);
        }
        let seen = String::from_utf8(seen).unwrap();
        let (head, rest) = seen.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("content-length: 400000"), "{head}");
        assert!(!head.contains("transfer-encoding"), "{head}");
        assert!(rest == body, "{} bytes of {}", rest.len(), body.len());
        sending.abort();
    }
}
