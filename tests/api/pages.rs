//! Pages of large things: each ends with 4 MiB of JSON, and the next one goes on there.

use serde_json::{Value, json};

use crate::support::{Reply, TestApp, TestAppBuilder, assert_has, http};

/// The most that a page has, in bytes, unless one plan alone has more.
const PAGE: usize = 4 << 20;

/// What is around the plans of a page, in bytes.
const AROUND: usize = 100;

/// A large result, in bytes.
const RESULT: usize = 900_000;

/// A host whose `ops` answers with so much.
fn answering(size: usize) -> TestAppBuilder {
    let answer = json!({"ok": true, "status": "GREEN", "version": "1.0.0", "services": [],
        "text": "x".repeat(size)});
    TestApp::builder()
        .service("ops", Reply::json(200, &answer))
        .configure(|config| {
            // It is not about time.
            config.limits.plugin.cpu_ms = 60_000;
            config.limits.plugin.wall_ms = 60_000;
        })
}

/// A plan that has so many results.
async fn done(app: &TestApp, domain: &str, results: usize) -> Value {
    let steps = vec![json!({"kind": "ops"}); results];
    let plan = app.create(&json!({"domain": domain, "steps": steps})).await;
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{:#}", plan["steps"][0]["error"]);
    plan
}

/// The text of a page, and what is in it.
async fn page(app: &TestApp, path: &str) -> (usize, Value) {
    let answer = http().get(format!("{}{path}", app.url)).send().await;
    let answer = answer.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let content_type = &answer.headers()["content-type"];
    assert_eq!(content_type, "application/json; charset=utf-8");
    let text = answer.text().await.unwrap();
    (text.len(), serde_json::from_str(&text).unwrap())
}

/// All that a list has, page by page, each with its length.
async fn pages(app: &TestApp, path: &str, name: &str) -> Vec<(usize, Vec<Value>)> {
    let (mut pages, mut next) = (Vec::new(), path.to_owned());
    loop {
        let (length, answer) = page(app, &next).await;
        assert_eq!(answer["ok"], true, "{answer}");
        pages.push((length, answer[name].as_array().unwrap().clone()));
        match answer.get("nextCursor") {
            Some(cursor) => next = format!("{path}&cursor={}", cursor.as_str().unwrap()),
            None => return pages,
        }
    }
}

/// Every page is as full as it can be, and no fuller.
fn assert_full(pages: &[(usize, Vec<Value>)], largest: usize) {
    let (_, full) = pages.split_last().unwrap();
    for (length, _) in pages {
        assert!(*length <= PAGE + AROUND, "{length}");
    }
    for (length, items) in full {
        assert!(*length > PAGE - largest - AROUND, "{length}");
        assert!(!items.is_empty());
    }
}

fn whole(pages: Vec<(usize, Vec<Value>)>) -> Vec<Value> {
    pages.into_iter().flat_map(|(_, items)| items).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_plans_ends_with_4_mib_and_the_next_goes_on() {
    let app = answering(RESULT).start().await;
    let mut plans = Vec::new();
    for index in 0..30 {
        let domain = ["video", "system", "system"][index % 3];
        plans.push(match index % 5 {
            // Some are small.
            0 => app.create(&json!({"domain": domain})).await,
            _ => done(&app, domain, 1).await,
        });
    }
    let largest = RESULT + 5_000;
    for path in ["/mesh/plans?limit=100", "/mesh/plans?limit=7"] {
        let oldest = pages(&app, &format!("{path}&order=oldest"), "plans").await;
        assert!(oldest.len() > 5);
        if path.ends_with("100") {
            assert_full(&oldest, largest);
        }
        assert!(whole(oldest) == plans, "none is skipped, doubled or cut");
        let newest = pages(&app, path, "plans").await;
        plans.reverse();
        assert!(whole(newest) == plans, "none is skipped, doubled or cut");
        plans.reverse();
    }
    // Without the results they are one page, whatever is read for it.
    let summaries = pages(&app, "/mesh/plans?order=oldest&view=summary", "plans").await;
    assert_eq!(summaries.len(), 1);
    let listed = whole(summaries);
    assert!(
        listed
            .iter()
            .map(|plan| &plan["id"])
            .eq(plans.iter().map(|plan| &plan["id"]))
    );
    for (filter, keep) in [
        ("domain=system", ("domain", "system")),
        ("status=DONE", ("status", "DONE")),
    ] {
        let listed = pages(&app, &format!("/mesh/plans?{filter}&order=oldest"), "plans").await;
        assert!(listed.len() > 1, "{filter}");
        assert_full(&listed, largest);
        let kept = plans.iter().filter(|plan| plan[keep.0] == keep.1);
        assert!(whole(listed).iter().eq(kept), "{filter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_larger_than_a_page_is_a_page_of_its_own() {
    let app = answering(RESULT).start().await;
    let mut plans = vec![app.create(&json!({})).await, app.create(&json!({})).await];
    plans.push(done(&app, "social", 5).await);
    plans.push(done(&app, "social", 6).await);
    plans.push(app.create(&json!({})).await);
    for order in ["oldest", "newest"] {
        let listed = pages(&app, &format!("/mesh/plans?order={order}"), "plans").await;
        let counts: Vec<usize> = listed.iter().map(|(_, plans)| plans.len()).collect();
        let expected = if order == "oldest" {
            [2, 1, 1, 1]
        } else {
            [1, 1, 1, 2]
        };
        assert_eq!(counts, expected, "{order}");
        assert!(whole(listed) == plans, "{order}");
        plans.reverse();
    }
}

/// A plan that can't be read is told on its page, and counts as one of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_on_its_page() {
    let app = answering(RESULT).start().await;
    let mut plans = Vec::new();
    for _ in 0..12 {
        plans.push(done(&app, "social", 1).await);
    }
    let data = app.stop().await;
    let database = rusqlite::Connection::open(data.path().join("mesh.db")).unwrap();
    for plan in [&plans[0], &plans[6], &plans[11]] {
        let sql = "UPDATE plans SET body = '{' || body WHERE id = ?1";
        database
            .execute(sql, [plan["id"].as_str().unwrap()])
            .unwrap();
    }
    drop(database);
    let app = answering(RESULT).data(data).start().await;
    let (mut seen, mut next) = (Vec::new(), "/mesh/plans?order=oldest".to_owned());
    loop {
        let (_, answer) = page(&app, &next).await;
        let named = answer["unreadable"].as_array().into_iter().flatten();
        let named = named.map(|named| named["id"].clone());
        let listed = answer["plans"].as_array().unwrap().iter();
        seen.extend(listed.map(|plan| plan["id"].clone()).chain(named));
        let Some(cursor) = answer["nextCursor"].as_str() else {
            break;
        };
        next = format!("/mesh/plans?order=oldest&cursor={cursor}");
    }
    let ids = |plans: &[Value]| {
        let mut ids: Vec<String> = plans.iter().map(Value::to_string).collect();
        ids.sort();
        ids
    };
    let plans: Vec<Value> = plans.iter().map(|plan| plan["id"].clone()).collect();
    assert_eq!(ids(&seen), ids(&plans));
}

fn history_of(plan: &Value) -> String {
    format!("/mesh/history?id={}", plan["id"].as_str().unwrap())
}

/// Runs the plan again from its first step, so that its results become history.
async fn again(app: &TestApp, plan: &Value) {
    let retry = json!({"planId": plan["id"], "stepId": "step-1"});
    let (status, answer) = app.post("/mesh/retry", &retry).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(app.run(plan).await["status"], "DONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_of_many_retries_is_told_in_pages() {
    let app = answering(RESULT).start().await;
    // The row of one retry has more than a page.
    let plan = done(&app, "social", 6).await;
    for _ in 0..4 {
        again(&app, &plan).await;
    }
    let listed = pages(&app, &history_of(&plan), "history").await;
    assert_full(&listed, RESULT + 5_000);
    let history = whole(listed);
    let kept = history.iter().filter(|entry| entry["result"].is_object());
    assert_eq!(kept.count(), 4 * 6);
    assert_eq!(history.len(), 1 + 5 * 6 * 3 + 4 * 6, "each change once");
    for limit in [1, 7, 10_000] {
        let path = format!("{}&limit={limit}", history_of(&plan));
        let listed = pages(&app, &path, "history").await;
        assert!(listed.iter().all(|(_, entries)| entries.len() <= limit));
        assert!(whole(listed) == history, "limit {limit}");
    }
    let app = answering(RESULT).data(app.stop().await).start().await;
    let listed = pages(&app, &history_of(&plan), "history").await;
    assert!(whole(listed) == history, "after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_history_is_one_page() {
    let app = TestApp::start().await;
    let plan = app.run(&app.create(&json!({})).await).await;
    let (_, answer) = app.get(&history_of(&plan)).await;
    assert_eq!(answer["history"].as_array().unwrap().len(), 13);
    assert_eq!(answer.get("nextCursor"), None);
}

/// What is not on disk yet is told once, also where a page ends in the middle of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_ends_in_a_step_under_way_goes_on_after_it() {
    let app = TestApp::start().await;
    let plan = app.create(&json!({})).await;
    let mut cursors = Vec::new();
    app.stub("autonomy").hold();
    let stepping = app.step(&plan);
    let watching = async {
        app.stub("autonomy").asked(1).await;
        for limit in 1..=3 {
            let (_, answer) = app
                .get(&format!("{}&limit={limit}", history_of(&plan)))
                .await;
            let transitions = answer["history"].as_array().unwrap().iter();
            let transitions: Vec<_> = transitions
                .map(|entry| entry["transition"].clone())
                .collect();
            assert_eq!(transitions, ["created", "started", "sent"][..limit]);
            cursors.push(answer["nextCursor"].as_str().map(str::to_owned));
        }
        app.stub("autonomy").release();
    };
    tokio::join!(stepping, watching);
    assert_eq!(cursors[2], None, "that is all there is");
    for (cursor, expected) in cursors.iter().flatten().zip([3, 2]) {
        let (_, answer) = app
            .get(&format!("{}&cursor={cursor}", history_of(&plan)))
            .await;
        let rest = answer["history"].as_array().unwrap();
        let transitions = ["started", "sent", "finished"];
        let transitions = &transitions[transitions.len() - expected..];
        assert!(
            rest.iter()
                .map(|entry| &entry["transition"])
                .eq(transitions),
            "{answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_page_of_a_history_is_refused() {
    let app = TestApp::start().await;
    let plan = app.create(&json!({})).await;
    for wrong in ["0", "10001", "-1", "x", ""] {
        let (status, answer) = app
            .get(&format!("{}&limit={wrong}", history_of(&plan)))
            .await;
        assert_eq!(status, 400, "{wrong:?}");
        assert_has(
            answer["error"].as_str().unwrap(),
            &["limit must be a number from 1 to 10000"],
        );
    }
    for wrong in [
        "",
        "1",
        "-1",
        "x-1",
        "1--1",
        "1-x",
        "99999999999999999999-0",
        "oldest-1",
    ] {
        let (status, answer) = app
            .get(&format!("{}&cursor={wrong}", history_of(&plan)))
            .await;
        assert_eq!(status, 400, "{wrong:?}");
        assert_has(
            answer["error"].as_str().unwrap(),
            &["cursor must be the nextCursor"],
        );
    }
    let (status, answer) = app.get("/mesh/history?id=nobody&cursor=1-0").await;
    assert_eq!((status, &answer["error"]), (404, &json!("Plan not found")));
    let beyond = format!("{}&cursor={}-9", history_of(&plan), i64::MAX);
    let expected = json!({"ok": true, "history": []});
    assert_eq!(app.get(&beyond).await, (200, expected));
}
