//! How much a plan may carry (`[limits] plan_bytes`). Results are judged where they are kept, by the
//! state machine; what a step would send is judged here, before it is shown or sent.

use crate::plan::{Json, Plan, Step};

/// What is left for the bodies of a plan's steps.
pub(super) struct Room {
    carried: usize,
    most: usize,
}

impl Room {
    /// Beside what the plan carries.
    pub(super) fn of(plan: &Plan, most: usize) -> Self {
        Self {
            carried: plan.carried(),
            most,
        }
    }

    /// The same, where this step would send something else.
    pub(super) fn instead_of(plan: &Plan, step: &Step, most: usize) -> Self {
        let own = step.payload.as_ref().map_or(0, |json| json.as_str().len());
        Self {
            carried: plan.carried().saturating_sub(own),
            most,
        }
    }

    /// Takes room for a body.
    ///
    /// # Errors
    /// When there is not enough.
    pub(super) fn take(&mut self, body: Option<&Json>) -> Result<(), String> {
        let Some(body) = body else {
            return Ok(());
        };
        let bytes = body.as_str().len();
        if !body.fits(self.carried, self.most) {
            return Err(format!(
                "its body has {bytes} bytes: the plan carries {} already, and [limits] plan_bytes \
                 allows {}",
                self.carried, self.most
            ));
        }
        self.carried = self.carried.saturating_add(bytes);
        Ok(())
    }
}
