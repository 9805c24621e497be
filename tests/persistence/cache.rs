//! The cache of compiled components: used where it is ours, and never believed where it is not.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use codex_mesh::registry::embedded::COMPONENTS;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn the_cache_is_private_and_filled_once() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("not/there/yet");
    assert_works(&cache).await;
    assert_eq!(mode(&cache), 0o700);
    let components = compiled(&cache);
    assert_eq!(components.len(), COMPONENTS.len());
    for file in components.iter().chain([&cache.join("key")]) {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    assert_eq!(fs::read_dir(&cache).unwrap().count(), components.len() + 1);

    let written: Vec<_> = components.iter().map(|file| inode(file)).collect();
    assert_works(&cache).await;
    let after: Vec<_> = components.iter().map(|file| inode(file)).collect();
    assert_eq!(after, written, "compiled again although nothing changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_cache_is_closed() {
    let folder = filled().await;
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    assert_works(folder.path()).await;
    assert_eq!(mode(folder.path()), 0o700);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_or_foreign_is_compiled_anew() {
    let folder = filled().await;
    let files = compiled(folder.path());
    let good: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    let bad = spoiled(&good);
    for (file, bytes) in files.iter().zip(&bad) {
        fs::write(file, bytes).unwrap();
    }
    assert_works(folder.path()).await;
    for ((file, bad), good) in files.iter().zip(&bad).zip(&good) {
        let now = fs::read(file).unwrap();
        assert!(now != *bad, "{} was kept", file.display());
        assert_eq!(now.len(), good.len(), "{}", file.display());
    }
}

/// Each of the files spoiled in another way.
fn spoiled(good: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut bad = good.to_vec();
    *bad[0].last_mut().unwrap() ^= 1;
    bad[1][0] ^= 1;
    bad[2].truncate(good[2].len() / 2);
    bad[3].clear();
    bad[4] = b"not a component at all".to_vec();
    // A component of ours with a proper seal, in the place of another.
    bad[5].clone_from(&good[6]);
    // Compiled code that somebody else has put there: it has no seal of ours.
    bad[6].drain(..32);
    bad
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_of_another_key_is_compiled_anew() {
    let folder = filled().await;
    let key = folder.path().join("key");
    let mut bytes = fs::read(&key).unwrap();
    bytes[0] ^= 1;
    fs::write(&key, bytes).unwrap();
    let before = seals(folder.path());
    assert_works(folder.path()).await;
    for (before, after) in before.iter().zip(seals(folder.path())) {
        assert_ne!(*before, after, "a foreign file was kept");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_not_followed() {
    let folder = filled().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let file = compiled(folder.path())[0].clone();
    let target = elsewhere.path().join("component");
    fs::rename(&file, &target).unwrap();
    symlink(&target, &file).unwrap();
    let before = fs::read(&target).unwrap();
    assert_works(folder.path()).await;
    assert!(
        fs::symlink_metadata(&file).unwrap().is_file(),
        "the link is still there"
    );
    assert!(
        fs::read(&target).unwrap() == before,
        "the link's target was changed"
    );
}

/// A folder with all components compiled: a copy, as compiling takes a while.
async fn filled() -> TempDir {
    static FILLED: OnceCell<TempDir> = OnceCell::const_new();
    let original = FILLED.get_or_init(|| async {
        let folder = tempfile::tempdir().unwrap();
        assert_works(folder.path()).await;
        folder
    });
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(original.await.path()).unwrap() {
        let file = entry.unwrap().path();
        fs::copy(&file, copy.path().join(file.file_name().unwrap())).unwrap();
    }
    copy
}

/// Asserts that a host with this cache folder starts and runs a plan to its end.
async fn assert_works(cache: &Path) {
    let folder = cache.to_owned();
    let app = TestApp::builder()
        .configure(|config| config.cache_dir = Some(folder))
        .start()
        .await;
    let plan = app.run(&app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    app.stop().await;
}

/// The compiled components in the folder, by name.
fn compiled(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == "cwasm")
        })
        .collect();
    files.sort();
    files
}

/// What each of the compiled components begins with.
fn seals(folder: &Path) -> Vec<Vec<u8>> {
    let files = compiled(folder);
    let seal = |file: &PathBuf| fs::read(file).unwrap()[..32].to_vec();
    files.iter().map(seal).collect()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).unwrap().ino()
}
