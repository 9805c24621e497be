//! What plugins may call, which headers they may set, and which secrets they may name: the operator's lists, and what holds for
//! a kind that has none. A plugin that is part of the host may then ask its service for everything,
//! one from outside only for what reads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Serialize;

use super::Manifest;
use crate::plan::{Effect, HeaderValue, Headers, Method};
use crate::services::headers::is_allowed;
use crate::services::{Routes, Service, path};

/// Stands for every route that the catalogue says reads.
const READS: &str = "reads";

/// The longest path that is shown as a route to add, in bytes.
const SHOWN: usize = 500;

static EVERYTHING: LazyLock<GrantedRoutes> = LazyLock::new(|| {
    let all: Vec<String> = Method::ALL.iter().map(|m| format!("{m} /*")).collect();
    GrantedRoutes::parse(&all).unwrap_or_default()
});

static ONLY_READS: LazyLock<GrantedRoutes> = LazyLock::new(|| GrantedRoutes {
    reads: true,
    routes: Routes::default(),
});

static NOTHING: LazyLock<GrantedRoutes> = LazyLock::new(GrantedRoutes::default);

/// What the operator grants, by kind.
#[derive(Debug, Clone, Default)]
pub struct Grants(BTreeMap<String, KindGrants>);

/// What the operator grants one kind.
#[derive(Debug, Clone, Default)]
pub struct KindGrants {
    /// `[plugin.<kind>.grants]`: what it may ask services for. If there is such a list, it is the
    /// whole truth.
    pub services: Option<BTreeMap<String, GrantedRoutes>>,
    /// `[plugin.<kind>.headers]`: the headers that it may set, beside those that every plugin may.
    pub headers: BTreeMap<String, BTreeSet<String>>,
    /// `[plugin.<kind>.secrets]`: the secrets that it may name to services.
    pub secrets: BTreeMap<String, BTreeSet<String>>,
}

/// What is allowed of one service.
#[derive(Debug, Clone, Default)]
pub struct GrantedRoutes {
    reads: bool,
    routes: Routes,
}

/// What one plugin is granted of the service that it asks.
#[derive(Clone, Copy)]
pub struct Grant<'a> {
    kind: &'a str,
    service: &'a str,
    allowed: &'a GrantedRoutes,
    headers: Option<&'a BTreeSet<String>>,
    secrets: Option<&'a BTreeSet<String>>,
    /// What the service's requests do; nothing is known of one that is not configured.
    catalogued: Option<&'a Routes>,
}

/// The same, for people and programs.
#[derive(Debug, Clone, Serialize)]
pub struct Granted {
    /// The service that the plugin asks.
    pub service: String,
    /// What it may ask for, as the configuration would have it.
    pub routes: Vec<String>,
    /// The headers that it may set, beside those that every plugin may.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// The names of the secrets that it may use.
    pub secrets: Vec<String>,
}

impl GrantedRoutes {
    /// What is allowed as written in the configuration: `["reads", "POST /campaign/*"]`.
    ///
    /// # Errors
    /// What is wrong with a route.
    pub fn parse(routes: &[String]) -> Result<Self, String> {
        let listed = routes.iter().filter(|route| *route != READS);
        // What a granted request does is the catalogue's to say.
        let listed = listed.map(|route| (route.clone(), Effect::Write));
        Ok(Self {
            reads: routes.iter().any(|route| route == READS),
            routes: Routes::parse(listed)?,
        })
    }

    fn written(&self) -> Vec<String> {
        let reads = self.reads.then_some(READS);
        let routes = reads.into_iter().chain(self.routes.iter());
        routes.map(str::to_owned).collect()
    }
}

impl Grants {
    /// Grants this to a kind.
    pub fn set(&mut self, kind: String, grants: KindGrants) {
        self.0.insert(kind, grants);
    }

    /// Whether a plugin with this manifest may ask its service at all.
    ///
    /// # Errors
    /// What to add where it may not.
    pub fn check(&self, manifest: &Manifest) -> Result<(), String> {
        let Manifest { kind, service, .. } = manifest;
        let listed = self.0.get(kind).and_then(|own| own.services.as_ref());
        match listed {
            Some(services) if !services.contains_key(service) => Err(format!(
                "the service {service} is not granted to the kind {kind}: {}",
                to_add(kind, "grants", service, &ONLY_READS.written())
            )),
            _ => Ok(()),
        }
    }

