//! Pages of large things: each ends with 4 MiB of JSON, and the next one goes on there.

use serde_json::{Value, json};

use crate::support::{Reply, TestApp, TestAppBuilder, http};

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
