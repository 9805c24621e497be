//! However a plugin spells a path, and whatever its headers are called: what a liberal service takes
//! for a write is never judged as a read, and no header goes out that nobody allowed.

use std::sync::LazyLock;

use arbitrary::{Arbitrary, Unstructured};
use codex_mesh::config::Config;
use codex_mesh::engine::check_request;
use codex_mesh::plan::{Effect, Method};
use codex_mesh::sandbox::bindings as wit;
use codex_mesh::services::{Routes, Service, headers};

/// Where a GET acts.
const WRITE: &str = "/srl/act";

static SERVICE: LazyLock<Service> = LazyLock::new(|| {
    let catalogue = Config::default().catalogue();
    let catalogue = catalogue.expect("the defaults are legal");
    let routes = [(format!("GET {WRITE}"), Effect::Write)];
    Service {
        routes: Routes::parse(routes).expect("the route is legal"),
        ..catalogue.get("srl").expect("it is shipped").clone()
    }
});

pub fn run(data: &[u8]) {
    let input = <(String, String, String)>::arbitrary_take_rest(Unstructured::new(data));
    let Ok((path, name, value)) = input else {
        return;
    };
    let request = wit::Request {
        method: wit::Method::Get,
        path: format!("/{path}"),
        headers: vec![wit::Header {
            name,
            value: wit::HeaderValue::Text(value),
        }],
        body: None,
    };
    let Some(outgoing) = check_request(&request, &SERVICE) else {
        return;
    };
    if liberal(&outgoing.path) == WRITE {
        let effect = SERVICE.routes.effect(Method::Get, &outgoing.path);
        assert_eq!(effect, Effect::Write, "{}", outgoing.path);
    }
    for name in outgoing.headers.keys() {
        let is_ours = ["idempotency-key", "traceparent"].contains(&name.as_str());
        assert!(is_ours || headers::check_name(name.as_str()).is_ok());
    }
}

/// A path as a service could read it that means well.
fn liberal(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut bytes = path.as_bytes().to_vec();
    for _ in 0..3 {
        bytes = decoded(&bytes);
    }
    let text = String::from_utf8_lossy(&bytes).to_lowercase();
    let text = text.split(['?', '#', '\0']).next().unwrap_or_default();
    let segments = text.split(['/', '\\']).map(|segment| {
        let segment = segment.split(';').next().unwrap_or_default();
        let is_blank = |c: char| c.is_whitespace() || c == '+';
        segment.trim_matches(is_blank).trim_end_matches('.')
    });
    let segments = segments.filter(|segment| !segment.is_empty());
    segments.fold(String::new(), |path, segment| path + "/" + segment)
}

fn decoded(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = bytes;
    while let Some((byte, behind)) = rest.split_first() {
        let escape = behind
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let escape = escape.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, escape) {
            (b'%', Some(escape)) => {
                decoded.push(escape);
                rest = &behind[2..];
            }
            _ => {
                decoded.push(*byte);
                rest = behind;
            }
        }
    }
    decoded
}
