//! One step of the kind `srl`, shape and interpret, in five ways: natively, on one instance that is
//! used again and again, as the host does it (each call on a fresh instance), on two threads at once,
//! and with Extism, each call on a fresh instance of a plugin of the same logic.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use codex_mesh::registry::embedded::COMPONENTS;
use codex_mesh::sandbox::bindings as wit;
use codex_mesh::sandbox::{
    Clock, CompileCache, Limits, Plugin, Sandbox, THIS_PROGRAM, run_compiler,
};
use codex_mesh_sdk as sdk;
use codex_mesh_sdk::Step;
use codex_mesh_srl::Srl;
use criterion::{Criterion, Throughput, criterion_group};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

const ID: &str = "01a205cd-33b9-75f3-bbf0-2927a3da0008";
const GOAL: &str = "Plan and execute a 7-day TikTok & Shorts content cycle.";
const ANSWER: &str = r#"{"ok":true,"sessionId":"s1","domain":"social","allowExecution":true,"requireApproval":false,"findings":[],"summary":"No issues detected.","confidence":0.9}"#;

fn srl() -> Arc<[u8]> {
    let found = COMPONENTS.iter().find(|(kind, _)| *kind == "srl");
    Arc::from(found.expect("srl is shipped").1)
}

fn context() -> wit::Context {
    wit::Context {
        plan: wit::PlanInfo {
            id: ID.to_owned(),
            session_id: "s1".to_owned(),
            domain: "social".to_owned(),
            goal: GOAL.to_owned(),
            mode: wit::Mode::Live,
        },
        steps: Vec::new(),
        step: wit::ThisStep {
            id: "step-2".to_owned(),
            domain: "social".to_owned(),
            attempt: 1,
            settings: "{}".to_owned(),
        },
        finished: Vec::new(),
    }
}

fn response() -> wit::Response {
    wit::Response {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: ANSWER.to_owned(),
        elapsed_ms: 3,
    }
}

/// The same without a sandbox.
fn natively() {
    let context = sdk::Context {
        plan: sdk::PlanInfo {
            id: ID.to_owned(),
            session_id: "s1".to_owned(),
            domain: "social".to_owned(),
            goal: GOAL.to_owned(),
            mode: sdk::Mode::Live,
        },
        steps: Vec::new(),
        step: sdk::ThisStep {
            id: "step-2".to_owned(),
            domain: "social".to_owned(),
            attempt: 1,
            settings: "{}".to_owned(),
        },
        finished: Vec::new(),
    };
    let response = sdk::Response {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: ANSWER.to_owned(),
        elapsed_ms: 3,
    };
    let request = Srl::shape(&context).expect("it shapes");
    let verdict = Srl::interpret(&context, &request, &response);
    assert!(matches!(black_box(verdict), Ok(sdk::Verdict::Done(_))));
}

/// As the host does it.
fn load(runtime: &Runtime) -> Plugin {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = Arc::new(CompileCache::open(folder.path()).expect("a cache"));
    let sandbox =
        Arc::new(Sandbox::new(Limits::default(), THIS_PROGRAM.into()).expect("a sandbox"));
    let loading = Plugin::load(sandbox, cache, srl());
    runtime.block_on(loading).expect("srl loads").0
}

async fn fresh(plugin: &Plugin, context: &wit::Context, response: &wit::Response) {
    let shaped = plugin.shape(context, Clock::IDLE).await.outcome;
    let request = shaped.expect("no fault").expect("it shapes");
    let verdict = plugin
        .interpret(context, &request, response, Clock::IDLE)
        .await
        .outcome;
    let verdict = verdict.expect("no fault");
    assert!(matches!(black_box(verdict), wit::Verdict::Done(_)));
}

/// How long `threads` tasks take for `rounds` steps in all.
fn run(runtime: &Runtime, plugin: &Plugin, threads: u64, rounds: u64) -> Duration {
    let started = Instant::now();
    runtime.block_on(async {
        let task = || {
            let plugin = plugin.clone();
            tokio::spawn(async move {
                let (context, response) = (context(), response());
                for _ in 0..rounds.div_ceil(threads) {
                    fresh(&plugin, &context, &response).await;
                }
            })
        };
        for task in (0..threads).map(|_| task()).collect::<Vec<_>>() {
            task.await.expect("the task ends");
        }
    });
    started.elapsed()
}

