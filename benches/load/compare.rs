//! Host and relay in turn, in one run, against the targets that the host is to meet.

use std::time::Instant;

use crate::child::{Child, Kind};
use crate::client::Connection;
use crate::drive::{self, Load};
use crate::report::{Report, median};
use crate::stubs::Stubs;

/// Rounds of each; the median counts. Odd, so that there is one.
const ROUNDS: u32 = 5;

/// Plans of a round, many at a time and one at a time.
const MANY: Load = Load {
    plans: 4_000,
    concurrency: 32,
    warm_up: 500,
};
const ONE: Load = Load {
    plans: 500,
    concurrency: 1,
    warm_up: 50,
};

/// Parts of the long run after which memory is looked at.
const PARTS: u32 = 10;

/// Growth over the long run that still counts as flat, in MiB. The earlier system grew by 470.
const FLAT: f64 = 16.0;

/// What the earlier, in-memory system reached at concurrency 32 on the machine that the targets
/// were set on, in plans a second.
const EARLIER: f64 = 250.0;

/// Pages that are fetched; the median counts.
const PAGES: usize = 21;

/// Compares; with `plans`, runs that many in one go too. Whether every target is met.
pub(crate) async fn run(plans: Option<u32>) -> anyhow::Result<bool> {
    let (mut hosts, mut relays, mut singles) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}");
        hosts.push(measured(Kind::Host, MANY).await?);
        relays.push(measured(Kind::Relay, MANY).await?);
        singles.push(measured(Kind::Host, ONE).await?);
    }
    let mut table = Table::default();
    short_targets(&mut table, &hosts, &relays, &singles);
    if let Some(plans) = plans {
        eprintln!("{plans} plans in one go");
        long_run(&mut table, plans).await?;
    }
    Ok(table.all_met)
}

async fn measured(kind: Kind, load: Load) -> anyhow::Result<Report> {
    let report = crate::measure_own(kind, load).await?;
    eprintln!("{}", report.line());
    anyhow::ensure!(report.failures == 0, "plans failed");
    Ok(report)
}

fn short_targets(table: &mut Table, hosts: &[Report], relays: &[Report], singles: &[Report]) {
    let of = |reports: &[Report], value: fn(&Report) -> f64| median(reports.iter().map(value));
    let cpu = |report: &Report| report.cpu_seconds_per_1000_plans.unwrap_or(f64::NAN);
    let rate = |report: &Report| report.steps_per_cpu_second.unwrap_or(f64::NAN);
    let [host_cpu, relay_cpu] = [hosts, relays].map(|reports| of(reports, cpu));
    eprintln!("(the relay needs {relay_cpu:.2} CPU s per 1,000 plans)");
    table.at_most("CPU s per 1,000 plans, 32 at a time", host_cpu, 1.0);
    let plans = of(hosts, |report| report.plans_per_second);
    table.at_least("plans/s, 32 at a time", plans, 3.5 * EARLIER);
    let single = of(singles, |report| report.step_p50_ms);
    table.at_most("step p50, one at a time, ms", single, 1.0);
    let slow = of(hosts, |report| report.step_p99_ms);
    table.at_most("step p99, 32 at a time, ms", slow, 15.0);
    let share = 100.0 * of(hosts, rate) / of(relays, rate);
    table.at_least("steps per CPU second, % of the relay's", share, 65.0);
}

async fn long_run(table: &mut Table, plans: u32) -> anyhow::Result<()> {
    let stubs = Stubs::start().await?;
    let child = Child::start(Kind::Host, &stubs)?;
    let place = child.place(&stubs);
    let part = Load {
        plans: plans.div_ceil(PARTS),
        ..MANY
    };
    let (mut start, mut end) = (f64::NAN, f64::NAN);
    for number in 0..PARTS {
        let warm_up = if number == 0 { part.warm_up } else { 0 };
        let report = drive::measure(&place, "host", Load { warm_up, ..part }).await?;
        eprintln!("{}", report.line());
        anyhow::ensure!(report.failures == 0, "plans failed");
        end = report.rss_end_mib.unwrap_or(f64::NAN);
        // The first part is what it takes to get going: buffers, pools, caches.
        if number == 0 {
            start = end;
        }
    }
    eprintln!("(resident: {start:.1} MiB after a tenth, {end:.1} MiB after {plans} plans)");
    table.at_most("growth of memory over the long run, MiB", end - start, FLAT);
    table.at_most(
        "first page of /mesh/plans, ms",
        first_page(&place.url).await?,
        5.0,
    );
    Ok(())
}

/// The median time for the first page, whole body included.
async fn first_page(url: &str) -> anyhow::Result<f64> {
    let mut connection = Connection::open(url).await?;
    let mut times = Vec::new();
    for _ in 0..PAGES {
        let started = Instant::now();
        connection.get("/mesh/plans").await?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(median(times))
}

/// The targets, a line each, printed as they are known.
struct Table {
    all_met: bool,
}

impl Default for Table {
    fn default() -> Self {
        println!("| what | measured | target | |\n|---|---:|---:|---|");
        Self { all_met: true }
    }
}

impl Table {
    fn at_most(&mut self, what: &str, value: f64, target: f64) {
        self.row(what, value, &format!("≤ {target}"), value <= target);
    }

    fn at_least(&mut self, what: &str, value: f64, target: f64) {
        self.row(what, value, &format!("≥ {target}"), value >= target);
    }

    fn row(&mut self, what: &str, value: f64, target: &str, met: bool) {
        self.all_met &= met;
        let verdict = if met { "met" } else { "missed" };
        println!("| {what} | {value:.2} | {target} | {verdict} |");
    }
}
