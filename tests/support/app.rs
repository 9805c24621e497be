//! A real host on a free port, with a real store in a temporary folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use codex_mesh::config::{Config, ServiceConfig};
use codex_mesh::host::Host;
use codex_mesh::sandbox::sha256;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Port, Reply, Stub, http, program, recorded, within};

pub const GOAL: &str = "Plan and execute a 7-day TikTok & Shorts content cycle.";

/// Longer than anything here takes, even on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(60);

type Configure = Box<dyn FnOnce(&mut Config)>;

/// How a host is set up.
#[derive(Default)]
pub struct TestAppBuilder {
    services: BTreeMap<String, Reply>,
    missing: Vec<String>,
    configure: Vec<Configure>,
    data: Option<Arc<TempDir>>,
}

impl TestAppBuilder {
    /// What a service answers, instead of its friendly recorded answer.
    pub fn service(mut self, name: &str, reply: Reply) -> Self {
        self.services.insert(name.to_owned(), reply);
        self
    }

    /// A service where nothing listens.
    pub fn without(mut self, name: &str) -> Self {
        self.missing.push(name.to_owned());
        self
    }

    /// Changes the configuration.
    pub fn configure(mut self, configure: impl FnOnce(&mut Config) + 'static) -> Self {
        self.configure.push(Box::new(configure));
        self
    }

    /// Grants a kind these routes of a service.
    pub fn grant(self, kind: &str, service: &str, routes: &[&str]) -> Self {
        let (kind, service) = (kind.to_owned(), service.to_owned());
        let routes = routes.iter().map(|route| (*route).to_owned()).collect();
        self.configure(move |config| {
            let grants = &mut config.plugin.entry(kind).or_default().grants;
            grants.get_or_insert_default().insert(service, routes);
        })
    }

    /// Grants a kind these headers of requests to a service.
    pub fn grant_headers(self, kind: &str, service: &str, names: &[&str]) -> Self {
        let (kind, service) = (kind.to_owned(), service.to_owned());
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        self.configure(move |config| {
            let plugin = config.plugin.entry(kind).or_default();
            plugin.headers.insert(service, names);
        })
    }

    /// Names a component as a check of this kind.
    pub fn trust(self, kind: &str, component: &[u8]) -> Self {
        let (kind, digest) = (kind.to_owned(), sha256(component));
        self.configure(move |config| {
            let named = config.policy.trusted.entry(kind).or_default();
            named.sha256.push(digest);
        })
    }

    /// Uses this data folder: how a restart is tested.
    pub fn data(mut self, data: Arc<TempDir>) -> Self {
        self.data = Some(data);
        self
    }

    pub async fn start(self) -> TestApp {
        let data = self
            .data
            .unwrap_or_else(|| Arc::new(tempfile::tempdir().unwrap()));
        let mut config = Config {
            listen: "127.0.0.1:0".to_owned(),
            data_dir: data.path().to_owned(),
            cache_dir: Some(cache_dir()),
            ..Config::default()
        };
        let mut stubs = BTreeMap::new();
        for (name, friendly) in friendly() {
            let url = if self.missing.iter().any(|missing| missing == name) {
                closed_url()
            } else {
                let reply = self.services.get(name).cloned().unwrap_or(friendly);
                let stub = Stub::answering(reply).await;
                let url = stub.url.clone();
                stubs.insert(name.to_owned(), stub);
                url
            };
            let service = ServiceConfig {
                url: Some(url),
                ..ServiceConfig::default()
            };
            config.services.insert(name.to_owned(), service);
        }
        for configure in self.configure {
            configure(&mut config);
        }
        let host = Host::start(&config, program()).await.unwrap();
        let url = format!("http://{}", host.address().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(host.serve(async {
            // Dropped unsent when the test ends without stopping the host: the same to it.
            let _ = stopped.await;
        }));
        let app = TestApp {
            url,
            data,
            stubs,
            client: http(),
            stop,
            serving,
        };
        app.loaded().await;
        app
    }
}

/// Compiled components are shared by all tests; each test has everything else for itself.
pub fn cache_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("component-cache")
}

