//! Work that goes on for as long as the host: when it ends by a fault, that is noticed, said, and it
//! is begun again.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;

use crate::plan::Timestamp;
use crate::services::Pace;
use crate::store::now;

/// The wait before ended work is begun again; it doubles with each more.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How the work of one name does.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Health {
    /// How often it ended by a fault, and was begun again.
    restarts: u64,
    /// When that was last.
    last_fault: Option<Timestamp>,
}

/// How all of it does, by name. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Healths(Arc<Mutex<BTreeMap<&'static str, Health>>>);

impl Healths {
    /// As it is now.
    pub(crate) fn all(&self) -> BTreeMap<&'static str, Health> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Health>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Work that goes on until this is dropped or stopped.
#[derive(Default)]
pub(crate) struct Background {
    tasks: JoinSet<()>,
    healths: Healths,
}

impl Background {
    /// How it does.
    pub(crate) fn healths(&self) -> Healths {
        self.healths.clone()
    }

    /// Keeps this work up, which is to go on for good.
    pub(crate) fn keep_up<F>(&mut self, name: &'static str, work: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send,
    {
        self.healths.lock().insert(name, Health::default());
        let healths = self.healths.clone();
        let mut pace = Pace::new(FIRST_WAIT, LONGEST_WAIT);
        self.tasks.spawn(async move {
            loop {
                // It is not to end either, but then there was no panic to be logged.
                let ended = caught(work()).await.is_some();
                let how = if ended { "ended" } else { "failed" };
                let wait = pace.wait();
                tracing::error!("{name} {how}, and is begun again in {wait:?}");
                if let Some(health) = healths.lock().get_mut(name) {
                    health.restarts = health.restarts.saturating_add(1);
                    health.last_fault = Some(now());
                }
                tokio::time::sleep(wait).await;
            }
        });
    }

    /// Ends it. It is gone when this returns.
    pub(crate) async fn stop(&mut self) {
        self.tasks.shutdown().await;
    }
}

/// What the future gives; `None` if it panics, which the panic hook has reported by then.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    // A future that panicked is not polled again, so nobody sees what it left half done.
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        polled.map_or(Poll::Ready(None), |poll| poll.map(Some))
    })
    .await
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn work_that_ends_is_begun_again_and_told() {
        let (sender, mut begun) = mpsc::unbounded_channel();
        let times = Arc::new(AtomicU32::new(0));
        let mut background = Background::default();
        background.keep_up("the work", move || {
            let (sender, time) = (sender.clone(), times.fetch_add(1, Ordering::Relaxed));
            async move {
                sender.send(time).unwrap();
                match time {
                    0 => panic!("by a fault"),
                    1 => {}
                    _ => std::future::pending().await,
                }
            }
        });
        for time in 0..3 {
            assert_eq!(begun.recv().await, Some(time));
        }
        let healths = background.healths().all();
        let health = healths.get("the work").unwrap();
        assert_eq!(health.restarts, 2);
        assert!(health.last_fault.is_some());
        background.stop().await;
        assert_eq!(begun.recv().await, None, "it is gone");
    }
}
