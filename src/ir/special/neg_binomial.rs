//! The negative binomial mass by mean μ and size φ (Var = μ + μ²/φ), and its derivatives in log μ and log φ.
//!
//! With w = φ/(φ+μ) and v = μ/(φ+μ). The two saddle-point deviances are those of φ against (φ+k)·w and k against (φ+k)·v;
//! their linear parts cancel, so near the mode only the `log1pmx` parts are added up and φ → ∞ meets the Poisson mass.

use super::elementary::log1pmx;
use super::gamma::{half_log_minus_stirlerr, stirlerr};
use super::gamma_difference::{log1p_ratio, x_log_minus_digamma_difference};
use super::poisson::poisson_lp;
use super::{HALF_LOG_2PI, TINY};

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
}

impl Odds {
    fn new(mean: f64, log_mean: f64, size: f64, log_size: f64) -> Odds {
        let log_odds = log_mean - log_size;
        let in_range = |x: f64| (TINY..f64::INFINITY).contains(&x);
        let odds = if in_range(size) && (in_range(mean) || mean == 0.0) { mean / size } else { log_odds.exp() };
        let log1p_odds = if odds == f64::INFINITY { log_odds } else { odds.ln_1p() };
        Odds { odds, log1p_odds, log_odds: if in_range(odds) { odds.ln() } else { log_odds }, w: 1.0 / (1.0 + odds) }
    }

    fn log_w(&self) -> f64 {
        -self.log1p_odds
    }

    /// (k − μ)·φ/(φ+μ), also where μ is infinite or w underflows.
    fn slope(&self, k: f64, mean: f64, size: f64) -> f64 {
        if mean == f64::INFINITY {
            return k * self.w - size / (1.0 + 1.0 / self.odds);
        }
        if self.odds < 1e290 { (k - mean) * self.w } else { size * (k / mean - 1.0) }
    }

    /// log(μ/(φ+μ))
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
        // log((φ+k)·v/k), from the side on which the large logarithms do not meet.
        let at_count = if odds.odds <= 1.0 && size > k {
            log_mean - k.ln() + at_size
        } else {
            log1p_ratio(size, k) + odds.log_v()
        };
        size * at_size + k * at_count
    };
    let both = k + size;
    let size_part = if size < 0.5 {
        half_log_minus_stirlerr(size, log_size) - 0.5 * both.ln()
    } else {
        -stirlerr(size) - 0.5 * log1p_over(k, size, log_size)
    };
    deviance + size_part + stirlerr(both) - stirlerr(k) - 0.5 * k.ln() - HALF_LOG_2PI
}

/// log(1 + k/φ), also where φ has underflowed.
fn log1p_over(k: f64, size: f64, log_size: f64) -> f64 {
    let ratio = k / size;
    if ratio == f64::INFINITY { k.ln() - log_size } else { ratio.ln_1p() }
}

/// The derivative in log μ: (k − μ)·φ/(φ+μ).
pub fn neg_binomial_dlogmean(k: f64, mean: f64, log_mean: f64, size: f64, log_size: f64) -> f64 {
    if size == f64::INFINITY {
        return k - mean;
    }
    Odds::new(mean, log_mean, size, log_size).slope(k, mean, size)
}

/// The derivative in log φ: φ·(ψ(φ+k) − ψ(φ) − log(1 + μ/φ) + (μ−k)/(φ+μ)).
///
/// With ψ = log − (log − ψ) this is φ·(log(1+δ) − δ) + φ·((log φ − ψ(φ)) − (log(φ+k) − ψ(φ+k))), δ = (k−μ)/(φ+μ), in which
/// nothing cancels near the mode.
pub fn neg_binomial_dlogsize(k: f64, mean: f64, log_mean: f64, size: f64, log_size: f64) -> f64 {
    if size == f64::INFINITY {
        return 0.0;
    }
    let excess = k - mean;
    if k.max(mean).max(1.0) < 1e-17 * size {
        return 0.5 * (k / size - excess * (excess / size));
    }
    let odds = Odds::new(mean, log_mean, size, log_size);
    let delta = excess / (size + mean);
    let deviance = if delta.abs() <= 0.5 {
        size * log1pmx(delta)
    } else {
        zero_times(size, log1p_over(k, size, log_size) + odds.log_w()) - odds.slope(k, mean, size)
    };
    deviance + x_log_minus_digamma_difference(size, k)
}

/// a·b, 0 when a is 0.
fn zero_times(a: f64, b: f64) -> f64 {
    if a == 0.0 { 0.0 } else { a * b }
}
