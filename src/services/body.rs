//! From the bytes of an answer to its text. Nothing is guessed: what is no UTF-8 is named, with what
//! to do about it.

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use thiserror::Error;

use crate::repeated::repeated;
use crate::text::plain;

/// The longest piece of an answer in a message, in characters.
const SHOWN: usize = 100;

/// Why an answer has no text, or one that is not passed on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Unreadable {
    #[error(
        "answered with compressed bytes ({0}), not UTF-8 text, and was asked for none \
         (accept-encoding: identity): have it, or the proxy before it, answer uncompressed"
    )]
    Compressed(String),
    #[error("answered in {0}, not UTF-8: have it answer in UTF-8")]
    Encoding(&'static str),
    #[error(
        "answered with text that is not UTF-8 (the byte 0x{byte:02X} at {at}{declared}), but \
         perhaps Latin-1 or Windows-1252: have it answer in UTF-8"
    )]
    NotUtf8 {
        byte: u8,
        at: usize,
        declared: String,
    },
    #[error("answered with text that breaks off within a character, and so is not UTF-8")]
    Broken,
    #[error(
        "answered with JSON in which an object has the name {0:?} twice, so that nobody knows what \
         it says: have it give each name once"
    )]
    Repeated(String),
}

/// The text of an answer.
pub(super) fn text(headers: &HeaderMap, body: Vec<u8>) -> Result<String, Unreadable> {
    let coding = coding(headers);
    if let (Some(coding), false) = (&coding, body.is_empty() || is_plain(&body)) {
        return Err(Unreadable::Compressed(coding.clone()));
    }
    if let Some(encoding) = wide(&body) {
        return Err(Unreadable::Encoding(encoding));
    }
    let mut text = String::from_utf8(body).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let is_broken = error.utf8_error().error_len().is_none();
        why_not_utf8(headers, error.as_bytes(), at, is_broken)
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    if !text.trim_start().starts_with(['{', '[']) {
        return Ok(text);
    }
    match repeated(&text) {
        None => Ok(text),
        Some(name) => Err(Unreadable::Repeated(shown(&name))),
    }
}

/// What the answer says its bytes are coded as, beside as they are.
fn coding(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(CONTENT_ENCODING).iter();
    let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()).to_lowercase());
    let codings: Vec<String> = values
        .flat_map(|value| {
            value
                .split(',')
                .map(|coding| coding.trim().to_owned())
                .collect::<Vec<_>>()
        })
        .filter(|coding| !coding.is_empty() && coding != "identity")
        .collect();
    (!codings.is_empty()).then(|| shown(&codings.join(", ")))
}

/// Whether this is JSON, whatever the headers say of it.
fn is_plain(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let begins = matches!(body.trim_ascii_start().first(), Some(b'{' | b'['));
    begins && std::str::from_utf8(body).is_ok()
}

/// The encoding with wider units, as JSON shows it: by its mark, or as it begins with two characters
/// of ASCII.
fn wide(body: &[u8]) -> Option<&'static str> {
    match *body {
        [0xff, 0xfe, 0, 0, ..] | [1..=0x7f, 0, 0, 0, ..] => Some("UTF-32LE"),
        [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, 1..=0x7f, ..] => Some("UTF-32BE"),
        [0xff, 0xfe, ..] | [1..=0x7f, 0, 1..=0xff, 0, ..] => Some("UTF-16LE"),
        [0xfe, 0xff, ..] | [0, 1..=0x7f, 0, 1..=0xff, ..] => Some("UTF-16BE"),
        _ => None,
    }
}

fn why_not_utf8(headers: &HeaderMap, body: &[u8], at: usize, is_broken: bool) -> Unreadable {
    let compressed = match body {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd"),
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => Some("deflate"),
        _ => None,
    };
    if let Some(compressed) = compressed {
        return Unreadable::Compressed(compressed.to_owned());
    }
    let declared = headers.get(CONTENT_TYPE);
    let declared = declared.map(|value| String::from_utf8_lossy(value.as_bytes()));
    let says_otherwise = |declared: &str| {
        let declared = declared.to_lowercase();
        declared.contains("charset") && !declared.contains("utf-8") && !declared.contains("utf8")
    };
    if is_broken && !declared.as_deref().is_some_and(says_otherwise) {
        return Unreadable::Broken;
    }
    let declared = declared.map(|declared| format!(", content-type: {}", shown(&declared)));
    Unreadable::NotUtf8 {
        byte: body.get(at).copied().unwrap_or_default(),
        at,
        declared: declared.unwrap_or_default(),
    }
}

fn shown(text: &str) -> String {
    plain(&text.chars().take(SHOWN).collect::<String>())
}
