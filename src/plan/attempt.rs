//! One attempt of a step: what it shows and has sent, and how it goes back or ends.

use super::{Effect, HistoryEntry, Json, Retry, Sending, Step, StepStatus, Timestamp};

impl Step {
    /// Under way with a write that was sent and can't be sent again, so that it can't go back.
    pub(super) fn is_cut_off(&self) -> bool {
        self.status == StepStatus::InProgress && self.has_written() && !self.repeatable
    }

    /// Whether a write was put on record since the point to which it would go back.
    pub(super) fn has_written(&self) -> bool {
        match &self.held {
            Some(held) => self.written.contains(&held.round),
            None => self.sent,
        }
    }

    /// No write of this attempt counts any more.
    pub(super) fn forget_writes(&mut self) {
        self.sent = false;
        self.written = Vec::new();
        self.held = None;
    }

    pub(super) fn show(&mut self, sending: &Sending) {
        self.method = sending.method;
        self.endpoint.clone_from(&sending.endpoint);
        self.effect = sending.effect;
        // One write that can't be repeated is enough.
        self.repeatable = sending.repeatable && (self.repeatable || !self.sent);
        self.headers.clone_from(&sending.headers);
        self.payload.clone_from(&sending.payload);
        self.payload_reason = None;
    }

    /// As if it had not begun, but for a write that may have happened: the same attempt may send it
    /// again, another one may not without being told to.
    pub(super) fn put_back(&mut self, transition: &str, now: Timestamp) -> HistoryEntry {
        self.status = StepStatus::Pending;
        let entry = HistoryEntry::of_host(transition, self, now);
        self.started_at = None;
        entry
    }

    pub(super) fn fail(&mut self, error: String, transition: &str, now: Timestamp) -> HistoryEntry {
        self.status = StepStatus::Error;
        self.error = Some(error);
        self.end(transition, now)
    }

    pub(super) fn end(&mut self, transition: &str, now: Timestamp) -> HistoryEntry {
        self.finished_at = Some(now);
        self.retry = None;
        self.held = None;
        HistoryEntry::of_host(transition, self, now)
    }

    /// Why the step is not tried again by itself, if it isn't.
    pub(super) fn no_retry(&self, reason: &str, most: u32, is_run: bool) -> Option<String> {
        let tried = self.retry.as_ref().map_or(0, |retry| retry.count);
        if self.sent {
            let what = self.what_was_sent();
            Some(format!(
                "{reason} (its {what} may have happened, and is not repeated by itself)"
            ))
        } else if !is_run {
            Some(reason.to_owned())
        } else if tried >= most {
            Some(format!(
                "{reason} (the limit of tries after the first, {tried}, is reached)"
            ))
        } else {
            None
        }
    }

    /// Why its result is not kept, where the plan carries so much already.
    pub(super) fn not_kept(&self, result: &Json, carried: usize, most: usize) -> String {
        let bytes = result.as_str().len();
        let error = format!(
            "its result has {bytes} bytes and is not kept: the plan carries {carried} already, and \
             [limits] plan_bytes allows {most}"
        );
        if self.sent {
            let what = self.what_was_sent();
            format!("{error}. Its {what} arrived, was answered, and is not repeated by itself")
        } else {
            format!("{error}. Raise that, and retry the step")
        }
    }

    /// What a person calls it.
    pub fn what_was_sent(&self) -> &'static str {
        match self.effect {
            Effect::Simulate => "simulation",
            Effect::Read | Effect::Write => "write",
        }
    }

    pub(super) fn postpone(&mut self, reason: &str, after_ms: u64, now: Timestamp) -> HistoryEntry {
        let count = self.retry.as_ref().map_or(0, |retry| retry.count);
        self.retry = Some(Retry {
            count: count.saturating_add(1),
            not_before: now.after(after_ms),
            after_ms: Some(after_ms),
            reason: reason.to_owned(),
        });
        let entry = HistoryEntry {
            reason: Some(reason.to_owned()),
            ..self.put_back("postponed", now)
        };
        self.attempt = self.attempt.saturating_add(1);
        entry
    }

    /// Which write of this attempt one in this round is.
    pub(super) fn nth(&self, round: u32) -> u32 {
        let known = self.written.iter().position(|written| *written == round);
        let before = known.unwrap_or(self.written.len());
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }
}
