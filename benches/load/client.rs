//! One connection to the target, kept open: what it costs does not hide what the target costs.

use anyhow::{Context, bail};
use axum::body::{Body, Bytes, to_bytes};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

pub(crate) struct Connection {
    sender: SendRequest<Body>,
    authority: String,
}

impl Connection {
    /// Connects to a base URL of the form `http://host:port`.
    pub(crate) async fn open(url: &str) -> anyhow::Result<Self> {
        let authority = url
            .strip_prefix("http://")
            .context("the target must begin with http://")?;
        let stream = TcpStream::connect(authority)
            .await
            .with_context(|| format!("can't connect to {url}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self {
            sender,
            authority: authority.to_owned(),
        })
    }

    /// The body of an answer, which must be a 200.
    pub(crate) async fn post(&mut self, path: &str, body: String) -> anyhow::Result<Bytes> {
        self.send(Method::POST, path, body).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<Bytes> {
        self.send(Method::GET, path, String::new()).await
    }

    async fn send(&mut self, method: Method, path: &str, body: String) -> anyhow::Result<Bytes> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        let body = to_bytes(Body::new(answer.into_body()), usize::MAX).await?;
        if status != StatusCode::OK {
            bail!(
                "{path} answered {status}: {}",
                String::from_utf8_lossy(&body)
            );
        }
        Ok(body)
    }
}
