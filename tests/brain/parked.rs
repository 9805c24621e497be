//! An event that Brain rejects waits for a person, and holds up only its own plan, and that only
//! for a while.

use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::{
    STORY, asked, assert_recovered, assert_whole_story, delivered, event, good, run, told,
};
use crate::support::{Reply, TestApp, assert_has};

/// A host whose Brain rejects what is told of `step-2` of the session `bad`, as long as the flag
/// is set.
async fn poisoned(rejections: u32, first_wait_ms: u64) -> (TestApp, Arc<AtomicBool>) {
    let app = TestApp::builder()
        .configure(move |config| {
            config.brain.rejections = rejections;
            config.brain.first_wait_ms = first_wait_ms;
        })
        .start()
        .await;
    let poison = Arc::new(AtomicBool::new(true));
    let rejects = Arc::clone(&poison);
    app.stub("brain").answer_with(move |request| {
        let is_bad = event(request) == ("mesh-bad".to_owned(), "step-2".to_owned());
        if is_bad && rejects.load(Ordering::Relaxed) {
            Reply::json(400, &json!({"ok": false, "error": "Brain can't read this"}))
        } else {
            good()
        }
    });
    (app, poison)
}

fn tries(app: &TestApp, session: &str, word: &str) -> usize {
    let wanted = (format!("mesh-{session}"), word.to_owned());
    let requests = app.stub("brain").requests();
    requests.iter().filter(|r| event(r) == wanted).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_event_holds_up_only_its_own_plan() {
    let (app, _) = poisoned(2, 600_000).await;
    run(&app, "bad").await;
    run(&app, "good").await;
    let status = app
        .status_when(|status| status["brain"]["backlog"] == 4)
        .await;
    assert_eq!(status["brain"]["parked"], 0, "{status}");
    let told = told(&app.stub("brain").requests());
    assert_eq!(told["mesh-bad"], ["created", "step-1", "step-2"]);
    assert_eq!(told["mesh-good"], STORY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_event_is_parked_and_can_be_sent_again() {
    let (app, poison) = poisoned(3, 20).await;
    let plan = run(&app, "bad").await;
    let status = app
        .status_when(|status| delivered(status) && status["brain"]["parked"] == 1)
        .await;
    assert_eq!(status["brain"]["oldestAgeMs"], Value::Null);
    assert_eq!(tries(&app, "bad", "step-2"), 3);
    assert_whole_story(&app.stub("brain").requests(), &["bad"]);

    let (code, parked) = app.get("/mesh/brain/parked").await;
    assert_eq!(code, 200);
    let events = parked["events"].as_array().unwrap();
    assert_eq!(events.len(), 1, "{parked}");
    assert_eq!(events[0]["planId"], plan["id"]);
    assert_eq!(events[0]["rejections"], 3);
    let error = events[0]["error"].as_str().unwrap();
    assert!(
        error.contains("400") && error.contains("Brain can't read this"),
        "{error}"
    );
    let id = events[0]["id"].as_i64().unwrap();

    // Still poisoned: it comes back, and an id that is not parked changes nothing.
    let resend = async |ids: Value| app.post("/mesh/brain/resend", &ids).await;
    assert_eq!(
        resend(json!({"ids": [id + 1_000]})).await,
        (200, json!({"ok": true, "resent": 0}))
    );
    assert_eq!(
        resend(json!({"ids": [id]})).await,
        (200, json!({"ok": true, "resent": 1}))
    );
    asked(app.stub("brain"), STORY.len() + 2 + 3).await;
    app.status_when(|status| delivered(status) && status["brain"]["parked"] == 1)
        .await;
    assert_eq!(tries(&app, "bad", "step-2"), 6);

    poison.store(false, Ordering::Relaxed);
    assert_eq!(
        resend(json!({})).await,
        (200, json!({"ok": true, "resent": 1}))
    );
    assert_recovered(&app).await;
    assert_eq!(tries(&app, "bad", "step-2"), 7);
    let (_, parked) = app.get("/mesh/brain/parked").await;
    assert_eq!(parked, json!({"ok": true, "events": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_lists_and_resends() {
    let (app, poison) = poisoned(1, 20).await;
    run(&app, "bad").await;
    app.status_when(|status| status["brain"]["parked"] == 1)
        .await;
    let (_, parked) = app.get("/mesh/brain/parked").await;
    let id = parked["events"][0]["id"].to_string();

    let output = command(&app, &["parked"]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("Brain can't read this"), "{text}");
    assert!(text.contains("1 parked event"), "{text}");

    poison.store(false, Ordering::Relaxed);
    let output = command(&app, &["resend", &id]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.starts_with('1'), "{text}");
    assert_recovered(&app).await;
    assert_eq!(tries(&app, "bad", "step-2"), 2);

    let url = app.url.clone();
    app.stop().await;
    let output = codex_mesh(vec![
        "brain".into(),
        "--url".into(),
        url.clone(),
        "resend".into(),
    ]);
    let output = output.await;
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        error.contains("no host answers at") && error.contains(&url),
        "{error}"
    );
}

async fn command(app: &TestApp, args: &[&str]) -> Output {
    let mut all = vec!["brain".to_owned(), "--url".to_owned(), app.url.clone()];
    all.extend(args.iter().map(|arg| (*arg).to_owned()));
    codex_mesh(all).await
}

async fn codex_mesh(args: Vec<String>) -> Output {
    tokio::task::spawn_blocking(move || {
        Command::new(env!("CARGO_BIN_EXE_codex-mesh"))
            .args(args)
            .output()
            .unwrap()
    })
    .await
    .unwrap()
}

/// While it is tried again it shows why, and so does what is parked.
#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_is_shown() {
    for status in [400, 413, 415, 422] {
        let app = TestApp::builder()
            .configure(|config| {
                config.brain.rejections = 2;
                config.brain.first_wait_ms = 20;
            })
            .service("brain", Reply::json(status, &json!({"error": "a bad one"})))
            .start()
            .await;
        app.create(&json!({})).await;
        let parked = app
            .status_when(|status| status["brain"]["parked"] == 1)
            .await;
        let shown = parked["brain"]["lastError"]["error"].as_str().unwrap();
        assert_has(shown, &[&status.to_string(), "a bad one"]);
    }
}

/// No whole log is parked for a Brain that rejects everything.
#[tokio::test(flavor = "multi_thread")]
async fn few_are_parked_while_brain_takes_none() {
    let app = TestApp::builder()
        .configure(|config| {
            config.brain.rejections = 1;
            config.brain.first_wait_ms = 20;
        })
        .service(
            "brain",
            Reply::json(400, &json!({"error": "not this form"})),
        )
        .start()
        .await;
    for _ in 0..20 {
        app.create(&json!({})).await;
    }
    let held = |status: &Value| {
        let shown = status["brain"]["lastError"]["error"].as_str();
        shown.is_some_and(|shown| shown.contains("no more are parked"))
    };
    let status = app.status_when(held).await;
    assert_eq!(status["brain"]["parked"], 8, "{status}");
    assert_eq!(status["brain"]["backlog"], 12, "{status}");
    app.stub("brain").answer(good());
    let status = app.status_when(delivered).await;
    assert_eq!(status["brain"]["parked"], 8, "{status}");
    let resent = app.post("/mesh/brain/resend", &json!({})).await;
    assert_eq!(resent, (200, json!({"ok": true, "resent": 8})));
    assert_recovered(&app).await;
}

/// A host before this one parked what Brain refused to anybody, and told of no time.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_host_parked_is_sent_again() {
    let app = TestApp::builder().without("brain").start().await;
    let plan = app.create(&json!({"sessionId": "a"})).await;
    let data = app.stop().await;
    let database = rusqlite::Connection::open(data.path().join("mesh.db")).unwrap();
    let sql = "UPDATE outbox SET parked_at = created_at, rejections = 5,
                   last_error = 'brain answered 401: {}', content = json_remove(content, '$.at');
               PRAGMA user_version = 4";
    database.execute_batch(sql).unwrap();
    drop(database);
    let app = TestApp::builder().data(data).start().await;
    assert_recovered(&app).await;
    let record = app.stub("brain").requests()[0].json();
    let content: Value = serde_json::from_str(record["content"].as_str().unwrap()).unwrap();
    assert_eq!(content["at"], plan["createdAt"]);
}
