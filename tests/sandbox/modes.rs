//! A plugin can't talk its way past a mode: what counts is each request, just before it is sent.
//! The hostile guest's manifest says that it only reads.

use codex_mesh::plan::Effect;
use serde_json::{Value, json};

use super::Hostile;
use crate::support::{TestApp, TestAppBuilder, assert_has};

in_every_language! {
    a_shaped_write_is_not_sent_in_dry_run_or_simulation,
    an_odd_body_is_shown_and_not_sent_in_dry_run,
    a_follow_up_write_is_not_sent_in_dry_run_or_simulation,
    a_live_plan_with_an_unchecked_write_is_not_created,
    an_unchecked_follow_up_write_is_not_sent_live,
    a_checked_write_is_sent_live,
    a_write_that_claims_to_be_a_read_is_still_a_write,
}

const CHECKS: [&str; 3] = ["autonomy", "srl", "hardening"];

/// Runs a plan of these kinds; it, and the paths that the service heard from the hostile step.
async fn run(app: &TestApp, mode: &str, kinds: &[&str], goal: &str) -> (Value, Vec<String>) {
    let plan = create(app, mode, kinds, goal).await;
    let plan = app.run(&plan).await;
    (plan, heard(app))
}

async fn create(app: &TestApp, mode: &str, kinds: &[&str], goal: &str) -> Value {
    let steps: Vec<Value> = kinds.iter().map(|kind| json!({"kind": kind})).collect();
    app.create(&json!({"mode": mode, "goal": goal, "steps": steps}))
        .await
}

/// What the service heard from the hostile step.
fn heard(app: &TestApp) -> Vec<String> {
    let requests = app.stub("srl").requests();
    // The srl step asks the same service, for the goal's sake.
    let own = requests
        .iter()
        .filter(|request| !request.body.contains("contentSummary"));
    own.map(|request| format!("{} {}", request.method, request.path))
        .collect()
}

fn last(plan: &Value) -> &Value {
    plan["steps"].as_array().unwrap().last().unwrap()
}

async fn a_shaped_write_is_not_sent_in_dry_run_or_simulation(guest: Hostile) {
    for goal in ["shape:post=/srl/write", "shape:delete"] {
        let app = guest.start(TestApp::builder()).await;
        let (plan, sent) = run(&app, "DRY_RUN", &["hostile"], goal).await;
        let step = last(&plan);
        assert_eq!(step["status"], "DONE", "{goal}: {plan:#}");
        assert_eq!(step["effect"], "write", "{goal}");
        assert_eq!(step["result"]["dryRun"], true, "{goal}");
        assert_eq!(step["result"]["wouldSend"]["service"], "srl", "{goal}");
        assert_eq!(
            step["result"]["wouldSend"]["payload"], step["payload"],
            "{goal}"
        );

        let (plan, more) = run(&app, "SIMULATION", &["hostile"], goal).await;
        assert_eq!(last(&plan)["status"], "ERROR", "{goal}: {plan:#}");
        assert_has(
            error(&plan),
            &["SIMULATION never writes", "nothing was sent"],
        );
        assert_eq!((sent, more), (vec![], vec![]), "{goal}");
    }
}

