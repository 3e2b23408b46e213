//! Pages and pictures of runs.
//!
//! [`page()`] makes one self-contained HTML page from a [`crate::record::Record`] (or a comparison from several): the
//! final metrics, the program, its derivation, the learning curves a term, and the pictures that answer the modelling
//! question, chosen by the kinds of artifact that the record holds:
//!
//! | artifact | pictures |
//! |---|---|
//! | `CountDiagnostics` | observed and expected counts; dispersion by predicted rate; bits per event and dispersion a unit |
//! | `CalibrationDiagnostics` | PIT, coverage of central intervals, standardised residuals, predicted σ against the error made |
//! | `DistanceDiagnostics` | distances of same and different pairs, ROC with its area, table of ranks |
//! | `Baselines` | rows of the table of final metrics |
//!
//! [`display`] makes cards for Jupyter and [`cards`] those of a run, [`mathml`] turns LaTeX into MathML, [`Chart`] draws.
//!
//! Depends on [`crate::record`], `plotters`, `math-core`. It reads records alone, never live training state, so that
//! every page can be made again.

mod calibration;
pub mod cards;
mod chart;
mod compare;
mod counts;
mod curves;
pub mod display;
mod distances;
mod html;
pub mod mathml;
mod page;
mod statistics;
mod ticks;

pub use chart::{Chart, Svg, plot_lines};
pub use curves::learning_curve;
pub use html::escape;
pub use page::{FIRST_LINE, page, write};

use crate::record::RecordError;
use std::path::PathBuf;

/// An error of a report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A stored artifact doesn't read back.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The drawing library failed.
    #[error("the picture `{picture}` cannot be drawn: {message}")]
    Drawing {
        /// Its title.
        picture: String,
        /// What the library said.
        message: String,
    },
    /// A formula has no MathML.
    #[error("the formula `{latex}` cannot be shown: {message}")]
    Formula {
        /// The LaTeX.
        latex: String,
        /// What is wrong with it.
        message: String,
    },
    /// The page cannot be written.
    #[error("{path}: {source}")]
    Io {
        /// The page's file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is nothing to report on.
    #[error("no run was given: name one, or `latest`")]
    Empty,
}

/// What every function of this module returns.
pub type Result<T> = std::result::Result<T, ReportError>;

#[cfg(test)]
mod tests;
