//! Files become typed columns, and columns become prepared datasets.
//!
//! Reads tables (CSV, CSV.GZ, NPY, NPZ), event times with covariates on a clock of their own, and images; binds columns to
//! a loss's data names; lags, standardises, splits, augments and samples. Every file comes in through a loader, and every
//! random choice comes from a seed, so that the same spec gives the same rows, bit for bit.
//!
//! Depends on nothing of the compiler but the rule that two spellings of a name are one. Knows nothing of networks,
//! kernels, YAML or the command line.

pub mod augment;
pub mod bind;
pub mod csv;
pub mod error;
pub mod events;
pub mod group;
pub mod images;
pub mod inputs;
mod lists;
pub mod load;
pub mod names;
pub mod npy;
pub mod options;
pub mod prepare;
pub mod random;
pub mod read;
pub mod sample;
pub mod select;
pub mod split;
pub mod standardize;
pub mod table;

pub use augment::{PixelFit, View};
pub use bind::{Bound, BoundColumn, Dim, Support, Values, Wanted, bind};
pub use error::{DataError, DataErrors, Place, Violation, Violations};
pub use group::Keys;
pub use images::ImageSet;
pub use inputs::Feature;
pub use load::{FileHash, Folder, Intake, Limits, Loader, NO_SUCH_FILE, STANDARD_INPUT, WithInput};
pub use options::DataOptions;
pub use prepare::{Fitted, Inputs, Matrix, Prepared, Summary, prepare};
pub use read::{read_files, read_table};
pub use sample::{Classes, shuffled};
pub use split::Parts;
pub use standardize::Standardizer;
pub use table::{Cells, Column, Table};

#[cfg(test)]
mod tests;
