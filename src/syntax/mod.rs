//! Syntax: text to tree and back. The only user of pest.

pub mod ast;
