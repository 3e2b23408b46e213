//! Activations over slices, with the bias added on the way, in the widest vectors of this machine.
//!
//! The loops are written so that the compiler vectorises them; `pulp` compiles each for AVX-512,
//! AVX2 and the baseline and chooses when it runs. Products and sums are kept apart (a fused
//! multiply-add without its instruction is a library call), so results do not depend on the width.
//! Derivatives are kept only where they cannot be had from the result.

// The coefficients stand as published.
#![allow(clippy::excessive_precision)]

use super::layers::Activation;

/// eˣ, at most 1.3 ulp for |x| < 87; 0-ish below, 2.4e38 above, NaN for NaN. Range reduction by
/// Cody & Waite, polynomial from Cephes `expf`.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Comparisons, not `clamp`: NaN passes through.
    let x = if x > 88.37 { 88.37 } else { x };
    let x = if x < -87.33 { -87.33 } else { x };
    const MAGIC: f32 = 12_582_912.0; // 1.5 · 2²³: adding it rounds to an integer in the low bits
    let shifted = x * std::f32::consts::LOG2_E + MAGIC;
    let n = shifted - MAGIC;
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_5e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 5.0e-1;
    let e = p * (r * r) + r + 1.0;
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    e * scale
}

/// log(1 + u) for u in [0, 1], from Cephes `logf` on the mantissa, at most 2 ulp.
#[inline(always)]
fn log1p_unit(u: f32) -> f32 {
    let w = 1.0 + u;
    let lost = u - (w - 1.0);
    let high = w > std::f32::consts::SQRT_2;
    let m = if high { 0.5 * w } else { w } - 1.0;
    let z = m * m;
    let p = 7.037_683_6e-2;
    let p = p * m - 1.151_461_03e-1;
    let p = p * m + 1.167_699_9e-1;
    let p = p * m - 1.242_014_1e-1;
    let p = p * m + 1.424_932_3e-1;
    let p = p * m - 1.666_805_8e-1;
    let p = p * m + 2.000_071_5e-1;
    let p = p * m - 2.499_999_4e-1;
    let p = p * m + 3.333_333_1e-1;
    let y = p * m * z;
    let n = if high { 1.0 } else { 0.0 };
    let y = y - n * 2.121_944_4e-4 - 0.5 * z;
    // What rounding 1 + u lost counts in full where w is near 1, and u itself is the answer there.
    m + y + n * 0.693_359_4 + lost / w
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// tanh x by Cephes `tanhf`: a polynomial below 0.625, else from the exponential.
#[inline(always)]
fn tanh(x: f32) -> f32 {
    let z = x * x;
    let p = -5.704_988_7e-3;
    let p = p * z + 2.063_908_9e-2;
    let p = p * z - 5.373_971_3e-2;
    let p = p * z + 1.333_144_2e-1;
    let p = p * z - 3.333_328_2e-1;
    let near = p * z * x + x;
    let far = 1.0 - 2.0 / (exp(2.0 * x.abs()) + 1.0);
    let far = if x < 0.0 { -far } else { far };
    if x.abs() < 0.625 { near } else { far }
}

/// softplus and its derivative, which share the exponential.
#[inline(always)]
fn softplus(x: f32) -> (f32, f32) {
    let e = exp(-x.abs());
    let inverse = 1.0 / (1.0 + e);
    // A comparison that is false for NaN: the NaN then comes through `log1p_unit`.
    let positive = if x > 0.0 { x } else { 0.0 };
    (positive + log1p_unit(e), if x > 0.0 { inverse } else { e * inverse })
}

/// √(2/π), and the cubic coefficient of the tanh form of gelu.
const GELU_SCALE: f32 = 0.797_884_6;
const GELU_CUBIC: f32 = 0.044_715;

/// gelu and its derivative: ½(1 + tanh u) is sigmoid(2u).
#[inline(always)]
fn gelu(x: f32) -> (f32, f32) {
    let square = x * x;
    let s = sigmoid(2.0 * GELU_SCALE * x * (1.0 + GELU_CUBIC * square));
    let slope = 2.0 * GELU_SCALE * (1.0 + 3.0 * GELU_CUBIC * square);
    // Far out s·(1 − s) is 0 while x·slope may be infinite: keep the factors finite.
    let bend = s * (1.0 - s);
    let tail = if bend == 0.0 { 0.0 } else { x * bend * slope };
    (x * s, s + tail)
}

#[inline(always)]
fn silu(x: f32) -> (f32, f32) {
    let s = sigmoid(x);
    let bend = s * (1.0 - s);
    (x * s, s + if bend == 0.0 { 0.0 } else { x * bend })
}

/// Whether the derivative must be kept from the forward pass.
pub(super) fn keeps_derivative(activation: Activation) -> bool {
    matches!(activation, Activation::Gelu | Activation::Silu | Activation::Softplus | Activation::LeakyRelu(_))
}

/// What is added before an activation.
#[derive(Clone, Copy)]
pub(super) enum Bias<'a> {
    /// Nothing.
    None,
    /// One number a column of a matrix stored row by row.
    Columns(&'a [f32]),
    /// One number a plane of that many pixels, over and over.
    Planes(&'a [f32], usize),
}

/// Adds `bias` to `rows` and applies `activation`, in place. `derivative`, if given, is as long as
/// `rows` and receives what [`keeps_derivative`] asks for.
pub(super) fn forward(
    activation: Option<Activation>,
    rows: &mut [f32],
    bias: Bias<'_>,
    derivative: Option<&mut [f32]>,
) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || match activation {
            None => map(rows, bias, |x| x),
            Some(Activation::Relu) => map(rows, bias, |x| if x < 0.0 { 0.0 } else { x }),
            Some(Activation::Tanh) => map(rows, bias, tanh),
            Some(Activation::Sigmoid) => map(rows, bias, sigmoid),
            Some(Activation::Elu) => map(rows, bias, |x| if x < 0.0 { x.exp_m1() } else { x }),
            Some(Activation::LeakyRelu(slope)) => {
                map_both(rows, bias, derivative, |x| if x < 0.0 { (slope * x, slope) } else { (x, 1.0) });
            }
            Some(Activation::Gelu) => map_both(rows, bias, derivative, gelu),
            Some(Activation::Silu) => map_both(rows, bias, derivative, silu),
            Some(Activation::Softplus) => map_both(rows, bias, derivative, softplus),
        },
    );
}

