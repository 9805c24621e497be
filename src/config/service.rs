//! `[services.<name>]`: what is set of a service, and the service that comes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use super::Secret;
use super::durations::within;
use crate::plan::Effect;
use crate::services::known::KnownRoutes;
use crate::services::{Routes, Service};

/// `[services.<name>]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ServiceConfig {
    /// Its base URL.
    pub url: Option<String>,
    /// How long one request may take, in milliseconds; 30,000 by default.
    pub timeout_ms: Option<u64>,
    /// The proxy through which it is asked, `http://…` or `https://…`; none by default, whatever
    /// the environment says.
    pub proxy: Option<String>,
    /// Headers sent with every request. Their values are never shown.
    pub headers: BTreeMap<String, Secret>,
    /// It does a request with a known `Idempotency-Key` only once; false by default.
    pub idempotent: bool,
    /// What requests do (`read`, `simulate` or `write`): `"POST /trends/query" = "read"`. Unlisted, a
    /// GET reads and all else writes.
    pub routes: BTreeMap<String, Effect>,
}

/// The service that comes of what is set, over its defaults.
///
/// # Errors
/// What is wrong with it.
pub(super) fn service(
    name: &str,
    default_url: Option<&str>,
    known: KnownRoutes,
    set: &ServiceConfig,
) -> anyhow::Result<Service> {
    let at = || format!("[services.{name}]");
    let url = set.url.as_deref().or(default_url);
    let url = url.with_context(|| format!("{} has no url: add url = \"http://…\"", at()))?;
    let base = address(&format!("{} url", at()), url)?;
    let proxy = set.proxy.as_deref();
    let proxy = proxy.map(|proxy| address(&format!("{} proxy", at()), proxy));
    let timeout = set.timeout_ms.unwrap_or(30_000);
    within(&format!("{} timeout_ms", at()), timeout, 1)?;
    let known = known
        .iter()
        .map(|(route, effect)| ((*route).to_owned(), *effect));
    let routes = set
        .routes
        .iter()
        .map(|(route, effect)| (route.clone(), *effect));
    Ok(Service {
        name: name.to_owned(),
        base,
        timeout: Duration::from_millis(timeout),
        proxy: proxy.transpose()?,
        idempotent: set.idempotent,
        headers: headers(&set.headers).with_context(at)?,
        routes: Routes::parse(known.chain(routes)).map_err(|error| anyhow!("{} {error}", at()))?,
    })
}

/// An address to connect to, which is set as `key`.
fn address(key: &str, url: &str) -> anyhow::Result<Url> {
    let address: Url = url.parse().with_context(|| format!("{key} is not a URL"))?;
    if !matches!(address.scheme(), "http" | "https") || !address.has_host() {
        bail!("{key} must begin with http:// or https:// and name a host");
    }
    if address.query().is_some() || address.fragment().is_some() {
        bail!("{key} must not have a query or a fragment");
    }
    Ok(address)
}

fn headers(set: &BTreeMap<String, Secret>) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, secret) in set {
        let key: HeaderName = name
            .parse()
            .with_context(|| format!("{name:?} names no header"))?;
        let mut value: HeaderValue = secret
            .value()
            .parse()
            .with_context(|| format!("the value of the header {name:?} is not legal"))?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}
