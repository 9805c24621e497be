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
    /// The address as it may be shown: without user, password and query.
    pub fn shown(&self) -> String {
        let mut url = self.base.clone();
        // Neither can fail for a URL that has a host, and the configuration takes no other.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.as_str().trim_end_matches('/').to_owned()
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
mod tests {
    use super::*;

    fn routes(routes: &[(&str, Effect)]) -> Result<Routes, String> {
        Routes::parse(
            routes
                .iter()
                .map(|(route, effect)| ((*route).to_owned(), *effect)),
        )
    }

    #[test]
    fn unknown_is_a_write_and_get_a_read() {
        let none = Routes::default();
        assert_eq!(none.effect(Method::Get, "/anything?x=1"), Effect::Read);
        for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
            assert_eq!(none.effect(method, "/anything"), Effect::Write);
        }
    }

    #[test]
    fn the_most_exact_route_decides() {
        let routes = routes(&[
            ("POST /a/*", Effect::Read),
            ("POST /a/b/*", Effect::Write),
            ("POST /a/b/c", Effect::Read),
            ("GET /a/act", Effect::Write),
        ])
        .unwrap();
        assert_eq!(routes.effect(Method::Post, "/a/x"), Effect::Read);
        assert_eq!(routes.effect(Method::Post, "/a/b/x"), Effect::Write);
        assert_eq!(routes.effect(Method::Post, "/a/b/c?q"), Effect::Read);
        assert_eq!(routes.effect(Method::Post, "/a"), Effect::Write);
        assert_eq!(routes.effect(Method::Put, "/a/x"), Effect::Write);
        assert_eq!(routes.effect(Method::Get, "/a/act"), Effect::Write);
    }

    /// An encoded letter makes another path, and so a write: never a way around a route.
    #[test]
    fn an_encoded_path_is_not_the_route() {
        let routes = routes(&[("POST /srl/check", Effect::Read)]).unwrap();
        assert_eq!(routes.effect(Method::Post, "/srl/%63heck"), Effect::Write);
        assert_eq!(routes.effect(Method::Post, "/srl//check"), Effect::Write);
        assert_eq!(routes.effect(Method::Post, "/srl/check/"), Effect::Write);
    }

    /// Nor is another spelling a way around a route that writes.
    #[test]
    fn another_spelling_of_a_write_is_no_read() {
        let routes = routes(&[
            ("GET /a/act", Effect::Write),
            ("GET /Make/*", Effect::Write),
            ("POST /a/*", Effect::Read),
            ("POST /a/b", Effect::Write),
            ("POST /a/b/read", Effect::Read),
            ("POST /a/c/*", Effect::Write),
        ])
        .unwrap();
        for path in [
            "/a/%61ct",
            "/a//act",
            "/a/ACT",
            "/a/act/",
            "/a%2fact",
            "/a/act;x",
            "/a/act%3Bx?q",
            "/a/act.",
            "/a/act...",
            "/a/act%20",
            "/a/%20act",
            "/a/act+",
            "/a/act%2B",
            "/a/act%2e%20",
            "/a/act.json",
            "/a/act.json/",
            "/a/act.%20;jsessionid=1",
            "/a%20/act",
            "/a/act%3fx",
            "/a/act&x=1",
            "/a/act,x",
            "/a/act%23x",
            "/a/act%2520",
            "/a/act;jsessionid=0A/",
            "/make/x",
            "/%4dake/x",
        ] {
            assert_eq!(routes.effect(Method::Get, path), Effect::Write, "{path}");
        }
        for path in [
            "/a/b/", "/a/%62", "/a//b", "/a/B", "/a/b;x", "/a/C/x", "/a/%63/x",
        ] {
            assert_eq!(routes.effect(Method::Post, path), Effect::Write, "{path}");
        }
        for path in ["/a/x", "/a/b/read", "/a/bb", "/a/x%20y", "/a/b/x"] {
            assert_eq!(routes.effect(Method::Post, path), Effect::Read, "{path}");
        }
        for path in ["/", "/a/actor", "/a/act-x", "/a/act%20x", "/a/.act"] {
            assert_eq!(routes.effect(Method::Get, path), Effect::Read, "{path}");
        }
    }

    /// A request that simulates in one reading and does something else in the other could be sent in
    /// no mode.
    #[test]
    fn another_spelling_of_what_simulates_may_simulate() {
        let routes = routes(&[
            ("POST /sim/run", Effect::Simulate),
            ("POST /try/*", Effect::Simulate),
            ("POST /try/write", Effect::Write),
            ("POST /try/look", Effect::Read),
        ])
        .unwrap();
        for path in ["/sim/run", "/sim/run?x=/y", "/try/x"] {
            assert_eq!(
                routes.effect(Method::Post, path),
                Effect::Simulate,
                "{path}"
            );
            assert!(!routes.may_simulate(Method::Post, path), "{path}");
        }
        for path in [
            "/sim/RUN",
            "/sim//run",
            "/sim/run/",
            "/sim/%72un",
            "/sim/run;x",
            "/TRY/x",
            "/try/%77rite",
            "/try/Look",
        ] {
            assert_eq!(routes.effect(Method::Post, path), Effect::Write, "{path}");
            assert!(routes.may_simulate(Method::Post, path), "{path}");
        }
        for (method, path) in [
            (Method::Post, "/try/write"),
            (Method::Post, "/try/look"),
            (Method::Post, "/sim"),
            (Method::Get, "/sim/run"),
        ] {
            assert!(!routes.may_simulate(method, path), "{path}");
        }
    }

    /// What another spelling could be taken for counts on both sides: it is neither the route itself
    /// nor a way out of what is below one.
    #[test]
    fn only_what_is_listed_is_among_the_routes() {
        let routes = routes(&[
            ("POST /a/b", Effect::Write),
            ("POST /c/*", Effect::Write),
            ("GET /d", Effect::Read),
        ])
        .unwrap();
        for (method, path) in [
            (Method::Post, "/a/b"),
            (Method::Post, "/a/b?q=/../x"),
            (Method::Post, "/c/x"),
            (Method::Post, "/c/x/%79"),
            (Method::Get, "/d"),
        ] {
            assert!(routes.has(method, path), "{path}");
        }
        for (method, path) in [
            (Method::Get, "/a/b"),
            (Method::Get, "/anything"),
            (Method::Post, "/d"),
            (Method::Post, "/a/%62"),
            (Method::Post, "/a/B"),
            (Method::Post, "/a//b"),
            (Method::Post, "/a/b/"),
            (Method::Post, "/a/b;x"),
            (Method::Post, "/a/b/c"),
            (Method::Post, "/C/x"),
            (Method::Post, "/%63/x"),
            (Method::Post, "/c"),
            (Method::Post, "/c/"),
            (Method::Post, "/c/;x"),
            (Method::Post, "/cc/x"),
        ] {
            assert!(!routes.has(method, path), "{path}");
        }
    }

    #[test]
    fn bad_routes_are_named() {
        for route in ["/x", "POST", "FETCH /x", "POST x", "POST /../x"] {
            let error = routes(&[(route, Effect::Read)]).unwrap_err();
            assert!(error.contains(route), "{error}");
        }
    }
}
