//! Shaping what is sent.

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
    fn a_line_is_bounded_and_cut_between_characters() {
        assert_eq!(one_line("  pet\n\tcare ", 8), "pet care");
        assert_eq!(one_line(&"é".repeat(10_000), 120), "é".repeat(120));
    }
}
