//! The gamma function's logarithm, its derivatives, and the remainder of Stirling's formula.

use super::elementary::log1pmx;
use super::{HALF_LOG_2PI, polynomial};
use std::f64::consts::PI;

/// Above this the asymptotic series below are complete: the first term left out is under 2⁻⁶⁰ of the sum.
pub(super) const SHIFT: f64 = 16.0;

/// B₂ₙ/(2n(2n−1)): the Stirling series of log Γ in odd powers of 1/x (DLMF 5.11.1).
pub(super) const STIRLING: [f64; 8] = [
    1.0 / 12.0,
    -1.0 / 360.0,
    1.0 / 1260.0,
    -1.0 / 1680.0,
    1.0 / 1188.0,
    -691.0 / 360_360.0,
    1.0 / 156.0,
    -3617.0 / 122_400.0,
];

/// B₂ₙ/(2n): the series of log x − 1/(2x) − ψ(x) in powers of 1/x² (DLMF 5.11.2).
pub(super) const DIGAMMA: [f64; 8] =
    [1.0 / 12.0, -1.0 / 120.0, 1.0 / 252.0, -1.0 / 240.0, 1.0 / 132.0, -691.0 / 32_760.0, 1.0 / 12.0, -3617.0 / 8160.0];

/// B₂ₙ: the series of ψ′(x) − 1/x − 1/(2x²), divided by 1/x, in powers of 1/x² (DLMF 5.15.8).
const TRIGAMMA: [f64; 8] =
    [1.0 / 6.0, -1.0 / 30.0, 1.0 / 42.0, -1.0 / 30.0, 5.0 / 66.0, -691.0 / 2730.0, 7.0 / 6.0, -3617.0 / 510.0];

/// log |Γ(x)|; +∞ at 0 and the negative whole numbers.
pub fn lgamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// ψ(x) = d log Γ(x)/dx. Recurrence to 16, then the asymptotic series; reflection below 0 (DLMF 5.5.4). NaN at the poles.
pub fn digamma(x: f64) -> f64 {
    if x == 0.0 {
        return if x.is_sign_negative() { f64::INFINITY } else { f64::NEG_INFINITY };
    }
    if x < 0.0 {
        let fraction = x - x.floor();
        return if fraction == 0.0 { f64::NAN } else { digamma(1.0 - x) - PI / (PI * fraction).tan() };
    }
    let mut y = x;
    let mut shift = 0.0;
    while y < SHIFT {
        shift += 1.0 / y;
        y += 1.0;
    }
    y.ln() - log_minus_digamma_large(y) - shift
}

/// log x − ψ(x) for x ≥ 16.
fn log_minus_digamma_large(x: f64) -> f64 {
    let u = 1.0 / x;
    0.5 * u + u * u * polynomial(u * u, &DIGAMMA)
}

/// log x − ψ(x) for x > 0, which decays like 1/(2x).
pub fn log_minus_digamma(x: f64) -> f64 {
    if x < 1e-300 {
        return 1.0 / x;
    }
    let mut y = x;
    let mut steps = 0.0;
    while y < SHIFT {
        // The step to y + 1 is 1/y − log(1 + 1/y) > 0: nothing cancels.
        steps -= log1pmx(1.0 / y);
        y += 1.0;
    }
    steps + log_minus_digamma_large(y)
}

/// x·(log x − ψ(x)) for x ≥ 0; 1 at 0, ½ at infinity. `log_x` is log x, which may be finite where x has underflowed.
pub(super) fn x_log_minus_digamma(x: f64, log_x: f64) -> f64 {
    if x >= SHIFT {
        let u = 1.0 / x;
        0.5 + u * polynomial(u * u, &DIGAMMA)
    } else if x == 0.0 {
        1.0
    } else if x >= 0.5 {
        x * log_minus_digamma(x)
    } else {
        1.0 + x * log_x - x * digamma(x + 1.0)
    }
}

/// ψ′(x) for x > 0, and by reflection below 0.
pub fn trigamma(x: f64) -> f64 {
    if x < 0.0 {
        let fraction = x - x.floor();
        if fraction == 0.0 {
            return f64::INFINITY;
        }
        let s = PI / (PI * fraction).sin();
        return s * s - trigamma(1.0 - x);
    }
    let mut y = x;
    let mut shift = 0.0;
    while y < SHIFT {
        shift += 1.0 / (y * y);
        y += 1.0;
    }
    let u = 1.0 / y;
    shift + u + 0.5 * u * u + u * u * u * polynomial(u * u, &TRIGAMMA)
}

/// ψ″(x) for x > 0, and by reflection below 0.
pub fn tetragamma(x: f64) -> f64 {
    if x < 0.0 {
        let fraction = x - x.floor();
        if fraction == 0.0 {
            return f64::NAN;
        }
        let (sine, cosine) = (PI * fraction).sin_cos();
        return tetragamma(1.0 - x) - 2.0 * PI * PI * PI * cosine / (sine * sine * sine);
    }
    let mut y = x;
    let mut shift = 0.0;
    while y < SHIFT {
        shift += 2.0 / (y * y * y);
        y += 1.0;
    }
    let u = 1.0 / y;
    // The derivative of the series of ψ′: a term B₂ₙ·u²ⁿ⁺¹ gives −(2n + 1)·B₂ₙ·u²ⁿ⁺².
    let series: [f64; 8] = std::array::from_fn(|n| TRIGAMMA.get(n).copied().unwrap_or(0.0) * (2 * n + 3) as f64);
    -(shift + u * u * (1.0 + u + u * u * polynomial(u * u, &series)))
}

/// The remainder of Stirling's formula: log Γ(x+1) − (x + ½)·log x + x − ½·log 2π, for x > 0 (Loader 2000).
///
/// Below 16 the step stirlerr(x) − stirlerr(x+1) = (x + ½)·log(1 + 1/x) − 1 = atanh(t)/t − 1 with t = 1/(2x + 1) is added
/// up: every term is positive, so nothing cancels.
pub fn stirlerr(x: f64) -> f64 {
    if x < 0.5 {
        return libm::lgamma(x + 1.0) - (x + 0.5) * x.ln() + x - HALF_LOG_2PI;
    }
    let mut y = x;
    let mut steps = 0.0;
    while y < SHIFT {
        steps += stirling_step(y);
        y += 1.0;
    }
    let u = 1.0 / y;
    steps + u * polynomial(u * u, &STIRLING)
}

/// (x + ½)·log(1 + 1/x) − 1 = Σ t²ʲ/(2j + 1) with t = 1/(2x + 1) ≤ ½
fn stirling_step(x: f64) -> f64 {
    let t = 1.0 / (2.0 * x + 1.0);
    let s = t * t;
    let mut power = s;
    let mut sum = 0.0;
    for j in 1..28 {
        sum += power / f64::from(2 * j + 1);
        power *= s;
    }
    sum
}

/// ½·log x − stirlerr(x), which is log x + ½·log 2π + O(x log x) at 0. `log_x` is log x.
pub(super) fn half_log_minus_stirlerr(x: f64, log_x: f64) -> f64 {
    if x < 0.5 { (x + 1.0) * log_x - libm::lgamma(x + 1.0) - x + HALF_LOG_2PI } else { 0.5 * log_x - stirlerr(x) }
}
