//! `codex-mesh serve`: runs the host until it is told to stop.

use std::path::Path;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::options::Options;
use crate::config::Config;
use crate::host::Host;
use crate::output::say;
use crate::sandbox::THIS_PROGRAM;

pub(super) async fn run(options: &Options) -> anyhow::Result<()> {
    let config = options.config()?;
    // Before it says that it listens, so that a signal is a clean stop from then on.
    let stopped = stopped()?;
    let host = start(&config).await?;
    say(&format!(
        "codex-mesh listens on http://{}\n",
        host.address()?
    ));
    host.serve(stopped).await?;
    say("stopped\n");
    Ok(())
}

/// Starts the host, saying so where that takes a moment.
pub(super) async fn start(config: &Config) -> anyhow::Result<Host> {
    if !config.cache_dir().exists() {
        say("compiling the plugins, once …\n");
    }
    Host::start(config, Path::new(THIS_PROGRAM)).await
}

/// Ends at the first Ctrl-C, SIGTERM or SIGHUP. From the call on, none kills the process.
pub(super) fn stopped() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt()).context("can't listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("can't listen for SIGTERM")?;
    let mut hang_up = signal(SignalKind::hangup()).context("can't listen for SIGHUP")?;
    Ok(async move {
        tokio::select! {
            _ = hang_up.recv() => {}
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        say("stopping: what is running may finish\n");
    })
}
