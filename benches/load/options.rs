//! The command line.

use std::convert::Infallible;
use std::str::FromStr;

use clap::{Parser, Subcommand};

use crate::child::Kind;
use crate::drive::Load;

/// Plans of a run that does not say how many.
const PLANS: u32 = 5_000;

/// Creates plans, runs all of their steps, and says what that cost.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Plans to create and run to their end; with --compare, plans of the long run.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) plans: Option<u32>,
    /// Plans under way at the same time, each on a connection of its own.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) concurrency: u32,
    /// `host`, `relay`, or the base URL of a host that runs already.
    #[arg(long, default_value = "host")]
    pub(crate) target: Target,
    /// Whose CPU time and memory is read, if the target is a URL.
    #[arg(long)]
    pub(crate) pid: Option<u32>,
    /// Plans that are run first and not counted.
    #[arg(long, default_value_t = 500)]
    pub(crate) warm_up: u32,
    /// Measures host and relay in turn and compares with the targets; with --plans, also a run
    /// of that many plans.
    #[arg(long)]
    pub(crate) compare: bool,
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
}

/// What a process started by the driver does.
#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    #[command(hide = true)]
    Host { services: Vec<String> },
    #[command(hide = true)]
    Relay { services: Vec<String> },
    /// What the host in this program starts it for.
    #[command(hide = true)]
    Compile { memory_bytes: u64, cpu_seconds: u64 },
}

/// What is put under load.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// Started by the driver.
    Own(Kind),
    /// A base URL.
    Url(String),
}

impl FromStr for Target {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "host" => Self::Own(Kind::Host),
            "relay" => Self::Own(Kind::Relay),
            url => Self::Url(url.trim_end_matches('/').to_owned()),
        })
    }
}

impl Options {
    pub(crate) fn load(&self) -> Load {
        Load {
            plans: self.plans.unwrap_or(PLANS),
            concurrency: self.concurrency,
            warm_up: self.warm_up,
        }
    }
}
