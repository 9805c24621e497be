//! One step from its beginning to its stored end. It runs in a task of its own: a caller who
//! hangs up does not cancel it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::shares::Stepping;
use super::step::Ended;
use super::{Engine, EngineError};
use crate::background::caught;
use crate::caller::Caller;
use crate::plan::{Finished, Outcome, Plan, Refused, Starter, StepStatus, Transition};
use crate::store::StoreError;

/// Where the caller waits for the plan after its step.
pub(super) type Reply = oneshot::Sender<Result<Arc<Plan>, EngineError>>;

/// How long it waits, after a failure of the host's own, before it is tried again.
pub(super) const STORE_AGAIN: Duration = Duration::from_secs(1);

/// How it went, for who drives the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Went {
    /// The plan is where it should be.
    Well,
    /// Something of the host's own is in the way: better not again at once.
    Badly,
}

impl Engine {
    /// Runs the plan's next pending step. A finished plan is returned as it is.
    ///
    /// # Errors
    /// When there is no such plan, or it can't go on now.
    pub async fn step(
        self: &Arc<Self>,
        id: &str,
        caller: &Caller,
    ) -> Result<Arc<Plan>, EngineError> {
        let plan = self.store.plan(id).await?.ok_or(StoreError::NotFound)?;
        let next = plan.first(StepStatus::Pending);
        let stepping = Stepping {
            caller: *caller,
            kind: next.map_or_else(String::new, |step| step.kind.clone()),
        };
        let place = self.shares.steps.try_take(&stepping)?;
        // It may be large, and the step begins with what is there by then.
        drop(plan);
        let (engine, id) = (Arc::clone(self), id.to_owned());
        let (reply, outcome) = oneshot::channel();
        tokio::spawn(async move {
            engine.drive(&id, Starter::Client, reply).await;
            // In this order: who waits for the place may want the store to be free.
            drop(engine);
            drop(place);
        });
        // The sender is only dropped unused if the task is gone, which means the host is.
        outcome.await.unwrap_or(Err(EngineError::Stopping))
    }

    /// Runs a step from its beginning to its stored end.
    pub(super) async fn drive(&self, id: &str, starter: Starter, reply: Reply) -> Went {
        let started = self
            .store
            .apply(id, &Transition::Start(starter.clone()))
            .await;
        let plan = match started {
            Ok(plan) => plan,
            Err(error) => {
                let refused = matches!(error, StoreError::Refused(_));
                answer(reply, self.not_started(id, error).await);
                return if refused { Went::Well } else { Went::Badly };
            }
        };
        let step = match starter {
            Starter::Run(step) => step,
            Starter::Client => started_step(&plan),
        };
        // Even a bug of the host leaves no step under way.
        let ended = caught(self.run_step(&plan, &step))
            .await
            .unwrap_or_else(|| {
                tracing::error!("{step} of plan {id} ended by a fault of the host");
                Ended::Finished(failed_by_host(&step))
            });
        match ended {
            Ended::Finished(finished) => {
                self.store_end(id, &Transition::Finish(finished), reply)
                    .await
            }
            Ended::Held { sending, written } => {
                let hold = Transition::Hold(step.clone(), sending);
                self.hold(id, step, hold, written, reply).await
            }
            Ended::Unrecorded(error) => self.release(id, step, error, reply).await,
        }
    }

    async fn not_started(&self, id: &str, error: StoreError) -> Result<Arc<Plan>, EngineError> {
        match error {
            StoreError::Refused(Refused::Finished) => {
                Ok(self.store.plan(id).await?.ok_or(StoreError::NotFound)?)
            }
            error => Err(error.into()),
        }
    }

    /// Lets go of a step whose write nobody approved as it is; the plan shows it, and waits.
    async fn hold(
        &self,
        id: &str,
        step: String,
        hold: Transition,
        written: bool,
        reply: Reply,
    ) -> Went {
        match self.store.apply(id, &hold).await {
            Ok(plan) => {
                let waiting = Refused::Waiting(plan.waiting.clone());
                answer(reply, Err(StoreError::from(waiting).into()));
                Went::Well
            }
            // It can't begin anew: where it goes on must not be lost.
            Err(_) if written => self.store_end(id, &hold, reply).await,
            Err(error) => self.release(id, step, error, reply).await,
        }
    }

    /// Lets go of a step whose write could not be recorded: it is as if it had not begun.
    async fn release(&self, id: &str, step: String, error: StoreError, reply: Reply) -> Went {
        if let Err(error) = self.store.apply(id, &Transition::Release(step)).await {
            tracing::error!("a step of plan {id} could not be released: {error}");
        }
        answer(reply, Err(error.into()));
        Went::Badly
    }

    /// Stores how the step ended, or where it goes on. What happened is not lost because the disk is full: the caller
    /// is told, and it is tried until it succeeds.
    async fn store_end(&self, id: &str, finish: &Transition, reply: Reply) -> Went {
        let first = self.store.apply(id, finish).await;
        let again = first.as_ref().is_err_and(StoreError::may_pass);
        let stored = first.is_ok();
        let first = match first {
            Ok(plan) => Ok(self.with_current_payloads(plan).await),
            Err(error) => Err(EngineError::NotStored(error)),
        };
        answer(reply, first);
        if !again {
            return if stored { Went::Well } else { Went::Badly };
        }
        loop {
            tokio::time::sleep(STORE_AGAIN).await;
            match self.store.apply(id, finish).await {
                Err(error) if error.may_pass() => {
                    tracing::error!("the end of a step of plan {id} is not stored yet: {error}");
                }
                Err(error) => {
                    tracing::error!("the end of a step of plan {id} can't be stored: {error}");
                    return Went::Badly;
                }
                Ok(_) => {
                    tracing::info!("the end of a step of plan {id} is stored now");
                    return Went::Well;
                }
            }
        }
    }
}

/// The step that a client's [`Transition::Start`] began: then it is the only one under way.
fn started_step(plan: &Plan) -> String {
    let step = plan.first(StepStatus::InProgress);
    step.map(|step| step.id.clone()).unwrap_or_default()
}

fn failed_by_host(step: &str) -> Finished {
    Finished {
        step: step.to_owned(),
        outcome: Outcome::Error {
            error: "the host failed while it ran this step; its log says more".to_owned(),
        },
        log: Vec::new(),
        requests: 0,
        nothing_written: false,
        most_bytes: 0,
    }
}

fn answer(reply: Reply, outcome: Result<Arc<Plan>, EngineError>) {
    // The caller may have hung up; the plan has the outcome.
    let _ = reply.send(outcome);
}
