//! The audit log loses nothing and blocks nothing, whatever Brain does.

mod parked;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Door, Reply, Request, Stub, TestApp, TestAppBuilder, recorded};

/// What Brain is told of a plan of four steps that runs to its end.
const STORY: [&str; 6] = [
    "created",
    "step-1",
    "step-2",
    "step-3",
    "step-4",
    "completed",
];

fn good() -> Reply {
    recorded("brain-memory.json", "write_good")
}

/// What the request tells of: the plan's session, and `created`, `step-1`, …
fn event(request: &Request) -> (String, String) {
    let record = request.json();
    let content: Value = serde_json::from_str(record["content"].as_str().unwrap()).unwrap();
    let summary = content["summary"].as_str().unwrap().to_owned();
    let session = record["sessionId"].as_str().unwrap().to_owned();
    let word = summary.split_whitespace().nth(2).unwrap().to_owned();
    (session, word)
}

/// By session, in order, without what was delivered again.
fn told<'a>(requests: impl IntoIterator<Item = &'a Request>) -> BTreeMap<String, Vec<String>> {
    let (mut told, mut seen) = (BTreeMap::<_, Vec<_>>::new(), BTreeSet::new());
    for request in requests {
        let (session, word) = event(request);
        if seen.insert((session.clone(), word.clone())) {
            told.entry(session).or_default().push(word);
        }
    }
    told
}

fn assert_whole_story(requests: &[Request], sessions: &[&str]) {
    let told = told(requests);
    assert_eq!(told.len(), sessions.len(), "{told:?}");
    for session in sessions {
        assert_eq!(told[&format!("mesh-{session}")], STORY);
    }
}

/// A host whose Brain is behind the door.
fn behind(door: &Door) -> TestAppBuilder {
    let url = door.url();
    TestApp::builder().configure(move |config| {
        config.services.get_mut("brain").unwrap().url = Some(url);
    })
}

/// Runs a plan to its end, which no trouble of Brain may hold up.
async fn run(app: &TestApp, session: &str) -> Value {
    let started = Instant::now();
    let plan = app.create(&json!({"sessionId": session})).await;
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan}");
    let took = started.elapsed();
    assert!(took < Duration::from_secs(20), "held up for {took:?}");
    plan
}

fn delivered(status: &Value) -> bool {
    status["brain"]["backlog"] == 0
}

async fn assert_recovered(app: &TestApp) {
    let status = app.status_when(delivered).await;
    let brain = json!({"backlog": 0, "oldestAgeMs": null, "parked": 0, "lastError": null});
    // The last error is forgotten right after the last delivery is stored.
    let status = match status["brain"] == brain {
        true => status,
        false => app.status_when(|status| status["brain"] == brain).await,
    };
    assert_eq!(status["brain"], brain);
}

/// While Brain is in trouble: everything waits, and it shows, but not in the health.
async fn assert_backlog(app: &TestApp, events: usize, error: &str) {
    let so = |status: &Value| {
        let last = status["brain"]["lastError"]["error"].as_str();
        last.is_some_and(|last| last.contains(error)) && status["brain"]["backlog"] == events
    };
    let status = app.status_when(so).await;
    let age = status["brain"]["oldestAgeMs"].as_i64().unwrap();
    assert!((0..60_000).contains(&age), "{status}");
    assert!(status["brain"]["lastError"]["at"].is_string(), "{status}");
    let later = app
        .status_when(|status| status["brain"]["oldestAgeMs"].as_i64() > Some(age))
        .await;
    assert_eq!(later["brain"]["backlog"], events, "{later}");
    let health = json!({
        "ok": true,
        "service": "codex-mesh",
        "version": "1.0.0",
        "mode": "SEMI_AUTONOMOUS_MESH",
    });
    assert_eq!(app.get("/health").await, (200, health));
}

#[tokio::test(flavor = "multi_thread")]
async fn brain_is_told_every_step_in_order() {
    let app = TestApp::start().await;
    let sessions = ["a", "b", "c"];
    tokio::join!(run(&app, "a"), run(&app, "b"), run(&app, "c"));
    assert_recovered(&app).await;
    let requests = app.stub("brain").requests();
    assert_whole_story(&requests, &sessions);
    assert_eq!(requests.len(), 3 * STORY.len(), "nothing is told twice");

    let first = &requests[0];
    assert_eq!((&*first.method, &*first.path), ("POST", "/v2/memory/write"));
    let mut record = first.json();
    let content: Value = serde_json::from_str(record["content"].as_str().unwrap()).unwrap();
    record["content"].take();
    record["sessionId"].take();
    let form = json!({
        "domain": "ops",
        "sessionId": null,
        "title": "Mesh plan update (social)",
        "content": null,
        "tags": ["mesh", "orchestration", "social"],
    });
    assert_eq!(record, form);
    assert_eq!(content["mode"], "LIVE");
    assert_eq!(content["steps"].as_array().unwrap().len(), 4);
    let step = json!({"label": "Autonomy check", "service": "autonomy", "status": "PENDING"});
    let keys = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&content["steps"][0]), keys(&step));
}

