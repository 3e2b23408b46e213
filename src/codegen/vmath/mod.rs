//! Block math: elementary and special functions over contiguous f32 and f64 buffers, for compiled kernels to call.
//!
//! Each function is written once over [`lane::Lane`] (`elementary`, `gamma`) and compiled for 512-bit and 256-bit registers
//! and for portable arrays; the widest the machine has is taken at each call. A lane outside a function's fast domain gets
//! the scalar reference of `ir::special`, so that results are right at 0, ∞, NaN and subnormal numbers. [`TABLE`] is what
//! the code generator looks functions up in.
//!
//! Depends on `ir::op` for the names and `ir::special` for the reference. Allocates nothing; knows nothing of kernels.
#![allow(unsafe_code)]
// Proven: lanes are indexed below the register's width, coefficients by ranges of constants.
#![allow(clippy::indexing_slicing)]

mod block;
mod elementary;
mod gamma;
mod kernels;
mod lane;
mod level;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(super) use kernels::TABLE;
pub(super) use level::{Level, level};

use crate::ir::op::Op;

/// A function of the block math: `unsafe extern "C" fn(out.., x.., n)` on contiguous elements. An output may be one of the
/// inputs; otherwise nothing overlaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Function {
    /// Its name.
    pub name: &'static str,
    /// The primitives it gives, one an output, all of the same arguments.
    pub ops: &'static [Op],
    f32: Address,
    f64: Address,
}

/// A function's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Address(*const ());

// SAFETY: addresses of functions, which are the same for every thread.
unsafe impl Send for Address {}
// SAFETY: as above.
unsafe impl Sync for Address {}

impl Function {
    /// The address of the version for this element type.
    pub fn address(self, double: bool) -> usize {
        if double { self.f64.0 as usize } else { self.f32.0 as usize }
    }

    /// The first function that gives this primitive and for whose every other output `wanted` holds.
    pub fn giving(op: Op, wanted: impl Fn(Op) -> bool) -> Option<Function> {
        TABLE
            .iter()
            .find(|entry| entry.ops.contains(&op) && entry.ops.iter().all(|&other| other == op || wanted(other)))
            .copied()
    }
}

#[cfg(test)]
mod tests;