/// Valid JSON that the host itself could not read is shown as it is, and breaks nothing.
async fn an_odd_body_is_shown_and_not_sent_in_dry_run(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    let body = r#"[1e999,"\ud800"]"#;
    let goal = format!("shape:write-body={body}");
    let new = json!({
        "sessionId": "s1", "domain": "social", "mode": "DRY_RUN", "goal": goal,
        "steps": [{"kind": "hostile"}],
    });
    let plan = post_text(&app, "/mesh/create", &new).await;
    let (_, id) = plan.split_once(r#""id":""#).unwrap();
    let plan = post_text(&app, "/mesh/step", &json!({"planId": id[..36]})).await;
    assert_has(&plan, &[r#""status":"DONE""#, r#""dryRun":true"#, body]);
    assert_eq!(app.asked("srl"), 0);
}

/// The answer as text: not every reader can read it.
async fn post_text(app: &TestApp, path: &str, body: &Value) -> String {
    let request = reqwest::Client::new()
        .post(format!("{}{path}", app.url))
        .header("content-type", "application/json")
        .body(body.to_string());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

async fn a_follow_up_write_is_not_sent_in_dry_run_or_simulation(guest: Hostile) {
    let goal = "interpret:call=/srl/write";
    let app = guest.start(TestApp::builder()).await;
    let (plan, sent) = run(&app, "DRY_RUN", &["hostile"], goal).await;
    let step = last(&plan);
    assert_eq!(step["status"], "DONE", "{plan:#}");
    assert_eq!(step["result"]["dryRun"], true);
    assert_eq!(step["result"]["wouldSend"]["endpoint"], "/srl/write");
    assert_eq!(sent, ["POST /srl/check"]);

    let (plan, sent) = run(&app, "SIMULATION", &["hostile"], goal).await;
    assert_eq!(last(&plan)["status"], "ERROR", "{plan:#}");
    assert_has(error(&plan), &["SIMULATION never writes"]);
    assert_eq!(sent, ["POST /srl/check", "POST /srl/check"]);
}

async fn a_live_plan_with_an_unchecked_write_is_not_created(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    let body = json!({
        "sessionId": "s1", "domain": "social", "mode": "LIVE",
        "goal": "shape:post=/srl/write", "steps": [{"kind": "srl"}, {"kind": "hostile"}],
    });
    let (status, answer) = app.post("/mesh/create", &body).await;
    assert_eq!(status, 400, "{answer}");
    assert_has(
        answer["error"].as_str().unwrap(),
        &["step-2", "hostile", "autonomy, hardening"],
    );
    assert_eq!(app.asked("srl"), 0);
}

/// Hidden at create, the write is caught when it is asked for.
async fn an_unchecked_follow_up_write_is_not_sent_live(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    let goal = "interpret:call=/srl/write";
    // Checks that come later, or are not all there, do not count.
    for kinds in [
        vec!["hostile"],
        vec!["autonomy", "srl", "hostile"],
        vec!["autonomy", "hardening", "hostile", "srl"],
    ] {
        let (plan, sent) = run(&app, "LIVE", &kinds, goal).await;
        assert_eq!(plan["status"], "ERROR", "{plan:#}");
        assert_has(
            error(&plan),
            &["LIVE plan without", "srl", "nothing was sent"].map(|part| {
                if kinds.len() == 3 && part == "srl" {
                    "hardening"
                } else {
                    part
                }
            }),
        );
        assert!(
            !sent.iter().any(|sent| sent.contains("/srl/write")),
            "{sent:?}"
        );
    }
}

async fn a_checked_write_is_sent_live(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    let kinds = [&CHECKS[..], &["hostile"]].concat();
    let (plan, sent) = run(&app, "LIVE", &kinds, "shape:post=/srl/write").await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(sent, ["POST /srl/write"]);

    // Nobody approved a second one.
    let plan = create(&app, "LIVE", &kinds, "interpret:call=/srl/more").await;
    let (error, plan) = app.run_until_held(&plan).await;
    assert_has(&error, &["step-4", "wants to do more", "approve step-4"]);
    assert_eq!(last(&plan)["status"], "PENDING", "{plan:#}");
    let sent = heard(&app);
    assert_eq!(
        sent,
        ["POST /srl/write", "POST /srl/check", "POST /srl/more"]
    );
}

/// However it is spelt.
async fn a_write_that_claims_to_be_a_read_is_still_a_write(guest: Hostile) {
    let app = guest.start(with_a_writing_get()).await;
    for path in [
        "/srl/act",
        "/srl/%61ct",
        "/srl//act",
        "/srl/ACT",
        "/srl/act/",
        "/srl/act;x=1?y",
        "/srl/act.",
        "/srl/act%20",
        "/srl/act+",
        "/srl/act.json",
        "/srl/act;jsessionid=1//",
        "/srl%2fact%2E%20?x",
        "/srl/act%3fx",
        "/srl/act%23",
        "/srl/%2561ct",
    ] {
        let goal = format!("shape:path={path}");
        let (plan, sent) = run(&app, "DRY_RUN", &["hostile"], &goal).await;
        assert_eq!(last(&plan)["result"]["dryRun"], true, "{path}: {plan:#}");
        assert_eq!(sent, Vec::<String>::new(), "{path}");
        let (plan, sent) = run(&app, "SIMULATION", &["hostile"], &goal).await;
        assert_has(error(&plan), &["SIMULATION never writes"]);
        assert_eq!(sent, Vec::<String>::new(), "{path}");
    }
    let (plan, sent) = run(&app, "DRY_RUN", &["hostile"], "shape:path=/srl/actor").await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(sent, ["GET /srl/actor"]);
}

/// A service where one GET has an effect, and the operator said so.
fn with_a_writing_get() -> TestAppBuilder {
    TestApp::builder().configure(|config| {
        let srl = config.services.get_mut("srl").unwrap();
        srl.routes.insert("GET /srl/act".to_owned(), Effect::Write);
    })
}

/// The error of the step that stopped the plan.
fn error(plan: &Value) -> &str {
    let steps = plan["steps"].as_array().unwrap();
    steps
        .iter()
        .find_map(|step| step["error"].as_str())
        .unwrap_or_else(|| panic!("no error in {plan:#}"))
}
