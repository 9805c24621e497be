//! Who may read the data: nobody but the host's user, whoever made the files, whatever the umask.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::{Binary, Raw, TestApp, assert_has};

/// The folder and everything in it.
fn tree(folder: &Path) -> Vec<PathBuf> {
    let mut all = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(tree(&path));
        } else {
            all.push(path);
        }
    }
    all
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn assert_closed(folder: &Path, files: &[&str]) {
    let all = tree(folder);
    for path in &all {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(path), expected, "{}", path.display());
    }
    for file in files {
        assert!(all.contains(&folder.join(file)), "no {file} in {all:?}");
    }
}

const FILES: [&str; 4] = ["mesh.db", "mesh.db-wal", "mesh.db-shm", "lock"];

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_may_read_the_data_whatever_the_umask() {
    for umask in ["0", "022", "0277", "0777"] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("not/there/yet");
        let mut host = Binary::limited("serve", &data, &format!("umask {umask}")).spawn();
        host.url();
        assert_closed(&data, &FILES);
        assert!(fs::read_dir(data.join("plugins")).unwrap().count() > 1);
        assert_eq!(mode(&folder.path().join("not/there")) & 0o077, 0);
    }
}

/// Whoever could read the key that compiled components are sealed with, or put files beside it, could have
/// the host load code of their own.
#[test]
fn a_cache_that_others_could_write_to_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (data, cache) = (folder.path().join("data"), folder.path().join("cache"));
    let start = || {
        let mut host = Binary::run("serve", &data)
            .env("MESH_CACHE_DIR", &cache)
            .spawn();
        host.url();
        host.signal("TERM");
        assert!(host.ended().success());
        host.stderr.rest()
    };
    start();
    let key = || fs::read(cache.join("key")).unwrap();
    let first = key();
    assert!(!start().contains("compiled anew"));
    assert_eq!(key(), first, "it is kept");
    let compiled = tree(&cache)
        .into_iter()
        .find(|path| path.is_file() && !path.ends_with("key"));
    let spoiled: [(&Path, u32); 4] = [
        (&cache, 0o777),
        (&cache.join("key"), 0o644),
        (&cache.join("key"), 0o606),
        (&compiled.unwrap(), 0o666),
    ];
    for (path, mode) in spoiled {
        let before = key();
        set_mode(path, mode);
        assert_has(&start(), &["other users could write to the cache folder"]);
        assert_ne!(key(), before, "{} {mode:o}", path.display());
        assert_closed(&cache, &["key"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_host_left_open_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut host = Binary::run("serve", &data).spawn();
    host.url();
    host.signal("KILL");
    host.ended();
    for path in tree(&data) {
        set_mode(&path, if path.is_dir() { 0o755 } else { 0o644 });
    }
    set_mode(&data.join("mesh.db"), 0o777);
    let mut host = Binary::run("serve", &data).spawn();
    host.url();
    assert_closed(&data, &FILES);
    host.signal("TERM");
    let said = host.stderr.rest();
    assert!(!said.contains("others may"), "{said}");
    assert_closed(&data, &["mesh.db", "lock"]);
}

/// A component that is sent as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_is_sent_is_closed_as_well() {
    let app = TestApp::start().await;
    let component = Raw::new("good").component();
    let (status, answer) = app.upload(&component).await;
    assert_eq!(status, 200, "{answer}");
    let kept = format!(
        "plugins/{}.wasm",
        answer["plugin"]["sha256"].as_str().unwrap()
    );
    assert_closed(app.data.path(), &[&kept]);
    app.create(&json!({})).await;
    assert_closed(app.data.path(), &FILES);
}

/// Others may need what else is in it, and it may be meant for everybody.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_the_hosts_alone_is_left_as_it_is() {
    let with_more = |data: &Path| fs::write(data.join("index.html"), "for everybody").unwrap();
    let sticky = |data: &Path| set_mode(data, 0o1777);
    let foreign = |data: &Path| {
        // Only root can give a folder away.
        let given = chown(data, Some(65_534), None);
        if given.is_err() {
            with_more(data);
        }
    };
    let ways: [&dyn Fn(&Path); 3] = [&with_more, &sticky, &foreign];
    for shared in ways {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        set_mode(&data, 0o755);
        shared(&data);
        let before = mode(&data);
        let mut host = Binary::run("serve", &data).spawn();
        host.url();
        let said = host.stderr.with("others may look into");
        assert_has(&said, &[data.to_str().unwrap()]);
        assert_eq!(mode(&data), before);
        for file in FILES {
            assert_eq!(mode(&data.join(file)), 0o600, "{file}");
        }
        assert_eq!(mode(&data.join("plugins")), 0o700);
        if let Ok(found) = fs::metadata(data.join("index.html")) {
            assert_ne!(found.mode() & 0o044, 0);
        }
    }
}
