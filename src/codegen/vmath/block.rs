//! Loops over contiguous buffers: whole registers, a padded tail, and the scalar reference for lanes outside a function's
//! fast domain.

use super::lane::{Element, Lane};
use super::level::Level;

/// A function of `I` arguments with `O` results, in lanes and as reference.
pub(super) trait Kernel<const I: usize, const O: usize> {
    /// The results, and where they hold; other lanes are handed to `scalar`.
    fn lanes<L: Lane>(x: [L; I]) -> ([L; O], L::Mask);
    /// The reference in f64.
    fn scalar(x: [f64; I]) -> [f64; O];
}

/// The widest register of any instruction set.
const WIDEST: usize = 16;

/// `n` elements; out may be one of the inputs.
///
/// # Safety
/// Every pointer is valid for `n` elements; an output equals an input or overlaps none.
#[inline(always)]
unsafe fn drive<L: Lane, K: Kernel<I, O>, const I: usize, const O: usize>(
    out: [*mut L::Element; O],
    x: [*const L::Element; I],
    n: usize,
) {
    let mut at = 0;
    while at + 2 * L::LANES <= n {
        // SAFETY: `at + 2·LANES ≤ n`.
        unsafe { two_steps::<L, K, I, O>(out.map(|p| p.add(at)), x.map(|p| p.add(at))) };
        at += 2 * L::LANES;
    }
    if at + L::LANES <= n {
        // SAFETY: `at + LANES ≤ n`.
        unsafe { step::<L, K, I, O>(out.map(|p| p.add(at)), x.map(|p| p.add(at))) };
        at += L::LANES;
    }
    if at == n {
        return;
    }
    let rest = n - at;
    let mut inputs = [[L::Element::from_f64(1.0); WIDEST]; I];
    let mut results = [[L::Element::from_f64(1.0); WIDEST]; O];
    for (buffer, from) in inputs.iter_mut().zip(x) {
        // SAFETY: `rest < LANES ≤ WIDEST` elements are left from `at`.
        unsafe { std::ptr::copy_nonoverlapping(from.add(at), buffer.as_mut_ptr(), rest) };
    }
    // SAFETY: the buffers hold a whole register.
    unsafe { step::<L, K, I, O>(results.each_mut().map(|b| b.as_mut_ptr()), inputs.each_ref().map(|b| b.as_ptr())) };
    for (buffer, to) in results.iter().zip(out) {
        // SAFETY: as above.
        unsafe { std::ptr::copy_nonoverlapping(buffer.as_ptr(), to.add(at), rest) };
    }
}

/// One register. Inputs are read before outputs are written.
///
/// # Safety
/// Every pointer is valid for `LANES` elements.
#[inline(always)]
unsafe fn step<L: Lane, K: Kernel<I, O>, const I: usize, const O: usize>(
    out: [*mut L::Element; O],
    x: [*const L::Element; I],
) {
    // SAFETY: the caller's promise.
    let arguments = x.map(|p| unsafe { L::load(p) });
    let (results, good) = K::lanes(arguments);
    // SAFETY: the caller's promise.
    unsafe { finish::<L, K, I, O>(out, arguments, results, good) };
}

/// Two registers side by side: a series is a chain of dependent instructions, and two of them share the machine's units.
///
/// # Safety
/// Every pointer is valid for `2·LANES` elements.
#[inline(always)]
unsafe fn two_steps<L: Lane, K: Kernel<I, O>, const I: usize, const O: usize>(
    out: [*mut L::Element; O],
    x: [*const L::Element; I],
) {
    // SAFETY: the caller's promise.
    let (left, right) = unsafe { (x.map(|p| L::load(p)), x.map(|p| L::load(p.add(L::LANES)))) };
    let (left_results, left_good) = K::lanes(left);
    let (right_results, right_good) = K::lanes(right);
    // SAFETY: the caller's promise.
    unsafe {
        finish::<L, K, I, O>(out, left, left_results, left_good);
        finish::<L, K, I, O>(out.map(|p| p.add(L::LANES)), right, right_results, right_good);
    }
}

/// Stores a register's results; where they do not hold, the reference's.
///
/// # Safety
/// Every pointer is valid for `LANES` elements.
#[inline(always)]
unsafe fn finish<L: Lane, K: Kernel<I, O>, const I: usize, const O: usize>(
    out: [*mut L::Element; O],
    arguments: [L; I],
    results: [L; O],
    good: L::Mask,
) {
    if L::all(good) {
        for (y, to) in results.into_iter().zip(out) {
            // SAFETY: the caller's promise.
            unsafe { y.store(to) };
        }
        return;
    }
    // SAFETY: the caller's promise.
    unsafe { patch::<L, K, I, O>(out, arguments, results, good) };
}

/// Writes a register some of whose lanes need the reference.
///
/// # Safety
/// Every pointer is valid for `LANES` elements.
#[inline(always)]
unsafe fn patch<L: Lane, K: Kernel<I, O>, const I: usize, const O: usize>(
    out: [*mut L::Element; O],
    arguments: [L; I],
    results: [L; O],
    good: L::Mask,
) {
    let spill = |lane: L| {
        let mut buffer = [L::Element::from_f64(0.0); WIDEST];
        // SAFETY: the buffer holds the widest register.
        unsafe { lane.store(buffer.as_mut_ptr()) };
        buffer.map(L::Element::to_f64)
    };
    let good = spill(L::select(good, L::splat(1.0), L::splat(0.0)));
    let inputs = arguments.map(spill);
    let outputs = results.map(spill);
    for lane in 0..L::LANES {
        let values = if good[lane] != 0.0 { outputs.map(|y| y[lane]) } else { K::scalar(inputs.map(|x| x[lane])) };
        for (value, to) in values.into_iter().zip(out) {
            // SAFETY: `lane < LANES`.
            unsafe { *to.add(lane) = L::Element::from_f64(value) };
        }
    }
}

/// # Safety
/// As `drive`, on a machine with AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn drive_avx2<E: Element, K: Kernel<I, O>, const I: usize, const O: usize>(
    out: [*mut E; O],
    x: [*const E; I],
    n: usize,
) {
    // SAFETY: the caller's promise.
    unsafe { drive::<E::Avx2, K, I, O>(out, x, n) }
}

/// # Safety
/// As `drive`, on a machine with AVX-512 F, DQ, BW and VL.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn drive_avx512<E: Element, K: Kernel<I, O>, const I: usize, const O: usize>(
    out: [*mut E; O],
    x: [*const E; I],
    n: usize,
) {
    // SAFETY: the caller's promise.
    unsafe { drive::<E::Avx512, K, I, O>(out, x, n) }
}

/// Runs a kernel on the instruction set given.
///
/// # Safety
/// Every pointer is valid for `n` elements, an output equals an input or overlaps none, and the machine has `level`.
#[inline(always)]
pub(super) unsafe fn run<E: Element, K: Kernel<I, O>, const I: usize, const O: usize>(
    level: Level,
    out: [*mut E; O],
    x: [*const E; I],
    n: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => drive_avx512::<E, K, I, O>(out, x, n),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => drive_avx2::<E, K, I, O>(out, x, n),
            _ => drive::<E::Portable, K, I, O>(out, x, n),
        }
    }
}
