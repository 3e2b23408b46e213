//! Differences of log Γ and ψ at x + k and x, without cancellation, for x > 0 and real k ≥ 0.
//!
//! For x ≥ 16 both asymptotic series are subtracted term by term: with u = 1/x, v = 1/(x+k), u − v = k·u·v, and
//! uⁿ⁺² − vⁿ⁺² = u²(uⁿ − vⁿ) + vⁿ(u² − v²), where nothing is subtracted. Below 16 the recurrences are used.

use super::HALF_LOG_2PI;
use super::elementary::log1pmx;
use super::gamma::{DIGAMMA, SHIFT, STIRLING, lgamma, stirlerr};

/// stirlerr(x) − stirlerr(x + k), x ≥ 16.
fn stirling_difference(x: f64, k: f64) -> f64 {
    let (u, v) = (1.0 / x, 1.0 / (x + k));
    difference_series(u, k * u * v, (k * u * v) * (u + v), v, &STIRLING)
}

/// (log x − ψ(x)) − (log(x+k) − ψ(x+k)), x ≥ 16.
pub(super) fn log_minus_digamma_difference(x: f64, k: f64) -> f64 {
    let (u, v) = (1.0 / x, 1.0 / (x + k));
    let first = k * u * v;
    0.5 * first + difference_series(u, first * (u + v), first * (u + v), v * v, &DIGAMMA)
}

/// Σ c·(uⁿ − vⁿ) over n = n₀, n₀+2, …, from uⁿ − vⁿ and vⁿ at n₀.
fn difference_series(u: f64, start: f64, squares: f64, start_power: f64, coefficients: &[f64]) -> f64 {
    let mut difference = start;
    let mut power = start_power;
    // v² from u² and their difference: exact enough, since the series is a small correction.
    let (u2, v2) = (u * u, u * u - squares);
    let mut sum = 0.0;
    for c in coefficients {
        sum += c * difference;
        difference = u2 * difference + power * squares;
        power *= v2;
    }
    sum
}

/// log(1 + k/x), also where k/x overflows.
pub(super) fn log1p_ratio(k: f64, x: f64) -> f64 {
    let ratio = k / x;
    if ratio == f64::INFINITY && k < f64::INFINITY { k.ln() - x.ln() } else { ratio.ln_1p() }
}

/// log Γ(x+k) − log Γ(x). Source: Stirling's formula on both sides, see the module. x = 0 gives +∞ for k > 0.
pub fn log_rising(x: f64, k: f64) -> f64 {
    if k == 0.0 {
        return 0.0;
    }
    if k == 1.0 {
        return x.ln();
    }
    let mut y = x;
    let mut shift = 0.0;
    while y < SHIFT {
        shift += log1p_ratio(k, y);
        y += 1.0;
    }
    if y == f64::INFINITY {
        return y;
    }
    k * (y + k).ln() + log_rising_remainder(y, k) - shift
}

/// log_rising(x, k) − k·log(x + k), x ≥ 16.
fn log_rising_remainder(x: f64, k: f64) -> f64 {
    x * log1pmx(k / x) - 0.5 * (k / x).ln_1p() - stirling_difference(x, k)
}

/// log Γ(x+k) − log Γ(x) − k·log x, which is k(k−1)/(2x) + … for large x.
pub fn log_rising_ratio(x: f64, k: f64) -> f64 {
    if k == 0.0 || k == 1.0 || x == f64::INFINITY {
        return 0.0;
    }
    let mut y = x;
    let mut shift = 0.0;
    while y < SHIFT {
        shift += k * log1p_ratio(1.0, y) - log1p_ratio(k, y);
        y += 1.0;
    }
    if y > 1e18 && k < 1e-17 * y {
        // k(k−1)/(2x) to double precision; the general form would underflow.
        return k * ((k - 1.0) / (2.0 * y));
    }
    k * (k / y).ln_1p() + log_rising_remainder(y, k) + shift
}

/// ψ(x+k) − ψ(x), the derivative of `log_rising` in x (in k it is ψ(x+k)).
pub fn digamma_diff(x: f64, k: f64) -> f64 {
    if k == 0.0 || x == f64::INFINITY {
        return 0.0;
    }
    let mut y = x;
    let mut shift = 0.0;
    while y < SHIFT {
        shift += (k / (y + k)) / y;
        y += 1.0;
    }
    shift + (k / y).ln_1p() + log_minus_digamma_difference(y, k)
}

/// ψ(x+k) − ψ(x) − k/x, the derivative of `log_rising_ratio` in x; −k(k−1)/(2x²) + … for large x.
pub fn digamma_diff_ratio(x: f64, k: f64) -> f64 {
    if k == 0.0 || k == 1.0 || x == f64::INFINITY {
        return 0.0;
    }
    let mut y = x;
    let mut shift = 0.0;
    while y < SHIFT {
        // ψ(y+k) − ψ(y) − k/y less the same at y + 1.
        shift -= (k / (y + k)) * ((k - 1.0) / (y + 1.0)) / y;
        y += 1.0;
    }
    shift + log1pmx(k / y) + log_minus_digamma_difference(y, k)
}

/// log Γ(1 + x) for x ≥ 0, accurate relative to x at 0.
pub(super) fn lgamma1p(x: f64) -> f64 {
    if x < 0.25 { log_rising(1.0, x) } else { lgamma(1.0 + x) }
}

/// x·((log x − ψ(x)) − (log(x+k) − ψ(x+k))), finite at x = 0, where it is 1, and about k/(2x) for large x.
pub(super) fn x_log_minus_digamma_difference(x: f64, k: f64) -> f64 {
    if k == 0.0 || x == f64::INFINITY {
        return 0.0;
    }
    if x < f64::MIN_POSITIVE {
        return 1.0;
    }
    let mut y = x;
    let mut steps = 0.0;
    while y < SHIFT {
        // x/y stays in range where 1/y would overflow: −x·log1pmx(1/y) = x/y − x·log(1 + 1/y).
        let step = if y < 1e-8 { x / y - x * log1p_ratio(1.0, y) } else { -x * log1pmx(1.0 / y) };
        steps += step + x * log1pmx(1.0 / (y + k));
        y += 1.0;
    }
    steps + x * log_minus_digamma_difference(y, k)
}

/// x·(ψ(x+k) − ψ(x) − k/x), finite at x = 0, where it is 1 − k.
pub(super) fn x_digamma_diff_ratio(x: f64, k: f64) -> f64 {
    if x < 1.0 {
        x * digamma_diff_ratio(x + 1.0, k) - (k / (x + k)) * ((k - 1.0) / (x + 1.0))
    } else {
        x * digamma_diff_ratio(x, k)
    }
}

/// log B(a, b) for a, b > 0, from 5e-324 to 1e300. Stirling's formula when both are large (DiDonato & Morris 1992, ALNBET),
/// otherwise log Γ of the smaller less `log_rising`. The derivative in a is −`digamma_diff(a, b)`.
pub fn lbeta(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == 1.0 {
        return -high.ln();
    }
    if low < SHIFT {
        return if low == 0.0 { f64::INFINITY } else { lgamma(low) - log_rising(high, low) };
    }
    let remainder = stirlerr(low) + stirling_difference(high, low);
    let (p, q) = (log1p_ratio(high, low), (low / high).ln_1p());
    remainder - low * p - high * q + 0.5 * (q - low.ln()) + HALF_LOG_2PI
}
