//! The running host, as the command line talks to it.

use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use reqwest::header::LOCATION;
use reqwest::{RequestBuilder, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::http::SIGNATURE_HEADER;
use crate::plan::Plan;
use crate::registry::Component;
use crate::services;
use crate::text::plain;

/// Where a host listens that was not told otherwise.
const USUAL: &str = "http://127.0.0.1:5565";

/// The variable that says where it is: no setting of the host's.
pub(super) const URL_VARIABLE: &str = "MESH_URL";

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How long the host may be silent. An event stream is not for longer than 15 s.
const SILENCE: Duration = Duration::from_secs(60);

/// Which host.
#[derive(Debug, Args)]
pub(super) struct HostArgs {
    /// The running host [variable: MESH_URL] [default: http://127.0.0.1:5565]
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
}

/// The host said no.
#[derive(Debug, Error)]
#[error("{message}")]
pub(super) struct Refused {
    /// The status of its answer.
    pub(super) status: u16,
    /// What it said.
    message: String,
}

#[derive(Deserialize)]
struct ErrorAnswer {
    error: Option<String>,
}

/// `{ok, plan}`
#[derive(Deserialize)]
pub(super) struct PlanAnswer {
    plan: Box<RawValue>,
}

impl PlanAnswer {
    /// The plan as the host wrote it.
    pub(super) fn json(&self) -> &str {
        self.plan.get()
    }

    /// The plan.
    pub(super) fn plan(&self) -> anyhow::Result<Plan> {
        serde_json::from_str(self.json()).context("the host answers with a plan of another version")
    }
}

/// A client of the running host.
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    pub(super) fn new(args: &HostArgs) -> anyhow::Result<Self> {
        let from_variable = || std::env::var(URL_VARIABLE).ok();
        let base = args.url.clone().or_else(from_variable);
        let base = base.unwrap_or_else(|| USUAL.to_owned());
        let http = services::http()
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE);
        Ok(Self {
            http: http.build()?,
            base: base.trim_end_matches('/').to_owned(),
        })
    }

    /// The URL of a path.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.ask(path, self.http.get(self.url(path))).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<T> {
        let request = self.http.post(self.url(path));
        let request = request.header("content-type", "application/json");
        self.ask(path, request.body(body.to_string())).await
    }

    /// Sends a component, with its signature if it has one.
    pub(super) async fn post_component<T: DeserializeOwned>(
        &self,
        path: &str,
        component: &Component,
    ) -> anyhow::Result<T> {
        let request = self.http.post(self.url(path));
        let mut request = request.header("content-type", "application/wasm");
        if let Some(signature) = &component.signature {
            request = request.header(SIGNATURE_HEADER, STANDARD.encode(signature));
        }
        self.ask(path, request.body(component.bytes.to_vec())).await
    }

    pub(super) async fn delete<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.ask(path, self.http.delete(self.url(path))).await
    }

    /// The plan with this id.
    pub(super) async fn plan(&self, id: &str) -> anyhow::Result<PlanAnswer> {
        self.get(&format!("/mesh/plan?id={}", encoded(id))).await
    }

    /// The event stream of a plan, behind the event with this id.
    pub(super) async fn events(&self, id: &str, last: Option<&str>) -> anyhow::Result<Response> {
        let path = format!("/mesh/events?id={}", encoded(id));
        let mut request = self.http.get(self.url(&path));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = self.send(&path, request).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let text = response.text().await.unwrap_or_default();
        let answer = serde_json::from_str(&text).unwrap_or(ErrorAnswer { error: None });
        Err(refused(status, answer.error).into())
    }

    async fn send(&self, path: &str, request: RequestBuilder) -> anyhow::Result<Response> {
        let sent = request.send().await;
        let response = sent.with_context(|| format!("no host answers at {}", self.url(path)))?;
        if response.status().is_redirection() {
            let to = response.headers().get(LOCATION);
            let to = to.and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
            bail!(
                "{} redirects to {}, and that is not followed: name the host itself (--url, or the \
                 variable {URL_VARIABLE})",
                self.url(path),
                plain(to)
            );
        }
        Ok(response)
    }

    /// One request to the host; its `error` is ours.
    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        request: RequestBuilder,
    ) -> anyhow::Result<T> {
        let response = self.send(path, request).await?;
        let status = response.status();
        let text = response.text().await;
        let text = text.with_context(|| format!("{} broke off", self.url(path)))?;
        let stranger = || format!("{} is no codex-mesh", self.url(path));
        let answer: ErrorAnswer = serde_json::from_str(&text).with_context(stranger)?;
        if !status.is_success() || answer.error.is_some() {
            return Err(refused(status.as_u16(), answer.error).into());
        }
        serde_json::from_str(&text).with_context(stranger)
    }
}

fn refused(status: u16, error: Option<String>) -> Refused {
    let message = error.unwrap_or_else(|| format!("the host answered with status {status}"));
    Refused {
        status,
        message: plain(&message),
    }
}

/// A value for a query or a part of a path.
pub(super) fn encoded(value: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    value.bytes().map(byte).collect()
}
