//! lossc: a compiler for cost functions, with a lab notebook.
//!
//! A scientist writes a likelihood as on a whiteboard, `poisson(k | softplus(η))`. The compiler derives which values
//! every expression can take and refuses what could leave a domain, derives the negative log likelihood and its
//! gradients, rewrites them to forms that keep their digits, and compiles them to native code; a network is trained
//! against it, and every run is recorded.
//!
//! # The road of a program
//!
//! | stage | module | from → to |
//! |---|---|---|
//! | read | [`source`], [`syntax`] | text → tree; the only user of pest |
//! | understand | [`sema`] | tree → [`sema::Hir`]: names, axes, supports, densities as graph nodes |
//! | lower | [`lower`] | densities → negative log likelihood: [`ir::program::LossGraph`] |
//! | derive | [`passes`] | simplify → differentiate → simplify → stable forms → verify |
//! | explain | [`explain`] | the same steps as a document |
//! | compute | [`interpret`], [`codegen`] | values and gradients: slow and obvious, or native |
//! | bind | [`data`], [`evaluate`] | tables, events and images → arrays, every value inside its support |
//! | draw | [`sample`] | a program's densities → synthetic data |
//! | train | [`train`] | a dfdx network against the compiled loss |
//! | read and write | [`files`] | the files of a program; whole or not at all |
//! | remember | [`record`], [`report`] | runs in a store that survives a crash; pages and pictures from records alone |
//! | show | [`notebook`] | losses, trainings and runs in the cells of a Jupyter notebook |
//! | command | [`cli`] | one file a subcommand |
//!
//! [`ir`] is one graph of scalar expressions over index variables with one table of primitives ([`ir::op`]); [`diag`] is
//! one table of codes and one renderer; [`compile`] is the front door. Imports go one way, in the order `source`, `diag`,
//! `syntax`, `ir`, `interpret`, `passes`, `sema`, `lower`, `codegen`, `compile`, `explain`, `files`, `data`, `evaluate`, `sample`, `record`,
//! `report`, `train`, `notebook`, `cli`; a test holds the tree to it. Up to `explain` there are no files, clocks, randomness or
//! printing: other files of a program come in through [`source::Loader`].
//!
//! # Features
//!
//! `jit` (native code), `data`, `report`, `train`, `cli`; all by default. `--no-default-features` is the pure front end
//! with the interpreter.
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
#[cfg(feature = "report")]
pub mod files;
pub mod interpret;
pub mod ir;
pub mod lower;
#[cfg(feature = "train")]
pub mod notebook;
pub mod passes;
#[cfg(feature = "report")]
pub mod record;
#[cfg(feature = "report")]
pub mod report;
#[cfg(feature = "data")]
pub mod sample;
pub mod sema;
pub mod source;
pub mod syntax;
#[cfg(feature = "train")]
pub mod train;
