//! What outlives the host: services that count, clients that remember what they were promised,
//! and the checks that compare both with what a restarted host says.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{GOAL, Program, Random, Stub, friendly};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the services were asked.
#[derive(Default)]
struct Asked {
    /// By session, which is a plan's own here: the keys that the workflow service was sent.
    workflow: BTreeMap<String, Vec<String>>,
    /// By session: what Brain was told, in order.
    brain: BTreeMap<String, Vec<String>>,
}

/// What clients know.
#[derive(Default)]
struct Known {
    /// Every plan that was acknowledged, as it was last answered.
    plans: BTreeMap<String, Value>,
    /// Plans that are not finished and that no client works on.
    open: VecDeque<String>,
    /// Plans that a client touched since the last check.
    touched: BTreeSet<String>,
    sessions: u32,
}

/// What came of the writes that were cut off, and of the reads.
#[derive(Debug, Default, Clone, Copy)]
pub struct Seen {
    pub kills: usize,
    pub interrupted_writes: usize,
    pub plans: usize,
    pub done: usize,
}

/// Everything but the host.
pub struct World {
    pub program: Program,
    client: reqwest::Client,
    /// Whether the workflow service honours idempotency keys.
    idempotent: bool,
    asked: Arc<Mutex<Asked>>,
    known: Mutex<Known>,
    _stubs: Vec<Stub>,
    _folder: TempDir,
}

impl World {
    /// Services that take up to `slow_ms` to answer.
    pub async fn new(idempotent: bool, slow_ms: u64, random: &mut Random) -> Arc<Self> {
        codex_mesh::services::install_tls();
        let asked = Arc::new(Mutex::new(Asked::default()));
        let (mut stubs, mut urls) = (Vec::new(), Vec::new());
        for (name, reply) in friendly() {
            let (asked, mut random) = (Arc::clone(&asked), random.split());
            let stub = Stub::with(move |request| {
                let body = request.json();
                let session = || body["sessionId"].as_str().unwrap().to_owned();
                let mut asked = asked.lock().unwrap();
                if name == "workflow" {
                    let key = request.headers["idempotency-key"].to_str().unwrap();
                    let keys = asked.workflow.entry(session()).or_default();
                    keys.push(key.to_owned());
                } else if name == "brain" {
                    let content: Value =
                        serde_json::from_str(body["content"].as_str().unwrap()).unwrap();
                    let summary = content["summary"].as_str().unwrap().to_owned();
                    let session = session().split_off("mesh-".len());
                    asked.brain.entry(session).or_default().push(summary);
                }
                reply.clone().after(random.up_to_millis(slow_ms))
            })
            .await;
            urls.push((name, stub.url.clone()));
            stubs.push(stub);
        }
        let folder = tempfile::tempdir().unwrap();
        let more = if idempotent {
            "[services.workflow]\nidempotent = true\n"
        } else {
            ""
        };
        let services = urls.iter().map(|(name, url)| (*name, url.as_str()));
        Arc::new(Self {
            program: Program::new(folder.path(), more, services),
            client: reqwest::Client::builder()
                .timeout(PATIENCE)
                .build()
                .unwrap(),
            idempotent,
            asked,
            known: Mutex::default(),
            _stubs: stubs,
            _folder: folder,
        })
    }

    /// Works on plans, open ones first, until the host is gone or `most` new ones are made.
    pub async fn drive(&self, url: &str, most: usize) {
        let mut made = 0;
        loop {
            let open = self.known().open.pop_front();
            let id = match open {
                Some(id) => id,
                None if made == most => return,
                None => {
                    made += 1;
                    let Some(id) = self.create(url).await else {
                        return;
                    };
                    id
                }
            };
            self.known().touched.insert(id.clone());
            while !self.is_finished(&id) {
                let body = json!({"planId": id});
                let Some(plan) = self.post(url, "/mesh/step", &body).await else {
                    return;
                };
                self.known().plans.insert(id.clone(), plan);
            }
        }
    }

    async fn create(&self, url: &str) -> Option<String> {
        let session = {
            let mut known = self.known();
            known.sessions += 1;
            format!("session-{}", known.sessions)
        };
        let body = json!({"sessionId": session, "domain": "social", "goal": GOAL});
        let plan = self.post(url, "/mesh/create", &body).await?;
        let id = plan["id"].as_str().unwrap().to_owned();
        self.known().plans.insert(id.clone(), plan);
        Some(id)
    }

    /// The plan that was answered; `None` if the host went away.
    async fn post(&self, url: &str, path: &str, body: &Value) -> Option<Value> {
        let request = self.client.post(format!("{url}{path}"));
        let request = request.header("content-type", "application/json");
        let mut answer = receive(request.body(body.to_string())).await?;
        assert_eq!(answer["ok"], true, "{answer}");
        Some(answer["plan"].take())
    }

    async fn get(&self, url: &str, path: &str) -> Option<Value> {
        receive(self.client.get(format!("{url}{path}"))).await
    }

    /// Holds a restarted host, before anything is asked of it, against what was promised; `None`
    /// if it went away meanwhile.
    pub async fn check(&self, url: &str) -> Option<()> {
        let (mut ids, plans) = {
            let known = self.known();
            let open = known.open.iter().cloned();
            let ids: BTreeSet<String> = known.touched.iter().cloned().chain(open).collect();
            (ids, known.plans.clone())
        };
        let newest = self.get(url, "/mesh/plans?limit=100").await?;
        for plan in newest["plans"].as_array().unwrap() {
            assert_nothing_under_way(plan);
        }
        ids.extend(plans.keys().next_back().cloned());
        for id in &ids {
            let answer = self.get(url, &format!("/mesh/plan?id={id}")).await?;
            assert_eq!(answer["ok"], true, "plan {id} is lost: {answer}");
            let plan = &answer["plan"];
            assert_nothing_under_way(plan);
            assert_kept(&plans[id], plan);
            self.check_write(plan);
            self.known().plans.insert(id.clone(), plan.clone());
        }
        let mut known = self.known();
        known.touched.clear();
        known.open = ids
            .into_iter()
            .filter(|id| !is_finished(&known.plans[id]))
            .collect();
        Some(())
    }

