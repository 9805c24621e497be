//! Answers that are no UTF-8 text, or JSON that says two things: named, with what to do.

use serde_json::json;

use super::{quick, run_alone};
use crate::support::{Reply, TestApp, assert_has, friendly_reply, raw};

/// What srl's answer comes as.
fn answer(headers: &str, body: impl Into<Vec<u8>>) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{headers}\r\n");
    [head.into_bytes(), body.into()].concat()
}

async fn srl_answers(bytes: Vec<u8>) -> TestApp {
    let url = raw(bytes).await;
    quick()
        .configure(move |config| config.services.get_mut("srl").unwrap().url = Some(url))
        .start()
        .await
}

fn utf_16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

fn utf_32(text: &str, unit: fn(u32) -> [u8; 4]) -> Vec<u8> {
    text.chars().flat_map(|c| unit(c.into())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_utf_8_is_named_with_what_to_do() {
    let json = friendly_reply("srl").body;
    let marked = format!("\u{feff}{json}");
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xff\x01".to_vec();
    let latin_1 = b"{\"ok\":true,\"summary\":\"gr\xfcn\"}".to_vec();
    let says_latin_1 = "content-type: application/json; charset=iso-8859-1\r\n";
    let uncompressed = "answer uncompressed";
    let in_utf_8 = "answer in UTF-8";
    let cases: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        (
            "content-encoding: gzip\r\n",
            gzip.clone(),
            "(gzip)",
            uncompressed,
        ),
        (
            "content-encoding: X-GZIP\r\n",
            gzip.clone(),
            "(x-gzip)",
            uncompressed,
        ),
        (
            "content-encoding: br\r\n",
            b"\x0b\x02\x80{}\x03".to_vec(),
            "(br)",
            uncompressed,
        ),
        (
            "content-encoding: zstd\r\n",
            b"plain".to_vec(),
            "(zstd)",
            uncompressed,
        ),
        (
            "content-encoding: identity, deflate\r\n",
            b"x".to_vec(),
            "(deflate)",
            uncompressed,
        ),
        ("", gzip, "(gzip)", uncompressed),
        (
            "",
            b"\x28\xb5\x2f\xfd\x04\x00".to_vec(),
            "(zstd)",
            uncompressed,
        ),
        (
            "",
            b"\x78\x9c\xab\x56\x4a\xce".to_vec(),
            "(deflate)",
            uncompressed,
        ),
        ("", utf_16(&marked, u16::to_le_bytes), "UTF-16LE", in_utf_8),
        ("", utf_16(&marked, u16::to_be_bytes), "UTF-16BE", in_utf_8),
        ("", utf_16(&json, u16::to_le_bytes), "UTF-16LE", in_utf_8),
        ("", utf_16(&json, u16::to_be_bytes), "UTF-16BE", in_utf_8),
        ("", utf_32(&marked, u32::to_le_bytes), "UTF-32LE", in_utf_8),
        ("", utf_32(&json, u32::to_be_bytes), "UTF-32BE", in_utf_8),
        ("", latin_1.clone(), "Latin-1", in_utf_8),
        (says_latin_1, latin_1, "charset=iso-8859-1", in_utf_8),
        ("", b"{\"summary\":\"gr\xc3".to_vec(), "breaks off", "UTF-8"),
        (
            "",
            b"{\"a\":\"\xed\xa0\x80\"}".to_vec(),
            "0xED at 6",
            in_utf_8,
        ),
        ("", b"{\"a\":\"\xc0\xaf\"}".to_vec(), "0xC0 at 6", in_utf_8),
    ];
    for (headers, body, what, remedy) in cases {
        let app = srl_answers(answer(headers, body)).await;
        let (step, requests) = run_alone(&app, "srl").await;
        assert_eq!(step["status"], "ERROR", "{what}");
        let error = step["error"].as_str().unwrap();
        assert_has(error, &["srl at ", "not UTF-8", what, remedy]);
        assert_eq!(requests, json!(1), "it would say the same again: {error}");
    }
}

/// What is wrong with the bytes does not hide what was wrong before.
#[tokio::test(flavor = "multi_thread")]
async fn the_status_of_an_answer_that_cannot_be_read_is_said() {
    for status in [404, 500, 403] {
        let head = format!("HTTP/1.1 {status} No\r\nconnection: close\r\n\r\n");
        let app = srl_answers([head.as_bytes(), b"{\"error\":\"f\xfcr\"}"].concat()).await;
        let (step, _) = run_alone(&app, "srl").await;
        let error = step["error"].as_str().unwrap();
        assert_has(error, &["not UTF-8", &format!("Its status was {status}")]);
    }
}

/// A mark before it, and headers that are wrong about it, do JSON no harm.
#[tokio::test(flavor = "multi_thread")]
async fn json_with_a_mark_or_under_a_wrong_name_is_taken() {
    let json = friendly_reply("srl").body;
    let cases = [
        ("", format!("\u{feff}{json}")),
        ("", format!("\u{feff}\r\n {json}\n")),
        ("content-encoding: identity\r\n", json.clone()),
        ("content-encoding: utf-8\r\n", json.clone()),
        ("content-encoding: gzip\r\n", json.clone()),
        (
            "content-type: application/json; charset=iso-8859-1\r\n",
            json.clone(),
        ),
        ("content-type: text/plain; charset=utf-16\r\n", json.clone()),
    ];
    for (headers, body) in cases {
        let app = srl_answers(answer(headers, body)).await;
        let (step, _) = run_alone(&app, "srl").await;
        assert_eq!(step["status"], "DONE", "{headers}: {}", step["error"]);
    }
}

/// What is busy is tried again, in whatever way it says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_service_need_not_be_read() {
    for body in [
        &b"\x1f\x8b\x08"[..],
        b"gr\xfcn",
        br#"{"ok":false,"ok":true}"#,
    ] {
        let head = b"HTTP/1.1 503 Busy\r\nconnection: close\r\n\r\n";
        let app = srl_answers([&head[..], body].concat()).await;
        let (step, requests) = run_alone(&app, "srl").await;
        assert_has(step["error"].as_str().unwrap(), &["srl answered 503"]);
        assert_eq!(requests, json!(3));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_compression_is_asked_for() {
    let app = TestApp::start().await;
    run_alone(&app, "srl").await;
    let asked = &app.stub("srl").requests()[0];
    assert_eq!(asked.headers["accept-encoding"], "identity");
}

/// No and yes under one name, wherever it is and however it is written: nobody reads either.
#[tokio::test(flavor = "multi_thread")]
async fn json_that_says_two_things_is_no_answer() {
    let rest = r#""ok":true,"requireApproval":false,"findings":[]"#;
    let twice = [
        format!(r#"{{{rest},"allowExecution":false,"allowExecution":true}}"#),
        format!(r#"{{"allowExecution":true,{rest},"allow\u0045xecution":false}}"#),
        format!(r#"{{"allowExecution":true,{rest},"allowExecution":true}}"#),
        format!(
            r#"{{"allowExecution":true,{rest},"x":[{{"allowExecution":1,"allowExecution":2}}]}}"#
        ),
        format!(r#"{{"x":"\ud800",{rest},"allowExecution":false,"allowExecution":true}}"#),
        format!("\u{feff}{{\"allowExecution\":false,{rest},\"allowExecution\":true}}"),
    ];
    for body in twice {
        let app = TestApp::start().await;
        for service in ["srl", "hardening"] {
            let reply = Reply::new(200, "text/plain", &body);
            app.stub(service).answer(reply);
            let (step, requests) = run_alone(&app, service).await;
            assert_eq!(step["status"], "ERROR", "{body}");
            let error = step["error"].as_str().unwrap();
            assert_has(
                error,
                &[service, "\"allowExecution\" twice", "each name once"],
            );
            assert_eq!(requests, json!(1));
        }
        let plan = app.run(&app.create(&json!({})).await).await;
        assert_eq!(
            (&plan["status"], app.asked("workflow")),
            (&json!("ERROR"), 0)
        );
    }
    let once = format!(r#"{{"allowExecution":true,{rest},"x":{{"allowExecution":false}}}}"#);
    let app = TestApp::start().await;
    app.stub("srl")
        .answer(Reply::new(200, "application/json", &once));
    assert_eq!(run_alone(&app, "srl").await.0["status"], "DONE");
}

/// Who can't say in a way that can be read that it has an event may be somebody else, such as the page of a
/// proxy: nothing is lost, and it is shown.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_read_does_not_say_that_brain_has_an_event() {
    for (headers, body, part) in [
        ("", &b"<html>Bitte anmelden f\xfcr mehr"[..], "Latin-1"),
        ("", br#"{"ok":true,"ok":false}"#, "\"ok\" twice"),
        ("content-encoding: gzip\r\n", b"gr\xc3\xbcn", "compressed"),
    ] {
        let url = raw(answer(headers, body)).await;
        let app = TestApp::builder()
            .configure(move |config| config.services.get_mut("brain").unwrap().url = Some(url))
            .start()
            .await;
        app.create(&json!({})).await;
        let status = app
            .status_when(|status| status["brain"]["lastError"].is_object())
            .await;
        assert_eq!(status["brain"]["backlog"], 1);
        let error = status["brain"]["lastError"]["error"].as_str().unwrap();
        assert_has(error, &["brain", part]);
    }
}