/// An address where nothing listens, now or later.
fn closed_url() -> String {
    let port = Port::reserve();
    let url = port.url();
    // Reserved for as long as this process lives.
    std::mem::forget(port);
    url
}

/// Answers with which every plan runs to its end: recorded ones, but for ops, trends and campaign,
/// of which there is none that fits. Those follow the shape they document.
pub fn friendly() -> [(&'static str, Reply); 10] {
    let green = json!({"ok": true, "status": "GREEN", "version": "1.0.0", "services": []});
    let trend = |platform: &str, topic: &str| {
        json!({"platform": platform, "topic": topic, "examples": ["one"],
            "metricSummary": "rising", "confidence": 0.7})
    };
    let items = [
        trend("youtube", "cats in hats"),
        trend("tiktok", "dogs in boots"),
    ];
    let trends = json!({"ok": true, "summary": "Pets in clothes.", "items": items,
        "generatedAt": "2026-11-22T21:40:09.233Z"});
    let campaign = json!({"ok": true, "campaign": {"id": "c1", "name": GOAL, "status": "DRAFT"}});
    [
        ("autonomy", recorded("autonomy-evaluate.json", "good_allow")),
        (
            "srl",
            recorded(
                "srl-check-dependencies-stubbed.json",
                "all_healthy_no_findings",
            ),
        ),
        (
            "hardening",
            recorded("hardening-check-dependencies-stubbed.json", "all_healthy"),
        ),
        (
            "workflow",
            recorded("workflow.json", "create_good_as_mesh_sends"),
        ),
        (
            "simulation",
            recorded("sim-run-orchestrator-stubbed.json", "good_content_only"),
        ),
        ("strategy", recorded("strategy-plan.json", "good")),
        ("ops", Reply::json(200, &green)),
        ("trends", Reply::json(200, &trends)),
        ("campaign", Reply::json(200, &campaign)),
        ("brain", recorded("brain-memory.json", "write_good")),
    ]
}

/// The friendly answer of one service.
pub fn friendly_reply(service: &str) -> Reply {
    let mut replies = friendly().into_iter();
    replies.find(|(name, _)| *name == service).unwrap().1
}

/// A host under test.
pub struct TestApp {
    pub url: String,
    pub data: Arc<TempDir>,
    stubs: BTreeMap<String, Stub>,
    client: reqwest::Client,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<anyhow::Result<()>>,
}

impl TestApp {
    pub fn builder() -> TestAppBuilder {
        TestAppBuilder::default()
    }

    /// A host whose services answer in a friendly way.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// The stand-in for a service.
    pub fn stub(&self, name: &str) -> &Stub {
        &self.stubs[name]
    }

    /// Stops the host as a signal would, and waits until it has stopped.
    pub async fn stop(self) -> Arc<TempDir> {
        self.stop.send(()).unwrap();
        within(self.serving).await.unwrap().unwrap();
        self.data
    }

    /// Waits until all plugins are loaded.
    async fn loaded(&self) {
        let status = self.status_when(|status| status["plugins"]["loading"] == json!([]));
        let status = status.await;
        // Shown if the test fails: what is missing may have been refused.
        println!("{:#}", status["plugins"]["notices"]);
    }

    /// Waits until the host's status is so, and gives it.
    pub async fn status_when(&self, so: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (_, status) = self.get("/mesh/status").await;
            if so(&status) {
                return status;
            }
            assert!(Instant::now() < deadline, "the status stayed {status}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        let response = self
            .client
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .unwrap();
        answer(response).await
    }

    /// A request without a body.
    pub async fn request(&self, method: &str, path: &str) -> (u16, Value) {
        let method = method.parse().unwrap();
        let request = self.client.request(method, format!("{}{path}", self.url));
        answer(request.send().await.unwrap()).await
    }

    /// Sends a component.
    pub async fn upload(&self, component: &[u8]) -> (u16, Value) {
        self.post_raw("/plugins", Some("application/wasm"), component.to_vec())
            .await
    }

    /// Sends a component with this `.minisig` file, as the header wants it.
    pub async fn upload_signed(&self, component: &[u8], signature: Option<&str>) -> (u16, Value) {
        match signature {
            Some(signature) => {
                let signature = STANDARD.encode(signature);
                self.upload_with(component, "plugin-signature", &signature)
                    .await
            }
            None => self.upload(component).await,
        }
    }

    /// Sends a component with one more header.
    pub async fn upload_with(&self, component: &[u8], name: &str, value: &str) -> (u16, Value) {
        let request = self.client.post(format!("{}/plugins", self.url));
        let request = request.header("content-type", "application/wasm");
        let request = request.header(name, value).body(component.to_vec());
        answer(request.send().await.unwrap()).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.post_raw(path, Some("application/json"), body.to_string())
            .await
    }

    pub async fn post_raw(
        &self,
        path: &str,
        content_type: Option<&str>,
        body: impl Into<reqwest::Body>,
    ) -> (u16, Value) {
        let mut request = self.client.post(format!("{}{path}", self.url)).body(body);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        answer(request.send().await.unwrap()).await
    }

    /// A plan of the domain `social`, which must be accepted.
    pub async fn create(&self, body: &Value) -> Value {
        let mut full = json!({"sessionId": "s1", "domain": "social", "goal": GOAL});
        let fields = body.as_object().unwrap().clone();
        full.as_object_mut().unwrap().extend(fields);
        let (status, answer) = self.post("/mesh/create", &full).await;
        assert_eq!(status, 200, "{answer}");
        answer["plan"].clone()
    }

    /// The plan after its next step, which must be accepted.
    pub async fn step(&self, plan: &Value) -> Value {
        let (status, answer) = self.try_step(plan).await;
        assert_eq!(status, 200, "{answer}");
        answer["plan"].clone()
    }

    pub async fn try_step(&self, plan: &Value) -> (u16, Value) {
        self.post("/mesh/step", &json!({"planId": plan["id"]}))
            .await
    }

    /// The plan as it is now.
    pub async fn plan(&self, plan: &Value) -> Value {
        let id = plan["id"].as_str().unwrap();
        let (status, answer) = self.get(&format!("/mesh/plan?id={id}")).await;
        assert_eq!(status, 200, "{answer}");
        answer["plan"].clone()
    }

    /// The plan once none of its steps is under way.
    pub async fn settled(&self, plan: &Value) -> Value {
        let settled = async {
            loop {
                let plan = self.plan(plan).await;
                let mut steps = plan["steps"].as_array().unwrap().iter();
                if steps.all(|step| step["status"] != "IN_PROGRESS") {
                    return plan;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        within(settled).await
    }

    /// How often this service was asked so far.
    pub fn asked(&self, service: &str) -> usize {
        self.stub(service).requests().len()
    }

    /// The plan after as many steps as it has, or until it stops.
    pub async fn run(&self, plan: &Value) -> Value {
        let mut plan = plan.clone();
        for _ in 0..plan["steps"].as_array().unwrap().len() {
            plan = self.step(&plan).await;
            if plan["status"] == "ERROR" {
                break;
            }
        }
        plan
    }

    /// Runs the plan to its last step, which is held; why, and the plan then.
    pub async fn run_until_held(&self, plan: &Value) -> (String, Value) {
        for _ in 1..plan["steps"].as_array().unwrap().len() {
            self.step(plan).await;
        }
        let (status, answer) = self.try_step(plan).await;
        assert_eq!(status, 409, "{answer}");
        let error = answer["error"].as_str().unwrap().to_owned();
        (error, self.plan(plan).await)
    }
}

async fn answer(response: reqwest::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}"));
    (status, body)
}
