//! What a plugin's verdict makes of its step.

use crate::plan::{Json, Outcome};
use crate::sandbox::Fault;
use crate::sandbox::bindings::{Request, RetryLater, Verdict};

/// The longest reason that is kept of a plugin, in characters.
const REASON: usize = 2_000;

/// How the error of a blocked step begins.
const BLOCKED: &str = "Blocked";

/// Where a request leads.
pub(super) enum Next {
    Ended(Outcome),
    Call(Request),
}

/// How a wish to be tried again later is met.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// How long to wait where the service does not say, in milliseconds.
    pub(super) wait_ms: u64,
    /// The longest wait, in milliseconds.
    pub(super) longest_ms: u64,
    /// How often a step may be tried again.
    pub(super) most: u32,
}

/// Reads a plugin's verdict as a step does: a way in for a fuzz target.
#[doc(hidden)]
pub fn check_verdict(verdict: Verdict) -> Option<Outcome> {
    let patience = Patience {
        wait_ms: 1_000,
        longest_ms: 60_000,
        most: 3,
    };
    match judge(verdict, &patience) {
        Ok(Next::Ended(outcome)) => Some(outcome),
        Ok(Next::Call(_)) | Err(_) => None,
    }
}

pub(super) fn judge(verdict: Verdict, patience: &Patience) -> Result<Next, String> {
    Ok(Next::Ended(match verdict {
        Verdict::Call(request) => return Ok(Next::Call(request)),
        Verdict::Done(result) => Outcome::Done {
            result: parse(result)?,
            approval: None,
        },
        Verdict::NeedsApproval(reviewed) => Outcome::Done {
            result: parse(reviewed.result)?,
            approval: Some(shorten(&reviewed.reason)),
        },
        Verdict::Blocked(reason) => Outcome::Error {
            error: format!("{BLOCKED}: {}", shorten(without_prefix(&reason))),
        },
        Verdict::Failed(reason) => Outcome::Error {
            error: shorten(&reason),
        },
        Verdict::Retry(retry) => later(&retry, patience),
    }))
}

fn later(retry: &RetryLater, patience: &Patience) -> Outcome {
    let reason = shorten(&retry.reason);
    let reason = match retry.after_ms {
        Some(after) => format!("{reason} (it asks to be tried again after {after} ms)"),
        None => format!("{reason} (it may be tried again later)"),
    };
    let after_ms = retry.after_ms.unwrap_or(patience.wait_ms);
    if after_ms > patience.longest_ms {
        let longest = patience.longest_ms;
        return Outcome::Error {
            error: format!("{reason}, and a plan waits {longest} ms at the most"),
        };
    }
    Outcome::Later {
        reason,
        after_ms,
        most: patience.most,
    }
}

fn parse(result: String) -> Result<Json, String> {
    Json::parse(result).map_err(|error| {
        failed(&Fault::Garbage(format!(
            "a result that is not JSON ({error})"
        )))
    })
}

/// The error of a step whose plugin gave nothing.
pub(super) fn failed(fault: &Fault) -> String {
    if fault.is_the_plugins() {
        format!("the plugin failed: {fault}")
    } else {
        format!("the host stopped the plugin: {fault}")
    }
}

/// A reason that some services begin with the word that the error begins with, without it.
fn without_prefix(reason: &str) -> &str {
    let mut reason = reason;
    loop {
        // Some put a sign before it.
        let words = reason.trim_start_matches(|c: char| !c.is_alphanumeric());
        let Some((word, rest)) = words.split_at_checked(BLOCKED.len()) else {
            return reason;
        };
        let rest = rest.trim_start();
        let ends = rest.is_empty()
            || rest.starts_with(|c: char| {
                c.is_ascii_punctuation() || matches!(c, '\u{2013}' | '\u{2014}')
            })
            || rest.starts_with("by ");
        if !ends || !word.eq_ignore_ascii_case(BLOCKED) {
            return reason;
        }
        reason = rest
            .trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '"' | '\'' | '('));
    }
}

/// A plugin's reason, within bounds, and never empty.
pub(super) fn shorten(reason: &str) -> String {
    let reason: String = reason
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match reason.trim() {
        "" => "the plugin gave no reason".to_owned(),
        reason => reason.chars().take(REASON).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_said_to_be_blocked_once() {
        for (reason, error) in [
            ("BLOCKED: no accounts", "Blocked: no accounts"),
            ("Blocked - blocked : why", "Blocked: why"),
            ("  Blocked: why", "Blocked: why"),
            ("BLOCKED:", "Blocked: the plugin gave no reason"),
            ("BLOCKED", "Blocked: the plugin gave no reason"),
            ("BLOCKED by guard", "Blocked: by guard"),
            ("\u{1f6ab} BLOCKED: no", "Blocked: no"),
            ("[BLOCKED] (no) why", "Blocked: (no) why"),
            ("Blocked accounts: 3", "Blocked: Blocked accounts: 3"),
            ("blockedé: 3", "Blocked: blockedé: 3"),
            ("why", "Blocked: why"),
            ("", "Blocked: the plugin gave no reason"),
        ] {
            let outcome = check_verdict(Verdict::Blocked(reason.to_owned()));
            let expected = Outcome::Error {
                error: error.to_owned(),
            };
            assert_eq!(outcome, Some(expected), "{reason:?}");
        }
    }
}
