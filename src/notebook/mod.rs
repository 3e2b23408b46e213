//! lossc in a Jupyter notebook: a loss is written in one cell, looked at in the next, trained in a third.
//!
//! ```text
//! use lossc::notebook::*;
//! let spikes = Loss::new("poisson(k | softplus(η))");     // wrong programs say here what is wrong
//! spikes.derivation()                                     // the last expression of a cell is shown
//! spikes.plot("η", -4.0..4.0, &[("k", 3.0)])
//! let short = train("spikes.yaml").set("train.epochs=5").start();      // a line an epoch, as it goes
//! let long = train("spikes.yaml").start();
//! compare(&[&short, &long])
//! ```
//!
//! What a cell keeps in a variable is plain data ([`Loss`], [`TrainedRun`]): the evcxr kernel links every cell anew, so
//! nothing may live in a static, and no store stays open between cells. What a method shows is a [`Shown`], which evcxr
//! displays when it is the last expression of a cell. Mistakes are printed, in the words of the command line.
//!
//! Interrupting the kernel ends its process. The record of a run survives that: [`open`] finds it again, and
//! [`TrainedRun::resume`] goes on from its last checkpoint.
//!
//! Above `train`, beside `cli`, which it does not use. Depends on `explain`, `evaluate`, `record`, `report`, `train`. It
//! computes nothing itself.

mod loss;
mod plot;
mod shown;
mod training;

pub use loss::Loss;
pub use shown::Shown;
pub use training::{TrainedRun, Training, compare, open, runs, train};

#[cfg(test)]
mod tests;
