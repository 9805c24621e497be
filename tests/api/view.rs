//! `view=summary`: how plans stand, without what their steps send, get and say.

use serde_json::{Value, json};

use crate::support::{Reply, TestApp, assert_has, start_hostile};

/// What a summary leaves out of each step.
const LEFT_OUT: [&str; 5] = ["settings", "headers", "payload", "result", "log"];

fn summary(plan: &Value) -> Value {
    let mut plan = plan.clone();
    for step in plan["steps"].as_array_mut().unwrap() {
        let step = step.as_object_mut().unwrap();
        step.retain(|name, _| !LEFT_OUT.contains(&name.as_str()));
    }
    plan
}

/// Holds the promise for this plan, by itself and in a list.
async fn assert_summed_up(app: &TestApp, plan: &Value) {
    let id = plan["id"].as_str().unwrap();
    let expected = json!({"ok": true, "plan": summary(plan)});
    let asked = app.get(&format!("/mesh/plan?id={id}&view=summary")).await;
    assert_eq!(asked, (200, expected));
    let full = json!({"ok": true, "plan": plan});
    let asked = app.get(&format!("/mesh/plan?view=full&id={id}")).await;
    assert_eq!(asked, (200, full));
    for (view, expected) in [("summary", summary(plan)), ("full", plan.clone())] {
        let (status, answer) = app.get(&format!("/mesh/plans?view={view}")).await;
        assert_eq!(status, 200);
        let mut listed = answer["plans"].as_array().unwrap().iter();
        let listed = listed.find(|plan| plan["id"] == id);
        assert_eq!(listed, Some(&expected), "{view}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_leaves_out_what_is_sent_got_and_said() {
    let app = start_hostile(TestApp::builder()).await;
    let steps = json!([
        {"kind": "strategy", "settings": {"horizonDays": 30}, "domain": "video", "after": []},
        {"kind": "hostile"},
    ]);
    let talks = json!({"goal": "interpret:log-forged", "mode": "DRY_RUN", "steps": steps});
    let talks = app.run(&app.create(&talks).await).await;
    assert!(talks["steps"][0]["settings"].is_object(), "{talks}");
    assert!(talks["steps"][0]["result"].is_object(), "{talks}");
    assert!(talks["steps"][0]["payload"].is_object(), "{talks}");
    assert!(talks["steps"][1]["log"].is_array(), "{talks}");
    assert_summed_up(&app, &talks).await;
}

/// What people look for in a list stays: errors, approvals, what is waited for, and how often.
#[tokio::test(flavor = "multi_thread")]
async fn a_summary_says_how_a_plan_stands() {
    let app = TestApp::start().await;
    let done = app.run(&app.create(&json!({})).await).await;
    let pending = app.create(&json!({"domains": ["social", "video"]})).await;
    app.stub("autonomy").answer(crate::support::recorded(
        "autonomy-evaluate.json",
        "low_confidence_approval",
    ));
    let asks = app.create(&json!({})).await;
    let (_, waiting) = app.run_until_held(&asks).await;
    assert_eq!(waiting["status"], "WAITING", "{waiting}");
    app.stub("srl").answer(Reply::new(500, "text/plain", "no"));
    let failed = app.run(&app.create(&json!({})).await).await;
    assert_eq!(failed["status"], "ERROR", "{failed}");
    let cancel = json!({"planId": pending["id"], "by": "Ada", "reason": "enough"});
    let (_, answer) = app.post("/mesh/cancel", &cancel).await;
    for plan in [&done, &waiting, &failed, &answer["plan"]] {
        assert_summed_up(&app, plan).await;
    }
    let summary = summary(&waiting);
    assert!(summary["waiting"][0]["digest"].is_string(), "{summary}");
    assert!(
        summary["steps"][0]["approval"]["reason"].is_string(),
        "{summary}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_there_is_not_is_a_400_that_names_both() {
    let app = TestApp::start().await;
    let id = app.create(&json!({})).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for path in [
        "/mesh/plans?view=".to_owned(),
        format!("/mesh/plan?id={id}&view="),
    ] {
        for view in ["", "Summary", "SUMMARY", "full%20", "short", "full,summary"] {
            let (status, answer) = app.get(&format!("{path}{view}")).await;
            assert_eq!(status, 400, "{path}{view}: {answer}");
            let error = answer["error"].as_str().unwrap();
            assert_has(error, &["view must be one of full, summary"]);
        }
        let (status, _) = app.get(&format!("{path}full&view=full")).await;
        assert_eq!(status, 400, "twice");
    }
    let (status, answer) = app.get(&format!("/mesh/history?id={id}&view=full")).await;
    assert_eq!(status, 400, "{answer}");
}
