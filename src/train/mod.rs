//! Training: networks over dfdx, the compiled loss as one op on its tape, optimisers, checkpoints.

pub mod network;
