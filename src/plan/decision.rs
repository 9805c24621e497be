//! What people decide about a plan, and what of it is kept.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::{HeaderValue, Headers, Json, Method, Step, Timestamp, WaitingFor};

/// A person has to look at what a step found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Always true: a step that needs no approval has none of this.
    pub required: bool,
    /// Why, for the person who decides.
    pub reason: String,
    /// The decision, once somebody has approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
}

/// Somebody has approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// Who.
    pub approved_by: String,
    /// When.
    pub approved_at: Timestamp,
    /// What they had to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What they approved: by step the digest of each later write, as the plan showed it.
    pub writes: BTreeMap<String, String>,
}

/// A step that is held halfway, before a write that nobody approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The round trip with which it goes on.
    pub round: u32,
    /// Who approved that, where no step before it asks for an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
}

/// Somebody decided against running a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Somebody ended a plan before its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// A step that could begin now, but for what it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// The step.
    pub step: String,
    /// What it waits for.
    #[serde(rename = "for")]
    pub what: WaitingFor,
    /// For a person: what there is to do or to wait for.
    pub reason: String,
    /// The steps whose approval is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approve: Vec<String>,
    /// The digest of what would be sent, as the plan shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// When it may be tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What tells one request from another for the person who approves it: SHA-256 in hexadecimal,
/// over method, path, headers and body, and which write of its attempt it is: the same again is
/// another one. The order of an object's keys does not count.
pub(super) fn digest(
    method: Method,
    endpoint: &str,
    headers: &Headers,
    payload: Shown<'_>,
    nth: u32,
) -> String {
    let body = match payload {
        Shown::Unknown => "?".to_owned(),
        // A plan shows both as null.
        Shown::Body(None) => "null".to_owned(),
        Shown::Body(Some(json)) => canonical(json.as_str()),
    };
    let headers: String = headers
        .iter()
        .map(|(name, value)| match value {
            HeaderValue::Text(text) => format!("{name}: {text}\n"),
            // No name has a space in it, so no text comes out like this.
            HeaderValue::Secret { secret } => format!("{name} secret {secret}\n"),
        })
        .collect();
    // No JSON goes on like this.
    let again = match nth {
        1 => String::new(),
        nth => format!("\nwrite {nth}"),
    };
    let text = format!("{method} {endpoint}\n{headers}{body}{again}");
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A body, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shown<'a> {
    /// It needs a result that is not there yet.
    Unknown,
    /// This, or none.
    Body(Option<&'a Json>),
}

impl Step {
    /// The digest of the request that the plan shows for this step.
    pub(super) fn digest(&self) -> String {
        let payload = if self.payload_reason.is_some() {
            Shown::Unknown
        } else {
            Shown::Body(self.payload.as_ref())
        };
        let next = self.held.as_ref().map_or(1, |held| self.nth(held.round));
        digest(self.method, &self.endpoint, &self.headers, payload, next)
    }
}

/// JSON with the keys of its objects in order and without what does not count. Numbers stay as
/// they came, and keys that come twice stay twice: what can be told apart is another request.
fn canonical(json: &str) -> String {
    let parts = match json.bytes().next() {
        Some(b'{') => serde_json::from_str(json).map(|Fields(mut fields)| {
            fields.sort_by(|one, other| one.0.cmp(&other.0));
            let field = |(key, value): (String, &RawValue)| {
                format!(
                    "{}:{}",
                    serde_json::Value::from(key),
                    canonical(value.get())
                )
            };
            format!("{{{}}}", joined(fields.into_iter().map(field)))
        }),
        Some(b'[') => serde_json::from_str(json).map(|items: Vec<&RawValue>| {
            format!(
                "[{}]",
                joined(items.into_iter().map(|item| canonical(item.get())))
            )
        }),
        Some(b'"') => {
            serde_json::from_str(json).map(|text: String| serde_json::Value::from(text).to_string())
        }
        _ => return json.to_owned(),
    };
    // What was JSON before is JSON now; if not, it is at least not mistaken for something else.
    parts.unwrap_or_else(|_| json.to_owned())
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(",")
}

/// The fields of an object, each that is there.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(body: &str) -> String {
        let json = Json::parse(body.to_owned()).unwrap();
        digest(
            Method::Post,
            "/a",
            &Headers::default(),
            Shown::Body(Some(&json)),
            1,
        )
    }

    #[test]
    fn the_order_of_keys_does_not_count_and_everything_else_does() {
        let same = [
            r#"{"a":1,"b":[{"c":2,"d":3}]}"#,
            r#"{ "b":[{"d":3,"c":2}], "a":1}"#,
        ];
        assert_eq!(of(same[0]), of(same[1]));
        for other in [
            r#"{"a":1,"b":[{"c":2,"d":4}]}"#,
            r#"{"a":1,"b":[{"c":2},{"d":3}]}"#,
            r#"{"a":"1","b":[{"c":2,"d":3}]}"#,
        ] {
            assert_ne!(of(same[0]), of(other), "{other}");
        }
        for (one, other) in [
            (r#"{"n":1e400}"#, r#"{"n":1e401}"#),
            ("[20000000000000000001]", "[20000000000000000002]"),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":2,"a":1}"#),
            (r#"["a,b"]"#, r#"["a","b"]"#),
            (r#"{"a\":1,\"b":2}"#, r#"{"a":1,"b":2}"#),
        ] {
            assert_ne!(of(one), of(other), "{one} {other}");
        }
        assert_eq!(of(r#"["\u00e9"]"#), of(r#"[ "é" ]"#));
        assert_eq!(
            of(&format!("{}{}", "[".repeat(100), "]".repeat(100))).len(),
            64
        );
    }

    #[test]
    fn what_is_not_known_is_not_nothing() {
        let none = Headers::default();
        let of = |payload| digest(Method::Post, "/a", &none, payload, 1);
        let header = |value| {
            let mut headers = Headers::default();
            headers.add("x-tenant".to_owned(), value);
            digest(Method::Post, "/a", &headers, Shown::Body(None), 1)
        };
        let text = |text: &str| HeaderValue::Text(text.to_owned());
        let secret = |secret: &str| HeaderValue::Secret {
            secret: secret.to_owned(),
        };
        let null = Json::parse("null".to_owned()).unwrap();
        // Stored and read again, one becomes the other.
        assert_eq!(of(Shown::Body(None)), of(Shown::Body(Some(&null))));
        let all = [
            of(Shown::Unknown),
            of(Shown::Body(None)),
            digest(Method::Put, "/a", &none, Shown::Body(None), 1),
            digest(Method::Post, "/b", &none, Shown::Body(None), 1),
            digest(Method::Post, "/a", &none, Shown::Body(None), 2),
            digest(Method::Post, "/a", &none, Shown::Body(None), 3),
            header(text("prod")),
            header(secret("prod")),
            header(secret("test")),
            header(text("secret prod")),
            header(text(r#"{"secret":"prod"}"#)),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(all.iter().skip(index + 1).all(|other| other != one));
        }
    }
}
