//! Passes over the graph.

pub mod differentiate;
#[cfg(test)]
pub(crate) mod testing;
