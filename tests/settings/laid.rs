//! `[plugin.<kind>.settings]` lies under what recipes and clients say, key by key; what is locked is
//! the operator's alone.

use serde_json::{Value, json};

use super::{ask, error, of_schema, payload, refused, set, with};
use crate::support::{TestApp, assert_has, folder, start_with};

const THIRTY: &str = "[plugin.strategy.settings]\nhorizonDays = 30\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_says_is_the_operators() {
    let app = with(THIRTY).await;
    let days = |payload: Value| payload["horizonDays"].clone();
    assert_eq!(
        days(payload(&app, &json!([{"kind": "strategy"}])).await),
        30
    );
    for own in [json!(5), json!(5.0)] {
        let step = json!([{"kind": "strategy", "settings": {"horizonDays": own}}]);
        assert_eq!(days(payload(&app, &step).await), 5);
    }
    for written in ["7", "7.0", "0.7e1", "70E-1"] {
        let body = format!(
            r#"{{"sessionId":"s","domain":"social","goal":"g","mode":"DRY_RUN",
                "steps":[{{"kind":"strategy","settings":{{"horizonDays":{written}}}}}]}}"#
        );
        let json = Some("application/json");
        let (status, answer) = app.post_raw("/mesh/create", json, body).await;
        assert_eq!(status, 200, "{written}: {answer}");
        assert_eq!(answer["plan"]["steps"][0]["payload"]["horizonDays"], 7);
    }
    for (written, status) in [("7.5", 400), ("1e400", 400), ("7e100", 400), ("-0.0", 400)] {
        let body = format!(
            r#"{{"sessionId":"s","domain":"social","goal":"g","mode":"DRY_RUN",
                "steps":[{{"kind":"strategy","settings":{{"horizonDays":{written}}}}}]}}"#
        );
        let json = Some("application/json");
        let answer = app.post_raw("/mesh/create", json, body).await;
        assert_eq!(answer.0, status, "{written}: {}", answer.1);
    }
    let wrong = json!([{"kind": "strategy", "settings": {"horizonDays": null}}]);
    assert_has(
        &error(&app, &wrong).await,
        &["steps[0].settings at /horizonDays"],
    );
}

