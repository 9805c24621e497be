//! Whose time a call takes. What the guest computes and what it waits for is its own; that the
//! machine is busy with something else, or that others have their turn, is not.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::fault::Fault;
use super::limits::Limits;
use crate::places::{Place, Places};

/// A call is given up after this many times the time that it may take for itself: the machine is
/// too busy for it.
const BUSY: u32 = 60;

/// What one call has taken of its time. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter(Arc<Spent>);

#[derive(Debug, Default)]
struct Spent {
    /// On a processor, before it was polled last, in nanoseconds.
    computed: AtomicU64,
    /// The time of its thread when it was polled last, in nanoseconds.
    polled_at: AtomicU64,
    /// Waiting for something of its own, in nanoseconds.
    waited: AtomicU64,
    /// It lets others have their turn, and would go on at once.
    gives_way: AtomicBool,
    /// Its turn, once it has computed for long.
    turn: Mutex<Option<Turn>>,
}

/// A turn among the calls that compute for long. There are fewer of them than threads, so that those
/// that take a moment find one.
type Turn = Place<Arc<str>>;

impl Meter {
    /// The time that the call has computed. It asks while it is polled, on its own thread.
    pub(super) fn computed(&self) -> Duration {
        let now = thread_time().saturating_sub(self.0.polled_at.load(Ordering::Relaxed));
        nanos(self.0.computed.load(Ordering::Relaxed).saturating_add(now))
    }

    /// The time that it had computed before it was polled last.
    fn computed_before(&self) -> Duration {
        nanos(self.0.computed.load(Ordering::Relaxed))
    }

    /// The call lets others have its thread, and its turn if it has one. One that has computed for
    /// longer than a tick goes on when it is its kind's turn again. That is no time of its own.
    pub(super) async fn give_way(self, turns: Places<Arc<str>>, kind: Arc<str>) {
        self.0.gives_way.store(true, Ordering::Relaxed);
        self.end_turn();
        tokio::task::yield_now().await;
        if self.computed_before() >= Limits::TICK {
            // None only where none are given any more, which is never.
            let turn = turns.take(&kind).await.ok();
            *self.turn() = turn;
        }
        self.0.gives_way.store(false, Ordering::Relaxed);
    }

    fn end_turn(&self) {
        let turn = self.turn().take();
        drop(turn);
    }

    fn turn(&self) -> MutexGuard<'_, Option<Turn>> {
        self.0.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time that was the call's own, once it is not polled.
    pub(super) fn own(&self) -> Duration {
        let waited = nanos(self.0.waited.load(Ordering::Relaxed));
        self.computed_before().saturating_add(waited)
    }

    /// Runs the call until its own time is up.
    ///
    /// # Errors
    /// When it is, or when the machine has no time for it.
    pub(super) async fn run<T>(
        &self,
        limits: &Limits,
        call: impl Future<Output = T>,
    ) -> Result<T, Fault> {
        let (mut call, own) = (pin!(call), limits.wall());
        let given_up = Instant::now().checked_add(own.saturating_mul(BUSY));
        let mut alarm = pin!(tokio::time::sleep(own));
        let awake = Arc::new(Awake::default());
        let waker = Waker::from(Arc::clone(&awake));
        let mut waits_since: Option<Instant> = None;
        poll_fn(|context| {
            let now = Instant::now();
            if let Some(since) = waits_since.take() {
                let until = awake.since().map_or(now, |woken| woken.min(now));
                self.waited(until.saturating_duration_since(since));
            }
            if self.own() >= own {
                return Poll::Ready(Err(Fault::WallTime(limits.wall_ms)));
            }
            if given_up.is_some_and(|given_up| now >= given_up) {
                let after = limits.wall_ms.saturating_mul(BUSY.into());
                return Poll::Ready(Err(Fault::Busy(after)));
            }
            awake.sleeps(context.waker());
            self.0.polled_at.store(thread_time(), Ordering::Relaxed);
            let polled = call.as_mut().poll(&mut Context::from_waker(&waker));
            let computed = nanos_of(self.computed());
            self.0.computed.store(computed, Ordering::Relaxed);
            if let Poll::Ready(value) = polled {
                self.end_turn();
                return Poll::Ready(Ok(value));
            }
            if !self.0.gives_way.load(Ordering::Relaxed) {
                self.end_turn();
                let now = Instant::now();
                waits_since = Some(now);
                let left = own.saturating_sub(self.own());
                alarm.as_mut().reset((now + left).into());
                if alarm.as_mut().poll(context).is_ready() {
                    context.waker().wake_by_ref();
                }
            }
            Poll::Pending
        })
        .await
    }

