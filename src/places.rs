//! Places of which there are so many: for calls into the sandbox, steps, streams, connections. Those
//! who want them share them, so that nobody's flood is another's outage.
//!
//! - A holder may take one more while it has less than so many `times` what is free (the dynamic
//!   threshold of Choudhury and Hahne, 1998). Alone it gets `times / (times + 1)` of all; the more
//!   others there are, the less. Who has none may always take one that is free. Holders may also have
//!   a share together, of which each gets most and never all: see [`Share`].
//! - Those who wait take turns, one holder after the other, however many places one of them waits for.
//!
//! Who holds nothing and waits for nothing is not remembered.

use std::fmt::Display;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use thiserror::Error;
use tokio::sync::Notify;

use crate::caller::Caller;
use state::State;

mod state;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests;

/// How many times what it leaves free a caller may have: alone it gets seven eighths.
pub const TIMES: usize = 7;

/// Holders that are shown.
const SHOWN: usize = 10;

/// What the places are for, in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose {
    /// What holds them, behind a number: `steps are running`.
    pub are: &'static str,
    /// The setting that says how many there are.
    pub setting: &'static str,
}

/// Why there is no place now.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoPlace {
    /// All are taken.
    #[error("{size} {are}, which is the limit ({setting}): try again in a moment", are = .purpose.are,
        setting = .purpose.setting)]
    Full {
        /// What they are for.
        purpose: Purpose,
        /// How many there are.
        size: usize,
    },
    /// Those that are free are for others.
    #[error("{held} {are} for {who}, which is its share of {size} ({setting}): try again in a moment",
        are = .purpose.are, setting = .purpose.setting)]
    Share {
        /// What they are for.
        purpose: Purpose,
        /// How many there are.
        size: usize,
        /// How many of them it has.
        held: usize,
        /// Who wants one more.
        who: String,
    },
    /// None is given any more.
    #[error("the host is stopping")]
    Closed,
}

/// Which holders have a share together, and how large it is.
#[derive(Debug, Clone, Copy)]
pub struct Share<K> {
    /// How many times what they leave free they may have.
    pub times: usize,
    /// Whether these two are of the same share.
    pub same: fn(&K, &K) -> bool,
    /// Whose it is, for a message.
    pub who: fn(&K) -> String,
    /// How many times what the share itself leaves free one of its holders may have, if that is less.
    pub each: Option<usize>,
}

impl<K: Holder> Share<K> {
    /// Each holder has its own.
    pub const fn each(times: usize) -> Self {
        Self {
            times,
            same: K::eq,
            who: K::to_string,
            each: None,
        }
    }
}

/// Places, shared by holders of this type. Clones are the same places.
#[derive(Debug)]
pub struct Places<K: Holder>(Arc<Inner<K>>);

/// Who may hold places.
pub trait Holder: Clone + Eq + Hash + Display {}

impl<K: Clone + Eq + Hash + Display> Holder for K {}

/// A place that is taken, until this is dropped.
#[derive(Debug)]
pub struct Place<K: Holder> {
    places: Places<K>,
    holder: K,
}

/// How places are taken now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// How many there are.
    pub limit: usize,
    /// How many are taken.
    pub taken: usize,
    /// How many more are waited for.
    pub waiting: usize,
    /// Those who hold the most, and wait for the most.
    pub holders: Vec<Held>,
}

/// What one holder has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Whose they are.
    pub who: String,
    /// How many it has.
    pub taken: usize,
    /// How many more it waits for.
    pub waiting: usize,
}

#[derive(Debug)]
struct Inner<K: Holder> {
    purpose: Purpose,
    size: usize,
    shares: Vec<Share<K>>,
    state: Mutex<State<K>>,
    /// Told when the last place comes back.
    idle: Notify,
}

impl<K: Holder> Clone for Places<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Places<Caller> {
    /// So many places for callers, of which one alone gets most.
    pub fn of_callers(purpose: Purpose, size: usize) -> Self {
        Self::new(purpose, size, [Share::each(TIMES)])
    }
}

impl<K: Holder> Places<K> {
    /// So many places. A holder may take one while all these shares that it is of have room.
    pub fn new(purpose: Purpose, size: usize, shares: impl Into<Vec<Share<K>>>) -> Self {
        Self(Arc::new(Inner {
            purpose,
            size,
            shares: shares.into(),
            state: Mutex::new(State::default()),
            idle: Notify::new(),
        }))
    }

