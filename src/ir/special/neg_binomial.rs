//! The negative binomial mass by mean μ and size φ (Var = μ + μ²/φ), and its derivatives in log μ and log φ.
//!
//! With w = φ/(φ+μ) and v = μ/(φ+μ). The two saddle-point deviances are those of φ against (φ+k)·w and k against (φ+k)·v;
//! their linear parts cancel, so near the mode only the `log1pmx` parts are added up and φ → ∞ meets the Poisson mass.

use super::HALF_LOG_2PI;
use super::elementary::log1pmx;
use super::gamma::{half_log_minus_stirlerr, stirlerr};
use super::gamma_difference::{digamma_diff_ratio, log1p_ratio, x_digamma_diff};
use super::poisson::poisson_lp;

/// Ratios of mean and size that survive the overflow of either.
struct Odds {
    /// μ/φ
    odds: f64,
    /// log(1 + μ/φ)
    log1p_odds: f64,
    /// log(μ/φ)
    log_odds: f64,
    /// φ/(φ+μ)
    w: f64,
    /// μ/(φ+μ)
    v: f64,
}

impl Odds {
    fn new(mean: f64, log_mean: f64, size: f64, log_size: f64) -> Odds {
        let log_odds = log_mean - log_size;
        let in_range = |x: f64| (f64::MIN_POSITIVE..f64::INFINITY).contains(&x);
        let odds = if in_range(size) && (in_range(mean) || mean == 0.0) { mean / size } else { log_odds.exp() };
        let log1p_odds = if odds == f64::INFINITY { log_odds } else { odds.ln_1p() };
        Odds {
            odds,
            log1p_odds,
            log_odds,
            w: 1.0 / (1.0 + odds),
            v: if odds > 0.0 { 1.0 / (1.0 + 1.0 / odds) } else { 0.0 },
        }
    }

    fn log_w(&self) -> f64 {
        -self.log1p_odds
    }

    fn log_v(&self) -> f64 {
        if self.odds > 1.0 { -(1.0 / self.odds).ln_1p() } else { self.log_odds - self.log1p_odds }
    }
}

/// log C(k+φ−1, k) + φ·log w + k·log v, for k ≥ 0 and real φ > 0; φ = ∞ is the Poisson mass.
///
/// Each of mean and size comes with its logarithm (see the module `special`).
pub fn neg_binomial_lp(k: f64, mean: f64, log_mean: f64, size: f64, log_size: f64) -> f64 {
    if [k, mean, log_mean, size, log_size].iter().any(|x| x.is_nan()) {
        return f64::NAN;
    }
    if k < 0.0 || k == f64::INFINITY {
        return f64::NEG_INFINITY;
    }
    if size == f64::INFINITY && (log_size == f64::INFINITY || mean < f64::INFINITY) {
        return poisson_lp(k, mean, log_mean);
    }
    let odds = Odds::new(mean, log_mean, size, log_size);
    if k == 0.0 {
        // φ·log(1 + μ/φ) is μ to double precision once μ/φ < 2⁻⁵³.
        return if odds.odds < 1e-17 { -mean } else { -size * odds.log1p_odds };
    }
    let (near, far) = ((k - mean) / (size + mean), (mean - k) / k * odds.w);
    let deviance = if near.abs() <= 0.5 && far.abs() <= 0.5 {
        size * log1pmx(near) + k * log1pmx(far)
    } else {
        let at_size = log1p_over(k, size, log_size) + odds.log_w();
        let at_count = log1p_ratio(size, k) + odds.log_v();
        size * at_size + k * at_count
    };
    let both = k + size;
    deviance + half_log_minus_stirlerr(size, log_size) + stirlerr(both)
        - stirlerr(k)
        - 0.5 * (k.ln() + both.ln())
        - HALF_LOG_2PI
}

/// log(1 + k/φ), also where φ has underflowed.
fn log1p_over(k: f64, size: f64, log_size: f64) -> f64 {
    let ratio = k / size;
    if ratio == f64::INFINITY { k.ln() - log_size } else { ratio.ln_1p() }
}

/// The derivative in μ that is not carried by log μ: −w at k = 0 and μ ≤ 1 (so that μ = 0 is right), else 0.
pub fn neg_binomial_dmean(k: f64, mean: f64, size: f64) -> f64 {
    if k == 0.0 && mean <= 1.0 { -1.0 / (1.0 + mean / size) } else { 0.0 }
}

/// The derivative in log μ (less what `neg_binomial_dmean` carries): (k − μ)·φ/(φ+μ).
pub fn neg_binomial_dlogmean(k: f64, mean: f64, log_mean: f64, size: f64, log_size: f64) -> f64 {
    if k == 0.0 && mean <= 1.0 {
        return 0.0;
    }
    if size == f64::INFINITY {
        return k - mean;
    }
    let odds = Odds::new(mean, log_mean, size, log_size);
    if odds.odds < 1e290 && mean < f64::INFINITY { (k - mean) * odds.w } else { k * odds.w - size * odds.v }
}

/// The derivative in log φ: φ·(ψ(φ+k) − ψ(φ) − log(1 + μ/φ) + (μ−k)/(φ+μ)).
///
/// For μ ≤ φ as φ·(ψ(φ+k) − ψ(φ) − k/φ) + k·v + φ·log1pmx(−v), in which the terms of order 1 have gone.
pub fn neg_binomial_dlogsize(k: f64, mean: f64, log_mean: f64, size: f64, log_size: f64) -> f64 {
    if size == f64::INFINITY {
        return 0.0;
    }
    let largest = k.max(mean).max(1.0);
    if largest < 1e-17 * size {
        let excess = k - mean;
        return 0.5 * ((k - excess * excess) / size);
    }
    let odds = Odds::new(mean, log_mean, size, log_size);
    if odds.odds <= 1.0 {
        let rising = if size < 1.0 { x_digamma_diff(size, k) - k } else { size * digamma_diff_ratio(size, k) };
        return rising + k * odds.v + size * log1pmx(-odds.v);
    }
    // (μ − k)·w, also at μ = ∞.
    let shift =
        if odds.odds < 1e290 && mean < f64::INFINITY { (mean - k) * odds.w } else { size * odds.v - k * odds.w };
    x_digamma_diff(size, k) - zero_times(size, odds.log1p_odds) + shift
}

/// a·b, 0 when a is 0.
fn zero_times(a: f64, b: f64) -> f64 {
    if a == 0.0 { 0.0 } else { a * b }
}
