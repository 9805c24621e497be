//! Plans that the host drives to their end: a task a plan, which begins every step that may begin,
//! and outlives the client that asked for it. That a plan is run is stored with it, so a restarted
//! host goes on where it was.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinSet;

use super::drive::{STORE_AGAIN, Went};
use super::rest::{Rest, Turn};
use super::shares::Stepping;
use super::{Engine, EngineError};
use crate::background::caught;
use crate::caller::Caller;
use crate::places::{NoPlace, Place};
use crate::plan::{Plan, PlanStatus, Refused, Starter, StepStatus, Timestamp, Transition};
use crate::store::{Driven, StoreError, now};

/// What others know of the task that drives a plan.
pub(super) struct Driver {
    /// Who asked for it.
    pub(super) caller: Caller,
    /// Something else changed the plan.
    changed: Notify,
    ended: watch::Sender<bool>,
}

impl Driver {
    fn new(caller: Caller) -> Self {
        Self {
            caller,
            changed: Notify::new(),
            ended: watch::Sender::new(false),
        }
    }

    /// Waits until something else changes the plan.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// It drives no more.
    pub(super) fn end(&self) {
        self.ended.send_replace(true);
    }
}

/// The plans that are being driven.
#[derive(Default)]
pub(super) struct Runs(Mutex<HashMap<String, Arc<Driver>>>);

impl Runs {
    fn drivers(&self) -> MutexGuard<'_, HashMap<String, Arc<Driver>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new driver for the plan; none if it has one, which then looks at the plan again.
    fn begin(&self, id: &str, caller: Caller) -> Option<Arc<Driver>> {
        let mut drivers = self.drivers();
        if let Some(driver) = drivers.get(id) {
            driver.changed.notify_one();
            return None;
        }
        let driver = Arc::new(Driver::new(caller));
        drivers.insert(id.to_owned(), Arc::clone(&driver));
        Some(driver)
    }

    fn end(&self, id: &str, driver: &Driver) {
        self.drivers().remove(id);
        driver.end();
    }

    fn get(&self, id: &str) -> Option<Arc<Driver>> {
        self.drivers().get(id).cloned()
    }

    /// The plan was changed by somebody else than its driver.
    pub(super) fn wake(&self, id: &str) {
        if let Some(driver) = self.get(id) {
            driver.changed.notify_one();
        }
    }
}

impl Engine {
    /// Drives the plan until it is done, stopped, waiting for an approval or cancelled; answers at
    /// once. A plan that is finished or being run is returned as it is.
    ///
    /// # Errors
    /// When there is no such plan, or it can't go on now.
    pub async fn run(
        self: &Arc<Self>,
        id: &str,
        caller: &Caller,
    ) -> Result<Arc<Plan>, EngineError> {
        let place = match self.shares.runs.try_take(caller) {
            Ok(place) => place,
            Err(NoPlace::Closed) => return Err(EngineError::Stopping),
            Err(busy) => return self.run_already(id, busy).await,
        };
        let (reply, answer) = oneshot::channel();
        let (engine, id, caller) = (Arc::clone(self), id.to_owned(), *caller);
        // In a task of its own, so that a client who hangs up now leaves no run without a driver.
        tokio::spawn(async move {
            let begun = engine.begin_run(&id).await;
            let driver = begun.as_ref().ok().and_then(|plan| {
                plan.run.as_ref()?;
                engine.runs.begin(&id, caller)
            });
            // The client may have hung up.
            let _ = reply.send(begun);
            if let Some(driver) = driver {
                let turn = Turn {
                    engine,
                    driver,
                    place,
                };
                drive_to_end(id, Some(turn)).await;
            } else {
                // In this order: who waits for the place may want the store to be free.
                drop(engine);
                drop(place);
            }
        });
        answer.await.unwrap_or(Err(EngineError::Stopping))
    }

    /// Where there is no room for another run: a plan that needs none is answered as it is.
    async fn run_already(&self, id: &str, busy: NoPlace) -> Result<Arc<Plan>, EngineError> {
        let plan = self.store.plan(id).await?.ok_or(StoreError::NotFound)?;
        if plan.run.is_some() || plan.status == PlanStatus::Done {
            return Ok(plan);
        }
        Err(busy.into())
    }

