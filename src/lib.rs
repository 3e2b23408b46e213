//! lossc: a compiler for cost functions, with a lab notebook.

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "jit")]
pub mod codegen;
pub mod compile;
#[cfg(feature = "data")]
pub mod data;
pub mod diag;
#[cfg(feature = "data")]
pub mod evaluate;
pub mod explain;
pub mod interpret;
pub mod ir;
pub mod lower;
pub mod passes;
#[cfg(feature = "report")]
pub mod record;
#[cfg(feature = "report")]
pub mod report;
pub mod sema;
pub mod source;
pub mod syntax;
#[cfg(feature = "train")]
pub mod train;
