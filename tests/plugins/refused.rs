//! Files that are no step plugins: each is named with its own reason, and the host starts without.

use super::{EMBEDDED, kinds, limits, registry};
use crate::support::{Raw, TestApp, assert_has, folder, guest, start_with};

/// The one notice about the one file in the folder, which must not be loaded.
async fn notice(component: &[u8]) -> String {
    let plugins = folder([("bad.wasm", component)]);
    let registry = registry(plugins.path(), limits()).await;
    assert_eq!(kinds(&registry), EMBEDDED);
    let [notice] = &registry.notices()[..] else {
        panic!("{:?}", registry.notices());
    };
    assert_has(notice, &["bad.wasm is skipped: "]);
    assert!(notice.len() < 1_200, "{} bytes: {notice}", notice.len());
    assert!(!notice.contains(char::is_control), "{notice:?}");
    notice.clone()
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// What a file named `.wasm` may be instead of a component.
fn no_components() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let good = Raw::new("good").component();
    let random: Vec<u8> = (0..4096_u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3])
        .collect();
    let with_header = [&good[..8], &random[..]].concat();
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    for byte in &mut flipped[middle..middle + 64] {
        *byte ^= 0xff;
    }
    vec![
        ("empty", Vec::new(), "the file is empty"),
        ("text", b"hello".to_vec(), "not WebAssembly"),
        ("random", random, "not WebAssembly"),
        ("wat", b"(component)".to_vec(), "not WebAssembly"),
        ("three bytes", good[..3].to_vec(), "not WebAssembly"),
        ("magic only", good[..4].to_vec(), "does not compile"),
        (
            "truncated",
            good[..good.len() / 2].to_vec(),
            "does not compile",
        ),
        (
            "cut by one",
            good[..good.len() - 1].to_vec(),
            "does not compile",
        ),
        ("random after the header", with_header, "does not compile"),
        ("damaged", flipped, "does not compile"),
        (
            "core module",
            Raw::new("x").module(),
            "core WebAssembly module",
        ),
        ("empty module", wat("(module)"), "core WebAssembly module"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_component_is_skipped() {
    for (what, bytes, reason) in no_components() {
        let notice = notice(&bytes).await;
        assert!(notice.contains(reason), "{what}: {notice}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_of_another_world_is_skipped() {
    let more = Raw {
        wit: Raw::new("x").wit.replace(
            "    settings-schema: string,",
            "    settings-schema: string, extra: u32,",
        ),
        ..Raw::new("altered")
    };
    assert_ne!(more.wit, Raw::new("x").wit);
    for component in [
        wat("(component)"),
        wat(r#"(component (import "codex:mesh/log@1.0.0" (instance)))"#),
    ] {
        let notice = notice(&component).await;
        assert_has(&notice, &["not a step plugin of codex:mesh@1.1.0"]);
    }
    // Of the right name, and not of the right types.
    let notice = notice(&more.component()).await;
    assert_has(
        &notice,
        &["codex:mesh@1.1.0", "expected record of 8 fields, found 9"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forbidden_import_is_named() {
    for import in [
        "wasi:sockets/tcp@0.2.0",
        "wasi:sockets/instance-network@0.2.6",
        "wasi:http/outgoing-handler@0.2.0",
        "wasi:keyvalue/store@0.2.0",
        "codex:mesh/secrets@1.0.0",
        "env:host/run",
        "codex:mesh/logs@1.1.0",
        "wasi:cli/nothing@0.2.0",
        "wasi:clocks/wall-clock@0.3.0",
    ] {
        let notice = notice(&wat(&format!(
            "(component (import \"{import}\" (instance \
            (export \"f\" (func)))))"
        )))
        .await;
        let offered = [
            "codex:mesh/log and codex:mesh/clock",
            "1.0 to 1.1",
            "wasi:clocks",
        ];
        assert_has(&notice, &["it imports", import, "does not grant"]);
        assert_has(&notice, &offered);
    }
}

/// As a compiler makes it, of a plugin that opens a socket.
#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_opens_sockets_is_skipped() {
    let notice = notice(guest("networked")).await;
    assert_has(&notice, &["it imports wasi:sockets/", "does not grant"]);
}

/// The names in a file are its author's: a message shows no more of them than it takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_name_is_cut() {
    let name = format!("evil:{}/x", "a".repeat(50_000));
    let notice = notice(&wat(&format!("(component (import \"{name}\" (func)))"))).await;
    assert_has(&notice, &["evil:aaa"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_manifest_is_explained() {
    let long = "x".repeat(2_000);
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(70_000));
    let (kind, version, label, service, endpoint, description, schema) = (0, 1, 2, 3, 4, 5, 6);
    for (field, value, reason) in [
        (kind, "", "the kind \"\" must be"),
        (kind, "Srl", "the kind \"Srl\" must be"),
        (kind, "-a", "the kind \"-a\" must be"),
        (kind, "a b", "the kind"),
        (kind, "a\nb", "the kind"),
        (kind, &long, "the kind"),
        (version, "1", "not a semantic version"),
        (version, "v1.0.0", "not a semantic version"),
        (version, "", "the version"),
        (version, &format!("1.0.0-{long}"), "the version has"),
        (label, "", "the label has 0 characters"),
        (label, &long, "the label has 2000 characters"),
        (label, "a\u{1b}[31m", "the label has control characters"),
        (service, "", "the service \"\" is not configured"),
        (
            service,
            "nowhere",
            "the service \"nowhere\" is not configured",
        ),
        (service, &long, "is not configured"),
        (endpoint, "", "the endpoint is no path"),
        (endpoint, "//evil", "the endpoint is no path"),
        (endpoint, "/a/../b", "the endpoint is no path"),
        (description, &long, "the description has 2000 characters"),
        (schema, "", "the settings-schema is not JSON"),
        (schema, "{", "the settings-schema is not JSON"),
        (schema, "[]", "the settings-schema is not a JSON object"),
        (schema, &large, "the settings-schema has more than"),
        (
            schema,
            r##"{"properties": {"a": {"$ref": "#"}}}"##,
            "the settings-schema has the keyword \"$ref\"",
        ),
        (
            schema,
            r#"{"type": "objekt"}"#,
            "the settings-schema does not compile",
        ),
    ] {
        let mut raw = Raw::new("wrong");
        raw.manifest[field] = value.to_owned();
        let notice = notice(&raw.component()).await;
        assert_has(&notice, &["its manifest is wrong: ", reason]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_with_nothing_but_bad_files_starts_and_works() {
    let bad = no_components();
    let names: Vec<String> = (0..bad.len()).map(|n| format!("{n}.wasm")).collect();
    let files = names
        .iter()
        .zip(&bad)
        .map(|(name, (_, bytes, _))| (name.as_str(), bytes.as_slice()));
    let app = start_with(TestApp::builder(), files).await;
    let (status, answer) = app.get("/plugins").await;
    assert_eq!(status, 200);
    let plugins = answer["plugins"].as_array().unwrap();
    let loaded: Vec<&str> = plugins
        .iter()
        .map(|plugin| plugin["kind"].as_str().unwrap())
        .collect();
    assert_eq!(loaded, EMBEDDED);
    let plan = app.create(&serde_json::json!({})).await;
    assert_eq!(app.run(&plan).await["status"], "DONE");
}
