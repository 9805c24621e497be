//! What callers share: steps under way, plans that are driven or created, and those who wait for one.

use std::time::Duration;

use crate::caller::Caller;
use crate::config::{Limits, RunConfig};
use crate::places::{Places, Purpose, Taken};

const STEPS: Purpose = Purpose {
    are: "steps are running",
    setting: "[limits] concurrent_steps",
};

const RUNS: Purpose = Purpose {
    are: "plans are being run",
    setting: "[run] plans",
};

const CREATES: Purpose = Purpose {
    are: "plans are being created",
    setting: "[limits] concurrent_creates",
};

const WAITS: Purpose = Purpose {
    are: "clients wait for their plans",
    setting: "[limits] waits",
};

/// The places that callers share.
#[derive(Debug)]
pub struct Shares {
    /// One a step under way.
    pub(super) steps: Places<Caller>,
    /// One a plan that is driven to its end.
    pub(super) runs: Places<Caller>,
    /// One a plan that is being created.
    pub(super) creates: Places<Caller>,
    /// One a client that waits until its plan is not run any more.
    pub(super) waits: Places<Caller>,
}

impl Shares {
    pub(super) fn new(limits: &Limits, run: &RunConfig) -> Self {
        Self {
            steps: Places::of_callers(STEPS, limits.concurrent_steps),
            runs: Places::of_callers(RUNS, run.plans),
            creates: Places::of_callers(CREATES, limits.concurrent_creates),
            waits: Places::of_callers(WAITS, limits.waits),
        }
    }

    /// Who has how many, by what they are for.
    pub fn taken(&self) -> [(&'static str, Taken); 4] {
        [
            ("steps", self.steps.shown()),
            ("runs", self.runs.shown()),
            ("creates", self.creates.shown()),
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
