//! Which paths a plugin may ask for. The rule is a list of what is allowed, so that nothing that
//! some URL parser reads in a way of its own can get through.

use thiserror::Error;

use super::method::{self, NamesMethod};

/// The longest path with its query, in bytes.
const LONGEST: usize = 8 << 10;

/// How often a path may be percent-encoded, one time over the other.
const DECODED: usize = 4;

/// Why a path is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PathError {
    /// It does not begin with `/`.
    #[error("it must begin with one \"/\"")]
    NotAbsolute,
    /// It begins with `//`, which names a host.
    #[error("\"//\" at its beginning would name another host")]
    Host,
    /// It has a `.` or `..` segment, plain or percent-encoded.
    #[error("a \".\" or \"..\" segment would leave its place")]
    Dots,
    /// A character that RFC 3986 does not allow in a path or query.
    #[error("the character {0:?} is not allowed in it: percent-encode it")]
    Character(char),
    /// A `%` without two hexadecimal digits.
    #[error("a \"%\" in it is not followed by two hexadecimal digits")]
    Percent,
    /// A percent-encoded control character, at which some proxies end the path or the request line.
    #[error("a control character is encoded in it")]
    Control,
    /// A percent-encoded byte that is no ASCII: which letter that is, and which other one a service
    /// takes it for, is not for the host to guess.
    #[error("a character beyond ASCII is encoded in it: put that into the query or the body")]
    NotAscii,
    /// A `%u0041`, as some servers decode it.
    #[error("a \"%u\" is encoded in it")]
    Unicode,
    /// A part of it names another method.
    #[error(transparent)]
    Method(#[from] NamesMethod),
    /// Percent-encoded again and again.
    #[error("it is percent-encoded more than {DECODED} times")]
    Encoded,
    /// Too long.
    #[error("it is longer than {LONGEST} bytes")]
    TooLong,
}

/// Checks a path with optional query (RFC 3986, sections 3.3 and 3.4).
///
/// # Errors
/// The first thing that is wrong with it.
pub fn check(path: &str) -> Result<(), PathError> {
    if path.len() > LONGEST {
        return Err(PathError::TooLong);
    }
    if !path.starts_with('/') {
        return Err(PathError::NotAbsolute);
    }
    if path.starts_with("//") {
        return Err(PathError::Host);
    }
    if let Some(character) = path.chars().find(|character| !allowed(*character)) {
        return Err(PathError::Character(character));
    }
    check_percent(path)?;
    let decoded = decode_all(without_query(path));
    if decode(&decoded) != decoded {
        return Err(PathError::Encoded);
    }
    if decoded.split('/').any(is_dots) {
        return Err(PathError::Dots);
    }
    for escape in decoded.split('%').skip(1) {
        match byte(escape) {
            Some(byte) if byte.is_ascii_control() => return Err(PathError::Control),
            Some(byte) if !byte.is_ascii() => return Err(PathError::NotAscii),
            None if escape.starts_with(['u', 'U']) => return Err(PathError::Unicode),
            _ => {}
        }
    }
    Ok(method::check_parameters(path)?)
}

/// The path without its query.
pub fn without_query(path: &str) -> &str {
    path.split_once('?').map_or(path, |(path, _)| path)
}

fn allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/?%".contains(character)
}

fn check_percent(path: &str) -> Result<(), PathError> {
    let escapes = path.split('%').skip(1);
    for escape in escapes {
        let digits = escape.bytes().take(2).filter(u8::is_ascii_hexdigit).count();
        if digits < 2 {
            return Err(PathError::Percent);
        }
    }
    Ok(())
}

/// The path as the most liberal of services could read it: whatever of these it does, two paths
/// that it takes for one come out as one. Never sent; only for asking what a request might do.
pub(super) fn canonical(path: &str) -> String {
    let decoded = decode_all(without_query(path)).to_ascii_lowercase();
    let mut segments = folded(&decoded);
    while let Some(last) = segments.pop().map(without_suffix) {
        if !last.is_empty() {
            segments.push(last);
            break;
        }
    }
    format!("/{}", segments.join("/"))
}

/// The same of a path above others.
pub(super) fn canonical_folder(path: &str) -> String {
    let decoded = decode_all(without_query(path)).to_ascii_lowercase();
    format!("/{}", folded(&decoded).join("/"))
}

fn folded(decoded: &str) -> Vec<&str> {
    // Decoded once more than it should, the rest would be a query or a fragment.
    let path = decoded.split(['?', '#']).next().unwrap_or_default();
    let segments = path.split('/').map(|s| trimmed(without_parameters(s)));
    segments.filter(|segment| !segment.is_empty()).collect()
}

/// Some services, and the file systems below them, take no notice of blanks around a name, nor of
/// dots and other signs behind it; a plus may stand for a blank.
fn trimmed(segment: &str) -> &str {
    let is_blank = |c: char| matches!(c, ' ' | '+');
    let segment = segment.trim_start_matches(is_blank);
    segment.trim_end_matches(|c| is_blank(c) || matches!(c, '.' | '~' | '!' | '\'' | '"' | '`'))
}

/// Some services take `act.json` for `act`, asked for as JSON.
fn without_suffix(segment: &str) -> &str {
    trimmed(segment.split('.').next().unwrap_or_default())
}

