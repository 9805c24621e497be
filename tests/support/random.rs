//! Random numbers that a seed repeats: SplitMix64.

use std::time::Duration;

/// Random numbers. The seed is printed, and `MESH_TEST_SEED` sets it.
pub struct Random(u64);

impl Random {
    pub fn seeded(what: &str) -> Self {
        let seed = std::env::var("MESH_TEST_SEED").map_or_else(
            |_| u64::from_ne_bytes(*uuid::Uuid::new_v4().as_bytes().first_chunk().unwrap()),
            |seed| seed.parse().expect("MESH_TEST_SEED is a number"),
        );
        println!("{what}: MESH_TEST_SEED={seed}");
        Self(seed)
    }

    /// Another source, whose numbers are its own.
    pub fn split(&mut self) -> Self {
        Self(self.next())
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// One of 0 to `end`, without `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// At most so many milliseconds, to the microsecond.
    pub fn up_to_millis(&mut self, most: u64) -> Duration {
        Duration::from_micros(self.below(most * 1_000 + 1))
    }
}
