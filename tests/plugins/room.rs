//! What the system and the operator leave the plugins: where that is too little the host says so, and
//! names the setting.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{kinds, limits, named, registry};
use crate::support::{Binary, BinaryBuilder, Raw, TestApp, assert_has, folder, program};
use codex_mesh::sandbox::Limits;

fn component(kind: &str) -> Vec<u8> {
    Raw::new(kind).component()
}

#[test]
fn too_little_address_space_is_named_with_what_is_needed() {
    let data = tempfile::tempdir().unwrap();
    for (limit, parts) in [
        (
            "ulimit -v 200000",
            &["256 MiB", "ulimit -v unlimited", "LimitAS"][..],
        ),
        (
            "ulimit -v 1000000",
            &[
                "limited to 1024000000 bytes",
                "needs 4294967296",
                "LimitAS=infinity",
                "concurrent_calls",
            ],
        ),
        (
            "ulimit -v 3000000",
            &["limited to 3072000000 bytes", "ulimit -v unlimited"],
        ),
        (
            "ulimit -d 200000",
            &[
                "limited to 204800000 bytes",
                "ulimit -d unlimited",
                "LimitDATA",
            ],
        ),
    ] {
        let (code, said) = Binary::limited("serve", data.path(), limit).fails();
        assert_eq!(code, Some(1), "{limit}: {said}");
        assert!(said.starts_with("error: "), "{said}");
        assert_has(&said, parts);
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn a_host_with_fewer_calls_needs_less_address_space() {
    let data = tempfile::tempdir().unwrap();
    let host = Binary::limited("serve", data.path(), "ulimit -v 3000000");
    let mut host = host
        .env("MESH_LIMITS__PLUGIN__CONCURRENT_CALLS", "8")
        .spawn();
    host.url();
    host.signal("TERM");
    assert!(host.ended().success());
}

/// A program that runs another one without executable memory that it could write to, as systemd's
/// MemoryDenyWriteExecute does (PR_SET_MDWE, prctl(2)).
const DENYING: &str = r#"
#include <sys/prctl.h>
#include <unistd.h>
int main(int count, char **words) {
    if (prctl(65, 1UL, 0UL, 0UL, 0UL)) return 77;
    execv(words[1], words + 1);
    return 1;
}
"#;

#[test]
fn that_nothing_may_be_made_executable_is_named_with_the_setting() {
    let data = tempfile::tempdir().unwrap();
    let (source, denying) = (data.path().join("d.c"), data.path().join("d"));
    fs::write(&source, DENYING).unwrap();
    let mut cc = Command::new("cc");
    assert!(
        cc.arg("-o")
            .arg(&denying)
            .arg(&source)
            .status()
            .unwrap()
            .success()
    );
    let host = BinaryBuilder::of(&denying).arg(program()).arg("serve");
    let host = host.env("MESH_LISTEN", "127.0.0.1:0");
    let (code, said) = host.env("MESH_DATA_DIR", data.path().join("data")).fails();
    if code == Some(77) {
        println!("skipped: this kernel has no PR_SET_MDWE (Linux 6.3)");
        return;
    }
    assert_eq!(code, Some(1), "{said}");
    assert_has(
        &said,
        &[
            "error: the embedded autonomy",
            "Permission denied",
            "MemoryDenyWriteExecute=no",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_components_of_a_folder_are_bounded_together() {
    let (one, two, three) = (component("one"), component("two"), component("three"));
    let files = [("a.wasm", &one), ("b.wasm", &two), ("c.wasm", &three)];
    let plugins = folder(files.map(|(name, bytes)| (name, bytes.as_slice())));
    let limits = Limits {
        folder_bytes: u64::try_from(one.len() + two.len()).unwrap(),
        ..limits()
    };
    let registry = registry(plugins.path(), limits).await;
    let kinds = kinds(&registry);
    assert!(kinds.contains(&"one".to_owned()) && kinds.contains(&"two".to_owned()));
    assert!(!kinds.contains(&"three".to_owned()));
    let [notice] = &registry.notices()[..] else {
        panic!("{:?}", registry.notices());
    };
    assert_has(
        notice,
        &[
            "c.wasm is skipped",
            "remove some",
            "folder_bytes under [limits.plugin]",
        ],
    );
}

async fn watching(plugins: &Path, folder_bytes: Option<u64>) -> TestApp {
    let path = plugins.to_owned();
    let app = TestApp::builder().configure(move |config| {
        config.plugins_dir = Some(path);
        let most = &mut config.limits.plugin.folder_bytes;
        *most = folder_bytes.unwrap_or(*most);
    });
    app.start().await
}

fn notices(status: &Value) -> String {
    status["plugins"]["notices"].to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_was_no_room_for_is_taken_once_there_is() {
    let (one, two) = (component("one"), component("two"));
    let plugins = folder([("a.wasm", one.as_slice()), ("b.wasm", two.as_slice())]);
    let app = watching(plugins.path(), Some(u64::try_from(one.len()).unwrap())).await;
    app.status_when(|status| notices(status).contains("folder_bytes"))
        .await;
    fs::remove_file(plugins.path().join("a.wasm")).unwrap();
    app.status_when(|status| notices(status) == "[]").await;
    let status = app.status_when(|status| status["plugins"]["loading"] == serde_json::json!([]));
    status.await;
    let (_, plugins) = app.get("/plugins").await;
    assert_eq!(named(&plugins, "two")["kind"], "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_removed_keeps_its_kinds_and_says_what_to_do() {
    let one = component("one");
    let plugins = folder([("one.wasm", one.as_slice())]);
    let app = watching(plugins.path(), None).await;
    fs::remove_dir_all(plugins.path()).unwrap();
    let status = app.status_when(|status| notices(status) != "[]").await;
    let said = [
        "plugins folder",
        "its kinds stay as they are loaded",
        "--plugins",
    ];
    assert_has(&notices(&status), &said);
    let (_, listed) = app.get("/plugins").await;
    assert_eq!(named(&listed, "one")["kind"], "one");
    assert_eq!(listed["notices"], status["plugins"]["notices"]);
    fs::create_dir(plugins.path()).unwrap();
    fs::write(plugins.path().join("two.wasm"), component("two")).unwrap();
    app.status_when(|status| notices(status) == "[]").await;
    loop {
        let (_, listed) = app.get("/plugins").await;
        let kinds = listed["plugins"].as_array().unwrap().iter();
        if kinds.filter(|plugin| plugin["kind"] == "two").count() == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_more_components_than_are_looked_at_the_first_count() {
    let good = component("good");
    let plugins = folder([("a-good.wasm", good.as_slice())]);
    for n in 0..1_010 {
        fs::write(plugins.path().join(format!("none-{n:04}.wasm")), "none").unwrap();
    }
    let registry = registry(plugins.path(), limits()).await;
    assert!(kinds(&registry).contains(&"good".to_owned()));
    let notices = registry.notices();
    assert_eq!(notices.len(), 1_000, "{:?}", notices.last());
    let last = notices.last().unwrap();
    assert_has(
        last,
        &[
            "has 11 components more than 1000",
            "left out",
            "Remove some",
        ],
    );
}
