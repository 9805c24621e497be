//! Takes the values of secrets out of text: out of what a service answers before anybody sees it,
//! and out of what a plugin made of that before it is kept. A value is found as it is and in the
//! encodings in which services echo things, in capitals or not; not if it is cut, or encoded in
//! another way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, Match, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use reqwest::Url;
use reqwest::header::{
    ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    USER_AGENT,
};

use super::{Catalogue, Secrets, headers, path};

/// What is left of a value. No longer than any form of one, so that nothing grows.
const LEFT: &str = "[secret]";

/// The shortest value that is looked for, in bytes: a shorter one is part of many a word.
pub const SHORTEST: usize = LEFT.len();

/// Headers of services that say what everybody says.
const PUBLIC: [HeaderName; 5] = [
    ACCEPT,
    ACCEPT_LANGUAGE,
    CACHE_CONTROL,
    CONTENT_TYPE,
    USER_AGENT,
];

/// The characters that stay as they are where a text is percent-encoded, beside letters and digits:
/// of what is strict, of scripts in browsers for a part and for a whole address, and of forms.
const UNENCODED: [&str; 4] = ["-._~", "-._~!'()*", "-._~!'()*;/?:@&=+$,#", "-._*"];

/// What comes before the two digits of each byte where a text is written byte by byte.
const BYTE: [&str; 4] = ["", "%", "\\x", "\\u00"];

/// Takes the values of secrets out of text.
#[derive(Clone, Default)]
pub struct Redactor(Option<Arc<Looked>>);

/// What is looked for.
struct Looked {
    forms: AhoCorasick,
    /// The value of each form.
    values: Vec<usize>,
    /// Whether each value is one that could be guessed at, and is no word that anybody may say.
    is_secret: Vec<bool>,
}

/// Some of the values that a redactor looks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeSet<usize>);

impl Values {
    /// Adds these.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it looks for is what must not be shown.
        f.write_str("(redactor)")
    }
}

impl Redactor {
    /// One for these secrets, and for what the services are sent with every request.
    ///
    /// # Errors
    /// When there is too much to look for.
    pub fn new(secrets: &Secrets, services: &Catalogue) -> anyhow::Result<Self> {
        let mut values = BTreeMap::new();
        let mut add = |parts: Vec<String>, is_secret: bool| {
            let parts = parts.into_iter().filter(|part| part.len() >= SHORTEST);
            parts.for_each(|part| *values.entry(part).or_insert(false) |= is_secret);
        };
        for value in secrets.values() {
            add(parts(value), true);
        }
        for service in services.iter() {
            for (name, value) in sent(&service.headers) {
                let parts = parts(value);
                let may_be_word = !headers::is_allowed(name.as_str(), true);
                add(parts, !(may_be_word && is_word(value)));
            }
            let addresses = [Some(&service.base), service.proxy.as_ref()];
            let credentials = addresses.into_iter().flatten().filter_map(credentials);
            add(credentials.collect(), true);
        }
        if values.is_empty() {
            return Ok(Self(None));
        }
        let mut of_forms = BTreeMap::new();
        for (index, value) in values.keys().enumerate() {
            for form in forms(value) {
                of_forms.entry(form).or_insert(index);
            }
        }
        let forms = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(of_forms.keys())?;
        Ok(Self(Some(Arc::new(Looked {
            forms,
            values: of_forms.into_values().collect(),
            is_secret: values.into_values().collect(),
        }))))
    }

    /// Whether there is nothing to look for.
    pub fn is_idle(&self) -> bool {
        self.0.is_none()
    }

    /// The values in a text.
    pub fn values_in(&self, text: &str) -> Values {
        let found = self.0.iter().flat_map(|looked| looked.find(text));
        Values(found.collect())
    }

    /// Whether there is one among these values beside those, other than a word that anybody may say.
    pub fn has_other(&self, values: &Values, than: &Values) -> bool {
        let is_secret = |value| {
            let looked = self.0.as_ref();
            looked.is_some_and(|looked| looked.is_secret.get(value) == Some(&true))
        };
        let mut others = values.0.difference(&than.0);
        others.any(|value| is_secret(*value))
    }

