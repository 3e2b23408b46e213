//! The frame: what compiled code and kernels find through their one argument, an array of words.
//!
//! A few header words, then the address of every slot of the schedule for the tile at hand.

use super::schedule::SlotId;

/// Rows of the tile.
pub(super) const TILE_ROWS: usize = 0;
/// First row of the tile.
pub(super) const FIRST_ROW: usize = 1;
/// Rows of the batch.
pub(super) const ROWS: usize = 2;
/// Address of the tile's row weights; 0 when all rows weigh the same.
pub(super) const SEED: usize = 3;
/// Address of the chunk's f64 sums.
pub(super) const SUMS: usize = 4;
/// Number of header words.
pub(super) const HEADER: usize = 5;

/// The word that holds a slot's address.
pub(super) fn slot_word(slot: SlotId) -> usize {
    HEADER + slot.index()
}
