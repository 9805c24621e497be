//! Answers that nobody should have to read: each gives a clear error, within bounds.

use serde_json::{Value, json};

use super::{quick, run_alone};
use crate::support::{Reply, TestApp, assert_has, endless, raw};

async fn ask(url: String) -> Value {
    let app = quick()
        .configure(move |config| {
            let srl = config.services.get_mut("srl").unwrap();
            (srl.url, srl.timeout_ms) = (Some(url), Some(2_000));
            config.retry.tries = 1;
        })
        .start()
        .await;
    let (step, _) = run_alone(&app, "srl").await;
    assert_eq!(step["status"], "ERROR", "{step}");
    step["error"].clone()
}

/// Resident memory of this process, in MiB: the host under test is part of it.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1_024
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gigabyte_is_not_read() {
    let before = resident();
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n[";
    let error = ask(endless(head, " ".repeat(1 << 20)).await).await;
    assert_has(error.as_str().unwrap(), &["srl", "more than 1048576 bytes"]);
    let grown = resident().saturating_sub(before);
    assert!(grown < 512, "grew by {grown} MiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_drip_runs_out_of_time() {
    // A byte at a time from a full buffer is still more than the limit allows: only a sender that
    // waits drips. `endless` waits as soon as nobody reads, so the head alone is dripped here.
    let url = crate::support::stalling("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{").await;
    assert_has(
        ask(url).await.as_str().unwrap(),
        &["srl", "did not answer within 2000 ms"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bodies_are_named() {
    let cases = [
        (
            "{\"ok\":true,\"allowExecution\":\"yes\"}",
            "not its usual answer",
        ),
        ("[1,2,3]", "srl answered 200"),
        ("null", "srl answered 200"),
        (
            "{\"ok\":true,\"allowExecution\":true,\"requireApproval\":false}\0",
            "not JSON",
        ),
        ("{\"a\":\"\u{0}\"}", "not JSON"),
        ("{\"ok\":tr", "breaks off"),
        ("<html></html>", "HTML"),
    ];
    let app: TestApp = quick().start().await;
    for (body, told) in cases {
        app.stub("srl")
            .answer(Reply::new(200, "application/json", body));
        let (step, _) = run_alone(&app, "srl").await;
        assert_eq!(step["status"], "ERROR", "{body:?}: {step}");
        assert_has(step["error"].as_str().unwrap(), &["srl", told]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nul_in_an_answer_stays_harmless() {
    let app = quick().start().await;
    let answer = json!({"ok": true, "allowExecution": true, "requireApproval": false,
        "findings": [], "summary": "a\u{0}b", "confidence": 0.9});
    app.stub("srl").answer(Reply::json(200, &answer));
    let (step, _) = run_alone(&app, "srl").await;
    assert_eq!(step["result"]["summary"], "a\u{0}b", "{step}");
}

/// Answers as older and stranger services give them, which are answers all the same.
#[tokio::test(flavor = "multi_thread")]
async fn older_and_stranger_answers_are_taken() {
    let body = crate::support::friendly_reply("workflow").body;
    let length = body.len();
    let answers = [
        format!("HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{body}"),
        format!("HTTP/1.0 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"),
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}"),
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"),
        format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
        ),
        format!(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"
        ),
        format!(
            "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n\
             HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"
        ),
    ];
    for answer in answers {
        let url = raw(answer.clone()).await;
        let app = quick()
            .configure(super::unchecked)
            .configure(move |config| {
                config.services.get_mut("workflow").unwrap().url = Some(url);
            })
            .start()
            .await;
        let (step, requests) = run_alone(&app, "workflow").await;
        assert_eq!(step["status"], "DONE", "{answer}: {}", step["error"]);
        assert_eq!(requests, 1, "{answer}");
    }
}