/// Whether a kind has one key of the operator's and one of the client's, both are there.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_laid_key_by_key() {
    let schema = json!({
        "type": "object", "required": ["a", "b"], "additionalProperties": false,
        "properties": {"a": {"type": "integer"}, "b": {"type": "object"}},
    });
    let component = of_schema("mine", "1.0.0", &schema);
    let builder = set(TestApp::builder(), "[plugin.mine.settings]\na = 1\n");
    let app = start_with(builder, [("mine.wasm", &*component)]).await;
    let step = |settings: Value| json!([{"kind": "mine", "settings": settings}]);
    assert_eq!(ask(&app, &step(json!({"b": {}}))).await.0, 200);
    assert_eq!(ask(&app, &step(json!({"a": 2, "b": {}}))).await.0, 200);
    let missing = error(&app, &json!([{"kind": "mine"}])).await;
    assert_has(
        &missing,
        &["steps[0].settings", "\"b\"", "[plugin.mine.settings]"],
    );
    let wrong = error(&app, &step(json!({"b": 1}))).await;
    assert_has(&wrong, &["steps[0].settings at /b", "object"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipe_wins_over_it_and_a_client_over_both() {
    let recipe = "[[recipe]]\nname = \"mine\"\n\
                  steps = [{ kind = \"strategy\", settings = { horizonDays = 60 } }]\n";
    let app = with(&format!("{THIRTY}{recipe}")).await;
    let plan = app
        .create(&json!({"recipe": "mine", "mode": "DRY_RUN"}))
        .await;
    assert_eq!(plan["steps"][0]["payload"]["horizonDays"], 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_locked_nobody_else_may_name() {
    let locked = "[plugin.strategy]\nlocked = [\"horizonDays\"]\n";
    let app = with(&format!("{locked}{THIRTY}")).await;
    let own = json!([{"kind": "strategy", "settings": {"horizonDays": 30}}]);
    let parts = [
        "steps[0].settings.horizonDays is locked",
        "[plugin.strategy.settings]",
    ];
    assert_has(&error(&app, &own).await, &parts);
    assert_eq!(
        payload(&app, &json!([{"kind": "strategy"}])).await["horizonDays"],
        30
    );
    // Also where the operator sets nothing.
    let app = with(locked).await;
    assert_has(&error(&app, &own).await, &parts);
    let recipe = "[[recipe]]\nname = \"mine\"\n\
                  steps = [{ kind = \"strategy\", settings = { horizonDays = 60 } }]\n";
    let said = refused(&format!("{locked}{recipe}")).await;
    assert_has(
        &said,
        &["[[recipe]] the recipe \"mine\"", "horizonDays is locked"],
    );
}

/// What a check may overlook is nobody's to say but the operator's, whatever else is locked.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_check_overlooks_ships_locked() {
    for text in [
        "",
        "[plugin.hardening]\nlocked = []\n[plugin.ops]\nlocked = [\"x\"]\n",
    ] {
        let app = with(text).await;
        for kind in ["hardening", "ops"] {
            for own in [
                json!({"knownBad": ["brain"]}),
                json!({"knownBadMeans": "done"}),
            ] {
                let steps = json!([{"kind": kind, "settings": own}]);
                assert_has(
                    &error(&app, &steps).await,
                    &["is locked: only the operator"],
                );
            }
        }
    }
}

/// What stands in for a write has none of the write's settings.
#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_has_the_settings_of_its_own_kind() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let component = of_schema("simulation", "1.0.0", &schema);
    let text = "[plugin.workflow]\nlocked = [\"x\"]\n[plugin.simulation.settings]\na = 1\n";
    let builder = set(TestApp::builder(), text);
    let app = start_with(builder, [("simulation.wasm", &*component)]).await;
    let body = json!({"mode": "SIMULATION", "steps": [{"kind": "workflow"}]});
    let plan = app.create(&body).await;
    assert_eq!(plan["steps"][0]["kind"], "simulation");
    // The component made by hand says why it asks nothing: so it was asked, with these settings.
    assert_eq!(plan["steps"][0]["payloadReason"], "made by hand");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_the_kind_keeps_the_host_from_starting() {
    let cases: [(&str, &[&str]); 7] = [
        (
            "[plugin.hardening.settings]\nknownBad = \"brain\"",
            &["at /knownBad", "array"],
        ),
        (
            "[plugin.hardening.settings]\nknownbad = []",
            &["knownbad", "knownBad, knownBadMeans"],
        ),
        (
            "[plugin.ops.settings]\nknownBadMeans = \"skip\"",
            &["at /knownBadMeans", "done"],
        ),
        (
            "[plugin.srl.settings]\na = 1",
            &["this kind has no settings"],
        ),
        (
            "[plugin.strategy.settings]\nhorizonDays = 0",
            &["at /horizonDays", "minimum of 1"],
        ),
        (
            "[plugin.strategy.settings]\nhorizonDays = nan",
            &["JSON does not have"],
        ),
        (
            "[plugin.strategy]\nsettings = 1",
            &["plugin.strategy.settings"],
        ),
    ];
    for (text, parts) in cases {
        let said = refused(text).await;
        assert_has(&said, parts);
        assert_has(&said, &["plugin."]);
    }
    let long = format!("[plugin.srl.settings]\na = \"{}\"", "a".repeat(20_000));
    assert_has(
        &refused(&long).await,
        &["[plugin.srl.settings]", "at most 16384"],
    );
}

/// A value may be one that nobody should read in a log.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_it_is_said_without_it() {
    let said = refused("[plugin.strategy.settings]\nhorizonDays = \"hunter2\"").await;
    assert_has(
        &said,
        &["[plugin.strategy.settings]", "at /horizonDays", "integer"],
    );
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_shown() {
    let secret = "[secrets]\nkey = \"sesame-open-yourself\"\n";
    let schema = json!({"type": "object", "properties": {"a": {}}});
    let component = of_schema("mine", "1.0.0", &schema);
    let text = format!(
        "{THIRTY}[plugin.strategy]\nlocked = [\"horizonDays\"]\n\
         [plugin.mine.settings]\na = [\"sesame-open-yourself\", 1.5]\n{secret}"
    );
    let secrets = super::config(&text).unwrap().secrets;
    let builder = set(TestApp::builder(), &text).configure(|config| config.secrets = secrets);
    let files = folder([("mine.wasm", &*component)]);
    let path = files.path().to_owned();
    let app = builder.configure(|config| config.plugins_dir = Some(path));
    let app = app.start().await;
    let (_, answer) = app.get("/plugins").await;
    let plugins = answer["plugins"].as_array().unwrap();
    let of = |kind: &str| {
        plugins
            .iter()
            .find(|plugin| plugin["kind"] == kind)
            .unwrap()
    };
    assert_eq!(of("strategy")["settings"], json!({"horizonDays": 30}));
    assert_eq!(of("strategy")["locked"], json!(["horizonDays"]));
    assert_eq!(of("srl")["settings"], json!({}));
    assert_eq!(of("srl")["locked"], json!([]));
    assert_eq!(
        of("hardening")["locked"],
        json!(["knownBad", "knownBadMeans"])
    );
    assert_eq!(of("mine")["settings"], json!({"a": ["[secret]", 1.5]}));
}
