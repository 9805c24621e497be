//! The changes that a plan may go through, and what each of them says.

use std::collections::BTreeMap;

use super::{Effect, Headers, Json, LogLine, Method, Plan, Step};

/// What is about to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sending {
    /// The method.
    pub method: Method,
    /// The path.
    pub endpoint: String,
    /// What it does.
    pub effect: Effect,
    /// Whether the service honours idempotency keys.
    pub repeatable: bool,
    /// Whether it is only shown, and never sent.
    pub shown_only: bool,
    /// Which round trip of its attempt this is. With the plan, the step and the attempt it tells one
    /// call from another: the same round is the same call, sent again.
    pub round: u32,
    /// Headers beside the host's, by name.
    pub headers: Headers,
    /// The body.
    pub payload: Option<Json>,
}

impl Sending {
    /// Whether the service will do something that may last.
    pub(super) fn acts(&self) -> bool {
        self.effect.acts() && !self.shown_only
    }
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It did what it should.
    Done {
        /// What came of it.
        result: Json,
        /// Why a person has to look at it, if one has to.
        approval: Option<String>,
    },
    /// It did not.
    Error {
        /// Why, for a person.
        error: String,
    },
    /// The service can't answer now. A plan that is run to its end tries again later, if it may.
    Later {
        /// What it said.
        reason: String,
        /// How long to wait first, in milliseconds.
        after_ms: u64,
        /// How often one step may be tried again like this.
        most: u32,
    },
}

/// Who begins a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Starter {
    /// A client asked for the plan's next step.
    Client,
    /// The host drives the plan to its end, and begins this step.
    Run(String),
}

/// How a step under way ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// The step.
    pub step: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What its plugin said.
    pub log: Vec<LogLine>,
    /// Requests that were sent for it, tries included.
    pub requests: u32,
    /// It is certain that no write of this attempt arrived at the service.
    pub nothing_written: bool,
    /// How much the plan may carry with the step's result, in bytes. One that does not fit is not kept.
    pub most_bytes: usize,
}

/// One change of a plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Transition {
    /// A pending step begins.
    Start(Starter),
    /// The step under way is about to send this.
    Send(String, Sending),
    /// A pending step would send this by now: whoever reviews the plan should see it.
    Show(String, Sending),
    /// The step under way may not send this before somebody approved it, and goes back.
    Hold(String, Sending),
    /// The step under way ended.
    Finish(Finished),
    /// The step under way goes back: its write could not be recorded, and so nothing was sent that
    /// lasts.
    Release(String),
    /// The host that ran the steps under way is gone.
    Interrupt,
    /// From now on the host drives the plan to its end.
    Run,
    /// Somebody approves what a step found, and with it the writes after it.
    Approve {
        /// The step.
        step: String,
        /// Who.
        by: String,
        /// What they have to say.
        note: Option<String>,
        /// By step, the digest of what they saw; what they don't name they saw as it is now.
        reviewed: BTreeMap<String, String>,
    },
    /// Somebody rejects what a step found.
    Reject {
        /// The step.
        step: String,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// A step and everything after it goes back to its beginning.
    Retry {
        /// The step; the failed ones if it says nothing.
        step: Option<String>,
        /// Writes that happened, or may have, are meant to happen again.
        repeat_writes: bool,
    },
    /// Somebody decides against running a step.
    Skip {
        /// The step.
        step: String,
        /// A LIVE plan may not write without it: what writes after it needs an approval instead.
        required: bool,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// Somebody ends the plan.
    Cancel {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
}

impl Transition {
    /// Whether the change of this plan must be on disk before anything follows from it. A read
    /// that was lost on its way is simply asked again, so of a step under way only what can't be
    /// repeated has to be recorded.
    pub fn must_last(&self, plan: &Plan) -> bool {
        match self {
            Self::Start(_) => false,
            // Of a plan that is over nothing else would follow to be written with.
            Self::Release(_) => plan.cancelled.is_some(),
            Self::Send(_, sending) => sending.acts(),
            Self::Interrupt => plan.steps.iter().any(Step::is_cut_off),
            _ => true,
        }
    }
}
