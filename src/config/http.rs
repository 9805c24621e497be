//! `[http]`: who may ask, and how strictly requests are read.

use anyhow::{anyhow, bail};
use serde::Deserialize;

use crate::http::{Access, Authority};

/// `[http]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct HttpConfig {
    /// The names under which the host is asked, beside `localhost`, addresses, and the name that it
    /// listens on.
    pub hosts: Vec<String>,
    /// The origins of web pages that may use the API from a browser.
    pub cors_origins: Vec<String>,
    /// What becomes of names in requests that mean nothing.
    pub unknown_fields: UnknownFields,
}

/// What becomes of names in requests that mean nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownFields {
    /// The request is refused.
    #[default]
    Refuse,
    /// Nothing, unless one is likely a misspelt name that does mean something.
    Ignore,
}

impl HttpConfig {
    /// Who may ask a host that listens there.
    ///
    /// # Errors
    /// What is wrong with a name or an origin.
    pub fn access(&self, listen: &str) -> anyhow::Result<Access> {
        let mut hosts = vec!["localhost".to_owned()];
        hosts.extend(Authority::parse(listen).and_then(|own| own.name().map(str::to_owned)));
        for host in &self.hosts {
            let named = Authority::parse(host).filter(|host| host.port().is_none());
            let Some(name) = named.as_ref().and_then(Authority::name) else {
                bail!(
                    "[http] hosts: {host:?} is no name: give the name alone, such as \
                     \"mesh.internal\"; addresses and localhost are always taken"
                );
            };
            hosts.push(name.to_owned());
        }
        let mut origins = Vec::new();
        for origin in &self.cors_origins {
            origins.push(self::origin(origin).ok_or_else(|| {
                anyhow!(
                    "[http] cors_origins: {origin:?} is no origin: give scheme, host and port, such \
                     as \"https://console.example\" or \"http://localhost:3000\"; there is none for all"
                )
            })?);
        }
        Ok(Access { hosts, origins })
    }
}

/// An origin as browsers write it (RFC 6454, section 6.2), if the text is one.
fn origin(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let (scheme, authority) = text.split_once("://")?;
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let host = Authority::parse(authority)?;
    if authority.ends_with('.') {
        return None;
    }
    match host.port() {
        Some(port) if port == usual => {
            Some(format!("{scheme}://{}", authority.rsplit_once(':')?.0))
        }
        _ => Some(text),
    }
}
