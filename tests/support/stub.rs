//! A service under the test's control: it answers what it is told to, and remembers what it was
//! asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderMap, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::within;

/// What a stub answers.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// How long the service takes.
    pub delay: Duration,
}

impl Reply {
    pub fn new(status: u16, content_type: &str, body: &str) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self {
            status,
            headers,
            body: body.to_owned(),
            delay: Duration::ZERO,
        }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", &body.to_string())
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// As a service below HTTP sends it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { status, body, .. } = self;
        let mut text = format!("HTTP/1.1 {status} .\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        (text + "\r\n" + body).into_bytes()
    }

    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// What a stub was asked.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Path with query.
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Request {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

type Answer = Box<dyn FnMut(&Request) -> Reply + Send>;

struct Shared {
    answer: Mutex<Answer>,
    requests: Mutex<Vec<Request>>,
    /// How many requests have come in.
    count: watch::Sender<usize>,
    /// While true, requests are taken and not answered.
    held: watch::Sender<bool>,
}

/// A service under the test's control.
#[derive(Clone)]
pub struct Stub {
    pub url: String,
    shared: Arc<Shared>,
}

impl Stub {
    /// Answers every request alike.
    pub async fn answering(reply: Reply) -> Self {
        Self::with(move |_| reply.clone()).await
    }

    /// Answers as `answer` decides.
    pub async fn with(answer: impl FnMut(&Request) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, answer)
    }

    /// Answers on this port as `answer` decides.
    pub fn on(
        listener: TcpListener,
        answer: impl FnMut(&Request) -> Reply + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            answer: Mutex::new(Box::new(answer)),
            requests: Mutex::new(Vec::new()),
            count: watch::Sender::new(0),
            held: watch::Sender::new(false),
        });
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .fallback(handle)
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared }
    }

    /// From now on answers like this.
    pub fn answer(&self, reply: Reply) {
        self.answer_with(move |_| reply.clone());
    }

    /// From now on answers as `answer` decides.
    pub fn answer_with(&self, answer: impl FnMut(&Request) -> Reply + Send + 'static) {
        *self.shared.answer.lock().unwrap() = Box::new(answer);
    }

    /// From now on takes requests without answering them, until [`Stub::release`].
    pub fn hold(&self) {
        self.shared.held.send_replace(true);
    }

    /// Answers what was held, and everything after it.
    pub fn release(&self) {
        self.shared.held.send_replace(false);
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Waits until it was asked at least this often.
    pub async fn asked(&self, times: usize) -> Vec<Request> {
        let mut count = self.shared.count.subscribe();
        within(count.wait_for(|count| *count >= times))
            .await
            .unwrap();
        self.requests()
    }
}

async fn handle(State(shared): State<Arc<Shared>>, request: HttpRequest) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let request = Request {
        method: parts.method.to_string(),
        path: parts.uri.path_and_query().unwrap().to_string(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    shared.requests.lock().unwrap().push(request.clone());
    shared.count.send_modify(|count| *count += 1);
    shared
        .held
        .subscribe()
        .wait_for(|held| !held)
        .await
        .unwrap();
    let reply = (shared.answer.lock().unwrap())(&request);
    tokio::time::sleep(reply.delay).await;
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}
