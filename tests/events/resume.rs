//! After a disconnection a client goes on behind the last event it has seen, whatever became of the
//! host meanwhile.

use serde_json::{Value, json};

use super::{assert_numbered, data, is_done, of, run, told};
use crate::support::{
    Events, Program, Seen, Stub, TestApp, assert_has, friendly, http, settled, within,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_place_in_a_stream_can_be_gone_on_from() {
    let app = TestApp::start().await;
    let plan = app.create(&json!({})).await;
    run(&app, &plan).await;
    let mut events = Events::open(&app.url, &of(&plan), None).await;
    let whole = events.until(is_done).await;
    for (index, seen) in whole[..whole.len() - 1].iter().enumerate() {
        let Some(id) = seen.id else { continue };
        let mut rest = Events::open(&app.url, &of(&plan), Some(id)).await;
        assert_eq!(rest.until(is_done).await, whole[index + 1..], "after {id}");
        // A browser can't set the header at first, and later sends it with the same query.
        let query = format!("{}&lastEventId={id}", of(&plan));
        let mut rest = Events::open(&app.url, &query, None).await;
        assert_eq!(rest.next().await.unwrap(), whole[index + 1]);
        let mut rest = Events::open(&app.url, &query, Some(0)).await;
        assert_eq!(rest.next().await.unwrap(), whole[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_plans_are_told_from_now_on_or_from_a_number() {
    let app = TestApp::start().await;
    let old = app.create(&json!({})).await;
    let mut now = Events::open(&app.url, "", None).await;
    let mut everything = Events::open(&app.url, "", Some(0)).await;
    // A number that this database never gave is as good as none.
    let mut from_elsewhere = Events::open(&app.url, "", Some(i64::MAX)).await;
    let new = app.create(&json!({})).await;
    let expected = told(&app, &new).await;
    assert_eq!(now.next().await.unwrap().data, expected[0]);
    assert_eq!(from_elsewhere.next().await.unwrap().data, expected[0]);
    assert_eq!(everything.next().await.unwrap().plan(), old["id"]);
    assert_eq!(everything.next().await.unwrap().plan(), new["id"]);
}

/// Killed with a step under way whose beginning was told and is on no disk: it begins again, and
/// nothing that has a number is missing or comes twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_host_leaves_no_gap() {
    let folder = tempfile::tempdir().unwrap();
    let (mut stubs, mut urls) = (Vec::new(), Vec::new());
    for (name, reply) in friendly() {
        let stub = Stub::answering(reply).await;
        urls.push((name, stub.url.clone()));
        stubs.push((name, stub));
    }
    let services = urls.iter().map(|(name, url)| (*name, url.as_str()));
    let program = Program::new(folder.path(), "", services);
    let (mut process, url) = program.start().await;
    let plan = post(
        &url,
        "/mesh/create",
        &json!({"sessionId": "s", "domain": "social", "goal": "Live on"}),
    )
    .await;

    // Held before anything goes on, so that only one step is done in each life.
    let held = ["autonomy", "srl", "hardening"]
        .map(|name| &stubs.iter().find(|(stub, _)| *stub == name).unwrap().1);
    held.iter().for_each(|stub| stub.hold());
    let mut kept = Vec::new();
    let mut url = url;
    let mut run = true;
    for (step, stub) in (1..).zip(held) {
        let mut events = follow(&url, &plan, &kept).await;
        if std::mem::take(&mut run) {
            post(&url, "/mesh/run", &json!({"planId": plan["id"]})).await;
        }
        stub.asked(1).await;
        let sent = format!("sent step-{step} IN_PROGRESS");
        let seen = events.until(|seen| seen.line() == sent).await;
        assert_eq!(seen.last().unwrap().id, None);
        process.kill();
        assert_eq!(events.next().await, None, "it ends with the host");
        kept.extend(settled(seen));
        stub.release();
        (process, url) = program.start().await;
    }
    let mut events = follow(&url, &plan, &kept).await;
    kept.extend(events.until(is_done).await);
    assert_numbered(&kept);
    let history = http()
        .get(format!("{url}/mesh/history{}", of(&plan)))
        .send();
    let history: Value =
        serde_json::from_str(&history.await.unwrap().text().await.unwrap()).unwrap();
    let mut expected = history["history"].as_array().unwrap().clone();
    for entry in &mut expected {
        entry["planId"] = plan["id"].clone();
    }
    assert_eq!(data(&kept), expected);
}

async fn follow(url: &str, plan: &Value, kept: &[Seen]) -> Events {
    let last = kept.last().map(|seen| seen.id.unwrap());
    Events::open(url, &of(plan), last).await
}

async fn post(url: &str, path: &str, body: &Value) -> Value {
    let request = http().post(format!("{url}{path}"));
    let request = request.header("content-type", "application/json");
    let answer = within(request.body(body.to_string()).send()).await.unwrap();
    let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(answer["ok"], true, "{answer}");
    answer["plan"].clone()
}

/// The number of a change is never given twice, even if the change is not kept any longer.
#[tokio::test(flavor = "multi_thread")]
async fn numbers_grow_also_when_old_plans_go() {
    let app = TestApp::builder()
        .configure(|config| config.retention.plans_days = 0)
        .start()
        .await;
    let plan = app.run(&app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "DONE");
    let mut events = Events::open(&app.url, &of(&plan), None).await;
    let last = events.until(is_done).await.last().unwrap().id.unwrap();
    drop(events);
    // What is old goes when a host starts.
    let data = app.stop().await;
    let again = |data| {
        TestApp::builder()
            .configure(|config| config.retention.plans_days = 0)
            .data(data)
    };
    let app = again(data).start().await;
    let mut events = Events::open(&app.url, "", Some(last)).await;
    let new = app.create(&json!({})).await;
    let seen = events.next().await.unwrap();
    assert_eq!(seen.plan(), new["id"]);
    assert!(seen.id.unwrap() > last, "{seen:?} after {last}");
    // Nothing keeps the old one any more.
    let app = again(app.stop().await).start().await;
    within(async {
        while app.get(&format!("/mesh/plan{}", of(&plan))).await.0 != 404 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let (_, answer) = app.get(&format!("/mesh/events{}", of(&plan))).await;
    assert_has(answer["error"].as_str().unwrap(), &["Plan not found"]);
}
