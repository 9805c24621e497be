//! `codex-mesh plugin dev`: whenever the project changes, builds, checks and tests it, and gives
//! what is good to the new plans of a running host. What is not good changes nothing there.

mod host;
mod sources;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;

use super::check::must_load;
use super::local::{Local, LocalArgs, show};
use super::project::Project;
use super::test::{all_passed, run_cases, text};
use crate::cases;
use crate::cli::client::{Client, HostArgs};
use crate::output::complain;
use crate::registry::{Component, PluginVersion};
use crate::text::plain;
use host::{Outcome, RunningHost};
use sources::{Seen, Sources};

/// How often a host is looked for that does not answer.
const AGAIN: Duration = Duration::from_secs(1);

/// It goes on at every change of the project's files, until Ctrl-C.
#[derive(Debug, Args)]
pub(super) struct DevArgs {
    /// The project's folder
    #[arg(value_name = "DIR")]
    project: PathBuf,
    /// The folder with the cases (*.json) [default: cases in the project's folder]
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// Once, without watching; the exit code is 1 unless the host has it then
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    host: HostArgs,
    #[command(flatten)]
    local: LocalArgs,
}

/// A component that new plans may have.
struct Made {
    version: PluginVersion,
    component: Component,
    /// What was done to make it.
    told: String,
}

struct Session {
    project: Project,
    /// The cases, if they are not in the project's usual folder.
    cases: Option<PathBuf>,
    sources: Sources,
    local: Local,
    host: RunningHost,
}

pub(super) async fn run(args: &DevArgs) -> anyhow::Result<()> {
    let project = Project::open(&args.project)?;
    let mut session = Session {
        sources: Sources::of(&project.folder, args.cases.as_deref()),
        project,
        cases: args.cases.clone(),
        local: args.local.local()?,
        host: RunningHost::new(Client::new(&args.host)?),
    };
    if args.once {
        return session.once().await;
    }
    let folder = session.project.folder.display().to_string();
    show(&format!("watching {} until Ctrl-C\n", plain(&folder)))?;
    tokio::select! {
        ended = session.watch() => ended,
        signal = tokio::signal::ctrl_c() => {
            signal.context("can't listen for Ctrl-C")?;
            Ok(show("stopped\n")?)
        }
    }
}

impl Session {
    async fn once(&mut self) -> anyhow::Result<()> {
        let made = self.make().await?;
        match self.host.swap_in(&made.version, &made.component).await? {
            Outcome::Serves(what) => Ok(show(&format!("{} · {what}\n", made.told))?),
            Outcome::NotYet(why) => bail!("{} · {why}", made.told),
        }
    }

    async fn watch(&mut self) -> anyhow::Result<()> {
        loop {
            let seen = self.sources.look()?;
            let offered = match self.make().await {
                Ok(made) => self.offer(&made, &seen).await,
                Err(error) => Err(error),
            };
            if let Err(error) = offered {
                complain(&format!("{error:#}\n"));
                show("nothing was swapped in: the next change is waited for\n")?;
            }
            self.sources.changed(&seen).await?;
        }
    }

    /// Builds, checks and tests the project.
    async fn make(&self) -> anyhow::Result<Made> {
        let begun = Instant::now();
        let component = self.project.build().await?;
        let took = begun.elapsed().as_secs_f64();
        must_load(&component, &self.local).await?;
        let (version, component) = self.local.loader().load_file(component).await?;
        let passed = self.test(&version).await?;
        let size = component.bytes.len().div_ceil(1_000);
        Ok(Made {
            version,
            component,
            told: format!("built {size} KB in {took:.1} s · {passed}"),
        })
    }

    /// What came of the cases, all of which passed; those that did not are shown.
    async fn test(&self, version: &PluginVersion) -> anyhow::Result<String> {
        let folder = self.cases.clone().unwrap_or_else(|| self.project.cases());
        if self.cases.is_none() && !folder.is_dir() {
            return Ok("no cases".to_owned());
        }
        let cases = cases::read(&folder)?;
        let all = run_cases(version, &cases, &self.local, |ran| {
            if ran.ok { Ok(()) } else { show(&text(ran)) }
        });
        let all = all.await?;
        all_passed(&all)?;
        Ok(match all.len() {
            1 => "1 case passed".to_owned(),
            count => format!("{count} cases passed"),
        })
    }

    /// Swaps it in, however long it takes until there is a host, or until the project is not what
    /// it was made of.
    async fn offer(&mut self, made: &Made, seen: &Seen) -> anyhow::Result<()> {
        let mut is_told = false;
        loop {
            match self.host.swap_in(&made.version, &made.component).await? {
                Outcome::Serves(what) => return Ok(show(&format!("{} · {what}\n", made.told))?),
                Outcome::NotYet(why) if !is_told => {
                    is_told = true;
                    show(&format!(
                        "{} · {why}; it gets this version then\n",
                        made.told
                    ))?;
                }
                Outcome::NotYet(_) => {}
            }
            let changed = tokio::time::timeout(AGAIN, self.sources.changed(seen)).await;
            if let Ok(changed) = changed {
                return changed;
            }
        }
    }
}
