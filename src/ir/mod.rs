//! The intermediate representation: a hash-consed graph of scalar expressions over index variables.
//!
//! [`op`] is the one table of primitives; [`graph`] holds and interns nodes; [`support`] says what values they can take;
//! [`special`] is the scalar reference mathematics; [`program`] is a loss with inputs and outputs.

pub mod graph;
pub mod op;
pub mod print;
pub mod program;
pub mod special;
pub mod support;