#[tokio::test(flavor = "multi_thread")]
async fn brain_down() {
    let mut door = Door::closed();
    let app = behind(&door).start().await;
    run(&app, "a").await;
    run(&app, "b").await;
    assert_backlog(&app, 2 * STORY.len(), "refused the connection").await;
    let brain = door.open(|_| good()).await;
    assert_recovered(&app).await;
    assert_whole_story(&brain.requests(), &["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn brain_answering_500() {
    let failure = json!({"ok": false, "error": "the disk of Brain is full"});
    let app = TestApp::builder()
        .service("brain", Reply::json(500, &failure))
        .start()
        .await;
    run(&app, "a").await;
    assert_backlog(&app, STORY.len(), "the disk of Brain is full").await;
    let in_vain = app.stub("brain").requests();
    // Its first event is tried again and again; nothing overtakes it.
    assert!(in_vain.iter().all(|request| event(request).1 == "created"));
    app.stub("brain").answer(good());
    assert_recovered(&app).await;
    assert_whole_story(&app.stub("brain").requests(), &["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn brain_hanging() {
    let app = TestApp::builder()
        .configure(|config| {
            config.services.get_mut("brain").unwrap().timeout_ms = Some(300);
        })
        .start()
        .await;
    app.stub("brain").hold();
    run(&app, "a").await;
    assert_backlog(&app, STORY.len(), "did not answer within 300 ms").await;
    app.stub("brain").release();
    assert_recovered(&app).await;
    assert_whole_story(&app.stub("brain").requests(), &["a"]);
}

/// Cut off again and again, in the middle of what it is being told.
#[tokio::test(flavor = "multi_thread")]
async fn brain_restarting() {
    let mut door = Door::closed();
    let app = behind(&door).start().await;
    let mut all = Vec::new();
    for session in ["a", "b", "c"] {
        let brain = door.open(|_| good()).await;
        app.status_when(delivered).await;
        brain.hold();
        let seen = brain.requests().len();
        run(&app, session).await;
        asked(&brain, seen + 1).await;
        door.close();
        all.extend(brain.requests());
    }
    let brain = door.open(|_| good()).await;
    assert_recovered(&app).await;
    all.extend(brain.requests());
    assert_whole_story(&all, &["a", "b", "c"]);
}

async fn asked(stub: &Stub, times: usize) -> Vec<Request> {
    let asked = tokio::time::timeout(Duration::from_secs(60), stub.asked(times));
    asked.await.expect("the service is asked")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_outlives_the_host() {
    let app = TestApp::builder().without("brain").start().await;
    run(&app, "a").await;
    run(&app, "b").await;
    let data = app.stop().await;
    let app = TestApp::builder().data(data).start().await;
    assert_recovered(&app).await;
    assert_whole_story(&app.stub("brain").requests(), &["a", "b"]);
}

/// What Brain refuses to anybody, or does not say that it took, is no event's fault.
#[tokio::test(flavor = "multi_thread")]
async fn brain_refusing_whoever_asks() {
    let page = "<html>Please log in</html>";
    for (reply, shown) in [
        (
            Reply::json(401, &json!({"error": "the token is over"})),
            "brain answered 401: ",
        ),
        (
            Reply::json(403, &json!({"error": "no"})),
            "brain answered 403: ",
        ),
        (
            Reply::json(404, &json!({"message": "Route not found"})),
            "brain answered 404: ",
        ),
        (Reply::json(405, &json!({})), "brain answered 405: "),
        (Reply::json(409, &json!({})), "brain answered 409: "),
        (Reply::json(301, &json!({})), "brain answered 301: "),
        (
            Reply::new(400, "text/html", page),
            "brain answered 400: <html>",
        ),
        (
            Reply::new(200, "text/html", page),
            "not that it has the event: <html>",
        ),
        (
            Reply::json(200, &json!({"ok": false, "error": "full"})),
            "not that it has the event: ",
        ),
        (Reply::json(200, &json!([])), "not that it has the event: "),
        (
            Reply::new(204, "application/json", ""),
            "brain answered 204, but not",
        ),
    ] {
        let app = TestApp::builder()
            .configure(|config| config.brain.rejections = 1)
            .service("brain", reply)
            .start()
            .await;
        run(&app, "a").await;
        assert_backlog(&app, STORY.len(), shown).await;
        // Its first event is tried again and again, and none is parked.
        asked(app.stub("brain"), 3).await;
        let in_vain = app.stub("brain").requests();
        assert!(in_vain.iter().all(|request| event(request).1 == "created"));
        app.stub("brain").answer(good());
        assert_recovered(&app).await;
        assert_whole_story(&app.stub("brain").requests(), &["a"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn brain_is_left_alone_as_long_as_it_asks() {
    let busy = Reply::json(429, &json!({"ok": false})).header("retry-after", "3");
    let app = TestApp::builder().service("brain", busy).start().await;
    run(&app, "a").await;
    asked(app.stub("brain"), 1).await;
    let first = Instant::now();
    asked(app.stub("brain"), 2).await;
    let waited = first.elapsed();
    assert!(waited > Duration::from_secs(2), "asked after {waited:?}");
    app.stub("brain").answer(good());
    assert_recovered(&app).await;
}