    fn waited(&self, time: Duration) {
        self.0.waited.fetch_add(nanos_of(time), Ordering::Relaxed);
    }
}

/// Since when a call could go on.
#[derive(Debug, Default)]
struct Awake(Mutex<(Option<Instant>, Option<Waker>)>);

impl Awake {
    fn since(&self) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// It can't, until this is woken.
    fn sleeps(&self, task: &Waker) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = None;
        match &mut state.1 {
            Some(waker) => waker.clone_from(task),
            none => *none = Some(task.clone()),
        }
    }
}

impl Wake for Awake {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.get_or_insert_with(Instant::now);
        let task = state.1.clone();
        drop(state);
        if let Some(task) = task {
            task.wake();
        }
    }
}

/// How long this thread has been on a processor, in nanoseconds. Unlike the time of day it stands
/// still while the machine does something else.
fn thread_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

fn nanos(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

fn nanos_of(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::places::{Purpose, Share};

    fn limits(wall_ms: u64) -> Limits {
        Limits {
            wall_ms,
            ..Limits::default()
        }
    }

    fn runtime() -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().build().unwrap()
    }

    #[test]
    fn waiting_is_the_calls_own_time() {
        let meter = Meter::default();
        let limits = limits(30);
        let waiting = meter.run(&limits, std::future::pending::<()>());
        assert_eq!(runtime().block_on(waiting), Err(Fault::WallTime(30)));
        assert!(meter.own() >= Duration::from_millis(30));
    }

    /// It could go on, and its thread is kept from it.
    #[test]
    fn that_the_machine_is_busy_is_not() {
        let meter = Meter::default();
        let mut turns = 0;
        let call = poll_fn(|context| {
            turns += 1;
            context.waker().wake_by_ref();
            if turns == 4 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        let limits = limits(40);
        let busy = async {
            let mut call = pin!(meter.run(&limits, call));
            poll_fn(|context| {
                let polled = call.as_mut().poll(context);
                std::thread::sleep(Duration::from_millis(30));
                polled
            })
            .await
        };
        assert_eq!(runtime().block_on(busy), Ok(()));
        assert!(meter.own() < Duration::from_millis(40), "{:?}", meter.own());
    }

    #[test]
    fn a_call_that_has_no_time_of_its_own_is_given_up() {
        let meter = Meter::default();
        let endless = meter.clone();
        endless.0.gives_way.store(true, Ordering::Relaxed);
        let call = poll_fn(|context| {
            context.waker().wake_by_ref();
            std::thread::sleep(Duration::from_millis(20));
            Poll::<()>::Pending
        });
        let outcome = runtime().block_on(meter.run(&limits(20), call));
        assert_eq!(outcome, Err(Fault::Busy(1_200)));
    }

    /// The one that gives way lets the other compute, and both come to their end.
    #[test]
    fn calls_that_compute_for_long_take_turns() {
        let purpose = Purpose {
            are: "",
            setting: "",
        };
        let turns = Places::new(purpose, 1, [Share::each(1)]);
        let order = Mutex::new(String::new());
        let limits = limits(60_000);
        let call = |kind: &'static str| {
            let (meter, turns, order, limits) = (Meter::default(), &turns, &order, &limits);
            async move {
                let computing = async {
                    let long = nanos_of(Limits::TICK);
                    meter.0.computed.fetch_add(long, Ordering::Relaxed);
                    for _ in 0..3 {
                        meter.clone().give_way(turns.clone(), Arc::from(kind)).await;
                        order.lock().unwrap().push_str(kind);
                    }
                };
                meter.run(limits, computing).await
            }
        };
        let both = async { tokio::join!(call("a"), call("b"), call("a")) };
        assert_eq!(runtime().block_on(both), (Ok(()), Ok(()), Ok(())));
        assert_eq!(order.into_inner().unwrap().len(), 9);
        // The turn of one that has ended is free.
        assert_eq!(turns.taken(), 0);
    }
}