    /// What a plugin with this manifest is granted. `service` is the one that it names, if that is
    /// configured.
    pub(super) fn of<'a>(
        &'a self,
        manifest: &'a Manifest,
        service: Option<&'a Service>,
        is_shipped: bool,
    ) -> Grant<'a> {
        let own = self.0.get(&manifest.kind);
        let allowed = match own.and_then(|own| own.services.as_ref()) {
            Some(services) => services.get(&manifest.service).unwrap_or(&NOTHING),
            None if is_shipped => &EVERYTHING,
            None => &ONLY_READS,
        };
        Grant {
            kind: &manifest.kind,
            service: &manifest.service,
            allowed,
            headers: own.and_then(|own| own.headers.get(&manifest.service)),
            secrets: own.and_then(|own| own.secrets.get(&manifest.service)),
            catalogued: service.map(|service| &service.routes),
        }
    }
}

impl Grant<'_> {
    /// Whether a request may be sent.
    ///
    /// # Errors
    /// That it may not, and what to add to the configuration.
    pub fn check(&self, method: Method, path: &str, headers: &Headers) -> Result<(), String> {
        self.check_route(method, path)?;
        for (name, value) in headers.iter() {
            if let HeaderValue::Secret { secret } = value {
                self.check_secret(secret)?;
            }
            self.check_header(name, value)?;
        }
        Ok(())
    }

    fn check_header(&self, name: &str, value: &HeaderValue) -> Result<(), String> {
        let carries_secret = matches!(value, HeaderValue::Secret { .. });
        let mut granted = self.headers.cloned().unwrap_or_default();
        if is_allowed(name, carries_secret) || !granted.insert(name.to_owned()) {
            return Ok(());
        }
        let Self { kind, service, .. } = self;
        let granted: Vec<String> = granted.into_iter().collect();
        Err(format!(
            "the header {name} is not granted to the plugin {kind} for {service}: {}",
            to_add(kind, "headers", service, &granted)
        ))
    }

    fn check_secret(&self, name: &str) -> Result<(), String> {
        let mut granted = self.secrets.cloned().unwrap_or_default();
        if !granted.insert(name.to_owned()) {
            return Ok(());
        }
        let Self { kind, service, .. } = self;
        let granted: Vec<String> = granted.into_iter().collect();
        Err(format!(
            "the secret {name} is not granted to the plugin {kind} for {service}: {}, and its value \
             under [secrets]",
            to_add(kind, "secrets", service, &granted)
        ))
    }

    fn check_route(&self, method: Method, path: &str) -> Result<(), String> {
        let effect = |routes: &Routes| routes.effect(method, path);
        let effect = self.catalogued.map_or(Effect::Write, effect);
        if (self.allowed.reads && effect == Effect::Read) || self.allowed.routes.has(method, path) {
            return Ok(());
        }
        let Self { kind, service, .. } = self;
        let path = path::without_query(path);
        let shown: String = path.chars().take(SHOWN).collect();
        let refused =
            format!("{method} {shown} {effect}s, and is not granted to the plugin {kind}");
        // The line for it would grant everything below it, or be another one.
        if path.ends_with("/*") || shown.len() < path.len() {
            return Err(format!(
                "{refused}: what ends in /* or is longer than {SHOWN} bytes can't be granted alone"
            ));
        }
        let mut routes = self.allowed.written();
        routes.push(format!("{method} {path}"));
        Err(format!(
            "{refused}: {}",
            to_add(kind, "grants", service, &routes)
        ))
    }

    /// The grant, to be shown.
    pub fn shown(&self) -> Granted {
        Granted {
            service: self.service.to_owned(),
            routes: self.allowed.written(),
            headers: self.headers.into_iter().flatten().cloned().collect(),
            secrets: self.secrets.into_iter().flatten().cloned().collect(),
        }
    }
}

/// The line that grants these of a service, and the table where it goes.
fn to_add(kind: &str, table: &str, service: &str, granted: &[String]) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let key = if service.chars().all(is_bare) {
        service.to_owned()
    } else {
        format!("{service:?}")
    };
    format!(
        "to grant it, the configuration needs {key} = {granted:?} under [plugin.{kind}.{table}]"
    )
}
