//! Shaping what is sent.

use serde::Serialize;
use serde_json::Value;

use crate::{Method, Request};

impl Request {
    /// `GET path`, without a body.
    pub fn get(path: &str) -> Self {
        Self {
            method: Method::Get,
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// `POST path` with a JSON body.
    pub fn post(path: &str, body: &Value) -> Self {
        Self {
            method: Method::Post,
            path: path.to_owned(),
            headers: Vec::new(),
            body: Some(body.to_string()),
        }
    }

    /// Any method, with a typed JSON body.
    ///
    /// # Errors
    /// When the body can't be JSON: a map whose keys are no texts.
    pub fn json(method: Method, path: &str, body: &impl Serialize) -> Result<Self, String> {
        let body = serde_json::to_string(body)
            .map_err(|error| format!("the request can't be written as JSON: {error}"))?;
        Ok(Self {
            method,
            path: path.to_owned(),
            headers: Vec::new(),
            body: Some(body),
        })
    }
}

/// The words of a text on one line, as many characters of them as are allowed.
pub fn one_line(text: &str, longest: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(longest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_body_is_written_as_json() {
        #[derive(Serialize)]
        struct Body {
            n: u8,
        }
        assert_eq!(
            Request::json(Method::Put, "/p", &Body { n: 1 }),
            Ok(Request {
                method: Method::Put,
                path: "/p".to_owned(),
                headers: Vec::new(),
                body: Some(r#"{"n":1}"#.to_owned()),
            })
        );
        let keys = std::collections::BTreeMap::from([(vec![1], 1)]);
        assert!(Request::json(Method::Put, "/p", &keys).is_err());
    }

    #[test]
    fn a_line_is_bounded_and_cut_between_characters() {
        assert_eq!(one_line("  pet\n\tcare ", 8), "pet care");
        assert_eq!(one_line(&"é".repeat(10_000), 120), "é".repeat(120));
    }
}
