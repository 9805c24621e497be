//! A plugin that counts through the numbers learns nothing: what is taken out of a text tells which
//! of its parts is a secret, so of who guesses right nothing is kept at all, and it is called no more.

use serde_json::{Value, json};

use crate::support::{
    Reply, TestApp, TestAppBuilder, assert_has, may_ask_for_everything, start_hostile,
};

/// One that the guest finds if it counts on from `BEGINNING`, and is never told.
const NUMBER: &str = "58203177";
const BEGINNING: &str = "582031";

const DROPPED: &str = "said the value of a secret that nobody told it";

fn with_number() -> TestAppBuilder {
    TestApp::builder().configure(|config| {
        config.policy.live_requires = Vec::new();
        let number = serde_json::from_value(json!(NUMBER)).unwrap();
        config.secrets.insert("number".to_owned(), number);
        let plugin = config.plugin.entry("hostile".to_owned()).or_default();
        plugin.record = 5;
    })
}

async fn ask(app: &TestApp, mode: &str, goal: &str) -> (u16, Value) {
    let body = json!({"sessionId": "s1", "domain": "social", "goal": goal, "mode": mode,
        "steps": [{"kind": "hostile"}]});
    app.post("/mesh/create", &body).await
}

/// Everything that the host tells of the plan and its kind.
async fn all_told(app: &TestApp, plan: &Value) -> String {
    let id = plan["id"].as_str().unwrap();
    let mut told = String::new();
    for path in [
        format!("/mesh/plan?id={id}"),
        format!("/mesh/history?id={id}"),
        "/mesh/plans".to_owned(),
        "/plugins/hostile/recordings".to_owned(),
        "/plugins/hostile".to_owned(),
        "/mesh/status".to_owned(),
    ] {
        told += &app.get(&path).await.1.to_string();
    }
    told
}

fn assert_nothing_of_it(told: &str) {
    // Neither the secret, nor what is left of it, nor any of the numbers beside it.
    for part in [NUMBER, "[secret]", "58203100", "58203176", "58203178"] {
        assert!(!told.contains(part), "{part} in {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_plugin_that_guesses_nothing_is_kept() {
    for task in [
        "result-count",
        "reason-count",
        "blocked-count",
        "retry-count",
        "retry-number",
        "approval-count",
        "log-count",
        "stdout-count",
        "panic-count",
        "ask=body-count",
        "ask=path-count",
        "ask=header-count",
    ] {
        let app = start_hostile(with_number()).await;
        let (_, answer) = ask(&app, "LIVE", &format!("interpret:{task}={BEGINNING}")).await;
        let plan = app.step(&answer["plan"]).await;
        let step = &plan["steps"][0];
        assert_eq!(step["status"], "ERROR", "{task}: {step:#}");
        assert_has(step["error"].as_str().unwrap(), &[DROPPED]);
        assert!(
            step.get("log").is_none_or(|log| *log == json!([])),
            "{step:#}"
        );
        assert_nothing_of_it(&all_told(&app, &plan).await);
        let (_, answer) = app.get("/plugins/hostile/recordings").await;
        assert_eq!(answer["recordings"], json!([]), "{task}");
        assert_eq!(app.asked("srl"), 1, "{task}");

        // It is not asked for another guess, also of plans that are there already.
        let (status, answer) = ask(&app, "LIVE", "as good as gold").await;
        assert_eq!(status, 400, "{answer}");
        assert_has(answer["error"].as_str().unwrap(), &["quarantined"]);
        let retry = json!({"planId": plan["id"]});
        app.post("/mesh/retry", &retry).await;
        let plan = app.step(&plan).await;
        assert_has(
            plan["steps"][0]["error"].as_str().unwrap(),
            &["quarantined", "activate"],
        );
        assert_eq!(app.asked("srl"), 1, "{task}");
    }
}

/// What a plugin would send is shown before anything happens.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_shown_of_a_request_that_guesses() {
    for task in [
        "body-count",
        "write-count",
        "path-count",
        "header-count",
        "escaped-count",
        "number-count",
        "encoded-count",
        "refuse-count",
    ] {
        for mode in ["DRY_RUN", "LIVE"] {
            let app = start_hostile(with_number()).await;
            let (status, answer) = ask(&app, mode, &format!("shape:{task}={BEGINNING}")).await;
            assert_eq!(status, 200, "{answer}");
            let step = &answer["plan"]["steps"][0];
            assert_eq!(step["payload"], Value::Null, "{task}: {step:#}");
            assert_has(step["payloadReason"].as_str().unwrap(), &[DROPPED]);
            let plan = app.step(&answer["plan"]).await;
            assert_eq!(plan["steps"][0]["status"], "ERROR", "{task}: {plan:#}");
            assert_nothing_of_it(&all_told(&app, &plan).await);
            assert_eq!(app.asked("srl"), 0, "{task}");
        }
    }
}

/// Numbers beside it are no secret: the host does not tell how near a guess was.
#[tokio::test(flavor = "multi_thread")]
async fn other_numbers_are_nothing_to_it() {
    let app = start_hostile(with_number()).await;
    let (_, answer) = ask(&app, "LIVE", "interpret:result-count=582032").await;
    let plan = app.step(&answer["plan"]).await;
    assert_eq!(plan["steps"][0]["result"][77], "58203277", "{plan:#}");
}

/// A client that counts in its own words, through a plugin that means no harm, sees all of them as they
/// were, in what is sent and in a service's echo.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_says_itself_stays() {
    let numbers: Vec<String> = (0..100).map(|end| format!("{BEGINNING}{end:02}")).collect();
    let numbers = json!(numbers).to_string();
    let app = start_hostile(with_number()).await;
    let stub = app.stub("srl");
    stub.answer_with(|request| Reply::new(200, "application/json", &request.body));
    for (mode, task) in [
        ("LIVE", "body"),
        ("LIVE", "write-body"),
        ("DRY_RUN", "write-body"),
    ] {
        let (_, answer) = ask(&app, mode, &format!("shape:{task}={numbers}")).await;
        let said: Value = serde_json::from_str(&numbers).unwrap();
        assert_eq!(answer["plan"]["steps"][0]["payload"], said);
        let plan = app.step(&answer["plan"]).await;
        let step = &plan["steps"][0];
        assert_eq!((&step["status"], &step["payload"]), (&json!("DONE"), &said));
        let told = all_told(&app, &plan).await;
        assert!(!told.contains("[secret]"), "{told}");
        if mode == "LIVE" {
            assert_eq!(step["result"], said);
        }
    }
}

/// Nor does another word that the operator sends with every request end anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_word_of_the_operators_is_no_guess() {
    let builder = TestApp::builder().configure(|config| {
        let srl = config.services.get_mut("srl").unwrap();
        let word = serde_json::from_value(json!("survived")).unwrap();
        srl.headers = [("x-mood".to_owned(), word)].into();
    });
    let app = may_ask_for_everything(builder);
    let app = start_hostile(app).await;
    let (_, answer) = ask(&app, "DRY_RUN", "interpret:well").await;
    let plan = app.step(&answer["plan"]).await;
    assert_eq!(
        plan["steps"][0]["result"],
        json!({"[secret]": "well"}),
        "{plan:#}"
    );
}
