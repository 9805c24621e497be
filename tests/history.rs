//! What happened to a plan can be told from its first moment to its last, for as long as the plan
//! is kept.

use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Reply, TestApp};

async fn history(app: &TestApp, plan: &Value) -> Vec<Value> {
    let id = plan["id"].as_str().unwrap();
    let (status, answer) = app.get(&format!("/mesh/history?id={id}")).await;
    assert_eq!((status, &answer["ok"]), (200, &json!(true)), "{answer}");
    answer["history"].as_array().unwrap().clone()
}

/// `finished step-1 DONE by host`
fn line(entry: &Value) -> String {
    let field = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
    let (what, step) = (field("transition"), field("step"));
    format!("{what} {step} {} by {}", field("status"), field("actor"))
}

fn lines(history: &[Value]) -> Vec<String> {
    history.iter().map(line).collect()
}

/// Times are RFC 3339 with milliseconds, in UTC, so that they sort as text.
fn assert_times(history: &[Value]) {
    let times: Vec<&str> = history.iter().map(|e| e["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    for time in times {
        let form: String = time
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(form, "0000-00-00T00:00:00.000Z");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_transition_is_kept_also_after_a_restart() {
    let app = TestApp::builder()
        .configure(|config| config.retry.first_wait_ms = 5)
        .start()
        .await;
    let mut failures = 2;
    let good = crate::support::recorded("autonomy-evaluate.json", "good_allow");
    app.stub("autonomy").answer_with(move |_| {
        if failures == 0 {
            return good.clone();
        }
        failures -= 1;
        Reply::json(502, &json!({}))
    });
    let plan = app.run(&app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "DONE", "{plan}");

    let before = history(&app, &plan).await;
    let mut expected = vec!["created - PENDING by client".to_owned()];
    for step in ["step-1", "step-2", "step-3", "step-4"] {
        expected.push(format!("started {step} IN_PROGRESS by client"));
        expected.push(format!("sent {step} IN_PROGRESS by host"));
        expected.push(format!("finished {step} DONE by host"));
    }
    assert_eq!(lines(&before), expected);
    assert_times(&before);
    assert_eq!(before[0]["at"], plan["createdAt"]);
    assert_eq!(before.last().unwrap()["at"], plan["updatedAt"]);
    for entry in &before[1..] {
        assert_eq!(entry["attempt"], 1, "{entry}");
        let ended = entry["transition"] == "finished";
        assert_eq!(entry["requests"].is_u64(), ended, "{entry}");
        assert_eq!(entry["durationMs"].is_i64(), ended, "{entry}");
    }
    let requests = |index: usize| before[index]["requests"].as_u64().unwrap();
    assert_eq!([3, 6, 9, 12].map(requests), [3, 1, 1, 1]);
    let waited = before[3]["durationMs"].as_i64().unwrap();
    assert!(
        (5..60_000).contains(&waited),
        "two waits are in it: {waited}"
    );

    let app = TestApp::builder().data(app.stop().await).start().await;
    assert_eq!(history(&app, &plan).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_under_way_and_one_that_failed_show() {
    let app = TestApp::builder()
        .service(
            "srl",
            Reply::json(200, &json!({"ok": false, "error": "srl is lost"})),
        )
        .start()
        .await;
    app.stub("autonomy").hold();
    let plan = app.create(&json!({})).await;
    let stepping = app.step(&plan);
    let watching = async {
        app.stub("autonomy").asked(1).await;
        let seen = history(&app, &plan).await;
        app.stub("autonomy").release();
        seen
    };
    let (_, seen) = tokio::join!(stepping, watching);
    let under_way = [
        "created - PENDING by client",
        "started step-1 IN_PROGRESS by client",
        "sent step-1 IN_PROGRESS by host",
    ];
    assert_eq!(lines(&seen), under_way);

    let plan = app.step(&plan).await;
    assert_eq!(plan["status"], "ERROR", "{plan}");
    let seen = history(&app, &plan).await;
    let last = seen.last().unwrap();
    assert_eq!(line(last), "finished step-2 ERROR by host");
    assert_eq!(last["error"], plan["steps"][1]["error"]);
    assert!(
        last["error"].as_str().unwrap().contains("srl is lost"),
        "{last}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_has_no_history() {
    let app = TestApp::start().await;
    for id in [
        "0",
        "",
        "019a0000-0000-7000-8000-000000000000",
        "%00",
        "%F0%9F%92%A5",
    ] {
        let (status, answer) = app.get(&format!("/mesh/history?id={id}")).await;
        let expected = json!({"ok": false, "error": "Plan not found"});
        assert_eq!((status, answer), (404, expected), "{id:?}");
    }
    let (status, answer) = app.get("/mesh/history").await;
    let expected = json!({"ok": false, "error": "id is required"});
    assert_eq!((status, answer), (400, expected));
}

/// Starts again where only what is unfinished is kept.
async fn without_retention(data: Arc<TempDir>, brain_is_up: bool) -> TestApp {
    let builder = TestApp::builder().data(data).configure(|config| {
        config.retention.events_days = 0;
        config.retention.plans_days = 0;
    });
    if brain_is_up {
        builder.start().await
    } else {
        builder.without("brain").start().await
    }
}

/// Waits until the clean-up at the start has removed the plan.
async fn removed(app: &TestApp, plan: &Value) {
    let path = format!("/mesh/plan?id={}", plan["id"].as_str().unwrap());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while app.get(&path).await.0 != 404 {
        assert!(std::time::Instant::now() < deadline, "it is still there");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_need_not_be_kept_goes_and_all_else_stays() {
    let app = TestApp::builder().without("brain").start().await;
    let finished = app.run(&app.create(&json!({})).await).await;
    assert_eq!(finished["status"], "DONE");
    let begun = app.step(&app.create(&json!({})).await).await;
    let new = app.create(&json!({})).await;
    app.status_when(|status| status["brain"]["backlog"] == 6 + 2 + 1)
        .await;

    // A finished plan goes; what Brain has not been told of it stays.
    let app = without_retention(app.stop().await, false).await;
    removed(&app, &finished).await;
    let (status, _) = app
        .get(&format!(
            "/mesh/history?id={}",
            finished["id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(status, 404);
    app.status_when(|status| status["brain"]["backlog"] == 6 + 2 + 1)
        .await;
    for plan in [&begun, &new] {
        let (_, answer) = app
            .get(&format!("/mesh/plan?id={}", plan["id"].as_str().unwrap()))
            .await;
        assert_eq!(&answer["plan"], plan);
    }
    assert_eq!(history(&app, &begun).await.len(), 4);

    // Once delivered, events go as well, at the next clean-up.
    let app = without_retention(app.stop().await, true).await;
    app.status_when(|status| status["brain"]["backlog"] == 0)
        .await;
    assert_eq!(app.stub("brain").requests().len(), 6 + 2 + 1);
    let data = app.stop().await;
    assert_eq!(
        events(&data),
        6 + 2 + 1,
        "delivered after the clean-up of that start"
    );
    let app = without_retention(data, true).await;
    let finished = app.run(&begun).await;
    assert_eq!(finished["status"], "DONE", "{finished}");
    app.status_when(|status| status["brain"]["backlog"] == 0)
        .await;
    let data = app.stop().await;
    assert_eq!(events(&data), 4, "of the steps that were left");
}

fn events(data: &TempDir) -> i64 {
    let database = rusqlite::Connection::open(data.path().join("mesh.db")).unwrap();
    database
        .query_row("SELECT count(*) FROM outbox", [], |row| row.get(0))
        .unwrap()
}
