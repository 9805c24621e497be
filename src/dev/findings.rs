//! How srl and hardening make a verdict of what they found: the worst finding decides.

use serde::Serialize;
use serde_json::Value;

use super::js;

/// From here on repeats of an action count as a loop.
const REPEATS: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Level {
    Warn,
    Critical,
}

#[derive(Serialize)]
pub(super) struct Finding {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) level: Level,
    pub(super) message: String,
}

/// What a service says of findings of no, middling and grave weight.
pub(super) struct Scale {
    pub(super) nothing: &'static str,
    pub(super) clean: f64,
    pub(super) warned: f64,
    pub(super) stopped: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verdict {
    allow_execution: bool,
    require_approval: bool,
    summary: String,
    confidence: f64,
}

pub(super) fn judge(findings: &[Finding], scale: &Scale) -> Verdict {
    let stopped = findings.iter().any(|finding| finding.level != Level::Warn);
    let confidence = match findings {
        [] => scale.clean,
        _ if stopped => scale.stopped,
        _ => scale.warned,
    };
    Verdict {
        allow_execution: !stopped,
        require_approval: !findings.is_empty(),
        summary: summary(findings, scale.nothing),
        confidence,
    }
}

fn summary(findings: &[Finding], nothing: &str) -> String {
    if findings.is_empty() {
        return nothing.to_owned();
    }
    let line = |finding: &Finding| {
        let level = match finding.level {
            Level::Warn => "WARN",
            Level::Critical => "CRITICAL",
        };
        format!("[{level}] {}: {}", finding.kind, finding.message)
    };
    findings.iter().map(line).collect::<Vec<_>>().join(" | ")
}

/// Whether planned actions repeat: neighbours that are the same are counted over the whole list,
/// not over one run.
pub(super) fn repeat(actions: &[Value]) -> bool {
    let pairs = actions.windows(2);
    let same = pairs.filter(|pair| matches!(pair, [a, b] if js::same(a, b)));
    same.count() >= REPEATS
}
