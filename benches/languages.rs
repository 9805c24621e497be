//! What a plugin costs by the language that it is written in: `cargo bench --bench languages --
//! FILE…` prints a row for each component that asks trends, such as `plugins/trends` and those of
//! `plugins/examples`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use codex_mesh::sandbox::bindings::{Context, Response, Verdict};
use codex_mesh::sandbox::{Clock, CompileCache, Limits, Plugin, Sandbox};
use tokio::runtime::Builder;

const GOAL: &str = "Plan and execute a 7-day TikTok & Shorts content cycle.";

const STEPS: usize = 1_000;

const ANSWER: &str = r#"{"ok":true,"summary":"Pets in clothes.","items":[{"platform":"youtube","topic":"cats in hats","examples":["one"],"metricSummary":"rising","confidence":0.7}],"generatedAt":"2026-11-22T21:40:09.233Z"}"#;

/// Shape and interpret, each on a fresh instance: how long, and the most memory of the two.
async fn step(plugin: &Plugin, context: &Context, response: &Response) -> (Duration, usize) {
    let started = Instant::now();
    let shaped = plugin.shape(context, Clock::IDLE).await;
    let request = shaped.outcome.unwrap().unwrap();
    let told = plugin
        .interpret(context, &request, response, Clock::IDLE)
        .await;
    let took = started.elapsed();
    assert!(matches!(told.outcome.unwrap(), Verdict::Done(_)));
    (took, shaped.memory_bytes.max(told.memory_bytes))
}

async fn load(bytes: &Arc<[u8]>, cache: &Path) -> (Duration, Plugin) {
    let sandbox =
        Arc::new(Sandbox::new(Limits::default(), env!("CARGO_BIN_EXE_codex-mesh").into()).unwrap());
    let cache = Arc::new(CompileCache::open(cache).unwrap());
    let started = Instant::now();
    let (plugin, _) = Plugin::load(sandbox, cache, Arc::clone(bytes))
        .await
        .unwrap();
    (started.elapsed(), plugin)
}

async fn row(file: &str) {
    let bytes: Arc<[u8]> = Arc::from(std::fs::read(file).unwrap());
    let cache = tempfile::tempdir().unwrap();
    let (compiled, _) = load(&bytes, cache.path()).await;
    let (loaded, plugin) = load(&bytes, cache.path()).await;
    let (context, response) = (common::context(GOAL), common::answer(ANSWER));
    let mut times = Vec::new();
    let mut memory = 0;
    for _ in 0..STEPS {
        let (took, bytes) = step(&plugin, &context, &response).await;
        times.push(took.as_secs_f64() * 1_000.0);
        memory = memory.max(bytes);
    }
    times.sort_by(f64::total_cmp);
    println!(
        "| {file} | {:.2} MB | {:.2} s | {:.0} ms | {:.1} MiB | {:.3} ms | {:.3} ms |",
        bytes.len() as f64 / 1e6,
        compiled.as_secs_f64(),
        loaded.as_secs_f64() * 1_000.0,
        memory as f64 / f64::from(1 << 20),
        times[STEPS / 2],
        times[STEPS * 99 / 100],
    );
}

fn main() {
    // What cargo adds begins with dashes.
    let files: Vec<String> = std::env::args()
        .skip(1)
        .filter(|file| !file.starts_with("--"))
        .collect();
    if files.is_empty() {
        println!("languages: name the components to measure, after --");
        return;
    }
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    println!(
        "| component | size | load, nothing cached | load from the cache | memory | step p50 | p99 |\n\
         | --- | --- | --- | --- | --- | --- | --- |"
    );
    for file in files {
        runtime.block_on(row(&file));
    }
}
