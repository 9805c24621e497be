//! The host and port of a URL, as `Host` and `Origin` name them (RFC 3986, section 3.2).

use std::net::{Ipv4Addr, Ipv6Addr};

/// A host, and its port if it is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    host: Named,
    port: Option<u16>,
}

/// How a host is named.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    Address,
    /// In lower case, without the dot of the root at its end.
    Name(String),
}

impl Authority {
    /// `host`, `host:port`, `address`, `[address]:port`; nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('[') {
            let (address, rest) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            let port = match rest {
                "" => None,
                rest => port(rest.strip_prefix(':')?)?,
            };
            let host = Named::Address;
            return Some(Self { host, port });
        }
        let (host, port) = match text.split_once(':') {
            Some((host, text)) => (host, port(text)?),
            None => (text, None),
        };
        let host = match host.parse::<Ipv4Addr>() {
            Ok(_) => Named::Address,
            Err(_) => Named::Name(name(host)?),
        };
        Some(Self { host, port })
    }

    /// Its name, unless it is an address, which no name server can turn against the host.
    pub fn name(&self) -> Option<&str> {
        match &self.host {
            Named::Address => None,
            Named::Name(name) => Some(name),
        }
    }

    /// The port that is said.
    pub fn port(&self) -> Option<u16> {
        self.port
    }
}

/// A port; none where there is only the colon, as a URL may have it.
fn port(text: &str) -> Option<Option<u16>> {
    match text {
        "" => Some(None),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok().map(Some),
        _ => None,
    }
}

/// A name of a host: letters, digits, dashes and underscores between dots.
fn name(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        let mut letters = label.bytes();
        !label.is_empty() && letters.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let is_name = text.len() <= 253 && text.split('.').all(is_label);
    is_name.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_an_address_or_a_name() {
        for (text, named) in [
            ("127.0.0.1", Some(None)),
            ("127.0.0.1:5565", Some(None)),
            ("[::1]:5565", Some(None)),
            ("[::1]", Some(None)),
            ("LocalHost.", Some(Some("localhost"))),
            ("localhost:", Some(Some("localhost"))),
            ("mesh_1.internal:80", Some(Some("mesh_1.internal"))),
            // No address to a browser, which would make one of it before it sends it.
            ("127.1", Some(Some("127.1"))),
            ("", None),
            (":80", None),
            ("a..b", None),
            ("..", None),
            ("localhost:x", None),
            ("localhost:+1", None),
            ("localhost:65536", None),
            ("localhost:1:2", None),
            ("::1", None),
            ("[::1", None),
            ("[::1]80", None),
            ("[localhost]", None),
            ("user@localhost", None),
            ("localhost/x", None),
            ("local host", None),
        ] {
            let parsed = Authority::parse(text);
            let found = parsed.as_ref().map(|parsed| parsed.name());
            assert_eq!(found, named, "{text}");
        }
    }
}
