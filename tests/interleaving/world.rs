//! What outlives the host: its services, and what the test asked for and was told.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::PATIENCE;
use super::services::{self, Asked, Log};
use crate::support::{GOAL, Program, Random, Stub};

/// Steps whose service is said to write are planned as in [`services`]: autonomy reads, srl
/// writes, hardening reads, workflow writes.
const MORE: &str = r#"
[policy]
live_requires = ["autonomy"]
[services.srl]
routes = { "POST /srl/check" = "write" }
[services.workflow]
idempotent = true
[retry]
tries = 2
first_wait_ms = 1
longest_wait_ms = 5
[breaker]
failures = 1000000
[run]
retries = 2
first_wait_ms = 5
"#;

/// The plans that clients act on at the same time.
const PLANS: usize = 6;

/// What a client asked for that may change what is allowed.
#[derive(Debug, Clone)]
pub enum What {
    Approve(String),
    /// To this step, or to the failed one, with writes and all.
    Repeat(Option<String>),
    Skip(String),
}

/// How that ended.
#[derive(Debug, Clone)]
pub enum Heard {
    /// 200, with the plan.
    Yes(Value),
    /// 4xx.
    No,
    /// Not at all, or that the host can't say.
    Nothing,
}

/// Something that a client asked for.
#[derive(Debug, Clone)]
pub struct Request {
    pub plan: String,
    pub what: What,
    pub sent: Instant,
    /// When it was answered; without an answer it may have taken effect at any time.
    pub answered: Option<Instant>,
    pub heard: Heard,
}

impl Request {
    /// Whether it may have taken effect between these moments.
    pub fn may_have_counted(&self, from: Instant, to: Instant) -> bool {
        let refused = matches!(self.heard, Heard::No);
        !refused && self.sent < to && self.answered.is_none_or(|answered| answered > from)
    }
}

/// What happened, as a whole.
#[derive(Debug, Default)]
pub struct Seen {
    pub writes: usize,
    pub repeated: usize,
    pub approved: usize,
    /// Writes of plans that the host does not know.
    pub unseen: usize,
}

/// Everything but the host.
pub struct World {
    pub program: Program,
    client: reqwest::Client,
    log: Log,
    requests: Mutex<Vec<Request>>,
    plans: Mutex<Vec<String>>,
    _stubs: Vec<(&'static str, Stub)>,
    _folder: TempDir,
}

impl World {
    pub async fn new(random: &mut Random) -> std::sync::Arc<Self> {
        codex_mesh::services::install_tls();
        let log = Log::default();
        let stubs = services::start(&log, random).await;
        let folder = tempfile::tempdir().unwrap();
        let urls = stubs.iter().map(|(name, stub)| (*name, stub.url.as_str()));
        std::sync::Arc::new(Self {
            program: Program::new(folder.path(), MORE, urls),
            client: reqwest::Client::builder()
                .timeout(PATIENCE)
                .build()
                .unwrap(),
            log,
            requests: Mutex::default(),
            plans: Mutex::default(),
            _stubs: stubs,
            _folder: folder,
        })
    }

    /// New plans for a new life of the host; `None` if it went away.
    pub async fn create_some(&self, url: &str, random: &mut Random) -> Option<()> {
        let other = if random.below(2) == 0 {
            "DRY_RUN"
        } else {
            "SIMULATION"
        };
        let kinds = ["autonomy", "srl", "hardening", "workflow"];
        let steps = kinds.map(|kind| json!({"kind": kind}));
        for mode in ["LIVE", "LIVE", other] {
            let body = json!({
                "sessionId": "s", "domain": "social", "goal": GOAL, "mode": mode,
                "steps": steps,
            });
            let (status, answer) = self.post(url, "/mesh/create", &body, None).await.ok()?;
            assert_eq!(status, 200, "{answer}");
            let id = answer["plan"]["id"].as_str().unwrap().to_owned();
            self.plans.lock().unwrap().push(id);
        }
        Some(())
    }

    /// One of the plans that clients act on.
    pub fn any_plan(&self, random: &mut Random) -> String {
        let plans = self.plans.lock().unwrap();
        let recent = &plans[plans.len().saturating_sub(PLANS)..];
        let index = random.below(recent.len() as u64);
        recent[usize::try_from(index).unwrap()].clone()
    }

