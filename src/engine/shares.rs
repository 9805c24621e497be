//! What callers share: steps under way, plans that are driven, and those who wait for one.

use std::fmt;
use std::time::Duration;

use crate::caller::Caller;
use crate::config::{Limits, RunConfig};
use crate::places::{self, Places, Purpose, Share, Taken};

const STEPS: Purpose = Purpose {
    are: "steps are running",
    setting: "[limits] concurrent_steps",
};

const RUNS: Purpose = Purpose {
    are: "plans are being run",
    setting: "[run] plans",
};

const WAITS: Purpose = Purpose {
    are: "clients wait for their plans",
    setting: "[limits] waits",
};

/// A step of this kind, for this caller.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Stepping {
    pub(super) caller: Caller,
    pub(super) kind: String,
}

impl fmt::Display for Stepping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.kind, self.caller)
    }
}

/// One caller gets most of the steps that may be under way.
const CALLERS: Share<Stepping> = Share {
    times: places::TIMES,
    same: |one, other| one.caller == other.caller,
    who: |stepping| stepping.caller.to_string(),
    each: None,
};

/// One kind gets less of them, three quarters: where its service hangs, the same caller can go on with
/// others. Of these a caller gets most, so that others can have steps of the kind as well.
const KINDS: Share<Stepping> = Share {
    times: 3,
    same: |one, other| one.kind == other.kind,
    who: |stepping| stepping.kind.clone(),
    each: Some(places::TIMES),
};

/// The places that callers share.
#[derive(Debug)]
pub struct Shares {
    /// One a step under way.
    pub(super) steps: Places<Stepping>,
    /// One a plan that is driven to its end.
    pub(super) runs: Places<Caller>,
    /// One a client that waits until its plan is not run any more.
    pub(super) waits: Places<Caller>,
}

impl Shares {
    pub(super) fn new(limits: &Limits, run: &RunConfig) -> Self {
        Self {
            steps: Places::new(STEPS, limits.concurrent_steps, [CALLERS, KINDS]),
            runs: Places::of_callers(RUNS, run.plans),
            waits: Places::of_callers(WAITS, limits.waits),
        }
    }

    /// Who has how many, by what they are for.
    pub fn taken(&self) -> [(&'static str, Taken); 3] {
        [
            ("steps", self.steps.shown()),
            ("runs", self.runs.shown()),
            ("waits", self.waits.shown()),
        ]
    }

    /// Waits until no step is under way and lets none begin, for at most `grace`; whether all ended in
    /// time.
    pub(super) async fn finish(&self, grace: Duration) -> bool {
        self.runs.close();
        self.steps.close();
        let idle = async { tokio::join!(self.runs.idle(), self.steps.idle()) };
        tokio::time::timeout(grace, idle).await.is_ok()
    }
}
