//! What a sandboxed step costs: shape, then interpret, each on a fresh instance of the shipped
//! `srl` component, as the engine does it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use codex_mesh::registry::embedded::COMPONENTS;
use codex_mesh::sandbox::bindings::{Context, Effect, PlannedStep, Response, Verdict};
use codex_mesh::sandbox::{Clock, CompileCache, Limits, Plugin, Sandbox};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::{Builder, Runtime};

const GOAL: &str = "Plan and execute a 7-day TikTok & Shorts content cycle.";
const ANSWER: &str = r#"{"ok":true,"sessionId":"s1","domain":"social","allowExecution":true,"requireApproval":false,"findings":[],"summary":"No issues detected.","confidence":0.9}"#;

fn component(name: &str) -> Arc<[u8]> {
    let found = COMPONENTS.iter().find(|(kind, _)| *kind == name);
    Arc::from(found.unwrap().1)
}

fn context() -> Context {
    let step = |id: &str, kind: &str, endpoint: &str, effect| PlannedStep {
        id: id.to_owned(),
        kind: kind.to_owned(),
        service: kind.to_owned(),
        endpoint: endpoint.to_owned(),
        effect,
    };
    let mut context = common::context(GOAL);
    context.step.id = "step-2".to_owned();
    context.steps = vec![
        step("step-1", "autonomy", "/autonomy/evaluate", Effect::Read),
        step("step-2", "srl", "/srl/check", Effect::Read),
        step("step-3", "hardening", "/hardening/check", Effect::Read),
        step("step-4", "workflow", "/workflow/create", Effect::Write),
    ];
    context
}

async fn step(plugin: &Plugin, context: &Context, response: &Response) {
    let request = plugin
        .shape(context, Clock::IDLE)
        .await
        .outcome
        .unwrap()
        .unwrap();
    let verdict = plugin
        .interpret(context, &request, response, Clock::IDLE)
        .await
        .outcome
        .unwrap();
    assert!(matches!(black_box(verdict), Verdict::Done(_)));
}

fn started() -> Arc<Sandbox> {
    let program = env!("CARGO_BIN_EXE_codex-mesh").into();
    Arc::new(Sandbox::new(Limits::default(), program).unwrap())
}

fn load(runtime: &Runtime, cache: &Arc<CompileCache>) -> Plugin {
    let loading = Plugin::load(started(), Arc::clone(cache), component("srl"));
    runtime.block_on(loading).unwrap().0
}

/// How long `threads` tasks take for `rounds` steps in all.
fn run(runtime: &Runtime, plugin: &Plugin, threads: u64, rounds: u64) -> Duration {
    let started = Instant::now();
    runtime.block_on(async {
        let tasks = (0..threads).map(|_| {
            let plugin = plugin.clone();
            tokio::spawn(async move {
                let (context, response) = (context(), common::answer(ANSWER));
                for _ in 0..rounds.div_ceil(threads) {
                    step(&plugin, &context, &response).await;
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
    started.elapsed()
}

fn benches(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let cache = Arc::new(CompileCache::open(folder.path()).unwrap());
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let plugin = load(&runtime, &cache);

    let mut group = criterion.benchmark_group("step");
    group.throughput(Throughput::Elements(1));
    for threads in [1, 2] {
        group.bench_function(format!("{threads} thread(s)"), |bencher| {
            bencher.iter_custom(|rounds| run(&runtime, &plugin, threads, rounds));
        });
    }
    group.finish();

    criterion.bench_function("load from the cache", |bencher| {
        let sandbox = started();
        let bytes = component("srl");
        bencher.iter(|| {
            let (sandbox, cache) = (Arc::clone(&sandbox), Arc::clone(&cache));
            runtime
                .block_on(Plugin::load(sandbox, cache, Arc::clone(&bytes)))
                .unwrap()
        });
    });
}

criterion_group!(sandbox, benches);
criterion_main!(sandbox);
