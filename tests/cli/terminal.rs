//! `codex-mesh run` with a person at a terminal.

use serde_json::json;

use super::{host_that_asks, only_plan, run};
use crate::support::{Terminal, TestApp, assert_has};

#[tokio::test(flavor = "multi_thread")]
async fn each_step_shows_while_it_runs() {
    let app = TestApp::start().await;
    app.stub("srl").hold();
    let mut terminal = Terminal::open();
    let mut process = run(&app.url, &[]).spawn_on(&terminal);
    app.stub("srl").asked(1).await;
    // The line moves: time goes on while the step runs.
    for time in ["0.1 s", "0.3 s"] {
        terminal.wait_for(time);
    }
    let line = terminal.seen.rsplit("\x1b[2K").next().unwrap().to_owned();
    assert_has(&line, &["step-2"]);
    app.stub("srl").release();
    terminal.wait_for("is \x1b[32mDONE\x1b[0m");
    assert_eq!(process.wait().unwrap().code(), Some(0));
    let lasting = lasting_lines(terminal.rest());
    let plan = only_plan(&app).await;
    assert_eq!(lasting.len(), 6, "{lasting:#?}");
    for (line, step) in lasting[1..5].iter().zip(plan["steps"].as_array().unwrap()) {
        let named = [
            step["id"].as_str().unwrap(),
            step["label"].as_str().unwrap(),
        ];
        assert_has(line, &named);
        assert_has(line, &["\x1b[32mDONE ", " s\x1b[0m"]);
    }
}

/// What is left on the screen, line by line.
fn lasting_lines(shown: &str) -> Vec<String> {
    let lasting = |line: &str| line.rsplit("\x1b[2K").next().unwrap().to_owned();
    let lines = shown.split("\r\n").map(lasting);
    lines.filter(|line| !line.is_empty()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_approves_lets_it_go_on() {
    let app = host_that_asks().await;
    let mut terminal = Terminal::open();
    let mut process = run(&app.url, &[]).spawn_on(&terminal);
    terminal.wait_for("later [y/n/L]");
    let plan = only_plan(&app).await;
    let digest = plan["waiting"][0]["digest"].as_str().unwrap();
    let reason = plan["steps"][0]["approval"]["reason"].as_str().unwrap();
    assert_has(
        &terminal.seen,
        &[reason, digest, "/workflow/create", "\"goal\": \"Grow\""],
    );
    assert_eq!(app.asked("workflow"), 0);
    terminal.type_line("y");
    terminal.wait_for("your name [ada]:");
    terminal.type_line("");
    assert_eq!(
        process.wait().unwrap().code(),
        Some(0),
        "{}",
        terminal.rest()
    );
    assert_has(terminal.rest(), &["approved by ada", "is \x1b[32mDONE"]);
    let plan = only_plan(&app).await;
    let grant = &plan["steps"][0]["approval"]["grant"];
    assert_eq!(grant["approvedBy"], "ada");
    assert_eq!(grant["writes"], json!({"step-4": digest}));
    assert_eq!(app.asked("workflow"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_does_not_approve_says_why() {
    let app = host_that_asks().await;
    let mut terminal = Terminal::open();
    let mut process = run(&app.url, &["--by", "Grace"]).spawn_on(&terminal);
    terminal.wait_for("later [y/n/L]");
    // What is neither a yes nor a no is asked again.
    terminal.type_line("huh");
    terminal.wait_for("later [y/n/L]");
    terminal.type_line("n");
    terminal.wait_for("why not?");
    terminal.type_line(" ");
    terminal.wait_for("why not?");
    terminal.type_line("too bold");
    assert_eq!(
        process.wait().unwrap().code(),
        Some(1),
        "{}",
        terminal.rest()
    );
    assert_has(terminal.rest(), &["rejected by Grace: too bold"]);
    let plan = only_plan(&app).await;
    assert_eq!(plan["status"], "ERROR");
    assert_eq!(plan["steps"][0]["error"], "rejected by Grace: too bold");
    assert_eq!(app.asked("workflow"), 0);
}

/// While one person thinks, another decides.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_may_be_faster() {
    let app = host_that_asks().await;
    let mut terminal = Terminal::open();
    let mut process = run(&app.url, &["--by", "Grace"]).spawn_on(&terminal);
    terminal.wait_for("later [y/n/L]");
    let plan = only_plan(&app).await;
    let approve = json!({"planId": plan["id"], "stepId": "step-1", "approvedBy": "Bob"});
    assert_eq!(app.post("/mesh/approve", &approve).await.0, 200);
    terminal.type_line("y");
    assert_eq!(
        process.wait().unwrap().code(),
        Some(0),
        "{}",
        terminal.rest()
    );
    assert_has(terminal.rest(), &["step-1 was approved by Bob"]);
    let plan = only_plan(&app).await;
    assert_eq!(plan["steps"][0]["approval"]["grant"]["approvedBy"], "Bob");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_is_told_that_the_plan_goes_on() {
    for asked in [true, false] {
        let app = host_that_asks().await;
        if !asked {
            app.stub("srl").hold();
        }
        let mut terminal = Terminal::open();
        let mut process = run(&app.url, &[]).spawn_on(&terminal);
        if asked {
            terminal.wait_for("later [y/n/L]");
        } else {
            app.stub("srl").asked(1).await;
            // The line moves, so it listens to signals by now.
            terminal.wait_for("0.2 s");
        }
        let kill = format!("kill -INT {}", process.id());
        let sent = std::process::Command::new("sh")
            .args(["-c", &kill])
            .status();
        assert!(sent.unwrap().success());
        assert_eq!(process.wait().unwrap().code(), Some(130));
        let plan = only_plan(&app).await;
        let id = plan["id"].as_str().unwrap();
        let watch = format!("codex-mesh plan {id}");
        assert_has(terminal.rest(), &["goes on", &watch, "/mesh/cancel"]);
        app.stub("srl").release();
        let wait = json!({"planId": id, "wait": true});
        app.post("/mesh/run", &wait).await;
        assert_eq!(only_plan(&app).await["status"], "WAITING");
    }
}
