//! The headers of a request as plans show them. What carries a secret has its name, in a form that
//! no text has: whoever puts words into a request can't make one look like the other.

use std::collections::BTreeMap;
use std::slice;

use serde::{Deserialize, Serialize};

/// What a header carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HeaderValue {
    /// This text.
    Text(String),
    /// The value of the secret with this name.
    Secret {
        /// The name.
        secret: String,
    },
}

/// The headers of a request, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Headers(BTreeMap<String, Values>);

/// One header, or more of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Values {
    One(HeaderValue),
    Several(Vec<HeaderValue>),
}

impl Values {
    fn as_slice(&self) -> &[HeaderValue] {
        match self {
            Self::One(value) => slice::from_ref(value),
            Self::Several(values) => values,
        }
    }
}

impl Headers {
    /// Adds one, after those of the same name.
    pub fn add(&mut self, name: String, value: HeaderValue) {
        let values = match self.0.remove(&name) {
            None => Values::One(value),
            Some(before) => Values::Several([before.as_slice(), &[value]].concat()),
        };
        self.0.insert(name, values);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each header, by name; those of one name in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &HeaderValue)> {
        self.0.iter().flat_map(|(name, values)| {
            let values = values.as_slice().iter();
            values.map(move |value| (name.as_str(), value))
        })
    }

    /// Whether there is one of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_never_read_as_a_secret() {
        let mut headers = Headers::default();
        let text = |text: &str| HeaderValue::Text(text.to_owned());
        let secret = HeaderValue::Secret {
            secret: "key".to_owned(),
        };
        headers.add("x-a".to_owned(), text(r#"{"secret":"key"}"#));
        headers.add("x-b".to_owned(), secret.clone());
        headers.add("x-c".to_owned(), text("1"));
        headers.add("x-c".to_owned(), secret);
        headers.add("x-c".to_owned(), text("2"));
        let shown = serde_json::to_value(&headers).unwrap();
        let expected = json!({
            "x-a": "{\"secret\":\"key\"}",
            "x-b": {"secret": "key"},
            "x-c": ["1", {"secret": "key"}, "2"],
        });
        assert_eq!(shown, expected);
        assert_eq!(serde_json::from_value::<Headers>(shown).unwrap(), headers);
        assert!(headers.has("x-c") && !headers.has("x"));
    }
}
