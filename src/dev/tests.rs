//! Holds the local editions to the recordings of the real services (`recordings`, but for
//! `exceptions`, and `real_answers`; `decisions` says what has to agree), and to what they promise
//! beyond them (`rules`, and `peers` for those that look at others). All run every service on a
//! port of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod decisions;
mod exceptions;
mod judges;
mod peers;
mod real_answers;
mod recordings;
mod rules;

use reqwest::{Client, Method};
use serde_json::Value;
use tokio::net::TcpListener;

use super::{NAMES, Peers, router};

/// Every local edition, running, each with all of them as peers.
struct Services {
    client: Client,
    bases: Vec<(String, String)>,
}

impl Services {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With further peers, that tests give a behaviour of their own; one named like a local
    /// edition takes its place.
    async fn start_with(others: &[(&str, String)]) -> Self {
        // Fails when a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build().unwrap();
        let mut bases: Vec<(String, String)> = others
            .iter()
            .map(|(name, base)| (name.to_string(), base.clone()))
            .collect();
        let mut listeners = Vec::new();
        for name in NAMES {
            if others.iter().all(|(other, _)| *other != name) {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let base = format!("http://{}", listener.local_addr().unwrap());
                bases.push((name.to_owned(), base));
                listeners.push((name, listener));
            }
        }
        let peers = Peers::new(bases.clone(), client.clone());
        for (name, listener) in listeners {
            let routes = router(name, &peers).unwrap();
            tokio::spawn(async move { axum::serve(listener, routes).await });
        }
        Self { client, bases }
    }

    fn base(&self, name: &str) -> &str {
        let found = self.bases.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("no service {name}")).1
    }

    async fn post(&self, name: &str, path: &str, body: Value) -> Value {
        self.send(name, Call::json(path, &body)).await.1
    }

    async fn get(&self, name: &str, path: &str) -> Value {
        let call = Call {
            method: "GET",
            path,
            content_type: None,
            body: None,
        };
        self.send(name, call).await.1
    }

    async fn send(&self, name: &str, call: Call<'_>) -> (u16, Value) {
        let answer = self.answer(name, call).await;
        (answer.status, answer.json())
    }

    async fn answer(&self, name: &str, call: Call<'_>) -> Answer {
        let method: Method = call.method.parse().unwrap();
        let url = format!("{}{}", self.base(name), call.path);
        let mut request = self.client.request(method, url);
        if let Some(kind) = call.content_type {
            request = request.header("content-type", kind);
        }
        if let Some(body) = call.body {
            request = request.body(body);
        }
        let answer = request.send().await.unwrap();
        let kind = answer.headers().get("content-type");
        Answer {
            status: answer.status().as_u16(),
            content_type: kind.map(|kind| kind.to_str().unwrap().to_owned()),
            text: answer.text().await.unwrap(),
        }
    }
}

struct Answer {
    status: u16,
    content_type: Option<String>,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

struct Call<'a> {
    method: &'a str,
    path: &'a str,
    content_type: Option<&'a str>,
    body: Option<String>,
}

impl<'a> Call<'a> {
    fn json(path: &'a str, body: &Value) -> Self {
        Self {
            method: "POST",
            path,
            content_type: Some("application/json"),
            body: Some(body.to_string()),
        }
    }
}
