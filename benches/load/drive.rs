//! The plans: created, and stepped to their end, as many at a time as asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde::Deserialize;

use crate::client::Connection;
use crate::report::{Report, percentile, rounded};
use crate::stubs::Stubs;
use crate::usage;

/// Steps of a plan that names none.
pub(crate) const STEPS: u32 = 4;

/// What Brain is told of a plan: created, each step, completed.
const EVENTS: u64 = 6;

/// How long it is waited for the last of Brain's events.
const PATIENCE: Duration = Duration::from_secs(60);

/// A failure is shown this often: the others are counted.
const SHOWN: u64 = 5;

const CREATE: &str = r#"{"sessionId":"s1","domain":"social","goal":"Plan and execute a 7-day TikTok & Shorts content cycle.","mode":"LIVE"}"#;

/// How much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) plans: u32,
    pub(crate) concurrency: u32,
    pub(crate) warm_up: u32,
}

/// What is put under load, and where to look at it.
pub(crate) struct Place<'a> {
    pub(crate) url: String,
    pub(crate) pid: Option<u32>,
    /// The services, where they are the driver's own.
    pub(crate) stubs: Option<&'a Stubs>,
}

/// What the plans of a run took, in microseconds.
#[derive(Default)]
struct Times {
    creates: Vec<u32>,
    steps: Vec<u32>,
    failures: u64,
}

/// Warms up, runs the plans, and waits for Brain's events: they are part of the cost.
pub(crate) async fn measure(place: &Place<'_>, target: &str, load: Load) -> anyhow::Result<Report> {
    let warm_up = run(&place.url, load.warm_up, load.concurrency).await?;
    ensure!(warm_up.failures == 0, "the warm-up failed");
    let Some(stubs) = place.stubs else {
        return timed(place, target, load).await;
    };
    // Counted from here: what the warm-up left must be through.
    settle(stubs).await;
    timed(place, target, load).await
}

/// Waits until nothing has come to Brain for a moment.
async fn settle(stubs: &Stubs) {
    let mut seen = u64::MAX;
    while seen != stubs.brain_writes() {
        seen = stubs.brain_writes();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

async fn timed(place: &Place<'_>, target: &str, load: Load) -> anyhow::Result<Report> {
    let cpu_start = place.pid.map(usage::cpu_seconds).transpose()?;
    let rss_start_mib = place.pid.map(usage::resident_mib).transpose()?;
    let writes_start = place.stubs.map_or(0, Stubs::brain_writes);
    let started = Instant::now();
    let mut times = run(&place.url, load.plans, load.concurrency).await?;
    let seconds = started.elapsed().as_secs_f64();
    let brain_writes = match place.stubs {
        Some(stubs) => {
            let due = writes_start + u64::from(load.plans) * EVENTS;
            Some(stubs.brain_asked(due, PATIENCE).await - writes_start)
        }
        None => None,
    };
    // What follows the last answer, the record of it, is cost too.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let cpu_end = place.pid.map(usage::cpu_seconds).transpose()?;
    let cpu_seconds = cpu_start.zip(cpu_end).map(|(start, end)| end - start);
    let missing = brain_writes.map_or(0, |writes| {
        (u64::from(load.plans) * EVENTS).abs_diff(writes)
    });
    times.creates.sort_unstable();
    times.steps.sort_unstable();
    let plans = f64::from(load.plans);
    Ok(Report {
        target: target.to_owned(),
        plans: load.plans,
        concurrency: load.concurrency,
        seconds: rounded(seconds),
        plans_per_second: rounded(plans / seconds),
        step_p50_ms: percentile(&times.steps, 0.5),
        step_p99_ms: percentile(&times.steps, 0.99),
        create_p50_ms: percentile(&times.creates, 0.5),
        cpu_seconds: cpu_seconds.map(rounded),
        cpu_seconds_per_1000_plans: cpu_seconds.map(|cpu| rounded(cpu / plans * 1e3)),
        steps_per_cpu_second: cpu_seconds.map(|cpu| rounded(plans * f64::from(STEPS) / cpu)),
        rss_start_mib: rss_start_mib.map(rounded),
        rss_end_mib: place.pid.map(usage::resident_mib).transpose()?.map(rounded),
        brain_writes,
        failures: times.failures + missing,
    })
}

/// Runs this many plans.
async fn run(url: &str, plans: u32, concurrency: u32) -> anyhow::Result<Times> {
    let left = Arc::new(AtomicU32::new(plans));
    let mut workers = Vec::new();
    for _ in 0..concurrency.min(plans) {
        let connection = Connection::open(url).await?;
        workers.push(tokio::spawn(work(
            url.to_owned(),
            connection,
            Arc::clone(&left),
        )));
    }
    let mut all = Times::default();
    for worker in workers {
        let times = worker.await??;
        all.creates.extend(times.creates);
        all.steps.extend(times.steps);
        all.failures += times.failures;
    }
    Ok(all)
}

/// Runs one plan after the other, until there are none left.
async fn work(
    url: String,
    mut connection: Connection,
    left: Arc<AtomicU32>,
) -> anyhow::Result<Times> {
    let mut times = Times::default();
    let take = |left: u32| left.checked_sub(1);
    while left
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
        .is_ok()
    {
        if let Err(error) = plan(&mut connection, &mut times).await {
            times.failures += 1;
            if times.failures <= SHOWN {
                eprintln!("a plan failed: {error:#}");
            }
            // Whatever state the old one is in.
            connection = Connection::open(&url).await?;
        }
    }
    Ok(times)
}

#[derive(Deserialize)]
struct Answer {
    plan: Plan,
}

#[derive(Deserialize)]
struct Plan {
    id: String,
    status: String,
}

async fn plan(connection: &mut Connection, times: &mut Times) -> anyhow::Result<()> {
    let started = Instant::now();
    let answer = connection.post("/mesh/create", CREATE.to_owned()).await?;
    times.creates.push(micros(started));
    let Answer {
        plan: Plan { id, .. },
    } = serde_json::from_slice(&answer)?;
    for step in 1..=STEPS {
        let body = format!(r#"{{"planId":"{id}","step":{step}}}"#);
        let started = Instant::now();
        let answer = connection.post("/mesh/step", body).await?;
        times.steps.push(micros(started));
        let Answer {
            plan: Plan { status, .. },
        } = serde_json::from_slice(&answer)?;
        let due = if step == STEPS { "DONE" } else { "RUNNING" };
        ensure!(status == due, "after step {step} the plan is {status}");
    }
    Ok(())
}

fn micros(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX)
}