    async fn begin_run(&self, id: &str) -> Result<Arc<Plan>, EngineError> {
        match self.store.apply(id, &Transition::Run).await {
            Err(StoreError::Refused(Refused::Finished | Refused::BeingRun)) => {
                Ok(self.store.plan(id).await?.ok_or(StoreError::NotFound)?)
            }
            outcome => Ok(outcome?),
        }
    }

    /// A place for a client that wants to wait for its plan.
    ///
    /// # Errors
    /// When too many wait.
    pub fn admit_waiting(&self, caller: &Caller) -> Result<Place<Caller>, EngineError> {
        Ok(self.shares.waits.try_take(caller)?)
    }

    /// Waits until the plan is not run any more, for at most this long; the plan as it then is.
    ///
    /// # Errors
    /// When the host stops meanwhile: the run goes on when it is back.
    pub async fn run_ended(&self, id: &str, longest: Duration) -> Result<Arc<Plan>, EngineError> {
        if let Some(driver) = self.runs.get(id) {
            let mut ended = driver.ended.subscribe();
            // The driver outlives its end only in this function; over time is no error.
            let _ = tokio::time::timeout(longest, ended.wait_for(|ended| *ended)).await;
        }
        let plan = self.store.plan(id).await?.ok_or(StoreError::NotFound)?;
        if plan.run.is_some() && *self.stopping.borrow() {
            return Err(EngineError::Stopping);
        }
        Ok(plan)
    }

    /// Goes on with what was being run when the host ended; how many plans that are.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn resume_runs(self: &Arc<Self>) -> Result<usize, StoreError> {
        let all = self.store.driven().await?;
        let count = all.len();
        for Driven { id, rests_until } in all {
            if let Some(driver) = self.runs.begin(&id, Caller::Host) {
                let rest = Rest::new(self, driver);
                let engine = Arc::downgrade(self);
                tokio::spawn(async move {
                    if let Some(engine) = engine.upgrade() {
                        engine.plugins_are_there(&id).await;
                    }
                    drive_to_end(id, rest.until(rests_until).await).await;
                });
            }
        }
        Ok(count)
    }

    /// Waits for what is still being loaded, if a step of the plan can't do without; until the host
    /// stops at the latest.
    async fn plugins_are_there(&self, id: &str) {
        if self.registry.is_settled() {
            return;
        }
        let Ok(Some(plan)) = self.store.plan(id).await else {
            return;
        };
        let open = plan.steps.iter();
        for step in open.filter(|step| step.status == StepStatus::Pending) {
            if self.plugin(step).await.is_err() {
                tokio::select! {
                    () = self.registry.settled() => {}
                    () = self.stopped() => {}
                }
                return;
            }
        }
    }

    /// The driver of a plan whose driver has come to an end, if somebody asked for it again just
    /// now, and found that one.
    async fn driver_again(&self, id: &str, driver: &Driver) -> Option<Arc<Driver>> {
        self.runs.end(id, driver);
        if *self.stopping.borrow() || !self.is_run(id).await {
            return None;
        }
        self.runs.begin(id, driver.caller)
    }

    async fn is_run(&self, id: &str) -> bool {
        matches!(self.store.plan(id).await, Ok(Some(plan)) if plan.run.is_some())
    }

    /// Begins what may begin, whenever something has changed, until the plan is not run any more, or
    /// only waits: then for this moment.
    async fn drive_on(self: &Arc<Self>, id: &str, driver: &Driver) -> Option<Timestamp> {
        let mut stopping = self.stopping.subscribe();
        let mut under_way = UnderWay::default();
        loop {
            let stops = *stopping.borrow();
            let plan = match self.store.plan(id).await {
                Ok(plan) => plan,
                Err(error) => {
                    tracing::error!("plan {id} can't be driven on: {error}");
                    if !error.may_pass() && under_way.tasks.is_empty() {
                        return None;
                    }
                    tokio::time::sleep(STORE_AGAIN).await;
                    continue;
                }
            };
            let driven = plan.filter(|plan| plan.run.is_some() && !stops);
            let at = now();
            if let Some(plan) = &driven {
                under_way.begin(self, plan, at, driver.caller);
            }
            if under_way.tasks.is_empty() {
                let until = driven.as_ref()?.rests_until(at);
                if until.is_some() {
                    return until;
                }
            }
            let due = driven.as_ref().and_then(|plan| under_way.next_due(plan));
            tokio::select! {
                went = under_way.next(), if !under_way.tasks.is_empty() => {
                    if went == Went::Badly {
                        tokio::time::sleep(STORE_AGAIN).await;
                    }
                }
                () = driver.changed.notified() => {}
                () = sleep_until(due), if due.is_some() => {}
                // Errs only if the engine is gone, and this holds it.
                _ = stopping.changed(), if !stops => {}
            }
        }
    }

    /// One step of a plan that is run, as soon as there is room for it.
    async fn run_one(
        self: Arc<Self>,
        id: String,
        step: String,
        stepping: Stepping,
    ) -> (String, Went) {
        let Ok(place) = self.shares.steps.take(&stepping).await else {
            return (step, Went::Well);
        };
        let (reply, _) = oneshot::channel();
        let went = self.drive(&id, Starter::Run(step.clone()), reply).await;
        drop(place);
        (step, went)
    }
}