    /// A place for this holder, if it may have one now.
    ///
    /// # Errors
    /// Why it may not.
    pub fn try_take(&self, holder: &K) -> Result<Place<K>, NoPlace> {
        let mut state = self.state();
        if state.is_closed {
            return Err(NoPlace::Closed);
        }
        self.check(&state, holder)?;
        state.give(holder);
        Ok(self.place(holder))
    }

    /// Waits for a place for this holder.
    ///
    /// # Errors
    /// When none is given any more.
    pub async fn take(&self, holder: &K) -> Result<Place<K>, NoPlace> {
        let (ticket, place) = {
            let mut state = self.state();
            if state.is_closed {
                return Err(NoPlace::Closed);
            }
            // Nobody who waits may have it: it would have been given to them.
            if self.check(&state, holder).is_ok() {
                state.give(holder);
                return Ok(self.place(holder));
            }
            state.wait(holder)
        };
        let _waiting = Waiting {
            places: self,
            holder,
            ticket,
        };
        place.await.map_err(|_| NoPlace::Closed)
    }

    /// Gives no more places; who waits for one is told.
    pub fn close(&self) {
        self.state().close();
    }

    /// Ends once no place is taken.
    pub async fn idle(&self) {
        loop {
            let idle = self.0.idle.notified();
            if self.state().taken == 0 {
                return;
            }
            idle.await;
        }
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.state().taken
    }

    /// How many there are.
    pub fn size(&self) -> usize {
        self.0.size
    }

    /// Who holds how many.
    pub fn shown(&self) -> Taken {
        let state = self.state();
        let held = state.holders.iter().map(|(who, own)| Held {
            who: who.to_string(),
            taken: own.held,
            waiting: own.waiting.len(),
        });
        let mut holders: Vec<Held> = held.collect();
        let waiting = holders.iter().map(|held| held.waiting).sum();
        holders.sort_by(|a, b| {
            let most = (b.taken, b.waiting).cmp(&(a.taken, a.waiting));
            most.then_with(|| a.who.cmp(&b.who))
        });
        holders.truncate(SHOWN);
        Taken {
            limit: self.0.size,
            taken: state.taken,
            waiting,
            holders,
        }
    }

    fn place(&self, holder: &K) -> Place<K> {
        Place {
            places: self.clone(),
            holder: holder.clone(),
        }
    }

    /// Whether this holder may take one more.
    fn check(&self, state: &State<K>, holder: &K) -> Result<(), NoPlace> {
        let (purpose, size) = (self.0.purpose, self.0.size);
        let free = size.saturating_sub(state.taken);
        if free == 0 {
            return Err(NoPlace::Full { purpose, size });
        }
        for share in &self.0.shares {
            let refused = |held, who| NoPlace::Share {
                purpose,
                size,
                held,
                who,
            };
            let held = state.held(|other| (share.same)(holder, other));
            let most = free.saturating_mul(share.times);
            if held >= most {
                return Err(refused(held, (share.who)(holder)));
            }
            // One more for the share is one less that is free.
            let room = most
                .saturating_sub(held)
                .div_ceil(share.times.saturating_add(1));
            let own = state.held(|other| other == holder);
            if share
                .each
                .is_some_and(|times| own >= room.saturating_mul(times))
            {
                return Err(refused(own, holder.to_string()));
            }
        }
        Ok(())
    }

    /// Takes a place back, and gives what is free to those who wait.
    fn give_back(&self, holder: &K) {
        let mut given = Vec::new();
        let mut state = self.state();
        state.take_back(holder);
        let may_take = |state: &State<K>, holder: &K| self.check(state, holder).is_ok();
        while let Some(next) = state.next(may_take) {
            given.push(next);
        }
        if state.taken == 0 {
            self.0.idle.notify_waiters();
        }
        drop(state);
        for (holder, waiting) in given {
            // Who does not wait any more gives it back by dropping it.
            let _ = waiting.send(self.place(&holder));
        }
    }

    fn state(&self) -> MutexGuard<'_, State<K>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Holder> Drop for Place<K> {
    fn drop(&mut self) {
        self.places.give_back(&self.holder);
    }
}

/// Somebody who waits, until they have their place or give up.
struct Waiting<'a, K: Holder> {
    places: &'a Places<K>,
    holder: &'a K,
    ticket: u64,
}

impl<K: Holder> Drop for Waiting<'_, K> {
    fn drop(&mut self) {
        self.places.state().give_up(self.holder, self.ticket);
    }
}
