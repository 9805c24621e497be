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