/// What a guest may ask, for the instance that is used again.
struct Host(WasiCtx, ResourceTable);

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.0,
            table: &mut self.1,
        }
    }
}

impl wit::codex::mesh::log::Host for Host {
    fn write(&mut self, _: wit::codex::mesh::log::Level, _: String) {}
}

impl wit::codex::mesh::clock::Host for Host {
    fn now(&mut self) -> u64 {
        0
    }

    fn time_left(&mut self) -> Option<u64> {
        None
    }
}

/// One instance, with the settings that the host has found fastest.
struct Reused(Store<Host>, wit::StepPlugin);

impl Reused {
    async fn new() -> wasmtime::Result<Self> {
        let mut config = Config::new();
        config
            .epoch_interruption(true)
            .signals_based_traps(false)
            .memory_reservation(16 << 20)
            .memory_guard_size(0);
        let engine = Engine::new(&config)?;
        let component = Component::from_binary(&engine, &srl())?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wit::StepPlugin::add_to_linker::<Host, HasSelf<Host>>(&mut linker, |host| host)?;
        let host = Host(WasiCtx::builder().build(), ResourceTable::new());
        let mut store = Store::new(&engine, host);
        store.set_epoch_deadline(u64::MAX / 2);
        let plugin = wit::StepPlugin::instantiate_async(&mut store, &component, &linker).await?;
        Ok(Self(store, plugin))
    }

    async fn step(&mut self, context: &wit::Context, response: &wit::Response) {
        let Self(store, plugin) = self;
        let step = plugin.codex_mesh_step();
        let shaped = step.call_shape(&mut *store, context).await;
        let request = shaped.expect("no trap").expect("it shapes");
        let verdict = step
            .call_interpret(&mut *store, context, &request, response)
            .await;
        let verdict = verdict.expect("no trap");
        assert!(matches!(black_box(verdict), wit::Verdict::Done(_)));
    }
}

/// The same in an Extism plugin, instantiated anew for each call.
struct Extism {
    compiled: extism::CompiledPlugin,
}

impl Extism {
    fn new() -> Self {
        let wasm = extism::Wasm::data(codex_mesh_compare::extism_guest());
        let manifest = extism::Manifest::new([wasm]);
        let builder = extism::PluginBuilder::new(manifest);
        let compiled = extism::CompiledPlugin::new(builder).expect("it compiles");
        Self { compiled }
    }

    fn call(&self, function: &str, input: &str) -> String {
        let plugin = extism::Plugin::new_from_compiled(&self.compiled);
        let mut plugin = plugin.expect("it is instantiated");
        plugin.call(function, input).expect("it answers")
    }

    fn step(&self) {
        let context = json!({
            "id": ID, "session_id": "s1", "domain": "social", "goal": GOAL, "step": "step-2",
        });
        let request = self.call("shape", &context.to_string());
        let request: serde_json::Value = serde_json::from_str(&request).expect("JSON");
        let answered = json!({
            "context": context, "path": request["path"], "payload": request["body"],
            "status": 200, "body": ANSWER,
        });
        let result = self.call("interpret", &answered.to_string());
        assert!(black_box(result).contains("allowExecution"));
    }
}

fn benches(criterion: &mut Criterion) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    let plugin = load(&runtime);
    let extism = Extism::new();
    let mut reused = runtime.block_on(Reused::new()).expect("an instance");
    let (context, response) = (context(), response());

    let mut group = criterion.benchmark_group("a step of srl");
    group.throughput(Throughput::Elements(1));
    group.bench_function("natively", |bencher| bencher.iter(natively));
    group.bench_function("on one instance", |bencher| {
        bencher.iter(|| runtime.block_on(reused.step(&context, &response)));
    });
    for threads in [1, 2] {
        group.bench_function(
            format!("on fresh instances, {threads} at a time"),
            |bencher| {
                bencher.iter_custom(|rounds| run(&runtime, &plugin, threads, rounds));
            },
        );
    }
    group.bench_function("in Extism, on fresh instances", |bencher| {
        bencher.iter(|| extism.step());
    });
    group.finish();
}

criterion_group!(compare, benches);
/// Also the process that compiles what is compared: the sandbox starts this program again for it.
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, memory, seconds] = &arguments[..]
        && first == "compile"
    {
        let number = |text: &String| text.parse().expect("a number");
        return run_compiler(number(memory), number(seconds)).expect("it compiles");
    }
    compare();
    Criterion::default().configure_from_args().final_summary();
    ExitCode::SUCCESS
}
