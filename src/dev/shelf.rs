//! Bounded memory: a service keeps its newest records, and drops the oldest when there are too
//! many of them or when they are too big together.

use std::collections::VecDeque;

/// What one service may keep, counted in the bytes of the requests it came in.
const MOST_BYTES: usize = 64 * 1024 * 1024;

pub(super) struct Shelf<T> {
    items: VecDeque<(usize, T)>,
    most: usize,
    bytes: usize,
}

impl<T> Shelf<T> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            items: VecDeque::new(),
            most,
            bytes: 0,
        }
    }

    /// Keeps the item, whose request had this many bytes.
    pub(super) fn put(&mut self, bytes: usize, item: T) {
        self.items.push_back((bytes, item));
        self.bytes += bytes;
        while self.items.len() > self.most || self.bytes > MOST_BYTES {
            let Some((freed, _)) = self.items.pop_front() else {
                break;
            };
            self.bytes -= freed;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.items.iter().map(|(_, item)| item)
    }

    pub(super) fn find_mut(&mut self, wanted: impl Fn(&T) -> bool) -> Option<&mut T> {
        self.items
            .iter_mut()
            .map(|(_, item)| item)
            .find(|item| wanted(item))
    }
}