/// Drives a plan, turn by turn, until it is not run any more or the host stops.
async fn drive_to_end(id: String, mut turn: Option<Turn>) {
    while let Some(Turn {
        engine,
        driver,
        place,
    }) = turn
    {
        // Boxed, so that a plan that rests does not hold the room for it.
        let driven = caught(Box::pin(engine.drive_on(&id, &driver))).await;
        if let Some(Some(due)) = driven {
            let rest = Rest::new(&engine, driver);
            // In this order: who waits for the place may want the store to be free.
            drop(engine);
            drop(place);
            turn = rest.until(Some(due)).await;
            continue;
        }
        if driven.is_none() {
            tracing::error!("plan {id} is driven on after a fault of the host");
            tokio::time::sleep(STORE_AGAIN).await;
        }
        let Some(driver) = engine.driver_again(&id, &driver).await else {
            drop(engine);
            drop(place);
            return;
        };
        turn = Some(Turn {
            engine,
            driver,
            place,
        });
    }
}

/// The steps that a driver has begun.
#[derive(Default)]
struct UnderWay {
    steps: HashSet<String>,
    tasks: JoinSet<(String, Went)>,
}

impl UnderWay {
    fn begin(&mut self, engine: &Arc<Engine>, plan: &Plan, at: Timestamp, caller: Caller) {
        for step in plan.runnable(at) {
            if self.steps.insert(step.id.clone()) {
                let engine = Arc::clone(engine);
                let stepping = Stepping {
                    caller,
                    kind: step.kind.clone(),
                };
                self.tasks
                    .spawn(engine.run_one(plan.id.clone(), step.id.clone(), stepping));
            }
        }
    }

    /// When the next step is due that waits for its time. One that is begun already may still wait
    /// for room, and its time has come.
    fn next_due(&self, plan: &Plan) -> Option<Timestamp> {
        let waiting = plan.waiting.iter();
        let open = waiting.filter(|waiting| !self.steps.contains(&waiting.step));
        open.filter_map(|waiting| waiting.until).min()
    }

    /// Waits until one of them has ended.
    async fn next(&mut self) -> Went {
        match self.tasks.join_next().await {
            Some(Ok((step, went))) => {
                self.steps.remove(&step);
                went
            }
            // A step catches its own panics, so this is a fault of its surroundings.
            Some(Err(error)) => {
                tracing::error!("a step ended by a fault of the host: {error}");
                self.steps.clear();
                Went::Badly
            }
            None => Went::Well,
        }
    }
}

async fn sleep_until(due: Option<Timestamp>) {
    let left = due.map_or(0, |due| due.as_millis().saturating_sub(now().as_millis()));
    tokio::time::sleep(Duration::from_millis(u64::try_from(left).unwrap_or(0))).await;
}
