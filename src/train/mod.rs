//! Training: networks over dfdx, the compiled loss as one op on its tape, optimisers, checkpoints.

pub mod bridge;
pub mod checkpoint;
pub mod errors;
pub mod feed;
pub mod finale;
pub mod fit;
pub mod kernel;
mod leak;
pub mod locate;
pub mod measure;
pub mod metrics;
pub mod network;
pub mod optimiser;
pub mod predict;
pub mod progress;
pub mod run;
pub mod setup;
mod shard;
pub mod spec;
pub mod start;
pub mod step;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod checkpoint_tests;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod gradient_tests;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod optimiser_tests;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod reference;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod run_tests;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod step_tests;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod test_support;
