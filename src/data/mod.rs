//! Files become typed columns, and columns become prepared datasets.
//!
//! Reads tables (CSV, CSV.GZ, NPY, NPZ), event times with covariates on a clock of their own, and images; binds columns to
//! a loss's data names; lags, standardises, splits, augments and samples. Every file comes in through a loader, and every
//! random choice comes from a seed, so that the same spec gives the same rows, bit for bit.
//!
//! Depends on nothing of the compiler but the rule that two spellings of a name are one. Knows nothing of networks,
//! kernels, YAML or the command line.

pub mod bind;
pub mod csv;
pub mod error;
mod lists;
pub mod load;
pub mod names;
pub mod npy;
pub mod options;
pub mod read;
pub mod select;
pub mod table;

pub use bind::{Bound, BoundColumn, Dim, Interval, Support, Values, Wanted, bind};
pub use error::{DataError, DataErrors, Place, Violation, Violations};
pub use load::{FileHash, Folder, Intake, Limits, Loader, WithInput};
pub use options::DataOptions;
pub use read::{read_files, read_table};
pub use table::{Cells, Column, Table};

#[cfg(test)]
mod tests;
