//! `codex-mesh run` without a terminal: exit codes, plain lines, JSON.

use serde_json::{Value, json};

use super::{assert_plain, host_that_asks, json_lines, mesh, only_plan, run};
use crate::support::{Reply, Stub, TestApp, assert_has};

fn broken() -> Reply {
    Reply::json(500, &json!({"ok": false, "error": "out of order"}))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_exits_with_0_once_the_plan_is_done() {
    let app = TestApp::start().await;
    let ended = run(&app.url, &["--mode", "dry_run", "--session", "mine"]).ends();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_plain(&ended);
    let plan = only_plan(&app).await;
    assert_eq!(plan["status"], "DONE");
    assert_eq!(plan["mode"], "DRY_RUN");
    assert_eq!(plan["sessionId"], "mine");
    let id = plan["id"].as_str().unwrap();
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines[0], format!("plan {id} (DRY_RUN): Grow"));
    assert_eq!(*lines.last().unwrap(), format!("plan {id} is DONE"));
    let mut rest = lines[1..lines.len() - 1].iter();
    for step in plan["steps"].as_array().unwrap() {
        let named = [
            step["id"].as_str().unwrap(),
            step["label"].as_str().unwrap(),
        ];
        let began = rest.next().unwrap();
        assert_has(began, &named);
        assert!(began.ends_with("  started"), "{began}");
        let ended = rest.next().unwrap();
        assert_has(ended, &named);
        let (_, took) = ended.split_once("  DONE ").unwrap();
        assert!(took.ends_with(" s"), "{took}");
    }
    assert_eq!(rest.next(), None);
}

