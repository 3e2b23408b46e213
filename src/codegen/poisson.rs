//! The Poisson log mass over contiguous buffers.
//!
//! Counts in f32 are nearly always small: up to [`LAST`] they take k·log λ − λ − log k! in f64 with log k! from a table,
//! whose cancellation (at most 2⁻⁴⁶) is far below an f32. Whatever is special — larger or fractional counts, infinities,
//! NaN — and all of f64 goes to the reference function, element by element.
#![allow(unsafe_code)]

use std::sync::LazyLock;

use crate::ir::special;

/// The largest count of the table.
const LAST: usize = 31;
/// Elements looked at together.
const BLOCK: usize = 64;

/// log k! for k = 0 … 31.
static LOG_FACTORIAL: LazyLock<[f64; LAST + 1]> =
    LazyLock::new(|| std::array::from_fn(|count| special::lgamma(count as f64 + 1.0)));

/// # Safety
/// Every pointer is valid for `n` elements; `out` overlaps nothing.
pub(super) unsafe extern "C" fn poisson_lp_f64(
    out: *mut f64,
    count: *const f64,
    rate: *const f64,
    log_rate: *const f64,
    n: usize,
) {
    for at in 0..n {
        // SAFETY: `at < n`, and the caller promises `n` elements.
        unsafe { *out.add(at) = special::poisson_lp(*count.add(at), *rate.add(at), *log_rate.add(at)) }
    }
}

/// # Safety
/// Every pointer is valid for `n` elements; `out` overlaps nothing.
pub(super) unsafe extern "C" fn poisson_lp_f32(
    out: *mut f32,
    count: *const f32,
    rate: *const f32,
    log_rate: *const f32,
    n: usize,
) {
    let table = &*LOG_FACTORIAL;
    // SAFETY: the caller promises `n` elements, and that `out` is no other buffer.
    let (out, count, rate, log_rate) = unsafe {
        (
            std::slice::from_raw_parts_mut(out, n),
            std::slice::from_raw_parts(count, n),
            std::slice::from_raw_parts(rate, n),
            std::slice::from_raw_parts(log_rate, n),
        )
    };
    let blocks = out.chunks_mut(BLOCK).zip(count.chunks(BLOCK)).zip(rate.chunks(BLOCK).zip(log_rate.chunks(BLOCK)));
    for ((out, count), (rate, log_rate)) in blocks {
        #[cfg(target_arch = "x86_64")]
        if super::math::level() == super::math::Level::Avx512 {
            // SAFETY: the machine has the instructions.
            unsafe { block_avx512(out, count, rate, log_rate, table) };
            continue;
        }
        block(out, count, rate, log_rate, table);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,fma")]
fn block_avx512(out: &mut [f32], count: &[f32], rate: &[f32], log_rate: &[f32], table: &[f64; LAST + 1]) {
    block(out, count, rate, log_rate, table);
}

#[allow(clippy::indexing_slicing)] // Proven: the four slices have one length; counts are masked to the table's.
#[inline(always)]
fn block(out: &mut [f32], count: &[f32], rate: &[f32], log_rate: &[f32], table: &[f64; LAST + 1]) {
    let n = out.len().min(BLOCK);
    let (out, count, rate, log_rate) = (&mut out[..n], &count[..n], &rate[..n], &log_rate[..n]);
    let mut special_cases = 0u32;
    let mut indices = [0i32; BLOCK];
    for ((index, &k), (&rate, &log_rate)) in indices.iter_mut().zip(count).zip(rate.iter().zip(log_rate)) {
        let small = (k >= 0.0) & (k <= LAST as f32);
        let k_or_zero = if small { k } else { 0.0 };
        // SAFETY: between 0 and 31.
        *index = unsafe { k_or_zero.to_int_unchecked::<i32>() };
        let usual = (*index as f32 == k) & (rate >= 0.0) & (rate < f32::INFINITY) & (log_rate < f32::INFINITY);
        special_cases |= u32::from(!usual);
    }
    let mut log_factorial = [0.0; BLOCK];
    for (value, &index) in log_factorial.iter_mut().zip(&indices) {
        *value = table[index as usize & LAST];
    }
    let inputs = count.iter().zip(rate).zip(log_rate);
    for ((out, ((&k, &rate), &log_rate)), &log_factorial) in out.iter_mut().zip(inputs).zip(&log_factorial) {
        let product = f64::from(k) * f64::from(log_rate);
        let product = if k == 0.0 { 0.0 } else { product };
        *out = (product - f64::from(rate) - log_factorial) as f32;
    }
    if special_cases == 0 {
        return;
    }
    for at in 0..n {
        let (k, rate, log_rate) = (count[at], rate[at], log_rate[at]);
        let usual = (0.0..=LAST as f32).contains(&k)
            && k.fract() == 0.0
            && (0.0..f32::INFINITY).contains(&rate)
            && log_rate < f32::INFINITY;
        if !usual {
            out[at] = special::poisson_lp(k.into(), rate.into(), log_rate.into()) as f32;
        }
    }
}
