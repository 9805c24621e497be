//! The plugins folder is watched: what is added, replaced or removed counts without a restart.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::{echo, new_plan};
use crate::support::{TestApp, folder, within};

async fn start() -> (TestApp, TempDir) {
    let plugins = folder([]);
    let path = plugins.path().to_owned();
    let app = TestApp::builder()
        .configure(move |config| config.plugins_dir = Some(path))
        .start()
        .await;
    (app, plugins)
}

/// Waits until new plans get this.
pub async fn serves(app: &TestApp, digest: Option<&str>) {
    within(async {
        loop {
            let plan = new_plan(app).await.ok();
            let got = plan
                .as_ref()
                .and_then(|plan| plan["steps"][0]["plugin"].as_str());
            if got == digest {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// Puts a file there in one step.
pub fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let aside = folder.join("aside.tmp");
    fs::write(&aside, bytes).unwrap();
    let file = folder.join(name);
    fs::rename(aside, &file).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_added_replaced_and_removed() {
    let (app, plugins) = start().await;
    let ((one, first), (two, second)) = (echo(1), echo(2));
    let file = put(plugins.path(), "echo.wasm", &one);
    serves(&app, Some(&first)).await;
    let open = new_plan(&app).await.unwrap();
    put(plugins.path(), "echo.wasm", &two);
    serves(&app, Some(&second)).await;
    fs::remove_file(file).unwrap();
    serves(&app, None).await;
    assert_eq!(app.step(&open).await["status"], "DONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_written_slowly_is_not_taken_before_it_is_whole() {
    let (app, plugins) = start().await;
    let ((one, first), (two, second)) = (echo(1), echo(2));
    let path = put(plugins.path(), "echo.wasm", &one);
    serves(&app, Some(&first)).await;
    // In place, from the beginning, with half of it missing for longer than a look takes.
    let mut file = File::create(&path).unwrap();
    let (start, end) = two.split_at(two.len() / 2);
    file.write_all(start).unwrap();
    file.sync_all().unwrap();
    let late = tokio::time::Instant::now() + Duration::from_millis(1_500);
    while tokio::time::Instant::now() < late {
        let plan = new_plan(&app).await;
        assert!(
            plan.as_ref()
                .is_ok_and(|plan| plan["steps"][0]["plugin"] == first),
            "half a file counted: {plan:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    file.write_all(end).unwrap();
    file.sync_all().unwrap();
    serves(&app, Some(&second)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_files_the_next_one_takes_over() {
    let (app, plugins) = start().await;
    let ((one, first), (two, second)) = (echo(1), echo(2));
    let file = put(plugins.path(), "a.wasm", &one);
    serves(&app, Some(&first)).await;
    put(plugins.path(), "b.wasm", &two);
    fs::remove_file(file).unwrap();
    serves(&app, Some(&second)).await;
}
