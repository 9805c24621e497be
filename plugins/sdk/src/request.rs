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
