//! A name that means nothing, or comes twice, is refused: of `{"Mode": "DRY_RUN"}` no LIVE plan is made.

use codex_mesh::config::UnknownFields;
use serde_json::json;

use crate::support::{TestApp, assert_has};

/// A create that has this beside what it must have.
fn create(more: &str) -> String {
    format!(r#"{{"sessionId":"s","domain":"social","goal":"g"{more}}}"#)
}

/// Posts it; the error of its 400.
async fn refused(app: &TestApp, path: &str, body: String) -> String {
    let (status, answer) = app
        .post_raw(path, Some("application/json"), body.clone())
        .await;
    assert_eq!(status, 400, "{path} {body}: {answer}");
    assert_eq!(answer["ok"], false);
    answer["error"].as_str().unwrap().to_owned()
}

async fn nothing_was_created(app: &TestApp) {
    let (_, answer) = app.get("/mesh/plans").await;
    assert_eq!(answer["plans"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misspelt_field_makes_no_plan() {
    let app = TestApp::start().await;
    for (more, parts) in [
        (
            r#","Mode":"DRY_RUN""#,
            ["Mode is not known", "did you mean mode?"],
        ),
        (
            r#","moed":"DRY_RUN""#,
            ["moed is not known", "did you mean mode?"],
        ),
        (
            r#","mode ":"DRY_RUN""#,
            ["is not known", "did you mean mode?"],
        ),
        (
            r#","m\u043ede":"DRY_RUN""#,
            ["is not known", "did you mean mode?"],
        ),
        (
            r#","m\u200bode":"DRY_RUN""#,
            ["m\\u{200b}ode is not known", "did you mean mode?"],
        ),
        (
            r#","session_id":"s""#,
            ["session_id is not known", "did you mean sessionId?"],
        ),
        (
            r#","step":[]"#,
            ["step is not known", "did you mean steps?"],
        ),
        (
            r#","":1"#,
            [
                "a name that is empty is not known",
                "the fields are sessionId",
            ],
        ),
        (
            r#","dryRun":true"#,
            ["dryRun is not known", "mode, recipe, steps"],
        ),
        (
            r#","steps":[{"kind":"srl","Settings":{}}]"#,
            ["steps[0].Settings is not known", "did you mean settings?"],
        ),
    ] {
        let error = refused(&app, "/mesh/create", create(more)).await;
        assert_has(&error, &parts);
    }
    let long = refused(
        &app,
        "/mesh/create",
        create(&format!(r#","{}":1"#, "x".repeat(9_999))),
    )
    .await;
    assert!(long.len() < 400, "{long}");
    nothing_was_created(&app).await;
}

/// However it is written, and however deep.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_comes_twice_makes_no_plan() {
    let app = TestApp::start().await;
    for (more, name) in [
        (r#","mode":"DRY_RUN","mode":"LIVE""#, "mode"),
        (r#","mode":"LIVE","mode":"LIVE""#, "mode"),
        (r#","mode":"DRY_RUN","\u006dode":"LIVE""#, "mode"),
        (r#","goal":"another""#, "goal"),
        (r#","steps":[{"kind":"srl","kind":"workflow"}]"#, "kind"),
        (
            r#","steps":[{"kind":"srl","settings":{"a":{"b":1,"b":2}}}]"#,
            "b",
        ),
    ] {
        let error = refused(&app, "/mesh/create", create(more)).await;
        assert_has(&error, &[&format!("{name} is given twice in the body")]);
    }
    nothing_was_created(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_body_is_read_so() {
    let app = TestApp::start().await;
    let plan = app.create(&json!({})).await;
    for path in [
        "/mesh/create",
        "/mesh/step",
        "/mesh/run",
        "/mesh/approve",
        "/mesh/reject",
        "/mesh/retry",
        "/mesh/skip",
        "/mesh/cancel",
        "/mesh/brain/resend",
        "/plugins/srl/activate",
        "/plugins/srl/deactivate",
        "/plugins/srl/rollback",
    ] {
        let id = plan["id"].as_str().unwrap();
        let error = refused(&app, path, format!(r#"{{"nope":1,"planID":"{id}"}}"#)).await;
        assert_has(&error, &["is not known"]);
        let error = refused(&app, path, r#"{"x":{"a":1,"a":1}}"#.to_owned()).await;
        assert_has(&error, &["a is given twice"]);
    }
    assert_eq!(app.plan(&plan).await, plan);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_is_read_so() {
    let app = TestApp::start().await;
    let id = app.create(&json!({})).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for (path, parts) in [
        (
            "/mesh/plans?Status=DONE",
            ["Status is not known", "did you mean status?"],
        ),
        (
            "/mesh/plans?limt=1",
            ["limt is not known", "did you mean limit?"],
        ),
        (
            "/mesh/plans?limit=1&limit=2",
            ["limit is given twice", "the query"],
        ),
        (
            "/mesh/plans?limit=1&%6cimit=1",
            ["limit is given twice", "the query"],
        ),
        (
            "/mesh/plans?%53tatus=DONE",
            ["Status is not known", "status"],
        ),
        (
            "/mesh/plans?=1",
            ["a name that is empty", "the parameters are limit"],
        ),
        (
            "/mesh/plans?mode=LIVE",
            ["mode is not known", "the parameters are limit"],
        ),
        (
            "/mesh/plan?planId=x",
            ["planId is not known", "the parameters are id"],
        ),
        (
            "/mesh/history?ids=x",
            ["ids is not known", "did you mean id?"],
        ),
        (
            "/mesh/events?lasteventid=1",
            ["is not known", "did you mean lastEventId?"],
        ),
        (
            "/mesh/status?x=1",
            ["x is not known", "takes no parameters"],
        ),
        (
            "/plugins?kind=srl",
            ["kind is not known", "takes no parameters"],
        ),
        ("/recipes?x", ["x is not known", "takes no parameters"]),
    ] {
        let (status, answer) = app.get(path).await;
        assert_eq!(status, 400, "{path}: {answer}");
        assert_has(answer["error"].as_str().unwrap(), &parts);
    }
    // What is in the wrong place is refused as well, and not what it would be without it.
    let error = refused(&app, "/mesh/create?mode=DRY_RUN", create("")).await;
    assert_has(
        &error,
        &["mode is not known", "what it takes is in its body"],
    );
    let body = json!({"planId": id}).to_string();
    let error = refused(&app, &format!("/mesh/step?planId={id}"), body).await;
    assert_has(&error, &["planId is not known"]);
    assert_eq!(app.get("/nope?x=1").await.0, 404);
}

/// An operator whose clients send more may have it ignored, but for what is likely a mistake.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_may_be_ignored() {
    let app = TestApp::builder()
        .configure(|config| config.http.unknown_fields = UnknownFields::Ignore)
        .start()
        .await;
    for (more, name) in [
        (r#","Mode":"DRY_RUN""#, "did you mean mode?"),
        (r#","mod":"DRY_RUN""#, "did you mean mode?"),
        (r#","MODE":"DRY_RUN""#, "did you mean mode?"),
        (r#","mode":"LIVE","mode":"LIVE""#, "twice"),
        (r#","extra":{"a":1,"a":2}"#, "twice"),
        (r#","extra":1,"extra":2"#, "twice"),
    ] {
        let error = refused(&app, "/mesh/create", create(more)).await;
        assert_has(&error, &[name]);
    }
    assert_eq!(app.get("/mesh/plans?Limit=1").await.0, 400);
    // Where a body would count for more.
    for name in [
        "mode",
        "Mode",
        "modes",
        "planId",
        "repeat_writes",
        "reviewed",
    ] {
        let path = format!("/mesh/create?{name}=DRY_RUN");
        let error = refused(&app, &path, create("")).await;
        assert_has(&error, &[name, "is not known", "in its body"]);
    }
    nothing_was_created(&app).await;
    let plan = app
        .create(&json!({"priority": 1, "requestedBy": "x"}))
        .await;
    let body = json!({"planId": plan["id"], "trace": true});
    assert_eq!(app.post("/mesh/step?debug=1", &body).await.0, 200);
}
