//! `steps` of a client's own: what each may say, and what its plugin's schema allows.

use serde_json::{Value, json};

use super::{Case, assert_all_bad, each};
use crate::support::{Raw, TestApp, assert_has, start_with};

#[tokio::test(flavor = "multi_thread")]
async fn a_step_has_a_label_a_domain_settings_and_an_order() {
    let app = TestApp::start().await;
    let longest = "ü".repeat(120);
    let steps = json!([
        {"kind": "ops", "label": longest},
        {"kind": "strategy", "settings": {"horizonDays": 3}, "domain": "ecomm", "after": []},
        {"kind": "srl", "label": null, "settings": null, "domain": null, "after": null},
        {"kind": "hardening", "settings": {}, "after": ["step-1", "step-3"]},
    ]);
    let plan = app.create(&json!({"steps": steps})).await;
    assert_eq!(plan["steps"][0]["label"], json!(longest));
    assert_eq!(plan["steps"][1]["after"], json!([]));
    assert_eq!(plan["steps"][1]["payload"]["horizonDays"], 3);
    assert_eq!(plan["steps"][1]["payload"]["domain"], json!(["ecomm"]));
    for field in ["settings", "domain", "after"] {
        assert_eq!(plan["steps"][2].get(field), None);
    }
    assert_eq!(plan["steps"][3]["after"], json!(["step-1", "step-3"]));
    assert_eq!(app.run(&plan).await["status"], "DONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_step_may_not_say_is_400() {
    let app = TestApp::start().await;
    let step = |field: &str, value: Value| json!({"steps": [{"kind": "ops"}, {"kind": "ops", field: value}]});
    let domains = "social, ecomm, video";
    let large = json!({"a": "x".repeat(16 << 10)});
    let deep = (0..110).fold(json!(1), |inner, _| json!({"a": inner}));
    let cases: [Case; 22] = [
        (
            step("lable", json!("x")),
            &["steps[1].lable", "kind, label, domain, settings, after"],
        ),
        (
            step("effect", json!("read")),
            &["steps[1].effect is not known"],
        ),
        (step("label", json!("")), &["steps[1].label", "1 to 120"]),
        (step("label", json!("  ")), &["steps[1].label", "blank"]),
        (
            step("label", json!("x".repeat(121))),
            &["steps[1].label has 121", "1 to 120"],
        ),
        (
            step("label", json!("a\nb")),
            &["steps[1].label", "control character"],
        ),
        (step("label", json!(7)), &["steps[1].label must be a text"]),
        (
            step("domain", json!("trading")),
            &["steps[1].domain", domains],
        ),
        (step("domain", json!(7)), &["steps[1].domain", domains]),
        (
            step("settings", json!([])),
            &["steps[1].settings must be a JSON object"],
        ),
        (
            step("settings", json!("x")),
            &["steps[1].settings must be a JSON object"],
        ),
        (
            step("settings", large),
            &["steps[1].settings has 16392 bytes", "at most 16384"],
        ),
        (step("settings", deep), &["steps[1].settings", "100 levels"]),
        (
            step("after", json!("step-1")),
            &["steps[1].after must be a list"],
        ),
        (
            step("after", json!(["step-2"])),
            &["steps[1].after[0]", "step-2", "only step-1"],
        ),
        (
            step("after", json!(["step-1", "step-3"])),
            &["steps[1].after[1]", "step-3"],
        ),
        (
            step("after", json!(["step-01"])),
            &["steps[1].after[0]", "step-01"],
        ),
        (step("after", json!([1])), &["steps[1].after[0] is 1"]),
        (
            step("after", json!(["step-1", "step-1"])),
            &["steps[1].after names step-1 twice"],
        ),
        (
            json!({"steps": [{"kind": "ops", "after": ["step-1"]}]}),
            &["steps[0].after[0]", "no step comes before the first"],
        ),
        (
            json!({"steps": [{"kind": "ops"}, {"kind": "ops"}, {"kind": "ops", "after": ["x"]}]}),
            &["steps[2].after[0] is \"x\"", "step-1 to step-2"],
        ),
        (
            json!({"mode": "LIVE", "steps": [
                {"kind": "autonomy"}, {"kind": "srl"}, {"kind": "hardening"},
                {"kind": "workflow", "after": ["step-1"]},
            ]}),
            &["step-4 (workflow) writes", "add srl, hardening before it"],
        ),
    ];
    assert_all_bad(&app, &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_the_plugin_does_not_take_are_400() {
    let app = TestApp::start().await;
    let step = |kind: &str, settings: Value| json!({"mode": "SIMULATION", "steps": [{"kind": kind, "settings": settings}]});
    let cases: [Case; 5] = [
        (
            step("strategy", json!({"horizonDays": 366})),
            &["steps[0].settings at /horizonDays: 366", "maximum of 365"],
        ),
        (
            step("strategy", json!({"horizonDays": "7"})),
            &["steps[0].settings at /horizonDays", "integer"],
        ),
        (
            step("strategy", json!({"horizon": 7})),
            &[
                "steps[0].settings: ",
                "'horizon'",
                "(the settings are horizonDays)",
            ],
        ),
        (
            step("srl", json!({"a": 1})),
            &["steps[0].settings: ", "this kind has no settings"],
        ),
        // Also of a write that the simulation takes the place of.
        (
            step("workflow", json!({"a": 1})),
            &["steps[0].settings: ", "no settings"],
        ),
    ];
    assert_all_bad(&app, &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_a_plugin_requires_is_required() {
    let mut raw = Raw::new("picky");
    raw.manifest[6] =
        r#"{"required": ["team"], "properties": {"team": {"pattern": "^[a-z]+$"}}}"#.to_owned();
    let component = raw.component();
    let app = start_with(TestApp::builder(), [("picky.wasm", component.as_slice())]).await;
    let step = |settings: Value| json!({"steps": [{"kind": "picky", "settings": settings}]});
    let cases: [Case; 2] = [
        (
            json!({"steps": [{"kind": "picky"}]}),
            &["steps[0].settings: ", "\"team\"", "required"],
        ),
        (
            step(json!({"team": "A"})),
            &["steps[0].settings at /team", "^[a-z]+$"],
        ),
    ];
    assert_all_bad(&app, &cases).await;
    app.create(&step(json!({"team": "a"}))).await;
}

/// A plugin can't make the host fetch, loop or explode with what it says of its settings: it is
/// not loaded, and the host starts without it.
#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_with_a_hostile_schema_is_not_loaded() {
    let fetched =
        crate::support::Stub::answering(crate::support::Reply::json(200, &json!({}))).await;
    let schemas = [
        format!(r#"{{"$ref": "{}/schema.json"}}"#, fetched.url),
        r##"{"properties": {"a": {"$ref": "#"}}}"##.to_owned(),
        r##"{"$dynamicAnchor": "a", "items": {"$dynamicRef": "#a"}}"##.to_owned(),
        r#"{"unevaluatedProperties": false}"#.to_owned(),
        r#"{"pattern": "(((((a{99}){99}){99}){99}){99})"}"#.to_owned(),
    ];
    let components = schemas.iter().enumerate().map(|(index, schema)| {
        let mut raw = Raw::new(&format!("bad-{index}"));
        raw.manifest[6] = schema.clone();
        (format!("{index}.wasm"), raw.component())
    });
    let components: Vec<(String, Vec<u8>)> = components.collect();
    let files = components
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let app = start_with(TestApp::builder(), files).await;
    let (_, answer) = app.get("/plugins").await;
    let kinds: Vec<_> = answer["plugins"].as_array().unwrap().iter().collect();
    assert_eq!(kinds.len(), 7, "{kinds:?}");
    assert!(fetched.requests().is_empty());
    let plan = app.create(&json!({})).await;
    assert_eq!(each(&plan, "kind").len(), 4);
    assert_has(
        &super::error(&app, &json!({"steps": [{"kind": "bad-0"}]})).await,
        &["not loaded"],
    );
}
