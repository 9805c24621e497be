//! How long anything may take, and be kept: what can be set is within what can be waited for.

use anyhow::bail;

use super::Config;

/// A day, in milliseconds: the longest that anybody waits for anything.
pub(super) const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// A hundred years, in days: the longest that anything is kept.
const MOST_DAYS: u32 = 36_500;

/// What is wrong with a duration, if anything.
pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    let (limits, run, retry) = (&config.limits, &config.run, &config.retry);
    let longer_than_none = [
        ("[limits] step_ms", limits.step_ms),
        ("[limits] simulation_ms", limits.simulation_ms),
        ("[limits] client_ms", limits.client_ms),
        ("[run] first_wait_ms", run.first_wait_ms),
        ("[run] longest_wait_ms", run.longest_wait_ms),
        ("[quarantine] window_ms", config.quarantine.window_ms),
        ("[brain] first_wait_ms", config.brain.first_wait_ms),
    ];
    for (name, value) in longer_than_none {
        within(name, value, 1)?;
    }
    let any = [
        ("[limits] grace_ms", limits.grace_ms),
        ("[retry] first_wait_ms", retry.first_wait_ms),
        ("[retry] longest_wait_ms", retry.longest_wait_ms),
        ("[breaker] open_ms", config.breaker.open_ms),
    ];
    for (name, value) in any {
        within(name, value, 0)?;
    }
    let kept = &config.retention;
    for (name, days) in [
        ("events_days", kept.events_days),
        ("plans_days", kept.plans_days),
        ("idle_days", kept.idle_days),
    ] {
        if days > MOST_DAYS {
            bail!("[retention] {name} is {days}, and must be between 0 and {MOST_DAYS} days");
        }
    }
    Ok(())
}

/// Whether a duration is between `least` and a day.
pub(super) fn within(name: &str, value: u64, least: u64) -> anyhow::Result<()> {
    if !(least..=DAY_MS).contains(&value) {
        bail!("{name} is {value}, and must be between {least} and {DAY_MS} milliseconds (a day)");
    }
    Ok(())
}
