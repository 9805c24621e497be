//! Requests that must not be sent: each is refused with its reason, and the service hears nothing.

use serde_json::json;

use super::{Hostile, Language, assert_serves, error_of, patient, run_hostile};
use crate::support::{TestApp, assert_has};

in_every_language! {
    a_path_that_leaves_the_service_is_refused,
    a_header_that_is_not_the_plugins_to_set_is_refused,
    a_header_that_is_not_granted_is_refused,
    a_header_that_is_allowed_is_sent,
    a_parameter_that_names_another_method_is_refused,
    a_secret_that_was_not_granted_is_refused,
    too_many_headers_are_refused,
    a_body_that_is_not_json_is_refused,
    follow_up_requests_are_judged_as_well,
    a_plugin_that_never_stops_asking_is_stopped,
}

const REFUSED: &str = "the plugin's request is refused";

async fn a_path_that_leaves_the_service_is_refused(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    for (path, part) in [
        ("//evil", "name another host"),
        ("///evil", "name another host"),
        ("http://evil", "must begin with one \"/\""),
        ("evil:80/x", "must begin with one \"/\""),
        ("", "must begin with one \"/\""),
        ("/../x", "would leave its place"),
        ("/srl/..", "would leave its place"),
        ("/srl/%2e%2e/x", "would leave its place"),
        ("/srl/%2E./x", "would leave its place"),
        ("/srl/..%2fx", "would leave its place"),
        ("/srl%2f..%2fx", "would leave its place"),
        ("/srl/..%5cx", "would leave its place"),
        ("/srl/..;/x", "would leave its place"),
        ("/\\evil", "is not allowed"),
        ("/x y", "is not allowed"),
        ("/x#y", "is not allowed"),
        ("/x\r\nhost: evil", "is not allowed"),
        ("/x\u{0}", "is not allowed"),
        ("/%zz", "hexadecimal"),
        // A blank or a letter, as some take it, that is none.
        ("/srl/act%09", "control character"),
        ("/srl/%e4ct", "beyond ASCII"),
        ("/srl/%EF%BD%81ct", "beyond ASCII"),
        ("/srl%c0%afact", "beyond ASCII"),
        ("/srl/%25u0061ct", "\"%u\""),
        ("/srl/..%20/x", "would leave its place"),
    ] {
        let error = error_of(&app, &format!("shape:path={path}")).await;
        assert_has(&error, &[REFUSED, "the path", part]);
    }
    assert_eq!(app.asked("srl"), 0);
    assert_serves(&app).await;
}

async fn a_header_that_is_not_the_plugins_to_set_is_refused(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    for (header, parts) in [
        ("x-a: b\r\nhost: evil", ["\"x-a\"", "not legal"]),
        ("x-a: b\u{0}", ["\"x-a\"", "not legal"]),
        ("x-a\r\nhost: evil", ["x-a", "names no header"]),
        (": b", ["\"\"", "names no header"]),
        ("Host: evil", ["\"Host\"", "is the host's to set"]),
        (
            "content-length: 0",
            ["\"content-length\"", "is the host's to set"],
        ),
        (
            "Transfer-Encoding: chunked",
            ["\"Transfer-Encoding\"", "is the host's to set"],
        ),
        (
            "connection: upgrade",
            ["\"connection\"", "is the host's to set"],
        ),
        ("cookie: a=b", ["\"cookie\"", "is the host's to set"]),
        (
            "proxy-authorization: x",
            ["\"proxy-authorization\"", "is the host's to set"],
        ),
        (
            "x-forwarded-host: evil",
            ["\"x-forwarded-host\"", "is the host's to set"],
        ),
        // These would make another request of the one that was judged.
        (
            "X-HTTP-Method-Override: DELETE",
            ["Override", "is the host's to set"],
        ),
        // As many servers read it.
        (
            "x_http_method-override: DELETE",
            ["x_http_method", "is the host's to set"],
        ),
        (
            "x-original-url: /srl/write",
            ["x-original-url", "is the host's to set"],
        ),
        (
            "X-Original-URI: /srl/write",
            ["X-Original-URI", "is the host's to set"],
        ),
        (
            "x-rewrite-url: /srl/write",
            ["x-rewrite-url", "is the host's to set"],
        ),
        (
            "content-encoding: gzip",
            ["content-encoding", "is the host's to set"],
        ),
        ("te: trailers", ["\"te\"", "is the host's to set"]),
        ("trailer: x-a", ["\"trailer\"", "is the host's to set"]),
        ("via: 1.1 x", ["\"via\"", "is the host's to set"]),
        (
            "forwarded: for=x",
            ["\"forwarded\"", "is the host's to set"],
        ),
        ("x-real-ip: ::1", ["\"x-real-ip\"", "is the host's to set"]),
        (
            "sec-fetch-site: none",
            ["sec-fetch-site", "is the host's to set"],
        ),
        ("x-a: b\r\n c", ["\"x-a\"", "not legal"]),
        ("x-a: \u{fc}", ["\"x-a\"", "not legal"]),
    ] {
        let error = error_of(&app, &format!("shape:header={header}")).await;
        assert_has(&error, &[REFUSED]);
        assert_has(&error, &parts);
    }
    assert_eq!(app.asked("srl"), 0);
}

