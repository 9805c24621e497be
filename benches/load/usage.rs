//! What a process used so far, as Linux tells it (proc(5)).

use anyhow::Context;

/// Clock ticks a second in `/proc`: 100 on every Linux that is in use.
const TICKS: f64 = 100.0;

/// User and system time, in seconds.
pub(crate) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    // The second field is the name in brackets, which may hold anything; utime and stime are the
    // 14th and 15th.
    let (_, fields) = stat.rsplit_once(") ").context("/proc/PID/stat is odd")?;
    let times = fields.split(' ').skip(11).take(2);
    let ticks: u64 = times.map(|time| time.parse::<u64>().unwrap_or(0)).sum();
    Ok(ticks as f64 / TICKS)
}

/// Resident memory, in MiB.
pub(crate) fn resident_mib(pid: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kib.context("/proc/PID/status has no VmRSS")? / 1024.0)
}
