//! The audit log in Brain v2: what it is told, in which order, and that it is never in the way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{GOAL, Port, Reply, Request, Stub, TestApp, assert_has, recorded, within};

const LABELS: [(&str, &str); 4] = [
    ("Evaluate autonomy decision", "autonomy"),
    ("Run self-regulation (SRL)", "srl"),
    ("Run hardening check", "hardening"),
    ("Create workflow", "workflow"),
];

/// Far less than a call of Brain may take before it is given up.
const SOON: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_plan_is_told_in_order() {
    let app = TestApp::start().await;
    let plan = app.run(&app.create(&json!({})).await).await;
    let records = app.stub("brain").asked(6).await;
    let id = plan["id"].as_str().unwrap();
    let expected = [
        (0, "created with 4 steps"),
        (1, "step-1 (Evaluate autonomy decision) is DONE"),
        (2, "step-2 (Run self-regulation (SRL)) is DONE"),
        (3, "step-3 (Run hardening check) is DONE"),
        (4, "step-4 (Create workflow) is DONE"),
        (4, "completed all 4 steps"),
    ];
    assert_eq!(records.len(), expected.len());
    for (record, (done, summary)) in records.iter().zip(expected) {
        let content = content(record);
        assert_has(content["summary"].as_str().unwrap(), &[id, summary]);
        assert_eq!(content["steps"], steps(done, "PENDING"), "{summary}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_has_the_shape_that_brain_takes() {
    let app = TestApp::start().await;
    let body = json!({"sessionId": "s 9", "domain": "video", "mode": "DRY_RUN"});
    let plan = app.create(&body).await;
    let record = &app.stub("brain").asked(1).await[0];
    assert_eq!(
        (record.method.as_str(), record.path.as_str()),
        ("POST", "/v2/memory/write")
    );
    assert_eq!(record.headers["content-type"], "application/json");
    let sent = record.json();
    let expected = json!({
        "domain": "ops",
        "sessionId": "mesh-s 9",
        "title": "Mesh plan update (video)",
        "tags": ["mesh", "orchestration", "video"],
        "content": sent["content"].as_str().unwrap(),
    });
    assert_eq!(sent, expected);
    let content = content(record);
    let expected = json!({
        "at": plan["createdAt"],
        "goal": GOAL,
        "mode": "DRY_RUN",
        "summary": content["summary"].as_str().unwrap(),
        "steps": steps(0, "PENDING"),
    });
    assert_eq!(content, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_stops_is_told() {
    let app = TestApp::builder().without("srl").start().await;
    app.run(&app.create(&json!({})).await).await;
    let records = app.stub("brain").asked(4).await;
    let summaries: Vec<_> = records.iter().map(summary).collect();
    assert_has(&summaries[0], &["created"]);
    assert_has(&summaries[1], &["step-1", "DONE"]);
    assert_has(
        &summaries[2],
        &["step-2", "ERROR", "refused the connection"],
    );
    assert_has(&summaries[3], &["stopped"]);
    assert_eq!(content(&records[3])["steps"], steps(1, "ERROR"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_for_approval_is_told() {
    let answer = recorded("autonomy-evaluate.json", "low_confidence_approval");
    let app = TestApp::builder().service("autonomy", answer).start().await;
    app.step(&app.create(&json!({})).await).await;
    let records = app.stub("brain").asked(2).await;
    assert_has(
        &summary(&records[1]),
        &["DONE", "approval required", "Low confidence"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_tells_nothing() {
    let app = TestApp::start().await;
    let plan = app.run(&app.create(&json!({})).await).await;
    app.step(&plan).await;
    app.plan(&plan).await;
    app.get("/mesh/plans").await;
    assert_eq!(app.try_step(&json!({"id": "nope"})).await.0, 404);
    app.create(&json!({})).await;
    // Six of the plan that ran, one of the new one; two plans have no order between them.
    let records = app.stub("brain").asked(7).await;
    let created = records
        .iter()
        .filter(|record| summary(record).contains("created"));
    assert_eq!((records.len(), created.count()), (7, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_brain_a_plan_runs_and_is_told_when_brain_comes_back() {
    let port = Port::reserve();
    let url = port.url();
    let app = TestApp::builder()
        .configure(|config| config.services.get_mut("brain").unwrap().url = Some(url))
        .start()
        .await;
    let plan = app.run(&app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    let stored = recorded("brain-memory.json", "write_good");
    let brain = Stub::on(port.listen(), move |_| stored.clone());
    assert_in_order(&brain.asked(6).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brain_that_hangs_holds_nobody() {
    let app = TestApp::start().await;
    app.stub("brain").hold();
    let began = Instant::now();
    let plan = app.create(&json!({})).await;
    app.stub("brain").asked(1).await;
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert_eq!(app.asked("brain"), 1);
    app.stub("brain").release();
    assert_in_order(&app.stub("brain").asked(6).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_brain_does_not_keep_the_host_from_stopping() {
    let app = TestApp::start().await;
    app.stub("brain").hold();
    app.create(&json!({})).await;
    app.stub("brain").asked(1).await;
    let began = Instant::now();
    app.stop().await;
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_brain_refused_is_told_again() {
    let refusals = Arc::new(std::sync::atomic::AtomicUsize::new(2));
    let stored = recorded("brain-memory.json", "write_good");
    let brain = Stub::with(move |_| {
        use std::sync::atomic::Ordering::Relaxed;
        let left = refusals.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        left.map_or_else(|_| stored.clone(), |_| Reply::new(500, "text/plain", "no"))
    })
    .await;
    let url = brain.url.clone();
    let app = TestApp::builder()
        .configure(|config| config.services.get_mut("brain").unwrap().url = Some(url))
        .start()
        .await;
    app.run(&app.create(&json!({})).await).await;
    let records = brain.asked(8).await;
    assert_has(&summary(&records[0]), &["created"]);
    assert_in_order(&records[2..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stopped_host_had_not_told_the_next_one_tells() {
    let app = TestApp::builder().without("brain").start().await;
    let plan = app.run(&app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    let data = app.stop().await;
    let app = TestApp::builder().data(data).start().await;
    assert_in_order(&app.stub("brain").asked(6).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_side_by_side_are_each_told_in_order() {
    let app = Arc::new(TestApp::start().await);
    let mut plans = tokio::task::JoinSet::new();
    for session in 0..5 {
        let app = Arc::clone(&app);
        plans.spawn(async move {
            let body = json!({"sessionId": format!("{session}")});
            app.run(&app.create(&body).await).await
        });
    }
    within(plans.join_all()).await;
    let records = app.stub("brain").asked(30).await;
    for session in 0..5 {
        let session = format!("mesh-{session}");
        let of_plan: Vec<_> = records
            .iter()
            .filter(|record| record.json()["sessionId"] == session)
            .cloned()
            .collect();
        assert_in_order(&of_plan);
    }
}

/// Asserts the records of one whole plan, each once.
#[track_caller]
fn assert_in_order(records: &[Request]) {
    let summaries: Vec<_> = records.iter().map(summary).collect();
    let expected = [
        "created",
        "step-1",
        "step-2",
        "step-3",
        "step-4",
        "completed",
    ];
    assert_eq!(summaries.len(), expected.len(), "{summaries:#?}");
    for (summary, expected) in summaries.iter().zip(expected) {
        assert_has(summary, &[expected]);
    }
}

fn content(record: &Request) -> Value {
    serde_json::from_str(record.json()["content"].as_str().unwrap()).unwrap()
}

fn summary(record: &Request) -> String {
    content(record)["summary"].as_str().unwrap().to_owned()
}

/// The default steps of which so many are done, with the status of the one after them.
fn steps(done: usize, next: &str) -> Value {
    let status = |index: usize| match index.cmp(&done) {
        std::cmp::Ordering::Less => "DONE",
        std::cmp::Ordering::Equal => next,
        std::cmp::Ordering::Greater => "PENDING",
    };
    let line = |(index, (label, service)): (usize, &(&str, &str))| json!({"label": label, "service": service, "status": status(index)});
    LABELS.iter().enumerate().map(line).collect()
}
