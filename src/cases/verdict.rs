//! What an answer should mean, as a case writes it.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::model::{Content, Request};

/// What the last `interpret` should give.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Expected {
    /// In one word.
    Word(Word),
    /// In full.
    Verdict(Verdict),
}

/// A verdict in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Word {
    /// Done, and the result is the service's whole answer.
    Done,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum Verdict {
    /// The service did it; the result.
    Done(Content),
    /// The service did it, and a person has to look at it.
    NeedsApproval(Reviewed),
    /// The service said no, and why.
    Blocked(String),
    /// It went wrong, and how.
    Failed(String),
    /// It is to be tried again.
    Retry(Retry),
    /// One more round trip is needed.
    Call(Request),
}

/// A result that a person has to look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Reviewed {
    /// The result; the service's whole answer unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Content>,
    /// Why.
    pub reason: String,
}

/// A wish to be tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Retry {
    /// What went wrong.
    pub reason: String,
    /// How long to wait first, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_ms: Option<u64>,
}

impl<'de> Deserialize<'de> for Expected {
    // Not `untagged`, which says of every mistake only that nothing fits.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Expected;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"done\" or an object such as {\"blocked\": \"why\"}")
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Expected, E> {
                match word {
                    "done" => Ok(Expected::Word(Word::Done)),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Expected, M::Error> {
                Verdict::deserialize(MapAccessDeserializer::new(map)).map(Expected::Verdict)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_is_read_and_written() {
        for verdict in [
            r#""done""#,
            r#"{"done":{"a":1}}"#,
            r#"{"done":null}"#,
            r#"{"needsApproval":{"reason":"r"}}"#,
            r#"{"needsApproval":{"result":1,"reason":"r"}}"#,
            r#"{"blocked":"b"}"#,
            r#"{"failed":"f"}"#,
            r#"{"retry":{"reason":"r"}}"#,
            r#"{"call":{"path":"/p"}}"#,
        ] {
            let read: Expected = serde_json::from_str(verdict).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), verdict);
        }
    }
}
