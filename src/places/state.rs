//! Who has places and who waits for one: the bookkeeping, without a lock and without rules.

use std::collections::{BTreeMap, HashMap, VecDeque};

use tokio::sync::oneshot;

use super::{Holder, Place};

#[derive(Debug)]
pub(super) struct State<K: Holder> {
    pub(super) taken: usize,
    pub(super) is_closed: bool,
    /// Who holds or waits.
    pub(super) holders: HashMap<K, Own<K>>,
    /// Who waits, in the order of their turns.
    pub(super) turns: VecDeque<K>,
    /// How many have waited so far.
    tickets: u64,
}

#[derive(Debug)]
pub(super) struct Own<K: Holder> {
    pub(super) held: usize,
    /// By ticket, so that the first has its turn first.
    pub(super) waiting: BTreeMap<u64, oneshot::Sender<Place<K>>>,
}

impl<K: Holder> Default for Own<K> {
    fn default() -> Self {
        Self {
            held: 0,
            waiting: BTreeMap::new(),
        }
    }
}

impl<K: Holder> Default for State<K> {
    fn default() -> Self {
        Self {
            taken: 0,
            is_closed: false,
            holders: HashMap::new(),
            turns: VecDeque::new(),
            tickets: 0,
        }
    }
}

impl<K: Holder> State<K> {
    /// How many these have together.
    pub(super) fn held(&self, these: impl Fn(&K) -> bool) -> usize {
        let holders = self.holders.iter().filter(|(holder, _)| these(holder));
        holders.map(|(_, own)| own.held).sum()
    }

    pub(super) fn give(&mut self, holder: &K) {
        self.taken += 1;
        self.holders.entry(holder.clone()).or_default().held += 1;
    }

    pub(super) fn take_back(&mut self, holder: &K) {
        self.taken = self.taken.saturating_sub(1);
        if let Some(own) = self.holders.get_mut(holder) {
            own.held = own.held.saturating_sub(1);
        }
        self.forget(holder);
    }

    pub(super) fn wait(&mut self, holder: &K) -> (u64, oneshot::Receiver<Place<K>>) {
        let (sender, receiver) = oneshot::channel();
        let ticket = self.tickets;
        self.tickets += 1;
        let own = self.holders.entry(holder.clone()).or_default();
        if own.waiting.is_empty() {
            self.turns.push_back(holder.clone());
        }
        own.waiting.insert(ticket, sender);
        (ticket, receiver)
    }

    pub(super) fn give_up(&mut self, holder: &K, ticket: u64) {
        let Some(own) = self.holders.get_mut(holder) else {
            return;
        };
        if own.waiting.remove(&ticket).is_some() && own.waiting.is_empty() {
            self.turns.retain(|other| other != holder);
        }
        self.forget(holder);
    }

    /// Gives a place to the first in turn who may have it.
    pub(super) fn next(
        &mut self,
        may_take: impl Fn(&Self, &K) -> bool,
    ) -> Option<(K, oneshot::Sender<Place<K>>)> {
        let turn = self
            .turns
            .iter()
            .position(|holder| may_take(self, holder))?;
        let holder = self.turns.remove(turn)?;
        let own = self.holders.get_mut(&holder)?;
        let (_, waiting) = own.waiting.pop_first()?;
        if !own.waiting.is_empty() {
            self.turns.push_back(holder.clone());
        }
        self.give(&holder);
        Some((holder, waiting))
    }

    /// Nobody waits any more, as nothing is given.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.turns.clear();
        self.holders.retain(|_, own| {
            own.waiting.clear();
            own.held > 0
        });
    }

    fn forget(&mut self, holder: &K) {
        let own = self.holders.get(holder);
        if own.is_some_and(|own| own.held == 0 && own.waiting.is_empty()) {
            self.holders.remove(holder);
        }
    }
}
