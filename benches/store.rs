//! What the durable store costs: a new plan, a read's step (one commit), a write's step (two), by
//! one task and by 32 that share commits; and the first page of many plans. On a real disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use codex_mesh::plan::{
    ApprovalMode, Domain, Effect, Finished, Headers, Json, Method, Mode, Outcome, Plan, PlanStatus,
    Sending, Starter, Step, StepStatus, Transition,
};
use codex_mesh::store::{Query, SqliteStore, Store, now};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Barrier;
use uuid::Uuid;

const PAYLOAD: &str =
    r#"{"goal":"Plan and execute a 7-day TikTok & Shorts content cycle.","domain":"social"}"#;
const RESULT: &str = r#"{"ok":true,"sessionId":"s1","domain":"social","allowExecution":true,"requireApproval":false,"findings":[],"summary":"No issues detected.","confidence":0.9}"#;

/// Plans that are there when the first page is asked for.
const STORED: u64 = 10_000;

fn json(text: &str) -> Json {
    Json::parse(text.to_owned()).unwrap()
}

/// A plan of four steps, as the default one.
fn plan() -> Plan {
    let step = |number: usize| Step {
        id: format!("step-{number}"),
        kind: "srl".to_owned(),
        plugin: None,
        label: "Run self-regulation (SRL)".to_owned(),
        domain: None,
        settings: None,
        after: None,
        service: "srl".to_owned(),
        method: Method::Post,
        endpoint: "/srl/check".to_owned(),
        effect: Effect::Read,
        repeatable: false,
        sent: false,
        written: Vec::new(),
        writes: 1,
        held: None,
        attempt: 1,
        headers: Headers::default(),
        payload: Some(json(PAYLOAD)),
        payload_reason: None,
        status: StepStatus::Pending,
        result: None,
        error: None,
        approval: None,
        skipped: None,
        retry: None,
        log: Vec::new(),
        started_at: None,
        finished_at: None,
    };
    Plan {
        id: Uuid::now_v7().to_string(),
        session_id: "s1".to_owned(),
        domain: Domain::Social,
        goal: "Plan and execute a 7-day TikTok & Shorts content cycle.".to_owned(),
        mode: Mode::Live,
        recipe: None,
        approvals: ApprovalMode::Enforce,
        status: PlanStatus::Pending,
        waiting: Vec::new(),
        run: None,
        cancelled: None,
        created_at: now(),
        updated_at: now(),
        steps: (1..=4).map(step).collect(),
    }
}

/// Every change of one step; two of them for a read and all three for a write wait for the disk
/// or not, as the state machine says.
async fn step(store: &SqliteStore, id: &str, effect: Effect) {
    let sending = Sending {
        method: Method::Post,
        endpoint: "/srl/check".to_owned(),
        effect,
        repeatable: false,
        shown_only: false,
        round: 1,
        headers: Headers::default(),
        payload: Some(json(PAYLOAD)),
    };
    let finish = Transition::Finish(Finished {
        step: "step-1".to_owned(),
        outcome: Outcome::Done {
            result: json(RESULT),
            approval: None,
        },
        log: Vec::new(),
        requests: 1,
        nothing_written: false,
        most_bytes: usize::MAX,
    });
    let start = Transition::Start(Starter::Client);
    let send = Transition::Send("step-1".to_owned(), sending);
    for transition in [start, send, finish] {
        store.apply(id, &transition).await.unwrap();
    }
}

#[derive(Clone, Copy)]
enum What {
    Create,
    Step(Effect),
}

/// One task's share: so many times, and how long that took. What it needs is made before, by all
/// tasks.
async fn share(store: &SqliteStore, what: What, times: u64, ready: &Barrier) -> Duration {
    let mut plans = Vec::new();
    for _ in 0..times {
        let plan = Arc::new(plan());
        if matches!(what, What::Step(_)) {
            store.create(Arc::clone(&plan)).await.unwrap();
        }
        plans.push(plan);
    }
    ready.wait().await;
    let started = Instant::now();
    for plan in &plans {
        match what {
            What::Create => store.create(Arc::clone(plan)).await.unwrap(),
            What::Step(effect) => step(store, &plan.id, effect).await,
        }
    }
    started.elapsed()
}

/// How long `times` take in all when `tasks` share them.
fn measure(
    runtime: &Runtime,
    store: &Arc<SqliteStore>,
    what: What,
    tasks: u64,
    times: u64,
) -> Duration {
    runtime.block_on(async {
        let each = times.div_ceil(tasks);
        let ready = Arc::new(Barrier::new(usize::try_from(tasks).unwrap()));
        let start = || {
            let (store, ready) = (Arc::clone(store), Arc::clone(&ready));
            tokio::spawn(async move { share(&store, what, each, &ready).await })
        };
        let running: Vec<_> = (0..tasks).map(|_| start()).collect();
        let mut longest = Duration::ZERO;
        for task in running {
            longest = longest.max(task.await.unwrap());
        }
        // Criterion divides by `times`; what was rounded up is taken out again.
        longest.mul_f64(times as f64 / (each * tasks) as f64)
    })
}

/// Beside the program, which is on a disk: the folder for temporary files may be in memory.
fn folder() -> TempDir {
    tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

fn benches(criterion: &mut Criterion) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let data = folder();
    let store = Arc::new(SqliteStore::open(data.path()).unwrap());
    let cases = [
        ("create", What::Create),
        ("step that reads", What::Step(Effect::Read)),
        ("step that writes", What::Step(Effect::Write)),
    ];
    for (name, what) in cases {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(1));
        for tasks in [1, 32] {
            group.bench_function(format!("{tasks} task(s)"), |bencher| {
                bencher.iter_custom(|times| measure(&runtime, &store, what, tasks, times));
            });
        }
        group.finish();
    }
    first_page(criterion, &runtime);
}

fn first_page(criterion: &mut Criterion, runtime: &Runtime) {
    let data = folder();
    let store = Arc::new(SqliteStore::open(data.path()).unwrap());
    measure(runtime, &store, What::Create, 32, STORED);
    criterion.bench_function("first page of 10,000", |bencher| {
        bencher.iter(|| {
            let (mut left, mut cursor) = (100, None);
            while left > 0 {
                let query = Query {
                    limit: left,
                    cursor,
                    ..Query::default()
                };
                let part = runtime.block_on(store.plans(query)).unwrap();
                left -= part.items.len();
                cursor = part.next;
            }
        });
    });
}

criterion_group!(store, benches);
criterion_main!(store);