/// A step that is DONE and did not do what its name says tells so.
#[tokio::test(flavor = "multi_thread")]
async fn it_says_that_nothing_was_simulated() {
    let app = TestApp::start().await;
    let ended = run(&app.url, &["--mode", "simulation"]).ends();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let plan = only_plan(&app).await;
    let reason = plan["steps"][3]["result"]["reason"].as_str().unwrap();
    assert_has(&ended.stdout, &[&format!("step-4: {reason}"), "is DONE"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_exits_with_1_if_the_plan_fails_and_says_why() {
    let app = TestApp::builder().service("srl", broken()).start().await;
    let ended = run(&app.url, &[]).ends();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let plan = only_plan(&app).await;
    let error = plan["steps"][1]["error"].as_str().unwrap();
    assert_has(
        &ended.stdout,
        &["step-2", "ERROR ", &format!(": {error}"), "is ERROR"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_exits_with_1_if_the_plan_is_cancelled() {
    let app = TestApp::start().await;
    app.stub("srl").hold();
    let mut process = run(&app.url, &[]).spawn();
    app.stub("srl").asked(1).await;
    let plan = only_plan(&app).await;
    let cancel = json!({"planId": plan["id"], "by": "Bob", "reason": "too late"});
    assert_eq!(app.post("/mesh/cancel", &cancel).await.0, 200);
    assert_eq!(process.ended().code(), Some(1));
    assert_has(
        &process.stdout.rest(),
        &["cancelled by Bob: too late", "is CANCELLED"],
    );
    app.stub("srl").release();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_exits_with_2_if_nobody_can_be_asked_and_says_how_to_approve() {
    let app = host_that_asks().await;
    let ended = run(&app.url, &[]).ends();
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_plain(&ended);
    let plan = only_plan(&app).await;
    assert_eq!(plan["status"], "WAITING");
    let reason = plan["steps"][0]["approval"]["reason"].as_str().unwrap();
    let digest = plan["waiting"][0]["digest"].as_str().unwrap();
    let expected = [
        "asks a person to approve",
        reason,
        digest,
        "/workflow/create",
        "\"goal\": \"Grow\"",
        "is WAITING",
    ];
    assert_has(&ended.stdout, &expected);

    // What it says works, as it is.
    let commands = ended
        .stdout
        .lines()
        .filter(|line| line.starts_with("  curl "));
    let commands: Vec<&str> = commands.collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    for command in commands {
        assert_has(command, &[&app.url]);
        let (_, body) = command.split_once(" -d '").unwrap();
        let body: Value = serde_json::from_str(body.trim_end_matches('\'')).unwrap();
        let path = command.split_once("/mesh/").unwrap().1;
        let path = format!("/mesh/{}", path.split_once('\'').unwrap().0);
        let (status, answer) = app.post(&path, &body).await;
        assert_eq!(status, 200, "{answer}");
    }
    let run_on = json!({"planId": plan["id"], "wait": true});
    let (_, answer) = app.post("/mesh/run", &run_on).await;
    assert_eq!(answer["plan"]["status"], "DONE");
    let grant = &answer["plan"]["steps"][0]["approval"]["grant"];
    assert_eq!(grant["writes"], json!({"step-4": digest}));
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_every_event_and_at_last_the_plan() {
    let app = TestApp::start().await;
    let ended = run(&app.url, &["--json"]).ends();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stderr, "");
    let mut lines = json_lines(&ended.stdout);
    let plan = only_plan(&app).await;
    assert_eq!(lines.pop().unwrap(), json!({"ok": true, "plan": plan}));
    let (_, history) = app
        .get(&format!(
            "/mesh/history?id={}",
            plan["id"].as_str().unwrap()
        ))
        .await;
    let mut expected = history["history"].as_array().unwrap().clone();
    for entry in &mut expected {
        entry["planId"] = plan["id"].clone();
    }
    assert_eq!(lines, expected);

    for (app, code) in [
        (host_that_asks().await, 3),
        (TestApp::builder().service("srl", broken()).start().await, 1),
    ] {
        let ended = run(&app.url, &["--json"]).ends();
        assert_eq!(ended.code, Some(code), "{ended:?}");
        let last = json_lines(&ended.stdout).pop().unwrap();
        assert_eq!(last, json!({"ok": false, "plan": only_plan(&app).await}));
    }
}

/// Not even to the host itself: whoever is named is asked, and nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_told_and_not_followed() {
    let app = TestApp::start().await;
    let to = format!("{}/mesh/create", app.url);
    let redirect = Reply::new(307, "text/plain", "").header("location", &to);
    let door = Stub::answering(redirect).await;
    let ended = run(&door.url, &[]).ends();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_has(&ended.stderr, &["redirects to ", &to, "--url"]);
    let (_, plans) = app.get("/mesh/plans").await;
    assert_eq!(plans["plans"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_said() {
    let app = TestApp::start().await;
    let wrong: [(&[&str], Option<i32>, &str); 4] = [
        (
            &["--goal", "x", "--domain", "cooking"],
            Some(2),
            "must be one of social, ",
        ),
        (&["--domain", "social"], Some(2), "--goal"),
        (
            &["--goal", " ", "--domain", "social"],
            Some(1),
            "goal must not be empty",
        ),
        (
            &["--goal", "x", "--domain", "social", "--mode", "maybe"],
            Some(2),
            "must be one of SIMULATION",
        ),
    ];
    for (args, code, said) in wrong {
        let ended = mesh(&app.url, &["run"]).args(args).ends();
        assert_eq!(ended.code, code, "{ended:?}");
        assert_has(&ended.stderr, &[said]);
        assert_eq!(ended.stdout, "");
    }
    let ended = run("http://127.0.0.1:1", &["--json"]).ends();
    assert_eq!(ended.code, Some(1));
    assert_has(
        &ended.stderr,
        &["no host answers at http://127.0.0.1:1/mesh/create"],
    );
    let lines = json_lines(&ended.stdout);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["ok"], false);
    assert_has(lines[0]["error"].as_str().unwrap(), &["no host answers"]);
    // The flag wins over the variable.
    let ended = run("http://127.0.0.1:1", &["--url", &app.url]).ends();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

/// Texts of clients, plugins and services reach the terminal as text.
#[tokio::test(flavor = "multi_thread")]
async fn no_control_character_is_passed_on() {
    const ODD: &str = "Grow\u{1b}[2J\u{9b}31m\u{7f}\r\n\u{202e}up\u{2028}";
    let error = json!({"ok": false, "error": ODD});
    let app = TestApp::builder()
        .service("autonomy", super::unsure())
        .service("srl", Reply::json(200, &error))
        .start()
        .await;
    let args = ["--goal", ODD, "--domain", "social", "--session", ODD];
    for (json, code) in [(false, 1), (true, 1)] {
        let flag: &[&str] = if json { &["--json"] } else { &[] };
        let ended = mesh(&app.url, &["run"]).args(&args).args(flag).ends();
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert_plain(&ended);
        if json {
            let last = json_lines(&ended.stdout).pop().unwrap();
            assert_eq!(last["plan"]["goal"], ODD);
        } else {
            assert_has(
                &ended.stdout,
                &[r"Grow\u{1b}[2J\u{9b}31m\u{7f}\r\n\u{202e}up\u{2028}"],
            );
        }
    }
    // What is to be approved has the goal in its payload.
    app.stub("srl").answer(crate::support::recorded(
        "srl-check-dependencies-stubbed.json",
        "all_healthy_no_findings",
    ));
    let ended = mesh(&app.url, &["run"]).args(&args).ends();
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_plain(&ended);
    let (_, answer) = app.get("/mesh/plans").await;
    for plan in answer["plans"].as_array().unwrap() {
        let id = plan["id"].as_str().unwrap();
        let cancel = json!({"planId": id, "by": "Ann", "reason": "done with it"});
        for args in [&["plan", id][..], &["plan", id, "--json"]] {
            assert_plain(&mesh(&app.url, args).ends());
        }
        assert_eq!(app.post("/mesh/cancel", &cancel).await.0, 200);
        assert_plain(&mesh(&app.url, &["plan", id]).ends());
    }
    for args in [&["plans"][..], &["plans", "--json"]] {
        let ended = mesh(&app.url, args).ends();
        assert_eq!(ended.code, Some(0));
        assert_plain(&ended);
    }
    // An error of the host's own, with something of the client's in it.
    let ended = mesh(&app.url, &["plan", ODD]).ends();
    assert_eq!(ended.code, Some(1));
    assert_plain(&ended);
}
