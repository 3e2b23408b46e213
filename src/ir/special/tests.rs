//! Checks against high-precision tables.
