//! Takes the values of secrets out of text: out of what a service answers before anybody sees it,
//! and out of what a plugin made of that before it is kept. A value is found as it is and in the
//! encodings in which services echo things, in capitals or not; not if it is cut, or encoded in
//! another way.

use std::collections::BTreeSet;
use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use reqwest::header::{
    ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    USER_AGENT,
};

use super::path;
use super::{Catalogue, Secrets, Service};

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
pub struct Redactor(Option<AhoCorasick>);

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
        let mut values = BTreeSet::new();
        for value in secrets.values() {
            values.extend(parts(value));
        }
        for service in services.iter() {
            values.extend(sent(&service.headers));
            values.extend(credentials(service));
        }
        values.retain(|value| value.len() >= SHORTEST);
        if values.is_empty() {
            return Ok(Self(None));
        }
        let forms: BTreeSet<String> = values.iter().flat_map(|value| forms(value)).collect();
        let found = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(forms)?;
        Ok(Self(Some(found)))
    }

    /// Whether there is a value in this text.
    pub fn finds(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|values| values.is_match(text))
    }

    /// The text without values.
    pub fn clean(&self, text: String) -> String {
        match &self.0 {
            Some(values) if values.is_match(&text) => {
                let mut clean = String::with_capacity(text.len());
                values.replace_all_with(&text, &mut clean, |_, _, clean| {
                    clean.push_str(LEFT);
                    true
                });
                clean
            }
            _ => text,
        }
    }
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

fn sent(headers: &HeaderMap) -> Vec<String> {
    let secret = headers.iter().filter(|(name, _)| !PUBLIC.contains(name));
    secret.flat_map(|(_, value)| parts(value)).collect()
}

/// What is secret in a service's address, and sent in base64: the password, or a name without one.
fn credentials(service: &Service) -> Option<String> {
    let alone = Some(service.base.username());
    service.base.password().or(alone).map(path::decode)
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
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    const VALUE: &str = r#"k+/"e\y <&>'~=*1"#;

    fn redactor(values: &[&str]) -> Redactor {
        let mut secrets = Secrets::default();
        for (index, value) in values.iter().enumerate() {
            secrets.insert(index.to_string(), value.parse().unwrap());
        }
        Redactor::new(&secrets, &Catalogue::default()).unwrap()
    }

    #[test]
    fn a_value_is_found_in_the_forms_in_which_services_write_it() {
        let redactor = redactor(&[VALUE]);
        for form in [
            VALUE,
            r#"K+/"E\Y <&>'~=*1"#,
            r#"k+/\"e\\y <&>'~=*1"#,
            r#"k+\/\"e\\y <&>'~=*1"#,
            r#"k\u002B/\u0022e\\y \u003C\u0026\u003E\u0027~=*1"#,
            "k%2B%2F%22e%5Cy%20%3C%26%3E%27~%3D%2A1",
            "k%2b%2f%22e%5cy%20%3c%26%3e'~%3d*1",
            "k+/%22e%5Cy%20%3C&%3E'~=*1",
            "k%2B%2F%22e%5Cy+%3C%26%3E%27%7E%3D*1",
            "6B2B2F22655C79203C263E277E3D2A31",
            "%6b%2b%2f%22%65%5c%79%20%3c%26%3e%27%7e%3d%2a%31",
        ] {
            for text in [
                form.to_owned(),
                format!("a{form}b"),
                format!("{form}{form}"),
            ] {
                let clean = redactor.clean(text.clone());
                assert_eq!(clean, text.replace(form, LEFT), "{text}");
                assert!(redactor.finds(&text) && !redactor.finds(&clean));
            }
        }
    }

    #[test]
    fn a_value_is_found_in_base64_wherever_it_is_in_the_text() {
        let redactor = redactor(&[VALUE]);
        for before in ["", "u", "us", "us:", "user"] {
            for after in ["", ":", "::", ":::"] {
                let text = format!("{before}{VALUE}{after}");
                for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
                    let clean = redactor.clean(encoded.clone());
                    assert!(clean.contains(LEFT), "{text}: {clean}");
                    // What is left is what was around it, and at most half a letter more.
                    let around = before.len() + after.len();
                    assert!(
                        clean.len() <= LEFT.len() + around * 2 + 6,
                        "{text}: {clean}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_services_are_sent_is_found_as_a_whole_and_word_by_word() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer t0ken-0f-it".parse().unwrap());
        headers.insert(ACCEPT, "application/json".parse().unwrap());
        headers.insert("x-tenant", "prod".parse().unwrap());
        let service = Service {
            name: "srl".to_owned(),
            base: "http://user:p%40ssword@127.0.0.1/".parse().unwrap(),
            timeout: std::time::Duration::ZERO,
            headers,
            routes: crate::services::Routes::default(),
            idempotent: false,
        };
        let services = Catalogue::new([service]);
        let redactor = Redactor::new(&Secrets::default(), &services).unwrap();
        let echo = "Bearer t0ken-0f-it, t0ken-0f-it, application/json, prod, user:p@ssword";
        let clean = redactor.clean(echo.to_owned());
        assert_eq!(
            clean,
            "[secret], [secret], application/json, prod, user:[secret]"
        );
        let basic = STANDARD.encode("user:p@ssword");
        assert!(redactor.finds(&basic), "{basic}");
    }

    #[test]
    fn what_is_no_value_stays_as_it_is() {
        for redactor in [redactor(&[]), redactor(&[VALUE, "another-one"])] {
            for text in ["", "k+/", "another", "\u{1f511} ünïcödé"] {
                assert_eq!(redactor.clean(text.to_owned()), text);
            }
        }
        // The longer of two that begin alike goes as a whole.
        let redactor = redactor(&["12345678", "12345678-90"]);
        assert_eq!(
            redactor.clean("12345678-90 12345678".to_owned()),
            "[secret] [secret]"
        );
    }
}
