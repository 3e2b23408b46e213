//! lossc in a Jupyter notebook: a loss is written in one cell, looked at in the next, trained in a third.
//!
//! ```text
//! use lossc::notebook::*;
//! let spikes = Loss::new("poisson(k | softplus(η))");     // wrong programs say here what is wrong
//! spikes.derivation()                                     // the last expression of a cell is shown
//! spikes.plot("η", -4.0..4.0, &[("k", 3.0)])
//! ```
//!
//! What a cell keeps in a variable is plain data ([`Loss`]): the evcxr kernel links every cell anew, so
//! nothing may live in a static, and no store stays open between cells. What a method shows is a [`Shown`], which evcxr
//! displays when it is the last expression of a cell. Mistakes go to standard error, in the words of the command line.
//!
//! Above `train`, beside `cli`, which it does not use. Depends on `explain`, `evaluate`, `record`, `report`, `train`. It
//! computes nothing itself.

mod loss;
mod plot;
mod shown;

pub use loss::Loss;
pub use shown::Shown;

#[cfg(test)]
mod tests;
