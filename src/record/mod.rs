//! The lab notebook's store: what a training was, what it measured, and how it ended.
//!
//! One SQLite file, `notebook.sqlite`, in the folder of the runs, and a folder a run beside it:
//!
//! ```text
//! runs/
//!   notebook.sqlite                 every run: texts, versions, hashes, metric history, artifacts
//!   2026-11-23-spikes-3f2a/
//!     spec.yaml                     the exact spec
//!     spikes.loss                   the exact program
//!     versions.json  data.json      resolved versions; the data files' SHA-256
//!     metrics.csv                   the metric history: step,epoch,split,metric,value
//!     weights.safetensors           written by the training
//!     report.html                   written by the report
//! ```
//!
//! `metrics.csv` is long: `pandas.read_csv(f).pivot(index="step", columns=["split", "metric"],
//! values="value")` makes it wide; pass `float_precision="round_trip"` to read back the exact bits.
//!
//! What survives what. A commit is a transaction in a write-ahead log:
//! a process killed at any instant loses at most the second that was not yet committed, and never
//! a committed run. A run holds a lock on its folder while it is being written, so one whose process is gone
//! is shown as [`Status::Interrupted`] without anybody having to tidy up.
//!
//! Depends on `rusqlite`, `serde`, `jiff`. It does not read specs, train, or draw: a report is built
//! from a [`Record`] alone.

mod artifacts;
mod counts;
mod differences;
mod error;
mod handle;
mod metrics;
mod notebook;
mod number;
mod run;
mod schema;
mod versions;

pub use artifacts::{
    Artifact, Baseline, Baselines, CalibrationDiagnostics, CountDiagnostics, CountFamily, DistanceDiagnostics,
    Parameters, RankRate, UnitScore,
};
pub use counts::CountTable;
pub use differences::{Change, figures_that_differ, settings_that_differ};
pub use error::RecordError;
pub use handle::RunHandle;
pub use metrics::{Point, Series, metrics_csv};
pub use notebook::{Notebook, STORE_FILE};
pub use number::Number;
pub use run::{DataFile, NewRun, Record, Run, Scores, Status, StoredArtifact};
pub use versions::versions;

/// What every function of this module returns.
pub type Result<T> = std::result::Result<T, RecordError>;

#[cfg(test)]
mod tests;
