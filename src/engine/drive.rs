//! One step from its beginning to its stored end. It runs in a task of its own: a caller who
//! hangs up does not cancel it.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::oneshot;

use super::step::Ended;
use super::{Engine, EngineError};
use crate::plan::{Plan, Refused, Transition};
use crate::store::StoreError;

/// Where the caller waits for the plan after its step.
type Reply = oneshot::Sender<Result<Arc<Plan>, EngineError>>;

/// How long storing an outcome waits before it is tried again.
const STORE_AGAIN: Duration = Duration::from_secs(1);

impl Engine {
    /// Runs the plan's next pending step. A finished plan is returned as it is.
    ///
    /// # Errors
    /// When there is no such plan, or it can't go on now.
    pub async fn step(self: &Arc<Self>, id: &str) -> Result<Arc<Plan>, EngineError> {
        let permit = match Arc::clone(&self.running).try_acquire_owned() {
            Ok(permit) => permit,
            Err(tokio::sync::TryAcquireError::NoPermits) => {
                return Err(EngineError::Busy(self.limits.concurrent_steps));
            }
            Err(tokio::sync::TryAcquireError::Closed) => return Err(EngineError::Stopping),
        };
        let (engine, id) = (Arc::clone(self), id.to_owned());
        let (reply, outcome) = oneshot::channel();
        tokio::spawn(async move {
            engine.drive(&id, reply).await;
            // In this order: who waits for the permit may want the store to be free.
            drop(engine);
            drop(permit);
        });
        // The sender is only dropped unused if the task is gone, which means the host is.
        outcome.await.unwrap_or(Err(EngineError::Stopping))
    }

    async fn drive(self: &Arc<Self>, id: &str, reply: Reply) {
        let plan = match self.store.apply(id, &Transition::Start).await {
            Ok(plan) => plan,
            Err(error) => return answer(reply, self.not_started(id, error).await),
        };
        // Even a bug of the host leaves no step under way.
        let ended = caught(self.run(plan)).await.unwrap_or_else(|| {
            tracing::error!("a step of plan {id} ended by a fault of the host");
            Ended::error("the host failed while it ran this step; its log says more".to_owned())
        });
        let Ended {
            outcome,
            log,
            requests,
            unrecorded,
        } = ended;
        if let Some(error) = unrecorded {
            return self.release(id, error, reply).await;
        }
        let finish = Transition::Finish {
            outcome,
            log,
            requests,
        };
        self.store_end(id, &finish, reply).await;
    }

    async fn not_started(&self, id: &str, error: StoreError) -> Result<Arc<Plan>, EngineError> {
        match error {
            StoreError::Refused(Refused::Finished) => {
                Ok(self.store.plan(id).await?.ok_or(StoreError::NotFound)?)
            }
            error => Err(error.into()),
        }
    }

    /// Lets go of a step whose write could not be recorded: it is as if it had not begun.
    async fn release(&self, id: &str, error: StoreError, reply: Reply) {
        if let Err(error) = self.store.apply(id, &Transition::Release).await {
            tracing::error!("a step of plan {id} could not be released: {error}");
        }
        answer(reply, Err(error.into()));
    }

    /// Stores how the step ended. What happened is not lost because the disk is full: the caller
    /// is told, and it is tried until it succeeds.
    async fn store_end(&self, id: &str, finish: &Transition, reply: Reply) {
        let first = self.store.apply(id, finish).await;
        let again = first.as_ref().is_err_and(StoreError::may_pass);
        answer(reply, first.map_err(EngineError::NotStored));
        if !again {
            return;
        }
        loop {
            tokio::time::sleep(STORE_AGAIN).await;
            match self.store.apply(id, finish).await {
                Err(error) if error.may_pass() => {
                    tracing::error!("the end of a step of plan {id} is not stored yet: {error}");
                }
                Err(error) => {
                    tracing::error!("the end of a step of plan {id} can't be stored: {error}");
                    return;
                }
                Ok(_) => {
                    tracing::info!("the end of a step of plan {id} is stored now");
                    return;
                }
            }
        }
    }
}

/// What the future gives; `None` if it panics, which the panic hook has reported by then.
async fn caught<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    // A future that panicked is not polled again, so nobody sees what it left half done.
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        polled.map_or(Poll::Ready(None), |poll| poll.map(Some))
    })
    .await
}

fn answer(reply: Reply, outcome: Result<Arc<Plan>, EngineError>) {
    // The caller may have hung up; the plan has the outcome.
    let _ = reply.send(outcome);
}