    /// What the workflow service was asked for this plan, against what the plan says.
    fn check_write(&self, plan: &Value) {
        let asked = self.asked.lock().unwrap();
        let keys = asked.workflow.get(plan["sessionId"].as_str().unwrap());
        let keys = keys.map_or(&[][..], Vec::as_slice);
        let write = &plan["steps"][3];
        let expected = format!("{}/step-4/1/1", plan["id"].as_str().unwrap());
        assert!(keys.iter().all(|key| *key == expected), "{keys:?}");
        if self.idempotent {
            assert_ne!(write["status"], "ERROR", "{plan}");
        } else {
            assert!(keys.len() <= 1, "asked {} times: {plan}", keys.len());
            let asked_and_forgotten = !keys.is_empty() && write["status"] == "PENDING";
            assert!(!asked_and_forgotten, "it would be asked again: {plan}");
        }
        match write["status"].as_str().unwrap() {
            "DONE" => assert!(!keys.is_empty(), "{plan}"),
            "ERROR" => assert!(is_interrupted(write), "{plan}"),
            _ => {}
        }
    }

    /// The last check, of a host that was left alone until every plan was finished.
    pub async fn check_all(&self, url: &str) -> Seen {
        let plans = self.all_plans(url).await;
        let known = self.known().plans.clone();
        for (id, promised) in &known {
            let plan = plans.get(id).unwrap_or_else(|| panic!("plan {id} is lost"));
            assert_eq!(plan, promised);
            assert!(is_finished(plan), "{plan}");
            self.check_write(plan);
        }
        self.wait_for_brain(url).await;
        let asked = self.asked.lock().unwrap();
        for plan in plans.values() {
            let told = asked.brain.get(plan["sessionId"].as_str().unwrap());
            let told = told.unwrap_or_else(|| panic!("Brain was not told of {plan}"));
            assert_eq!(first_of_each(told), expected_events(plan));
        }
        let cut = |plan: &&Value| is_interrupted(&plan["steps"][3]);
        let done = |plan: &&Value| plan["status"] == "DONE";
        Seen {
            kills: 0,
            interrupted_writes: known.values().filter(cut).count(),
            plans: known.len(),
            done: known.values().filter(done).count(),
        }
    }

    async fn all_plans(&self, url: &str) -> BTreeMap<String, Value> {
        let (mut plans, mut path) = (BTreeMap::new(), "/mesh/plans?limit=200".to_owned());
        loop {
            let page = self.get(url, &path).await.unwrap();
            for plan in page["plans"].as_array().unwrap() {
                plans.insert(plan["id"].as_str().unwrap().to_owned(), plan.clone());
            }
            let Some(next) = page["nextCursor"].as_str() else {
                return plans;
            };
            path = format!("/mesh/plans?limit=200&cursor={next}");
        }
    }

    async fn wait_for_brain(&self, url: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let status = self.get(url, "/mesh/status").await.unwrap();
            if status["brain"]["backlog"] == 0 {
                assert_eq!(status["brain"]["parked"], 0, "{status}");
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{status}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn is_finished(&self, id: &str) -> bool {
        is_finished(&self.known().plans[id])
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap()
    }
}

async fn receive(request: reqwest::RequestBuilder) -> Option<Value> {
    let text = request.send().await.ok()?.text().await.ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}")))
}

fn is_finished(plan: &Value) -> bool {
    matches!(plan["status"].as_str().unwrap(), "DONE" | "ERROR")
}

pub fn is_interrupted(step: &Value) -> bool {
    let error = step["error"].as_str().unwrap_or_default();
    step["status"] == "ERROR" && error.starts_with("interrupted: the call may have happened")
}

fn assert_nothing_under_way(plan: &Value) {
    for step in plan["steps"].as_array().unwrap() {
        assert_ne!(step["status"], "IN_PROGRESS", "{plan}");
    }
}

/// What was answered once stays as it was.
fn assert_kept(promised: &Value, plan: &Value) {
    assert_eq!(promised["createdAt"], plan["createdAt"]);
    let steps = promised["steps"].as_array().unwrap();
    assert_eq!(steps.len(), plan["steps"].as_array().unwrap().len());
    for (before, after) in steps.iter().zip(plan["steps"].as_array().unwrap()) {
        if matches!(before["status"].as_str().unwrap(), "DONE" | "ERROR") {
            assert_eq!(before, after, "an acknowledged result changed");
        }
    }
}

/// Without what was delivered again.
fn first_of_each(told: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    told.iter()
        .map(|summary| brief(summary))
        .filter(|brief| seen.insert(brief.clone()))
        .collect()
}

/// `created`, `step-1`, …, `completed`, `stopped`
fn brief(summary: &str) -> String {
    let words: Vec<&str> = summary.split_whitespace().collect();
    words[2].to_owned()
}

fn expected_events(plan: &Value) -> Vec<String> {
    let steps = plan["steps"].as_array().unwrap().iter();
    let ended = steps.filter(|step| matches!(step["status"].as_str(), Some("DONE" | "ERROR")));
    let mut events = vec!["created".to_owned()];
    events.extend(ended.map(|step| step["id"].as_str().unwrap().to_owned()));
    match plan["status"].as_str().unwrap() {
        "DONE" => events.push("completed".to_owned()),
        "ERROR" => events.push("stopped".to_owned()),
        _ => {}
    }
    events
}
