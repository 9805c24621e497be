//! The load driver: creates plans and runs all of their steps, at any concurrency, and says what
//! that cost the host in one JSON line.
//!
//! ```text
//! cargo run --release --example load -- --plans 10000 --concurrency 32
//! cargo run --release --example load -- --target relay
//! cargo run --release --example load -- --target http://localhost:5565 --pid "$(pidof codex-mesh)"
//! cargo run --release --example load -- --compare
//! ```
//! `host` and `relay` run in a process of their own, so that its CPU time and memory are theirs
//! alone; the services are stubs with fixed answers in the driver's process.
//!
//! # Layout
//! - [`options`]: the command line. [`child`]: the target's process. [`relay`]: what the host is
//!   compared with.
//! - [`stubs`]: the services. [`client`]: one connection to the target. [`drive`]: the plans.
//! - [`usage`]: CPU and memory of a process. [`report`]: the JSON line. [`compare`]: the targets
//!   that are to be met.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod child;
mod client;
mod compare;
mod drive;
mod options;
mod relay;
mod report;
mod stubs;
mod usage;

use std::process::ExitCode;

use clap::Parser;
use codex_mesh::sandbox::run_compiler;

use options::{Options, Role, Target};
use report::Report;
use stubs::Stubs;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let outcome = match options.role {
        Some(Role::Compile {
            memory_bytes,
            cpu_seconds,
        }) => match run_compiler(memory_bytes, cpu_seconds) {
            Ok(exit) => return exit,
            Err(error) => Err(error),
        },
        Some(Role::Host { services }) => child::run_host(&services).await.map(|()| true),
        Some(Role::Relay { services }) => relay::run(&services).await.map(|()| true),
        None if options.compare => compare::run(options.plans).await,
        None => run(&options).await,
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One measurement; whether nothing failed.
async fn run(options: &Options) -> anyhow::Result<bool> {
    let load = options.load();
    let report = match &options.target {
        Target::Url(url) => {
            let place = drive::Place {
                url: url.clone(),
                pid: options.pid,
                stubs: None,
            };
            drive::measure(&place, "url", load).await?
        }
        Target::Own(kind) => measure_own(*kind, load).await?,
    };
    println!("{}", report.line());
    Ok(report.failures == 0)
}

/// Starts a target and its services, measures, and stops both.
async fn measure_own(kind: child::Kind, load: drive::Load) -> anyhow::Result<Report> {
    let stubs = Stubs::start().await?;
    let child = child::Child::start(kind, &stubs)?;
    drive::measure(&child.place(&stubs), kind.name(), load).await
}
