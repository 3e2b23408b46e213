//! How a batch is cut, and whether its parts have the sizes that they should.

use std::ops::Range;

use super::bridge::{BatchData, Binding, LossError};
use super::network::{InputError, Network};
use super::step::StepError;

/// Shards of a batch worth splitting: as many as the cores of the smallest machine this is for.
pub(super) const SHARDS: usize = 2;
/// Multiplications of a forward pass below which handing half of it to a thread costs more than it
/// saves.
const WORTH_SPLITTING: usize = 2_000_000;

/// Checks that input, data and weights have the same rows.
pub(super) fn check_rows(
    network: &Network,
    binding: &Binding,
    x: &[f32],
    batch: &BatchData<'_>,
) -> Result<(), StepError> {
    let width = network.input_width();
    if !x.len().is_multiple_of(width) {
        return Err(InputError { width, found: x.len() }.into());
    }
    let inputs = x.len() / width;
    if inputs == 0 || inputs != batch.rows * binding.parts {
        return Err(StepError::Rows { inputs, parts: binding.parts, rows: batch.rows });
    }
    for column in &batch.columns {
        let expected = batch.rows * column.width;
        if column.values.len() != expected {
            let (name, found) = (column.name.to_owned(), column.values.len());
            return Err(LossError::Size { name, found, expected }.into());
        }
    }
    match batch.weights {
        Some(w) if w.len() != batch.rows => {
            Err(LossError::Size { name: "weight".into(), found: w.len(), expected: batch.rows }.into())
        }
        _ => Ok(()),
    }
}

/// The rows of each shard. Depends on nothing but the batch and the network.
pub(super) fn shards(rows: usize, work: usize) -> Vec<Range<usize>> {
    if rows < 2 * SHARDS || rows * work < WORTH_SPLITTING {
        return vec![0..rows; 1];
    }
    // A multiple of 16 keeps the matrix products of all shards but the last on whole vectors.
    let size = rows.div_ceil(SHARDS).next_multiple_of(16).min(rows - 1);
    vec![0..size, size..rows]
}

/// The rows' numbers in the whole batch, with its parts one after another.
pub(super) fn row_indices(rows: &Range<usize>, all: usize, parts: usize) -> Vec<u64> {
    (0..parts).flat_map(|part| rows.clone().map(move |row| (part * all + row) as u64)).collect()
}
