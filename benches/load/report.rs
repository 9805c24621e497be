//! What a run gave, as one JSON line.

use serde::Serialize;

/// What a run gave. CPU time and memory are the target's alone, where its process is known.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) target: String,
    pub(crate) plans: u32,
    pub(crate) concurrency: u32,
    pub(crate) seconds: f64,
    pub(crate) plans_per_second: f64,
    pub(crate) step_p50_ms: f64,
    pub(crate) step_p99_ms: f64,
    pub(crate) create_p50_ms: f64,
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) cpu_seconds_per_1000_plans: Option<f64>,
    pub(crate) steps_per_cpu_second: Option<f64>,
    pub(crate) rss_start_mib: Option<f64>,
    pub(crate) rss_end_mib: Option<f64>,
    pub(crate) brain_writes: Option<u64>,
    pub(crate) failures: u64,
}

impl Report {
    pub(crate) fn line(&self) -> String {
        serde_json::to_string(self).unwrap()
    }
}

/// Three digits are more than a measurement is worth.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// The value below which this share of the sorted microseconds lies, in milliseconds.
pub(crate) fn percentile(sorted: &[u32], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let index = (last as f64 * share).round() as usize;
    sorted
        .get(index)
        .map_or(0.0, |micros| f64::from(*micros) / 1e3)
}

/// The middle one.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
