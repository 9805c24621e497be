//! The contract's clock in native builds, which have no host: it says what the test said, by
//! [`testing::set_clock`](crate::testing::set_clock).

use std::cell::Cell;

thread_local! {
    /// Each test has a thread, and so a clock, of its own.
    static MOMENT: Cell<(u64, Option<u64>)> = const { Cell::new((1_767_225_600_000, Some(60_000))) };
}

/// Milliseconds since 1970-01-01T00:00:00Z, as the host's clock had it when this call began.
pub fn now() -> u64 {
    MOMENT.get().0
}

/// Milliseconds that were left of the step's time when this call began; none while nothing is under
/// way.
pub fn time_left() -> Option<u64> {
    MOMENT.get().1
}

pub(crate) fn set(now: u64, time_left: Option<u64>) {
    MOMENT.set((now, time_left));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::set_clock;

    #[test]
    fn the_clock_says_what_the_test_said() {
        assert_eq!((now(), time_left()), (1_767_225_600_000, Some(60_000)));
        set_clock(7, None);
        assert_eq!((now(), time_left()), (7, None));
    }
}
