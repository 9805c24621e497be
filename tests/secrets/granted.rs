//! Who may name which secret to whom.

use std::collections::BTreeMap;

use codex_mesh::config::{PluginConfig, Secret};
use serde_json::{Value, json};

use super::VALUE;
use crate::support::{Binary, TestApp, TestAppBuilder, assert_has, recorded, start_hostile};

const OTHER: &str = "another-secret";

fn secret(value: &str) -> Secret {
    serde_json::from_value(json!(value)).unwrap()
}

/// A host with two secrets, of which a kind may name these to a service.
fn granting(kind: &str, service: &str, names: &[&str]) -> TestAppBuilder {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let plugin = PluginConfig {
        secrets: BTreeMap::from([(service.to_owned(), names)]),
        ..PluginConfig::default()
    };
    let kind = kind.to_owned();
    TestApp::builder().configure(|config| {
        let secrets = [("token", VALUE), ("other", OTHER)];
        config.secrets = secrets
            .map(|(name, value)| (name.to_owned(), secret(value)))
            .into();
        config.plugin.insert(kind, plugin);
    })
}

async fn ask(app: &TestApp, mode: &str, goal: &str) -> (u16, Value) {
    let kinds = ["autonomy", "srl", "hardening", "hostile"];
    let steps = kinds.map(|kind| json!({"kind": kind}));
    let body = json!({
        "sessionId": "s1", "domain": "social", "mode": mode, "goal": goal, "steps": steps,
    });
    app.post("/mesh/create", &body).await
}

/// The hostile step, as it was created and after it ran.
async fn run(app: &TestApp, mode: &str, goal: &str) -> (Value, Value) {
    let (status, answer) = ask(app, mode, goal).await;
    assert_eq!(status, 200, "{answer}");
    let plan = &answer["plan"];
    let ran = app.run(plan).await;
    (plan["steps"][3].clone(), ran["steps"][3].clone())
}

/// What the service was told in this header, each time.
fn told(app: &TestApp, header: &str) -> Vec<String> {
    let requests = app.stub("srl").requests();
    let told = requests.iter().filter_map(|r| r.headers.get(header));
    told.map(|value| value.to_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_granted_secret_is_filled_in_and_shown_by_its_name() {
    let app = start_hostile(granting("hostile", "srl", &["token"])).await;
    let shown = json!({"authorization": {"secret": "token"}});
    for (mode, times) in [("LIVE", 1), ("DRY_RUN", 2), ("SIMULATION", 3)] {
        let (created, ran) = run(&app, mode, "shape:secret=token").await;
        assert_eq!(ran["status"], "DONE", "{ran:#}");
        assert_eq!((&created["headers"], &ran["headers"]), (&shown, &shown));
        assert_eq!(told(&app, "authorization"), vec![VALUE; times]);
    }
    let (_, ran) = run(&app, "LIVE", "shape:write-secret=token").await;
    assert_eq!(ran["status"], "DONE", "{ran:#}");
    assert_eq!(told(&app, "x-token"), [VALUE]);
    let (_, answer) = app.get("/plugins/hostile").await;
    assert_eq!(
        answer["versions"][0]["granted"]["secrets"],
        json!(["token"])
    );
}

/// Also a name that is not granted: nothing is sent, and who reviews it sees what it would take.
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_the_name_and_sends_nothing() {
    let app = start_hostile(granting("hostile", "srl", &["token"])).await;
    for name in ["token", "other", "unheard_of"] {
        let (_, ran) = run(&app, "DRY_RUN", &format!("shape:write-secret={name}")).await;
        let shown = &ran["result"]["wouldSend"]["headers"]["x-token"];
        assert_eq!(*shown, json!({"secret": name}));
    }
    assert_eq!(told(&app, "x-token"), [] as [&str; 0]);
}

/// Not one of its own, not one of another plugin, not one for another service.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_not_granted_is_refused_with_the_line_to_add() {
    for (kind, service, names) in [
        ("hostile", "srl", ["other"]),
        ("srl", "srl", ["token"]),
        ("hostile", "ops", ["token"]),
    ] {
        let app = start_hostile(granting(kind, service, &names)).await;
        let line = match (kind, service) {
            ("hostile", "srl") => r#"srl = ["other", "token"] under [plugin.hostile.secrets]"#,
            _ => r#"srl = ["token"] under [plugin.hostile.secrets]"#,
        };
        let parts = [
            "the secret token is not granted to the plugin hostile for srl",
            line,
        ];
        let (status, answer) = ask(&app, "LIVE", "shape:secret=token").await;
        assert_eq!(status, 400, "{answer}");
        assert_has(answer["error"].as_str().unwrap(), &parts);
        for (mode, goal) in [
            ("LIVE", "interpret:ask=secret=token"),
            ("LIVE", "interpret:ask=write-secret=token"),
            ("DRY_RUN", "shape:secret=token"),
            ("SIMULATION", "shape:secret=token"),
        ] {
            let (_, ran) = run(&app, mode, goal).await;
            assert_eq!(ran["status"], "ERROR", "{goal}: {ran:#}");
            assert_has(ran["error"].as_str().unwrap(), &parts);
        }
        assert_eq!(told(&app, "authorization"), [] as [&str; 0]);
    }
}

/// Words of a client that a plugin puts into a header are words, whatever they look like.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_looks_like_a_secret_is_a_text() {
    let app = start_hostile(granting("hostile", "srl", &["token"])).await;
    for text in [
        r#"{"secret":"token"}"#,
        "{{secret:token}}",
        "${token}",
        "$secrets.token",
        "secret(token)",
        "[secret]",
    ] {
        let goal = format!("shape:header=authorization: {text}");
        let (created, ran) = run(&app, "LIVE", &goal).await;
        assert_eq!(created["headers"]["authorization"], text);
        assert_eq!(ran["headers"]["authorization"], text);
        assert_eq!(told(&app, "authorization").last().unwrap(), text);
    }
    let told = told(&app, "authorization");
    assert!(!told.iter().any(|told| told == VALUE), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_own_header_wins() {
    let builder = granting("hostile", "srl", &["token"]).configure(|config| {
        let srl = config.services.get_mut("srl").unwrap();
        srl.headers = [("authorization".to_owned(), secret("the operator's"))].into();
    });
    let app = start_hostile(builder).await;
    let (_, ran) = run(&app, "LIVE", "shape:secret=token").await;
    assert_eq!(ran["status"], "DONE", "{ran:#}");
    assert_eq!(told(&app, "authorization"), ["the operator's"; 2]);
}

/// Who approves a write on the command line sees which secret it takes along.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_shows_the_name() {
    let recipe = json!({"name": "token", "steps": [
        {"kind": "autonomy"}, {"kind": "srl"}, {"kind": "hardening"}, {"kind": "hostile"},
    ]});
    let recipe = serde_json::from_value(recipe).unwrap();
    let asks = recorded("autonomy-evaluate.json", "low_confidence_approval");
    let builder = granting("hostile", "srl", &["token"])
        .service("autonomy", asks)
        .configure(|config| config.recipe = vec![recipe]);
    let app = start_hostile(builder).await;
    let ended = Binary::bare()
        .args(&[
            "run", "--url", &app.url, "--domain", "social", "--recipe", "token",
        ])
        .args(&["--goal", "shape:write-secret=token"])
        .ends();
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_has(
        &ended.stdout,
        &[
            "POST /srl/write to srl",
            "header x-token is the secret token\n",
        ],
    );
    assert_eq!(told(&app, "x-token"), [] as [&str; 0]);
}
