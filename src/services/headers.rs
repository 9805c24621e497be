//! Which headers a plugin's request may have. The rule is a list of what is allowed, which the
//! operator extends. What steers the connection, what the host sets, and what some services read as
//! another method, path or caller than the one that was judged, can't be granted either.

use reqwest::header::HeaderName;

/// The longest name, in bytes.
const LONGEST: usize = 100;

/// Headers that say what a client wants of an answer, or under which condition. Every plugin may set
/// them.
pub const ALLOWED: [&str; 10] = [
    "accept",
    "accept-language",
    "cache-control",
    "content-language",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "pragma",
    "prefer",
];

/// The last word of names in which services expect credentials. A secret that was granted may go into
/// each such header, whatever its first words are; a text may not.
const CREDENTIALS: [&str; 8] = [
    "apikey",
    "auth",
    "authorization",
    "credentials",
    "key",
    "password",
    "secret",
    "token",
];

/// Names that nobody can grant.
const RESERVED: [&str; 27] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "idempotency-key",
    "keep-alive",
    "max-forwards",
    "remote-user",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "true-client-ip",
    "upgrade",
    "via",
    "x-host",
    "x-real-ip",
    "x-remote-user",
];

/// The same of whatever begins like this.
const RESERVED_PREFIXES: [&str; 5] = ["proxy-", "sec-", "x-forwarded", "x-original-", "x-rewrite-"];

/// The same of whatever has one of these in it.
const RESERVED_PARTS: [&str; 3] = ["http-method", "method-override", "override-method"];

/// The header of this name, if there may be one at all.
///
/// # Errors
/// Why not.
pub fn check_name(asked: &str) -> Result<HeaderName, String> {
    if asked.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    let name: HeaderName = asked.parse().map_err(|_| "it names no header".to_owned())?;
    // As servers read it that make no difference between these characters.
    let read = name
        .as_str()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    if RESERVED.contains(&read.as_str())
        || RESERVED_PREFIXES
            .iter()
            .any(|prefix| read.starts_with(prefix))
        || RESERVED_PARTS.iter().any(|part| read.contains(part))
    {
        return Err("it is the host's to set".to_owned());
    }
    Ok(name)
}

/// Whether every plugin may set this header, to a text or to a secret that it was granted.
pub fn is_allowed(name: &str, carries_secret: bool) -> bool {
    let last = name.rsplit('-').next().unwrap_or_default();
    ALLOWED.contains(&name) || (carries_secret && CREDENTIALS.contains(&last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_granted_is_found_however_it_is_spelt() {
        for name in [
            "Host",
            "TE",
            "Trailer",
            "Upgrade",
            "Content-Encoding",
            "Cookie",
            "Forwarded",
            "Via",
            "X-Real-IP",
            "x_real_ip",
            "x.forwarded.for",
            "X-Forwarded",
            "Proxy-Connection",
            "Sec-Fetch-Site",
            "X-HTTP-Method",
            "x-http-method-override",
            "X_Method~Override",
            "x-override-method",
            "X-Original-URI",
            "x-original-url",
            "X-Rewrite-URL",
            "transfer_encoding",
        ] {
            assert_eq!(
                check_name(name),
                Err("it is the host's to set".to_owned()),
                "{name}"
            );
        }
        for name in ["", "a b", "a:b", "ä", "a\r\nb", "a\0"] {
            assert_eq!(
                check_name(name),
                Err("it names no header".to_owned()),
                "{name:?}"
            );
        }
        assert!(check_name(&"a".repeat(LONGEST)).is_ok());
        assert!(check_name(&"a".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn what_is_not_on_the_list_is_not_allowed() {
        for name in ALLOWED {
            assert!(
                check_name(name).is_ok() && is_allowed(name, false),
                "{name}"
            );
        }
        for name in [
            "x-authenticated-user",
            "destination",
            "overwrite",
            "depth",
            "range",
            "from",
            "origin",
            "referer",
            "if_match",
            "x-request-id",
            "if-range",
            "x-accept",
        ] {
            assert!(
                !is_allowed(name, false) && !is_allowed(name, true),
                "{name}"
            );
        }
        for name in [
            "authorization",
            "x-api-key",
            "apikey",
            "x-shop-access-token",
        ] {
            assert!(is_allowed(name, true) && !is_allowed(name, false), "{name}");
        }
    }
}
