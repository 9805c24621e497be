//! The real binary: what it takes from flags, environment and file, what it says of mistakes, how
//! it stops, and its local services.

mod dev;
mod example;
mod mistakes;
mod sources;
mod stopping;

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{GOAL, http};

/// A folder with a configuration file in it.
fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mesh.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

/// A client of a host that is another process.
struct Client {
    url: String,
    http: reqwest::Client,
}

impl Client {
    fn new(url: String) -> Self {
        Self { url, http: http() }
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.url));
        let text = request.send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self
            .http
            .post(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .body(body.to_string());
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap())
    }

    /// A plan with these steps, or the default ones.
    async fn create(&self, steps: Value) -> Value {
        let body = json!({"sessionId": "s1", "domain": "social", "goal": GOAL, "steps": steps});
        let (status, answer) = self.post("/mesh/create", &body).await;
        assert_eq!(status, 200, "{answer}");
        answer["plan"].clone()
    }

    async fn step(&self, plan: &Value) -> Value {
        let (status, answer) = self
            .post("/mesh/step", &json!({"planId": plan["id"]}))
            .await;
        assert_eq!(status, 200, "{answer}");
        answer["plan"].clone()
    }

    /// The mode of a plan that names none.
    async fn default_mode(&self) -> String {
        let plan = self.create(json!([{"kind": "ops"}])).await;
        plan["mode"].as_str().unwrap().to_owned()
    }
}
