//! Streams of random numbers: one for each purpose and index, all from the run's seed, so that what is drawn for one thing
//! never depends on how much was drawn for another.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a stream is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Which rows train, validate and test.
    Split = 1,
    /// Changes to one training image.
    Augment = 2,
    /// Pairs and triplets of an epoch.
    Tuples = 3,
    /// Class-balanced batches of an epoch.
    Classes = 4,
    /// The order of rows in an epoch.
    Order = 5,
    /// What a program's densities draw.
    Draws = 6,
}

/// The stream of a purpose and an index (an epoch, say) below 2⁵⁶.
#[must_use]
pub fn stream(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(((purpose as u64) << 56) | (index & ((1 << 56) - 1)));
    random
}