    /// The text without values.
    pub fn clean(&self, text: String) -> String {
        self.clean_but(text, &Values::default())
    }

    /// The text without values other than these.
    pub fn clean_but(&self, text: String, but: &Values) -> String {
        match &self.0 {
            Some(looked) if looked.forms.is_match(&text) => {
                let mut clean = String::with_capacity(text.len());
                let forms = &looked.forms;
                forms.replace_all_with(&text, &mut clean, |found, form, clean| {
                    let is_left = looked
                        .value(found)
                        .is_some_and(|value| but.0.contains(&value));
                    clean.push_str(if is_left { form } else { LEFT });
                    true
                });
                clean
            }
            _ => text,
        }
    }
}

impl Looked {
    /// The values in a text, one after the other.
    fn find<'a>(&'a self, text: &'a str) -> impl Iterator<Item = usize> + 'a {
        let found = self.forms.find_iter(text);
        found.filter_map(|found| self.value(&found))
    }

    fn value(&self, found: &Match) -> Option<usize> {
        self.values.get(found.pattern().as_usize()).copied()
    }
}

/// Whether a value reads like a name of something: no digits, and nothing but letters between dashes,
/// dots, slashes and blanks.
fn is_word(value: &HeaderValue) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || b"-_./ ".contains(byte);
    value.as_bytes().iter().all(is_letter)
}

/// What is worth looking for of a header: all of it, and each word, as the scheme before a token is
/// not always echoed.
fn parts(value: &HeaderValue) -> Vec<String> {
    // It was set as text.
    let text = std::str::from_utf8(value.as_bytes());
    let text = text.unwrap_or_default().trim();
    let words = text.split_ascii_whitespace();
    words.chain([text]).map(str::to_owned).collect()
}

/// The headers that are nobody else's business.
fn sent(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    headers.iter().filter(|(name, _)| !PUBLIC.contains(name))
}

/// What is secret in an address, and sent in base64: the password, or a name without one.
fn credentials(address: &Url) -> Option<String> {
    let alone = Some(address.username());
    address.password().or(alone).map(path::decode)
}

/// A value in every form in which it is looked for.
fn forms(value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned()];
    forms.extend(BYTE.map(|before| byte_by_byte(value, before)));
    forms.extend(as_json(value));
    forms.extend(UNENCODED.map(|unencoded| percent_encoded(value, unencoded)));
    forms.push(percent_encoded(value, "-._* ").replace(' ', "+"));
    forms.extend((0..3).flat_map(|before| as_base64(value, before)));
    forms
}

fn byte_by_byte(value: &str, before: &str) -> String {
    let digits = value.bytes().map(|byte| format!("{before}{byte:02x}"));
    digits.collect()
}

/// As writers of JSON escape a text: only what they must, slashes too, or all that HTML minds.
fn as_json(value: &str) -> [String; 3] {
    let quoted = serde_json::Value::from(value).to_string();
    let least = quoted.strip_prefix('"');
    let least = least.and_then(|least| least.strip_suffix('"'));
    let least = least.unwrap_or(value).to_owned();
    let careful = value.chars().map(|c| match c {
        '"' | '&' | '\'' | '+' | '<' | '>' | '`' => format!("\\u{:04x}", u32::from(c)),
        '\\' => "\\\\".to_owned(),
        c => c.to_string(),
    });
    let careful = careful.collect();
    [least.replace('/', "\\/"), least, careful]
}

fn percent_encoded(value: &str, unencoded: &str) -> String {
    let encoded = value.bytes().map(|byte| {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || unencoded.contains(c) {
            c.to_string()
        } else {
            format!("%{byte:02x}")
        }
    });
    encoded.collect()
}

/// What stays the same of the base64 of any text with this value in it, so many bytes behind one
/// that ends a group of three; in both alphabets.
fn as_base64(value: &str, before: usize) -> [String; 2] {
    let text = "\0".repeat(before) + value;
    let encoded = STANDARD_NO_PAD.encode(&text);
    let first = (before * 8).div_ceil(6);
    let whole = text.len() * 8 / 6;
    let same = encoded.get(first..whole).unwrap_or(&encoded);
    [same.to_owned(), same.replace('+', "-").replace('/', "_")]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
