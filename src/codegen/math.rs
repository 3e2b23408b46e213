//! Which primitives have block math, and where it is.

use std::sync::LazyLock;

use super::{block, poisson};
use crate::ir::op::Op;

/// A function of the block math: `extern "C" fn(out.., x.., n)` on contiguous elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Function {
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
#[allow(unsafe_code)]
unsafe impl Send for Address {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for Address {}

/// The table. A function with several outputs stands before those with one, and is used when all of them are asked for.
static TABLE: [Function; 6] = [
    function(
        "softplus+sigmoid",
        &[Op::Softplus, Op::Sigmoid],
        block::softplus_sigmoid_f32 as *const (),
        block::softplus_sigmoid_f64 as *const (),
    ),
    function("softplus", &[Op::Softplus], block::softplus_f32 as *const (), block::softplus_f64 as *const ()),
    function("sigmoid", &[Op::Sigmoid], block::sigmoid_f32 as *const (), block::sigmoid_f64 as *const ()),
    function("exp", &[Op::Exp], block::exp_f32 as *const (), block::exp_f64 as *const ()),
    function(
        "poisson_lp",
        &[Op::PoissonLp],
        poisson::poisson_lp_f32 as *const (),
        poisson::poisson_lp_f64 as *const (),
    ),
    function("log", &[Op::Log], block::log_f32 as *const (), block::log_f64 as *const ()),
];

const fn function(name: &'static str, ops: &'static [Op], f32: *const (), f64: *const ()) -> Function {
    Function { name, ops, f32: Address(f32), f64: Address(f64) }
}

impl Function {
    /// The address of the version for this element type.
    pub fn address(self, double: bool) -> usize {
        if double { self.f64.0 as usize } else { self.f32.0 as usize }
    }

    /// The first function that gives this primitive and for whose every output `wanted` holds.
    pub fn giving(op: Op, wanted: impl Fn(Op) -> bool) -> Option<Function> {
        TABLE
            .iter()
            .find(|entry| entry.ops.contains(&op) && entry.ops.iter().all(|&other| other == op || wanted(other)))
            .copied()
    }
}

/// What vector code this machine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Whatever every machine of the architecture has.
    Baseline,
    /// 256-bit vectors with fused multiplication and addition.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    Avx2,
    /// 512-bit vectors.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    Avx512,
}

/// The widest vectors of this machine.
pub(super) fn level() -> Level {
    static LEVEL: LazyLock<Level> = LazyLock::new(detect);
    *LEVEL
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Level {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512bw");
    match (avx2, avx512) {
        (true, true) => Level::Avx512,
        (true, false) => Level::Avx2,
        _ => Level::Baseline,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Level {
    Level::Baseline
}
