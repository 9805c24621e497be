//! `codex-mesh serve`: runs the host until it is told to stop.

use std::path::Path;

use anyhow::Context;
use rustix::process::Signal as Sig;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;

use super::options::Options;
use crate::config::Config;
use crate::host::Host;
use crate::output::say;
use crate::sandbox::{THIS_PROGRAM, check_descriptors};

/// Files that are open beside the connections of clients and services: the database, components, the log.
const BESIDE: usize = 128;

pub(super) async fn run(options: &Options) -> anyhow::Result<()> {
    let config = options.config()?;
    let mut stopped = stopped()?;
    let Some(host) = start(&config, &mut stopped).await? else {
        return Ok(());
    };
    say(&format!(
        "codex-mesh listens on http://{}\n",
        host.address()?
    ));
    host.serve(stopped).await?;
    say("stopped\n");
    Ok(())
}

/// Starts the host, saying so where that takes a moment; none if it is to stop before.
pub(super) async fn start(
    config: &Config,
    stopped: &mut (impl Future<Output = ()> + Unpin),
) -> anyhow::Result<Option<Host>> {
    let open = [
        config.limits.connections,
        config.limits.concurrent_steps,
        BESIDE,
    ];
    let open = open.into_iter().fold(0, usize::saturating_add);
    if let Err(few) = check_descriptors(open) {
        tracing::warn!("{few}");
    }
    // A write past the limit of a file's size is then an error like that of a full disk, and ends nothing.
    drop(signal(SignalKind::from_raw(Sig::XFSZ.as_raw())).context("can't listen for SIGXFSZ")?);
    let config = config.clone();
    // In a task of its own: it may wait for a disk that does not answer.
    let starting = tokio::spawn(async move {
        let cache = config.cache_dir();
        if !spawn_blocking(move || cache.exists()).await? {
            say("compiling the plugins, once …\n");
        }
        Host::start(&config, Path::new(THIS_PROGRAM)).await
    });
    tokio::select! {
        started = starting => Ok(Some(started??)),
        () = stopped => {
            say("stopped before it had started\n");
            Ok(None)
        }
    }
}

/// Ends at the first Ctrl-C, SIGTERM or SIGHUP. From the call on, none kills the process. Who started it
/// with `nohup` wants it to outlive a terminal that hangs up: there SIGHUP stays ignored.
pub(super) fn stopped() -> anyhow::Result<impl Future<Output = ()> + Send + Unpin + 'static> {
    let mut terminate = signal(SignalKind::terminate()).context("can't listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("can't listen for Ctrl-C")?;
    let hang_up = SignalKind::hangup();
    let mut hang_up = match is_ignored(hang_up) {
        true => None,
        false => Some(signal(hang_up).context("can't listen for SIGHUP")?),
    };
    Ok(Box::pin(async move {
        tokio::select! {
            Some(_) = async { hang_up.as_mut()?.recv().await } => {}
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        say("stopping: what is running may finish\n");
    }))
}

/// Whether whoever started this process had this signal ignored: `SigIgn` of proc(5), a bit a signal.
fn is_ignored(signal: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask >> (signal.as_raw_value() - 1) & 1 == 1)
}
