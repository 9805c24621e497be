//! Bad input is a 400 that names the field and what is allowed.

use serde_json::{Value, json};

use crate::support::{TestApp, assert_has};

const DOMAINS: &str = "social, ecomm, video, strategy, trends, campaign, monetization, system";
const MODES: &str = "SIMULATION, DRY_RUN, LIVE";
const KINDS: &str = "autonomy, hardening, ops, simulation, srl, strategy, workflow";

/// What is wrong with an otherwise good plan, and what the error has to say.
type Case = (Value, &'static [&'static str]);

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_field_is_named() {
    let app = TestApp::start().await;
    for field in ["sessionId", "domain", "goal"] {
        let mut body = good();
        body.as_object_mut().unwrap().remove(field);
        assert_bad(&app, &body, &[field, "required"]).await;
        body[field] = Value::Null;
        assert_bad(&app, &body, &[field, "required"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_of_another_type_is_named() {
    let app = TestApp::start().await;
    for field in ["sessionId", "domain", "goal"] {
        for value in [json!(1), json!(true), json!([]), json!({"a": "b"})] {
            let mut body = good();
            body[field] = value;
            assert_bad(&app, &body, &[field, "must be a text"]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_value_is_named_with_what_is_allowed() {
    let cases: [Case; 12] = [
        (
            json!({"sessionId": ""}),
            &["sessionId", "must not be empty"],
        ),
        (
            json!({"sessionId": " \n"}),
            &["sessionId", "must not be empty"],
        ),
        (
            json!({"sessionId": "s".repeat(201)}),
            &["sessionId", "201", "at most 200"],
        ),
        (json!({"goal": ""}), &["goal", "must not be empty"]),
        (json!({"goal": "\t "}), &["goal", "must not be empty"]),
        (
            json!({"goal": "g".repeat(10_001)}),
            &["goal", "10001", "at most 10000"],
        ),
        (json!({"domain": ""}), &["domain", DOMAINS]),
        (json!({"domain": "Social"}), &["domain", DOMAINS]),
        (json!({"domain": "trading"}), &["domain", DOMAINS]),
        (json!({"mode": ""}), &["mode", MODES]),
        (json!({"mode": "TEST"}), &["mode", MODES]),
        (json!({"mode": 1}), &["mode", MODES]),
    ];
    assert_all_bad(&cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_list_of_steps_is_named_by_its_entry() {
    let many = json!({"steps": vec![json!({"kind": "ops"}); 51]});
    let cases: [Case; 13] = [
        (json!({"steps": "srl"}), &["steps", "list"]),
        (json!({"steps": {"kind": "srl"}}), &["steps", "list"]),
        (json!({"steps": []}), &["steps", "0 entries", "1 to 50"]),
        (many, &["steps", "51 entries", "1 to 50"]),
        (json!({"steps": ["srl"]}), &["steps[0]", "object", "kind"]),
        (
            json!({"steps": [{"kind": "srl"}, null]}),
            &["steps[1]", "object", "kind"],
        ),
        (json!({"steps": [{}]}), &["steps[0].kind", "text"]),
        (
            json!({"steps": [{"kind": null}]}),
            &["steps[0].kind", "text"],
        ),
        (json!({"steps": [{"kind": 7}]}), &["steps[0].kind", "text"]),
        (
            json!({"steps": [{"kind": "srl", "lable": "x"}]}),
            &["steps[0].lable", "not known"],
        ),
        (
            json!({"steps": [{"kind": "srl"}, {"kind": "nope"}]}),
            &["steps[1].kind", "nope", KINDS],
        ),
        (json!({"steps": [{"kind": ""}]}), &["steps[0].kind", KINDS]),
        (
            json!({"steps": [{"kind": "SRL"}]}),
            &["steps[0].kind", "SRL", KINDS],
        ),
    ];
    assert_all_bad(&cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_object_is_400() {
    let app = TestApp::start().await;
    for path in ["/mesh/create", "/mesh/step"] {
        for body in [
            json!([]),
            json!([{"planId": "x"}]),
            json!("x"),
            json!(1),
            json!(null),
        ] {
            let (status, answer) = app.post(path, &body).await;
            assert_eq!(status, 400, "{path} {body}");
            assert_has(error(&answer), &["JSON object"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_needs_the_id_of_a_plan() {
    let app = TestApp::start().await;
    let cases: [Case; 6] = [
        (json!({}), &["planId", "required"]),
        (json!({"planId": null}), &["planId", "required"]),
        (json!({"id": "x"}), &["id is not known", "planId"]),
        (json!({"planId": 1}), &["planId", "must be a text"]),
        (json!({"planId": ["x"]}), &["planId", "must be a text"]),
        (
            json!({"planId": {"id": "x"}}),
            &["planId", "must be a text"],
        ),
    ];
    for (body, parts) in cases {
        let (status, answer) = app.post("/mesh/step", &body).await;
        assert_eq!(status, 400, "{body}");
        assert_has(error(&answer), parts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_a_plan_needs_an_id() {
    let app = TestApp::start().await;
    for path in ["/mesh/plan", "/mesh/plan?"] {
        let (status, answer) = app.get(path).await;
        assert_eq!(status, 400, "{path}");
        assert_has(error(&answer), &["id", "required"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_not_created() {
    let app = TestApp::start().await;
    let mut body = good();
    body["domain"] = json!("nope");
    assert_bad(&app, &body, &["domain"]).await;
    let (_, answer) = app.get("/mesh/plans").await;
    assert_eq!(answer, json!({"ok": true, "plans": []}));
}

fn good() -> Value {
    json!({"sessionId": "s", "domain": "social", "goal": "Write a summary", "mode": "LIVE"})
}

async fn assert_all_bad(cases: &[Case]) {
    let app = TestApp::start().await;
    for (wrong, parts) in cases {
        let mut body = good();
        let wrong = wrong.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(wrong);
        assert_bad(&app, &body, parts).await;
    }
}

async fn assert_bad(app: &TestApp, body: &Value, parts: &[&str]) {
    let (status, answer) = app.post("/mesh/create", body).await;
    assert_eq!(status, 400, "{body}");
    assert_has(error(&answer), parts);
}

/// The error, in the one shape there is.
fn error(answer: &Value) -> &str {
    let error = answer["error"].as_str().unwrap();
    assert_eq!(answer, &json!({"ok": false, "error": error}));
    error
}
