//! Which services there are, where, and what each of their routes may do.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderMap;

use super::path;
use crate::plan::{Effect, Method};

/// All services by name.
#[derive(Debug, Clone, Default)]
pub struct Catalogue(BTreeMap<String, Service>);

/// One service.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its base URL; paths are appended to it.
    pub base: Url,
    /// How long one request may take, from connecting to the last byte.
    pub timeout: Duration,
    /// The proxy through which it is asked; none asks it directly.
    pub proxy: Option<Url>,
    /// What is sent with every request. Values are secrets and marked as such.
    pub headers: HeaderMap,
    /// What its routes do.
    pub routes: Routes,
    /// It does a request with a known `Idempotency-Key` only once, so that a write may be sent
    /// again.
    pub idempotent: bool,
}

/// What requests do, by method and path. A path that ends in `/*` stands for everything below.
#[derive(Debug, Clone, Default)]
pub struct Routes(BTreeMap<String, Effect>);

impl Catalogue {
    /// A catalogue of these services.
    pub fn new(services: impl IntoIterator<Item = Service>) -> Self {
        Self(
            services
                .into_iter()
                .map(|service| (service.name.clone(), service))
                .collect(),
        )
    }

    /// The service with this name.
    pub fn get(&self, name: &str) -> Option<&Service> {
        self.0.get(name)
    }

    /// What a request to this service does; to one that is not known, it writes.
    pub fn effect(&self, service: &str, method: Method, path: &str) -> Effect {
        let service = self.get(service);
        service.map_or(Effect::Write, |service| service.routes.effect(method, path))
    }

    /// Every service, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Service> {
        self.0.values()
    }
}

impl Service {
    /// The address as it may be shown, and the proxy before it: without user, password and query.
    pub fn shown(&self) -> String {
        let base = shown(&self.base);
        match &self.proxy {
            Some(proxy) => format!("{base} (through the proxy {})", shown(proxy)),
            None => base,
        }
    }
}

impl Routes {
    /// Routes as written in the configuration: `"POST /trends/query" = "read"`.
    ///
    /// # Errors
    /// What is wrong with a route.
    pub fn parse(routes: impl IntoIterator<Item = (String, Effect)>) -> Result<Self, String> {
        let mut parsed = BTreeMap::new();
        for (route, effect) in routes {
            let fault = |what: String| format!("the route {route:?} {what}");
            let (method, path) = route
                .split_once(' ')
                .ok_or_else(|| fault("must be a method, a space and a path".to_owned()))?;
            method
                .parse::<Method>()
                .map_err(|error| fault(format!(": the method {error}")))?;
            path::check(path).map_err(|error| fault(format!(": {error}")))?;
            parsed.insert(route, effect);
        }
        Ok(Self(parsed))
    }

    /// What a request does: as its exact route says, else the longest `/*` that covers it, else a
    /// `GET` reads and anything else writes. A path that a liberal service could take for another
    /// one (encoded, in capitals, with doubled slashes) writes unless that other one does the same.
    pub fn effect(&self, method: Method, path: &str) -> Effect {
        let [written, taken] = self.readings(method, path);
        if written == taken {
            written
        } else {
            Effect::Write
        }
    }

    /// Whether a request simulates only as it is written, or only as a liberal service could take
    /// it. There is no mode in which both may be sent.
    pub fn may_simulate(&self, method: Method, path: &str) -> bool {
        let readings = self.readings(method, path);
        readings.contains(&Effect::Simulate) && readings != [Effect::Simulate; 2]
    }

    /// Whether there is a route that simulates.
    pub fn simulate(&self) -> bool {
        self.0.values().any(|effect| *effect == Effect::Simulate)
    }

    /// What a request does as it is written, and as a liberal service could take it.
    fn readings(&self, method: Method, path: &str) -> [Effect; 2] {
        let listed = [
            self.listed(method, path),
            self.canonically_listed(method, path),
        ];
        listed.map(|effect| effect.unwrap_or_else(|| unlisted(method)))
    }

    /// Whether a request is one of these, whatever it does: as it is written, and as a liberal
    /// service could take it.
    pub fn has(&self, method: Method, path: &str) -> bool {
        self.listed(method, path).is_some() && self.canonically_listed(method, path).is_some()
    }

    /// The routes as they are written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What the exact route, or the longest that covers it, says of a path as it is written.
    fn listed(&self, method: Method, path: &str) -> Option<Effect> {
        let path = path::without_query(path);
        if let Some(effect) = self.0.get(&format!("{method} {path}")) {
            return Some(*effect);
        }
        let covering = self
            .0
            .iter()
            .filter(|(route, _)| covers(route, method, path));
        covering
            .max_by_key(|(route, _)| route.len())
            .map(|(_, effect)| *effect)
    }

    /// The same for the canonical path, among the canonical forms of the routes; of two routes that
    /// come out alike, the one that does more counts.
    fn canonically_listed(&self, method: Method, path: &str) -> Option<Effect> {
        let path = path::canonical(path);
        let fits = |(route, effect): (&String, &Effect)| {
            let route = route.strip_prefix(method.as_str())?.strip_prefix(' ')?;
            let length = match route.strip_suffix("/*") {
                Some(above) => {
                    let above = path::canonical_folder(above);
                    let above = above.trim_end_matches('/');
                    let below = path.strip_prefix(above)?;
                    below.starts_with('/').then_some(above.len())?
                }
                None => (path::canonical(route) == path).then_some(usize::MAX)?,
            };
            Some((length, *effect))
        };
        let fitting = self.0.iter().filter_map(fits);
        fitting.max().map(|(_, effect)| effect)
    }
}

fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Neither can fail for a URL that has a host, and the configuration takes no other.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.as_str().trim_end_matches('/').to_owned()
}

fn unlisted(method: Method) -> Effect {
    match method {
        Method::Get => Effect::Read,
        _ => Effect::Write,
    }
}

fn covers(route: &str, method: Method, path: &str) -> bool {
    let prefix = route
        .strip_suffix('*')
        .and_then(|route| route.strip_prefix(method.as_str()))
        .and_then(|route| route.strip_prefix(' '));
    prefix.is_some_and(|prefix| prefix.ends_with('/') && path.starts_with(prefix))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
