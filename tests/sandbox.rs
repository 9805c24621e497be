//! Whatever a guest does, its own step ends with an error that says what it was, and nothing else
//! changes: in Rust, and in the languages that bring an interpreter along.

/// A test of each of these promises with the hostile guest in every language.
macro_rules! in_every_language {
    ($($promise:ident),+ $(,)?) => {$(
        mod $promise {
            use crate::sandbox::{Hostile, Language, keep, refused_swap};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn rust() {
                keep(super::$promise, Language::Rust).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn rust_sent_and_swapped() {
                super::$promise(Hostile::sent_and_swapped()).await;
                assert_eq!(refused_swap(), None);
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn javascript() {
                keep(super::$promise, Language::Js).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn python() {
                keep(super::$promise, Language::Python).await;
            }
        }
    )+};
}

mod answers;
mod compiling;
mod contained;
mod handed;
mod isolation;
mod log;
mod meanwhile;
mod modes;
mod raw;
mod requests;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use codex_mesh::sandbox::bindings::{Context, Manifest, Mode, PlanInfo, Request, ThisStep};
use codex_mesh::sandbox::{Clock, CompileCache, Fault, Limits, LoadError, Plugin, Sandbox, sha256};
use serde_json::{Value, json};

use crate::support::{
    JS, PYTHON, TestApp, TestAppBuilder, cache_dir, guest, http, may_ask_for_everything, program,
    skipped, start_hostile_as,
};
use crate::versions::variant;

/// What the hostile guest is written in, each time with the same names for what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Rust,
    Js,
    Python,
}

/// Holds the promise against the guest in this language, if there is what builds it.
async fn keep<F: Future<Output = ()>>(promise: impl FnOnce(Hostile) -> F, language: Language) {
    let built = match language {
        Language::Rust => Ok(guest("hostile")),
        Language::Js => JS.hostile(),
        Language::Python => PYTHON.hostile(),
    };
    match built {
        Ok(component) => {
            promise(Hostile {
                language,
                component,
                is_swapped: false,
            })
            .await
        }
        Err(missing) => skipped(missing),
    }
}

/// The hostile guest in one language.
#[derive(Clone, Copy)]
struct Hostile {
    language: Language,
    component: &'static [u8],
    /// It comes over HTTP, and two versions of it take turns all the while.
    is_swapped: bool,
}

impl Hostile {
    fn sent_and_swapped() -> Self {
        Self {
            language: Language::Rust,
            component: guest("hostile"),
            is_swapped: true,
        }
    }

    /// A host with it.
    async fn start(self, builder: TestAppBuilder) -> TestApp {
        if !self.is_swapped {
            return start_hostile_as(self.component, builder).await;
        }
        let app = may_ask_for_everything(builder).start().await;
        let mut digests = Vec::new();
        for number in [1, 2] {
            let component = variant(self.component, number);
            let (status, answer) = app.upload(&component).await;
            assert_eq!(status, 200, "{answer}");
            digests.push(sha256(&component));
        }
        activate(&app.url, &digests[0]).await.unwrap();
        // Ends with the runtime of the test, or with the host.
        let database = app.data.path().join("mesh.db");
        tokio::spawn(swap(app.url.clone(), database, digests));
        app
    }

    /// Whether it can wait: Python has no clock here.
    fn sleeps(self) -> bool {
        self.language != Language::Python
    }
}

/// Why versions did not take turns in some test, if so.
static REFUSED: Mutex<Option<String>> = Mutex::new(None);

fn refused_swap() -> Option<String> {
    REFUSED.lock().unwrap().clone()
}

/// New plans get the one and the other by turns, until the host is gone.
async fn swap(url: String, database: PathBuf, digests: Vec<String>) {
    for digest in digests.iter().cycle() {
        if let Err(error) = activate(&url, digest).await {
            // The test is over once its folder goes: a host without its database refuses to write.
            if error.is_status() && database.exists() {
                *REFUSED.lock().unwrap() = Some(error.to_string());
            }
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn activate(url: &str, digest: &str) -> Result<(), reqwest::Error> {
    let request = http().post(format!("{url}/plugins/hostile/activate"));
    let request = request.header("content-type", "application/json");
    let answer = request.body(json!({"sha256": digest}).to_string()).send();
    answer.await?.error_for_status().map(drop)
}

/// A host that gives its plugins time: where time is not what is tested.
fn patient() -> TestAppBuilder {
    TestApp::builder().configure(|config| {
        config.limits.plugin.cpu_ms = 60_000;
        config.limits.plugin.wall_ms = 60_000;
    })
}

/// A step of the hostile kind, after it ran in a plan of its own with this goal. What follows it
/// in the plan must not have begun if it failed.
async fn run_hostile(app: &TestApp, goal: &str) -> Value {
    let steps = json!([{"kind": "hostile"}, {"kind": "srl"}]);
    let plan = app.create(&json!({"goal": goal, "steps": steps})).await;
    let plan = app.step(&plan).await;
    let next = &plan["steps"][1];
    assert_eq!(next["status"], "PENDING", "{goal}: {plan:#}");
    assert_eq!(next["result"], Value::Null, "{goal}: {plan:#}");
    let status = match plan["steps"][0]["status"].as_str() {
        Some("ERROR") => "ERROR",
        _ => "RUNNING",
    };
    assert_eq!(plan["status"], status, "{goal}: {plan:#}");
    plan["steps"][0].clone()
}

/// The error of the step with this goal.
async fn error_of(app: &TestApp, goal: &str) -> String {
    let step = run_hostile(app, goal).await;
    assert_eq!(step["status"], "ERROR", "{goal}: {step:#}");
    assert_eq!(step["result"], Value::Null, "{goal}: {step:#}");
    step["error"].as_str().unwrap().to_owned()
}

/// A well-behaved plan runs to its end.
async fn assert_serves(app: &TestApp) {
    let (status, _) = app.get("/health").await;
    assert_eq!(status, 200);
    let plan = app.create(&json!({})).await;
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
}

/// Loads a component as the host does.
async fn load(component: &[u8], limits: Limits) -> Result<(Plugin, Manifest), LoadError> {
    load_with(component, limits, &cache_dir()).await
}

/// The same with a cache of its own.
async fn load_with(
    component: &[u8],
    limits: Limits,
    cache: &Path,
) -> Result<(Plugin, Manifest), LoadError> {
    let sandbox = Arc::new(Sandbox::new(limits, program().into()).unwrap());
    let cache = Arc::new(CompileCache::open(cache).unwrap());
    Plugin::load(sandbox, cache, Arc::from(component)).await
}

/// Limits for tests that call the sandbox directly: few slots, since each costs address space,
/// and patience enough for a busy machine.
fn limits() -> Limits {
    Limits {
        concurrent_calls: 4,
        wall_ms: 60_000,
        ..Limits::default()
    }
}

/// What a plugin of a plan with this goal, and nothing else, is told.
fn context(goal: &str) -> Context {
    Context {
        plan: PlanInfo {
            id: "3f2b7c52-7a39-4a5e-9a53-0d6f3c9a1b11".to_owned(),
            session_id: "s1".to_owned(),
            domain: "social".to_owned(),
            goal: goal.to_owned(),
            mode: Mode::Live,
        },
        steps: Vec::new(),
        step: ThisStep {
            id: "step-1".to_owned(),
            domain: "social".to_owned(),
            attempt: 1,
            settings: "{}".to_owned(),
        },
        finished: Vec::new(),
    }
}

/// The request that the plugin shapes for this goal.
async fn shape(plugin: &Plugin, goal: &str) -> Result<Request, Fault> {
    let called = plugin.shape(&context(goal), Clock::IDLE).await;
    called.outcome.map(Result::unwrap)
}

/// Its body.
async fn body(plugin: &Plugin, goal: &str) -> Value {
    let request = shape(plugin, goal).await.unwrap();
    serde_json::from_str(&request.body.unwrap()).unwrap()
}