/// Turns the gradient with respect to the results into that with respect to the arguments, in
/// place. `results` are what [`forward`] left; `derivative` what it kept.
pub(super) fn backward(activation: Activation, gradient: &mut [f32], results: &[f32], derivative: Option<&[f32]>) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || match (activation, derivative) {
            (_, Some(d)) => zip(gradient, d, |g, d| g * d),
            (Activation::Tanh, None) => zip(gradient, results, |g, y| g * (1.0 - y * y)),
            (Activation::Sigmoid, None) => zip(gradient, results, |g, y| g * y * (1.0 - y)),
            (Activation::Elu, None) => {
                zip(gradient, results, |g, y| if y < 0.0 { g * (y + 1.0) } else { g });
            }
            (_, None) => zip(gradient, results, |g, y| if y > 0.0 { g } else { 0.0 }),
        },
    );
}

/// Runs `work` compiled for the widest vectors of this machine; mark it `#[inline(always)]`.
#[inline(always)]
pub(super) fn widest<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// `to += from`.
pub(crate) fn add(to: &mut [f32], from: &[f32]) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || zip(to, from, |a, b| a + b),
    );
}

/// `to *= with`, number by number.
pub(super) fn multiply(to: &mut [f32], with: &[f32]) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || zip(to, with, |a, b| a * b),
    );
}

/// Adds each column's sum over the rows of `rows` to `sums`, row after row.
pub(super) fn add_columns(sums: &mut [f32], rows: &[f32]) {
    if sums.is_empty() {
        return;
    }
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for row in rows.chunks_exact(sums.len()) {
                zip(sums, row, |a, b| a + b);
            }
        },
    );
}

/// Σx over fixed lanes.
pub(super) fn sum(x: &[f32]) -> f32 {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            let mut lanes = [0.0_f32; 16];
            let chunks = x.chunks_exact(16);
            let rest: f32 = chunks.remainder().iter().sum();
            for chunk in chunks {
                for (lane, &v) in lanes.iter_mut().zip(chunk) {
                    *lane += v;
                }
            }
            lanes.iter().sum::<f32>() + rest
        },
    )
}

/// `to *= factor`.
pub(crate) fn scale(to: &mut [f32], factor: f32) {
    if factor != 1.0 {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || to.iter_mut().for_each(|x| *x *= factor),
        );
    }
}

/// Σx², in f64 over fixed lanes: the same for every machine.
pub(crate) fn sum_of_squares(x: &[f32]) -> f64 {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            let mut lanes = [0.0_f64; 16];
            let chunks = x.chunks_exact(16);
            let rest: f64 = chunks.remainder().iter().map(|&v| f64::from(v) * f64::from(v)).sum();
            for chunk in chunks {
                for (lane, &v) in lanes.iter_mut().zip(chunk) {
                    *lane += f64::from(v) * f64::from(v);
                }
            }
            lanes.iter().sum::<f64>() + rest
        },
    )
}

#[inline(always)]
fn zip(to: &mut [f32], with: &[f32], f: impl Fn(f32, f32) -> f32) {
    for (a, &b) in to.iter_mut().zip(with) {
        *a = f(*a, b);
    }
}

#[inline(always)]
fn map(rows: &mut [f32], bias: Bias<'_>, f: impl Fn(f32) -> f32) {
    match bias {
        Bias::None => rows.iter_mut().for_each(|x| *x = f(*x)),
        Bias::Columns(bias) => {
            for row in rows.chunks_exact_mut(bias.len()) {
                for (x, &b) in row.iter_mut().zip(bias) {
                    *x = f(*x + b);
                }
            }
        }
        Bias::Planes(bias, size) => {
            for (plane, &b) in rows.chunks_exact_mut(size).zip(bias.iter().cycle()) {
                plane.iter_mut().for_each(|x| *x = f(*x + b));
            }
        }
    }
}

#[inline(always)]
fn map_both(rows: &mut [f32], bias: Bias<'_>, derivative: Option<&mut [f32]>, f: impl Fn(f32) -> (f32, f32)) {
    let Some(derivative) = derivative else {
        return map(rows, bias, |x| f(x).0);
    };
    map(rows, bias, |x| x);
    for (x, d) in rows.iter_mut().zip(derivative) {
        (*x, *d) = f(*x);
    }
}

#[cfg(test)]
#[path = "math_tests.rs"]
mod tests;
