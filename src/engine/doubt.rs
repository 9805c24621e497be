//! A check that says no because of services is held against what the host itself finds of them. It
//! only tells a person: a no stays a no.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::Engine;
use crate::registry::PluginVersion;
use crate::sandbox::Clock;
use crate::sandbox::bindings::{Context, Request, Response, Verdict};
use crate::services::Service;

/// The setting of a check that names the services about which it is known to be wrong.
const SETTING: &str = "knownBad";

/// Services that are asked how they are, and how long they all may take together.
const ASKED: usize = 16;
const PATIENCE: Duration = Duration::from_secs(2);

/// How long all of it may take: the plugin is asked again for each of them.
const LONGEST: Duration = Duration::from_secs(5);

/// An answer that a plugin has judged.
pub(super) struct Judged<'a> {
    pub(super) plugin: &'a Arc<PluginVersion>,
    pub(super) context: &'a Context,
    pub(super) request: &'a Request,
    pub(super) answer: &'a Response,
    pub(super) clock: Clock,
    pub(super) deadline: Instant,
}

impl Engine {
    /// The verdict on this answer; a no with what a person should know of it.
    pub(super) async fn doubted(&self, verdict: Verdict, judged: &Judged<'_>) -> Verdict {
        let Verdict::Blocked(reason) = verdict else {
            return verdict;
        };
        let left = judged.deadline.saturating_duration_since(Instant::now());
        let doubt = tokio::time::timeout(LONGEST.min(left), self.doubt(judged)).await;
        Verdict::Blocked(match doubt {
            Ok(Some(doubt)) => {
                let reason = reason.trim_end();
                let stop = if reason.ends_with(['.', '!', '?', '\u{2026}']) {
                    ""
                } else {
                    "."
                };
                format!("{reason}{stop} But {doubt}")
            }
            Ok(None) | Err(_) => reason,
        })
    }

    /// What a person should know of a no, if it is owed to nothing but services that the host itself
    /// reaches and finds healthy.
    async fn doubt(&self, no: &Judged<'_>) -> Option<String> {
        let manifest = &no.plugin.manifest;
        if !manifest.settings_schema.lists(SETTING) {
            return None;
        }
        let said = letters(&no.answer.body);
        let named = |service: &&Service| {
            service.name != manifest.service && said.contains(&letters(&service.name))
        };
        let named = self.neighbours.iter().filter(named).take(ASKED).cloned();
        let healthy = self.gateway.healthy(named, PATIENCE).await;
        if healthy.is_empty() || !no.would_be_none_without(&healthy).await {
            return None;
        }
        let mut needed = healthy.clone();
        for name in &healthy {
            let others: Vec<String> = needed.iter().filter(|n| *n != name).cloned().collect();
            if no.would_be_none_without(&others).await {
                needed = others;
            }
        }
        let all = no.known_bad_and(&needed);
        Some(format!(
            "the host itself reaches {} and finds nothing wrong. Where {kind} is known to be wrong \
             about that, set {SETTING} = {all:?} under [plugin.{kind}.settings]",
            needed.join(", "),
            kind = manifest.kind,
        ))
    }
}

/// What names are told apart by: a check may write `selfAudit` for `self-audit`.
fn letters(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

impl Judged<'_> {
    fn settings(&self) -> Map<String, Value> {
        serde_json::from_str(&self.context.step.settings).unwrap_or_default()
    }

    /// The services that are known to be bad, and these.
    fn known_bad_and(&self, more: &[String]) -> Vec<String> {
        let settings = self.settings();
        let known = settings.get(SETTING).and_then(Value::as_array);
        let known = known.into_iter().flatten().filter_map(Value::as_str);
        known
            .map(str::to_owned)
            .chain(more.iter().cloned())
            .collect()
    }

    /// Whether the plugin would not say no if these were known to be bad as well.
    async fn would_be_none_without(&self, services: &[String]) -> bool {
        let mut settings = self.settings();
        settings.insert(SETTING.to_owned(), self.known_bad_and(services).into());
        let mut context = self.context.clone();
        context.step.settings = Value::Object(settings).to_string();
        let Self {
            request, answer, ..
        } = self;
        let called = self.plugin.interpret(&context, request, answer, self.clock);
        matches!(
            called.await.outcome,
            Ok(Verdict::Done(_) | Verdict::NeedsApproval(_))
        )
    }
}
