//! `codex-mesh plans` and `codex-mesh plan`.

use serde_json::json;

use super::{host_that_asks, json_lines, mesh};
use crate::support::{TestApp, assert_has};

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_listed_newest_first() {
    let app = TestApp::start().await;
    let long = "g".repeat(200);
    let first = app.create(&json!({"goal": long})).await;
    let second = app
        .create(&json!({"domain": "video", "mode": "DRY_RUN"}))
        .await;
    let second = app.run(&second).await;
    let listed = |args: &[&str]| {
        let ended = mesh(&app.url, &["plans"]).args(args).ends();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let lines: Vec<String> = ended.stdout.lines().map(str::to_owned).collect();
        lines
    };
    let all = listed(&[]);
    assert_eq!(all.len(), 3);
    assert_has(
        &all[0],
        &["ID", "STATUS", "MODE", "DOMAIN", "DONE", "CREATED", "GOAL"],
    );
    let id = |plan: &serde_json::Value| plan["id"].as_str().unwrap().to_owned();
    assert_has(&all[1], &[&id(&second), "DONE", "DRY_RUN", "video", "4/4"]);
    assert_has(
        &all[2],
        &[
            &id(&first),
            "PENDING",
            "LIVE",
            "social",
            "0/4",
            &"g".repeat(59),
        ],
    );
    assert!(!all[2].contains(&long));

    for (args, plan) in [
        (&["--limit", "1"], &second),
        (&["--status", "PENDING"], &first),
        (&["--domain", "video"], &second),
    ] {
        let some = listed(args);
        assert_eq!(some.len(), 2, "{some:?}");
        assert_has(&some[1], &[&id(plan)]);
    }
    let json = json_lines(&listed(&["--json"]).join("\n"));
    assert_eq!(json, [second.clone(), first.clone()]);
    let json = json_lines(&listed(&["--json", "--order", "oldest"]).join("\n"));
    assert_eq!(json, [first, second]);
    let wrong = [
        ["--limit", "0"],
        ["--status", "GONE"],
        ["--domain", "x"],
        ["--order", "x"],
    ];
    for wrong in wrong {
        assert_eq!(mesh(&app.url, &["plans"]).args(&wrong).ends().code, Some(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_shown_with_all_that_matters() {
    let app = host_that_asks().await;
    let plan = app.create(&json!({})).await;
    let run = json!({"planId": plan["id"], "wait": true});
    let (_, answer) = app.post("/mesh/run", &run).await;
    let plan = answer["plan"].clone();
    assert_eq!(plan["status"], "WAITING");
    let id = plan["id"].as_str().unwrap();
    let show = || mesh(&app.url, &["plan", id]).ends();
    let shown = show();
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let text = |pointer: &str| plan.pointer(pointer).unwrap().as_str().unwrap();
    let expected = [
        id,
        text("/goal"),
        "WAITING",
        "step-1  DONE",
        text("/steps/0/label"),
        "approval asked for: ",
        text("/steps/0/approval/reason"),
        "step-4  PENDING",
        text("/waiting/0/reason"),
        text("/waiting/0/digest"),
        "\"stepId\":\"step-1\"",
    ];
    assert_has(&shown.stdout, &expected);

    let reject = json!({"planId": id, "stepId": "step-1", "rejectedBy": "Bob", "reason": "no"});
    assert_eq!(app.post("/mesh/reject", &reject).await.0, 200);
    let skip = json!({"planId": id, "stepId": "step-4", "by": "Eve", "reason": "useless"});
    assert_eq!(app.post("/mesh/skip", &skip).await.0, 200);
    let expected = [
        "ERROR",
        "error: rejected by Bob: no",
        "skipped by Eve: useless",
    ];
    assert_has(&show().stdout, &expected);
    let json = mesh(&app.url, &["plan", id, "--json"]).ends();
    let plan = app.plan(&plan).await;
    assert_eq!(json_lines(&json.stdout), [plan]);

    let unknown = mesh(&app.url, &["plan", "a b&c"]).ends();
    assert_eq!(unknown.code, Some(1));
    assert_has(&unknown.stderr, &["Plan not found"]);
}

/// A page of large plans ends early, and the next one is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn large_plans_are_listed_to_the_limit() {
    let app = TestApp::start().await;
    let mut plans = Vec::new();
    for _ in 0..5 {
        plans.insert(0, app.create(&json!({})).await);
    }
    let data = app.stop().await;
    let database = rusqlite::Connection::open(data.path().join("mesh.db")).unwrap();
    // What a plugin may leave of a step.
    let result = format!("\"{}\"", "x".repeat(2_000_000));
    let sql = "UPDATE plans SET body = json_set(body, '$.steps[0].result', json(?1))";
    assert_eq!(database.execute(sql, [result]), Ok(5));
    drop(database);
    let app = TestApp::builder().data(data).start().await;
    for limit in [3, 5, 20] {
        let limited = limit.to_string();
        let ended = mesh(&app.url, &["plans", "--limit", &limited]).ends();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let ids: Vec<&str> = ended
            .stdout
            .lines()
            .skip(1)
            .map(|line| &line[..36])
            .collect();
        let expected: Vec<&str> = plans
            .iter()
            .take(limit)
            .map(|plan| plan["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, expected, "limit {limit}");
    }
}
