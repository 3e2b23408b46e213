//! lossc

#[cfg(feature = "data")]
pub mod data;
