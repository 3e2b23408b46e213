//! The instruction sets the block math is compiled for.

use std::sync::LazyLock;

/// What vector code this machine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Level {
    /// Whatever every machine of the architecture has.
    Baseline,
    /// 256-bit vectors with fused multiplication and addition.
    #[cfg_attr(not(all(target_arch = "x86_64", not(miri))), allow(dead_code))]
    Avx2,
    /// 512-bit vectors.
    #[cfg_attr(not(all(target_arch = "x86_64", not(miri))), allow(dead_code))]
    Avx512,
}

/// The widest vectors of this machine.
pub(in super::super) fn level() -> Level {
    static LEVEL: LazyLock<Level> = LazyLock::new(detect);
    *LEVEL
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
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

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
fn detect() -> Level {
    Level::Baseline
}
