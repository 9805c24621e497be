//! Every transition, once and in order, as it happens.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{assert_numbered, data, is_done, lines, of, run, told};
use crate::support::{Events, Seen, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn a_plans_stream_is_its_history() {
    let app = TestApp::start().await;
    let plan = app.create(&json!({})).await;
    let other = app.create(&json!({})).await;
    let mut early = Events::open(&app.url, &of(&plan), None).await;
    run(&app, &plan).await;
    run(&app, &other).await;
    let seen = early.until(is_done).await;
    let mut expected = vec!["created - PENDING".to_owned(), "run - PENDING".to_owned()];
    for step in 1..=4 {
        for (what, status) in [
            ("started", "IN_PROGRESS"),
            ("sent", "IN_PROGRESS"),
            ("finished", "DONE"),
        ] {
            expected.push(format!("{what} step-{step} {status}"));
        }
    }
    assert_eq!(lines(&seen), expected);
    assert_eq!(data(&seen), told(&app, &plan).await);
    assert_numbered(&seen);

    // Who comes when all is over is told the same, and each row's last event has the number.
    let mut late = Events::open(&app.url, &of(&plan), None).await;
    assert_eq!(data(&late.until(is_done).await), data(&seen));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_on_disk_yet_shows_at_once() {
    let app = TestApp::start().await;
    let plan = app.create(&json!({})).await;
    let autonomy = app.stub("autonomy");
    autonomy.hold();
    let mut before = Events::open(&app.url, &of(&plan), None).await;
    let mut all = Events::open(&app.url, "", None).await;
    run(&app, &plan).await;
    autonomy.asked(1).await;
    // The step can't end, so all of this comes while it is under way.
    let is_sent = |seen: &Seen| seen.event == "sent";
    let mut first = before.until(is_sent).await;
    let mut from_all = all.until(is_sent).await;
    let mut during = Events::open(&app.url, &of(&plan), None).await;
    let mut second = during.until(is_sent).await;
    assert_eq!(data(&first), data(&second));
    assert_eq!(data(&first[1..]), data(&from_all));
    for seen in [&first, &second] {
        let numbered: Vec<bool> = seen.iter().map(|seen| seen.id.is_some()).collect();
        assert_eq!(numbered, [true, true, false, false], "{seen:?}");
    }

    autonomy.release();
    first.extend(before.until(is_done).await);
    second.extend(during.until(is_done).await);
    from_all.extend(all.until(is_done).await);
    let expected = told(&app, &plan).await;
    assert_eq!(data(&first), expected);
    assert_eq!(data(&second), expected);
    assert_eq!(data(&from_all), expected[1..]);
    assert_numbered(&first);
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_and_failures_show_with_who_and_why() {
    let app = TestApp::builder().without("srl").start().await;
    let plan = app.create(&json!({})).await;
    let mut events = Events::open(&app.url, &of(&plan), None).await;
    app.run(&plan).await;
    for (path, body) in [
        (
            "/mesh/retry",
            json!({"planId": plan["id"], "stepId": "step-1"}),
        ),
        (
            "/mesh/skip",
            json!({"planId": plan["id"], "stepId": "step-2", "by": "Ada", "reason": "line 1\n\tline 2"}),
        ),
        (
            "/mesh/cancel",
            json!({"planId": plan["id"], "by": "Bob", "reason": "enough"}),
        ),
    ] {
        let (status, answer) = app.post(path, &body).await;
        assert_eq!(status, 200, "{answer}");
    }
    let seen = events.until(|seen| seen.event == "cancelled").await;
    assert_eq!(data(&seen), told(&app, &plan).await);
    assert_numbered(&seen);
    let one = |event: &str| seen.iter().find(|seen| seen.event == event).unwrap();
    assert_eq!(one("skipped").data["by"], "Ada");
    assert_eq!(one("skipped").data["reason"], "line 1\n\tline 2");
    assert_eq!(one("cancelled").data["planStatus"], "CANCELLED");
    let failed = seen.iter().find(|seen| seen.data["status"] == "ERROR");
    assert!(failed.unwrap().data["error"].is_string());
    // What had come of the step that went back is in the history, and not here.
    assert!(seen.iter().all(|seen| seen.data.get("result").is_none()));
    let (_, history) = app.get(&format!("/mesh/history{}", of(&plan))).await;
    assert!(history.to_string().contains("\"result\":"));
}

/// Many plans at once: one stream of all, one of each, and one of all that is cut again and again.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_told_twice_under_load() {
    const PLANS: usize = 40;
    let app = TestApp::start().await;
    let mut all = Events::open(&app.url, "", None).await;
    let mut plans = Vec::new();
    let mut each = Vec::new();
    for _ in 0..PLANS {
        let plan = app.create(&json!({})).await;
        each.push(Events::open(&app.url, &of(&plan), None).await);
        plans.push(plan);
    }
    let cut = tokio::spawn(watch_in_pieces(app.url.clone(), PLANS));
    let whole = tokio::spawn(async move {
        let mut seen = Vec::new();
        while seen.iter().filter(|seen| is_done(seen)).count() < PLANS {
            seen.push(all.next().await.unwrap());
        }
        seen
    });
    for plan in &plans {
        run(&app, plan).await;
    }
    let (cut, whole) = (cut.await.unwrap(), whole.await.unwrap());
    assert_numbered(&cut);
    assert_numbered(&whole);
    let (cut, whole) = (by_plan(&cut), by_plan(&whole));
    for (plan, mut events) in plans.iter().zip(each) {
        let seen = events.until(is_done).await;
        assert_numbered(&seen);
        let expected = told(&app, plan).await;
        assert_eq!(data(&seen), expected);
        let id = plan["id"].as_str().unwrap();
        assert_eq!(whole[id], expected);
        assert_eq!(cut[id], expected);
    }
}

/// Everything from the first change on, on connections that are given up after a few events.
async fn watch_in_pieces(url: String, plans: usize) -> Vec<Seen> {
    let mut kept: Vec<Seen> = Vec::new();
    for piece in 1.. {
        let last = kept.iter().rev().find_map(|seen| seen.id).unwrap_or(0);
        let mut events = Events::open(&url, "", Some(last)).await;
        let mut seen = Vec::new();
        // Far enough that something new with a number is among them.
        while seen.len() < 7 + piece % 20 || seen.iter().all(|seen: &Seen| seen.id.is_none()) {
            seen.push(events.next().await.unwrap());
            let done = kept
                .iter()
                .chain(&seen)
                .filter(|seen| is_done(seen))
                .count();
            if done == plans {
                kept.extend(seen);
                return kept;
            }
        }
        kept.extend(crate::support::settled(seen));
    }
    unreachable!()
}

fn by_plan(seen: &[Seen]) -> BTreeMap<String, Vec<Value>> {
    let mut plans: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for seen in seen {
        plans
            .entry(seen.plan())
            .or_default()
            .push(seen.data.clone());
    }
    plans
}
