//! The store of runs.