/// Decodes as often as there may be something to decode: there are proxies, and services behind them.
fn decode_all(path: &str) -> String {
    (0..DECODED).fold(path.to_owned(), |path, _| decode(&path))
}

/// The byte that an escape, without its `%`, stands for.
fn byte(escape: &str) -> Option<u8> {
    u8::from_str_radix(escape.get(..2)?, 16).ok()
}

/// Percent-decodes all of it, as often as there may be something to decode.
pub fn decode_bytes(text: &str) -> String {
    (0..DECODED).fold(text.to_owned(), |text, _| {
        let mut parts = text.split('%');
        let mut decoded = parts.next().unwrap_or_default().as_bytes().to_vec();
        for part in parts {
            match (byte(part), part.get(2..)) {
                (Some(byte), Some(rest)) => {
                    decoded.push(byte);
                    decoded.extend_from_slice(rest.as_bytes());
                }
                _ => {
                    decoded.push(b'%');
                    decoded.extend_from_slice(part.as_bytes());
                }
            }
        }
        String::from_utf8_lossy(&decoded).into_owned()
    })
}

/// Percent-decodes what is printable ASCII; a backslash counts as a slash.
pub(super) fn decode(path: &str) -> String {
    let mut parts = path.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match (byte(part), part.get(2..)) {
            (Some(b'\\'), Some(rest)) => {
                decoded.push('/');
                decoded.push_str(rest);
            }
            (Some(byte @ b' '..=b'~'), Some(rest)) => {
                decoded.push(char::from(byte));
                decoded.push_str(rest);
            }
            _ => {
                decoded.push('%');
                decoded.push_str(part);
            }
        }
    }
    decoded
}

/// Some services cut a segment's parameters off, `..;x` included, and some file systems what names a
/// stream of a file (`act::$DATA`).
fn without_parameters(segment: &str) -> &str {
    segment
        .split([';', ',', '&', ':'])
        .next()
        .unwrap_or_default()
}

/// Dots with nothing but blanks around them, and with what is cut off behind them.
fn is_dots(segment: &str) -> bool {
    let segment = segment.split(['?', '#']).next().unwrap_or_default();
    let segment = without_parameters(segment);
    segment.contains('.') && trimmed(segment).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_pass() {
        for path in [
            "/",
            "/srl/check",
            "/a?b=c&d=%20e",
            "/a/%2e%2ehidden",
            "/workflow/..x",
            "/a//b",
            "/a/b%2Fc;d=..",
            "/a?..%2f",
            "/a?line%0aline",
            "/a%20b%25",
            "/a?b=%e4%c3%a4",
            "/.well-known/x",
        ] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn paths_that_leave_are_refused() {
        let cases = [
            ("", PathError::NotAbsolute),
            ("srl/check", PathError::NotAbsolute),
            ("http://evil/", PathError::NotAbsolute),
            ("//evil/x", PathError::Host),
            ("/../x", PathError::Dots),
            ("/a/..", PathError::Dots),
            ("/a/./b", PathError::Dots),
            ("/a/%2e%2E/b", PathError::Dots),
            ("/a/.%2e?x", PathError::Dots),
            ("/a/..%2fb", PathError::Dots),
            ("/a%2F..%5cb", PathError::Dots),
            ("/a/..;x/b", PathError::Dots),
            ("/a/%2e%2e%3bx/b", PathError::Dots),
            ("/\\evil/x", PathError::Character('\\')),
            ("/a#b", PathError::Character('#')),
            ("/a b", PathError::Character(' ')),
            ("/a\r\nHost: x", PathError::Character('\r')),
            ("/a\0", PathError::Character('\0')),
            ("/ü", PathError::Character('ü')),
            // For a service that decodes once more than the proxy before it, and for the proxy.
            ("/a/%252e%252e/b", PathError::Dots),
            ("/a/%25252e./b", PathError::Dots),
            ("/a/%2525252525252e", PathError::Encoded),
            ("/a%00b", PathError::Control),
            ("/a%0D%0aHost:x", PathError::Control),
            ("/a%250ab", PathError::Control),
            ("/a%7f", PathError::Control),
            ("/a%09", PathError::Control),
            ("/a/..%20/b", PathError::Dots),
            ("/a/%20.%20/b", PathError::Dots),
            ("/a/.../b", PathError::Dots),
            ("/a/..%23x/b", PathError::Dots),
            // No UTF-8, too long an encoding of a dot or a slash, and letters that look like others.
            ("/a%e4", PathError::NotAscii),
            ("/a%c0%ae%c0%ae/b", PathError::NotAscii),
            ("/a%c0%af..", PathError::NotAscii),
            ("/a%25c0%25ae", PathError::NotAscii),
            ("/%EF%BC%81ct", PathError::NotAscii),
            ("/a/%EF%BC%8E%EF%BC%8E/b", PathError::NotAscii),
            ("/a%c2%a0", PathError::NotAscii),
            ("/a%25u0062", PathError::Unicode),
            ("/a%2", PathError::Percent),
            ("/a%zz", PathError::Percent),
        ];
        for (path, error) in cases {
            assert_eq!(check(path), Err(error), "{path:?}");
        }
        assert_eq!(
            check(&format!("/{}", "a".repeat(LONGEST))),
            Err(PathError::TooLong)
        );
    }
}