    /// The plans that were acted on last.
    pub fn recent(&self) -> Vec<String> {
        let plans = self.plans.lock().unwrap();
        plans.iter().rev().take(PLANS).cloned().collect()
    }

    pub fn note(&self, request: Request) {
        self.requests.lock().unwrap().push(request);
    }

    pub fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        self.requests.lock().unwrap()
    }

    /// What the services were asked for this plan, in order.
    pub fn asked(&self, plan: &str) -> Vec<Asked> {
        let log = self.log.lock().unwrap();
        log.iter()
            .filter(|asked| asked.plan == plan)
            .cloned()
            .collect()
    }

    /// Status and answer, unless the host goes away or the client hangs up first.
    pub async fn post(
        &self,
        url: &str,
        path: &str,
        body: &Value,
        hang_up: Option<Duration>,
    ) -> Result<(u16, Value), reqwest::Error> {
        let request = self.client.post(format!("{url}{path}"));
        let request = request.header("content-type", "application/json");
        let request = request.timeout(hang_up.unwrap_or(PATIENCE));
        receive(request.body(body.to_string())).await
    }

    pub async fn get(&self, url: &str, path: &str) -> Option<Value> {
        let (_, answer) = receive(self.client.get(format!("{url}{path}")))
            .await
            .ok()?;
        Some(answer)
    }

    /// `None` if the host went away.
    pub async fn plan(&self, url: &str, id: &str) -> Option<Value> {
        let mut answer = self.get(url, &format!("/mesh/plan?id={id}")).await?;
        assert_eq!(answer["ok"], true, "plan {id} is lost: {answer}");
        Some(answer["plan"].take())
    }

    pub async fn all_ids(&self, url: &str) -> Vec<String> {
        let answer = self.get(url, "/mesh/plans?limit=200").await.unwrap();
        assert!(answer["nextCursor"].is_null(), "there are more");
        let plans = answer["plans"].as_array().unwrap().iter();
        plans
            .map(|plan| plan["id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The plan once nothing goes on by itself any more.
    pub async fn quiet(&self, url: &str, id: &str) -> Value {
        let quiet = async {
            loop {
                let plan = self.plan(url, id).await.unwrap();
                if plan["run"].is_null() && !is_under_way(&plan) {
                    return plan;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let quiet = tokio::time::timeout(PATIENCE, quiet).await;
        quiet.unwrap_or_else(|_| panic!("plan {id} never comes to rest"))
    }

    /// The plan after it was cancelled, if it was not over already.
    pub async fn ended(&self, url: &str, id: &str) -> Value {
        let body = json!({"planId": id, "by": "Ada", "reason": "the end"});
        let (status, _) = self.post(url, "/mesh/cancel", &body, None).await.unwrap();
        let plan = self.quiet(url, id).await;
        let over = ["DONE", "CANCELLED"].contains(&plan["status"].as_str().unwrap());
        assert!(over, "{status}: {plan}");
        plan
    }

    /// What happened, once the host has told everything.
    pub fn seen(&self) -> Seen {
        let requests = self.requests();
        let is = |request: &&Request, what: fn(&What) -> bool| {
            what(&request.what) && matches!(request.heard, Heard::Yes(_))
        };
        let count = |what| requests.iter().filter(|request| is(request, what)).count();
        let known = self.plans.lock().unwrap();
        let log = self.log.lock().unwrap();
        let writes = log
            .iter()
            .filter(|asked| ["srl", "workflow"].contains(&asked.service));
        let writes: Vec<&Asked> = writes.collect();
        Seen {
            repeated: count(|what| matches!(what, What::Repeat(_))),
            approved: count(|what| matches!(what, What::Approve(_))),
            unseen: writes
                .iter()
                .filter(|asked| !known.contains(&asked.plan))
                .count(),
            writes: writes.len(),
        }
    }
}

pub fn is_under_way(plan: &Value) -> bool {
    let mut steps = plan["steps"].as_array().unwrap().iter();
    steps.any(|step| step["status"] == "IN_PROGRESS")
}

async fn receive(request: reqwest::RequestBuilder) -> Result<(u16, Value), reqwest::Error> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let text = response.text().await?;
    Ok((status, serde_json::from_str(&text).unwrap()))
}
