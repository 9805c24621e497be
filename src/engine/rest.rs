//! Plans that are driven and only wait for a moment. Until then such a plan holds its name and a
//! timer: no place among the plans that are driven, and nothing of the plan itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;

use super::Engine;
use super::run::Driver;
use crate::caller::Caller;
use crate::places::{Place, Places};
use crate::plan::Timestamp;
use crate::store::now;

/// How often the clock is looked at meanwhile: somebody may set it.
const LOOK: Duration = Duration::from_secs(30);

/// How many plans rest.
#[derive(Debug, Clone, Default)]
pub(super) struct Resting(Arc<AtomicUsize>);

impl Resting {
    /// So many.
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts one of them.
struct Counted(Resting);

impl Counted {
    fn among(resting: &Resting) -> Self {
        resting.0.fetch_add(1, Ordering::Relaxed);
        Self(resting.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A place among the plans that are driven, taken.
pub(super) struct Turn {
    pub(super) engine: Arc<Engine>,
    pub(super) driver: Arc<Driver>,
    pub(super) place: Place<Caller>,
}

/// A plan that rests.
pub(super) struct Rest {
    engine: Weak<Engine>,
    runs: Places<Caller>,
    stopping: watch::Receiver<bool>,
    driver: Arc<Driver>,
    _counted: Counted,
}

impl Rest {
    pub(super) fn new(engine: &Arc<Engine>, driver: Arc<Driver>) -> Self {
        Self {
            engine: Arc::downgrade(engine),
            runs: engine.shares.runs.clone(),
            stopping: engine.stopping.subscribe(),
            driver,
            _counted: Counted::among(&engine.resting),
        }
    }

    /// Rests until this moment, or until something changes the plan, and then until it has its turn;
    /// it gets none once the host stops.
    pub(super) async fn until(mut self, due: Option<Timestamp>) -> Option<Turn> {
        let place = tokio::select! {
            // Errs only if the engine is gone.
            _ = self.stopping.wait_for(|stops| *stops) => None,
            place = turn(&self.driver, &self.runs, due) => place,
        };
        let turn = place.zip(self.engine.upgrade());
        let Some((place, engine)) = turn else {
            self.driver.end();
            return None;
        };
        Some(Turn {
            engine,
            driver: self.driver,
            place,
        })
    }
}

async fn turn(
    driver: &Driver,
    runs: &Places<Caller>,
    due: Option<Timestamp>,
) -> Option<Place<Caller>> {
    loop {
        let left = due.map_or(0, |due| due.as_millis().saturating_sub(now().as_millis()));
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        tokio::select! {
            () = driver.changed() => break,
            () = tokio::time::sleep(left.min(LOOK)) => if left <= LOOK { break },
        }
    }
    runs.take(&driver.caller).await.ok()
}
