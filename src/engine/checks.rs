//! Which checks count before what a LIVE plan writes: those whose component the operator knows.

use std::collections::HashSet;

use super::Engine;
use crate::plan::{Effect, Plan, Step};

/// The ids of steps whose component the operator knows: it came with the host, or is named.
pub(super) type Trusted<'p> = HashSet<&'p str>;

/// What a write in a LIVE plan lacks.
pub(super) struct Missing<'p> {
    /// Kinds that must come before it.
    pub(super) absent: Vec<&'p str>,
    /// Steps of such kinds whose component could be anybody's.
    pub(super) unknown: Vec<&'p Step>,
}

impl Missing<'_> {
    /// Why the steps of unknown components do not count, and what to do.
    pub(super) fn told(&self) -> Option<String> {
        if self.unknown.is_empty() {
            return None;
        }
        let steps = self.unknown.iter();
        let steps = steps.map(|step| format!("{} ({})", step.id, step.kind));
        let steps: Vec<String> = steps.collect();
        let add = self.unknown.iter().map(|step| {
            let (kind, sha256) = (&step.kind, step.plugin.as_deref().unwrap_or("its digest"));
            format!("sha256 = [{sha256:?}] under [policy.trusted.{kind}]")
        });
        let add: Vec<String> = add.collect();
        let count = match self.unknown.as_slice() {
            [_] => {
                "does not count as a check, because its component did not come with the host and is \
                 not named"
            }
            _ => {
                "do not count as checks, because their components did not come with the host and \
                 are not named"
            }
        };
        Some(format!(
            "{} {count}: add {} (or signature = [\"…\"] with the key of who signed it), or go back to \
             the embedded version",
            steps.join(" and "),
            add.join(" and ")
        ))
    }
}

impl Engine {
    /// The checks before what a plan writes whose component is known, as the operator has it now.
    pub(super) async fn trusted<'p>(&self, plan: &'p Plan, effect: Effect) -> Trusted<'p> {
        let mut trusted = Trusted::new();
        if effect != Effect::Write {
            return trusted;
        }
        for check in self.policy.checks(plan) {
            // A plan that is older than this rule does not say whose it was.
            if let Some(digest) = &check.plugin
                && self.registry.trusts_digest(&check.kind, digest).await
            {
                trusted.insert(&check.id);
            }
        }
        trusted
    }
}
