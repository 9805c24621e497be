//! `GET /mesh/plans`: newest or oldest first, a page at a time, filtered.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::{Reply, TestApp, assert_has, within};

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_listed_newest_first_and_whole() {
    let app = TestApp::start().await;
    let first = app.create(&json!({"goal": "The first goal"})).await;
    let second = app.create(&json!({"goal": "The second goal"})).await;
    let first = app.step(&first).await;
    let expected = json!({"ok": true, "plans": [second, first]});
    assert_eq!(app.get("/mesh/plans").await, (200, expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_plans_the_list_is_empty() {
    let app = TestApp::start().await;
    let expected = json!({"ok": true, "plans": []});
    assert_eq!(app.get("/mesh/plans").await, (200, expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_a_hundred_plans_unless_told() {
    let app = TestApp::start().await;
    let ids = create_many(&app, 101).await;
    let (page, cursor) = page(&app, "").await;
    assert_eq!(page, ids[..100]);
    let (rest, cursor) = self::page(&app, &format!("cursor={}", cursor.unwrap())).await;
    assert_eq!(rest, ids[100..]);
    assert_eq!(cursor, None);
    let (all, cursor) = self::page(&app, "limit=1000").await;
    assert_eq!((all, cursor), (ids, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_end_when_there_is_no_next_cursor() {
    let app = TestApp::start().await;
    let ids = create_many(&app, 6).await;
    for limit in 1..=7 {
        let (mut seen, mut query) = (Vec::new(), format!("limit={limit}"));
        let pages = loop {
            let (page, cursor) = page(&app, &query).await;
            assert!(page.len() <= limit);
            seen.extend(page);
            match cursor {
                Some(cursor) => query = format!("limit={limit}&cursor={cursor}"),
                None => break seen.len().div_ceil(limit),
            }
        };
        assert_eq!(seen, ids, "limit {limit}");
        assert_eq!(pages, 6_usize.div_ceil(limit));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_listed_oldest_first_page_by_page() {
    let app = TestApp::start().await;
    let mut ids = create_many(&app, 5).await;
    assert_eq!(page(&app, "order=newest").await, (ids.clone(), None));
    ids.reverse();
    assert_eq!(page(&app, "order=oldest").await, (ids.clone(), None));
    let (first, cursor) = page(&app, "order=oldest&limit=2").await;
    let later = create_many(&app, 1).await;
    let query = format!("order=oldest&limit=3&cursor={}", cursor.unwrap());
    let (second, cursor) = page(&app, &query).await;
    assert_eq!([first, second].concat(), ids);
    let query = format!("order=oldest&cursor={}", cursor.unwrap());
    assert_eq!(page(&app, &query).await, (later, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_holds_oldest_first_too() {
    let app = Arc::new(TestApp::start().await);
    let mut pending = create_many(&app, 3).await;
    pending.reverse();
    let running = app.create(&json!({})).await;
    app.stub("autonomy").hold();
    let step = tokio::spawn({
        let (app, plan) = (Arc::clone(&app), running.clone());
        async move { app.step(&plan).await }
    });
    app.stub("autonomy").asked(1).await;
    let query = "order=oldest&status=PENDING&limit=2";
    let (first, cursor) = page(&app, query).await;
    let (rest, cursor) = page(&app, &format!("{query}&cursor={}", cursor.unwrap())).await;
    assert_eq!(([first, rest].concat(), cursor), (pending, None));
    let all = page(&app, "order=oldest&status=RUNNING").await;
    assert_eq!(all, (vec![id(&running)], None));
    app.stub("autonomy").release();
    within(step).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_created_meanwhile_does_not_move_the_pages() {
    let app = TestApp::start().await;
    let ids = create_many(&app, 4).await;
    let (first, cursor) = page(&app, "limit=2").await;
    create_many(&app, 3).await;
    let (second, _) = page(&app, &format!("limit=2&cursor={}", cursor.unwrap())).await;
    assert_eq!([first, second].concat(), ids);
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_filtered_by_domain_and_session() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for (domain, session) in [("video", "a"), ("video", "b b&c"), ("system", "a")] {
        let plan = app
            .create(&json!({"domain": domain, "sessionId": session}))
            .await;
        ids.push(id(&plan));
    }
    let cases: [(&str, &[usize]); 7] = [
        ("domain=video", &[1, 0]),
        ("domain=system", &[2]),
        ("domain=trends", &[]),
        ("sessionId=a", &[2, 0]),
        ("sessionId=b%20b%26c", &[1]),
        ("sessionId=A", &[]),
        ("domain=video&sessionId=a", &[0]),
    ];
    for (query, expected) in cases {
        let expected: Vec<_> = expected.iter().map(|index| ids[*index].clone()).collect();
        assert_eq!(page(&app, query).await, (expected, None), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_holds_over_pages() {
    let app = TestApp::start().await;
    let mut videos = Vec::new();
    for index in 0..6 {
        let domain = ["video", "system"][index % 2];
        let plan = app.create(&json!({"domain": domain})).await;
        if domain == "video" {
            videos.insert(0, id(&plan));
        }
    }
    let (first, cursor) = page(&app, "domain=video&limit=2").await;
    let query = format!("domain=video&limit=2&cursor={}", cursor.unwrap());
    let (second, cursor) = page(&app, &query).await;
    assert_eq!([first, second].concat(), videos);
    assert_eq!(cursor, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_filtered_by_status() {
    let app = TestApp::start().await;
    let pending = app.create(&json!({})).await;
    let running = app.step(&app.create(&json!({})).await).await;
    let done = app.run(&app.create(&json!({})).await).await;
    app.stub("autonomy")
        .answer(Reply::new(500, "text/plain", "no"));
    let failed = app.run(&app.create(&json!({})).await).await;
    for plan in [pending, running, done, failed] {
        let status = plan["status"].as_str().unwrap();
        let (_, answer) = app.get(&format!("/mesh/plans?status={status}")).await;
        assert_eq!(answer, json!({"ok": true, "plans": [plan]}), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_whose_first_step_is_under_way_is_running() {
    let app = Arc::new(TestApp::start().await);
    let plan = app.create(&json!({})).await;
    app.stub("autonomy").hold();
    let step = tokio::spawn({
        let (app, plan) = (Arc::clone(&app), plan.clone());
        async move { app.step(&plan).await }
    });
    app.stub("autonomy").asked(1).await;
    let all = page(&app, "").await;
    assert_eq!(page(&app, "status=RUNNING").await, all);
    assert_eq!(page(&app, "status=PENDING").await, (vec![], None));
    app.stub("autonomy").release();
    within(step).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_parameter_is_400_with_what_is_allowed() {
    let app = TestApp::start().await;
    let mut cases = vec![
        ("domain=nope", "domain", "social, ecomm, video"),
        ("domain=", "domain", "social, ecomm, video"),
        (
            "status=done",
            "status",
            "PENDING, RUNNING, WAITING, DONE, ERROR, CANCELLED",
        ),
        (
            "status=IN_PROGRESS",
            "status",
            "PENDING, RUNNING, WAITING, DONE, ERROR, CANCELLED",
        ),
        ("order=", "order", "newest, oldest"),
        ("order=Oldest", "order", "newest, oldest"),
        ("order=desc", "order", "newest, oldest"),
        ("order=oldest&cursor=1", "cursor", "in the order oldest"),
        (
            "order=oldest&cursor=oldest--1",
            "cursor",
            "in the order oldest",
        ),
        ("cursor=oldest-1", "cursor", "in the order newest"),
        (
            "order=newest&cursor=oldest-1",
            "cursor",
            "in the order newest",
        ),
        ("cursor=x", "cursor", "nextCursor"),
        ("cursor=-1", "cursor", "nextCursor"),
        ("cursor=", "cursor", "nextCursor"),
        ("cursor=99999999999999999999", "cursor", "nextCursor"),
    ];
    for limit in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "limit=",
        "limit=1.5",
    ] {
        cases.push((limit, "limit", "1 to 1000"));
    }
    for (query, field, allowed) in cases {
        let (status, answer) = app.get(&format!("/mesh/plans?{query}")).await;
        assert_eq!(status, 400, "{query}");
        let error = answer["error"].as_str().unwrap();
        assert_eq!(answer, json!({"ok": false, "error": error}));
        assert_has(error, &[field, allowed]);
    }
}

/// Creates so many small plans; their ids, newest first.
async fn create_many(app: &TestApp, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let plan = app.create(&json!({"steps": [{"kind": "ops"}]})).await;
        ids.insert(0, id(&plan));
    }
    ids
}

/// The ids on a page, and where the next one begins.
async fn page(app: &TestApp, query: &str) -> (Vec<String>, Option<String>) {
    let (status, answer) = app.get(&format!("/mesh/plans?{query}")).await;
    assert_eq!((status, &answer["ok"]), (200, &json!(true)), "{answer}");
    let ids = answer["plans"].as_array().unwrap().iter().map(id).collect();
    let cursor = answer
        .get("nextCursor")
        .map(|cursor| cursor.as_str().unwrap().to_owned());
    (ids, cursor)
}

fn id(plan: &Value) -> String {
    plan["id"].as_str().unwrap().to_owned()
}