/// What is not on the list is not sent, whatever it is called.
async fn a_header_that_is_not_granted_is_refused(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    for (index, name) in [
        "x-authenticated-user",
        "destination",
        "overwrite",
        "depth",
        "range",
        "x-request-id",
        "origin",
        "referer",
        "user-agent",
        "x-user",
        "x_team",
        "if_match",
    ]
    .into_iter()
    .enumerate()
    {
        let what = format!("the header {name} is not granted to the plugin hostile for srl");
        let line = [
            what.as_str(),
            "under [plugin.hostile.headers]",
            &format!("{name:?}"),
        ];
        let body = json!({
            "sessionId": "s1", "domain": "social", "goal": format!("shape:header={name}: 1"),
            "steps": [{"kind": "hostile"}],
        });
        let (status, answer) = app.post("/mesh/create", &body).await;
        assert_eq!(status, 400, "{answer}");
        assert_has(answer["error"].as_str().unwrap(), &line);
        let error = error_of(&app, &format!("interpret:ask=header={name}: 1")).await;
        assert_has(&error, &[REFUSED, "Nothing was sent"]);
        assert_has(&error, &line);
        assert_eq!(
            app.asked("srl"),
            index + 1,
            "only the first request is sent"
        );
    }
}

async fn a_header_that_is_allowed_is_sent(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    // Of every plugin, and where the operator granted it.
    for (index, name) in ["accept-language", "if-none-match", "x-team"]
        .into_iter()
        .enumerate()
    {
        let step = run_hostile(&app, &format!("shape:header={name}: growth")).await;
        assert_eq!(step["status"], "DONE", "{step:#}");
        let requests = app.stub("srl").requests();
        assert_eq!(requests[index].headers[name], "growth");
    }
}

/// A service that takes it for the method would do something else than what was judged.
async fn a_parameter_that_names_another_method_is_refused(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    for task in [
        "shape:path=/srl/reports/1?_method=DELETE",
        "shape:path=/srl/reports/1?a=b&%5FMETHOD%5B%5D=delete",
        "shape:path=/srl/reports/1;_method=DELETE",
        "shape:path=/srl/reports/1?X-HTTP-Method-Override=PUT",
        "shape:path=/srl/reports/1?method=delete",
        r#"shape:body={"_method":"DELETE"}"#,
        r#"shape:body={"\u005fmethod":"DELETE"}"#,
        r#"shape:body={"a":{},"x-http-method-override":"DELETE"}"#,
    ] {
        let error = error_of(&app, task).await;
        assert_has(&error, &[REFUSED, "in it names a method", "leave it out"]);
    }
    assert_eq!(app.asked("srl"), 0);
}

async fn a_secret_that_was_not_granted_is_refused(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    let error = error_of(&app, "shape:secret=brain-token").await;
    assert_has(&error, &[REFUSED, "asks for a secret", "\"brain-token\""]);
    assert_eq!(app.asked("srl"), 0);
}

async fn too_many_headers_are_refused(guest: Hostile) {
    let app = guest.start(patient()).await;
    for count in ["33", "5000"] {
        let error = error_of(&app, &format!("shape:headers={count}")).await;
        assert_has(&error, &[REFUSED, count, "the limit is 32"]);
    }
    // So many that the host would not even copy them.
    let error = error_of(&app, "shape:headers=60000").await;
    let limit = match guest.language {
        Language::Rust => "2097152 bytes of output",
        // They don't even fit into its memory.
        Language::Js | Language::Python => "16777216 bytes of memory",
    };
    assert_has(&error, &["the plugin failed", limit]);
    assert_eq!(app.asked("srl"), 0);
    let step = run_hostile(&app, "shape:headers=32").await;
    assert_eq!(step["status"], "DONE", "{step:#}");
}

async fn a_body_that_is_not_json_is_refused(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    for body in ["", "not json", "{\"a\":", "{} {}", "NaN", "'a'"] {
        let error = error_of(&app, &format!("shape:body={body}")).await;
        assert_has(&error, &[REFUSED, "the body is not JSON"]);
    }
    let error = error_of(&app, "shape:body-deep").await;
    assert_has(&error, &[REFUSED, "100 levels"]);
    let error = error_of(&app, "shape:body-huge").await;
    assert_has(&error, &["the plugin failed"]);
    assert_eq!(app.asked("srl"), 0);
}

/// What a plugin asks for later is judged like what it asks for first.
async fn follow_up_requests_are_judged_as_well(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    for (index, (asks, part)) in [
        ("path=//evil", "name another host"),
        ("header=host: evil", "is the host's to set"),
        ("secret=token", "the secret token is not granted"),
        ("body=not json", "the body is not JSON"),
    ]
    .into_iter()
    .enumerate()
    {
        let error = error_of(&app, &format!("interpret:ask={asks}")).await;
        assert_has(&error, &[REFUSED, part]);
        assert_eq!(
            app.asked("srl"),
            index + 1,
            "only the first request is sent"
        );
    }
}

async fn a_plugin_that_never_stops_asking_is_stopped(guest: Hostile) {
    let app = guest.start(TestApp::builder()).await;
    let error = error_of(&app, "interpret:call-get=/srl/more").await;
    assert_has(&error, &["more than 4 round trips"]);
    let paths: Vec<String> = app
        .stub("srl")
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(paths, ["/srl/check", "/srl/more", "/srl/more", "/srl/more"]);
}
