//! lossc: a compiler for cost functions, with a lab notebook.

pub mod source;
pub mod diag;
pub mod syntax;
pub mod ir;
pub mod sema;
pub mod passes;
#[cfg(feature = "jit")]
pub mod codegen;
pub mod explain;
#[cfg(feature = "data")]
pub mod data;
#[cfg(feature = "report")]
pub mod record;
#[cfg(feature = "report")]
pub mod report;
#[cfg(feature = "train")]
pub mod train;
#[cfg(feature = "cli")]
pub mod cli;
