//! The Poisson mass with a real count: also the core of the gamma density.

use super::elementary::log1pmx;
use super::gamma::{digamma, log_minus_digamma, stirlerr};
use super::gamma_difference::lgamma1p;
use super::{HALF_LOG_2PI, TINY};

/// log r + 1 − r ≤ 0, given `log_r` = log r. Its derivative in log r is 1 − r.
pub fn log_dev(r: f64, log_r: f64) -> f64 {
    if (0.5..=2.0).contains(&r) { log1pmx(r - 1.0) } else { log_r + 1.0 - r }
}

/// k·log λ − λ − log Γ(k+1), with `log_rate` = log λ passed beside λ.
///
/// For k ≥ 1: −stirlerr(k) − ½·log 2πk − bd₀(k, λ), the saddle-point form of Loader (2000), whose deviance is
/// `log_dev(λ/k)`. Where λ under- or overflows, its logarithm takes over. Partials: in k, log λ − ψ(k+1); in λ alone, −1;
/// in log λ alone, k. k = 0 gives −λ; a negative k gives −∞.
pub fn poisson_lp(k: f64, rate: f64, log_rate: f64) -> f64 {
    if k.is_nan() || rate.is_nan() || log_rate.is_nan() {
        return f64::NAN;
    }
    if k == 0.0 {
        return -rate;
    }
    if k < 0.0 || k == f64::INFINITY || rate == f64::INFINITY || rate < 0.0 {
        return f64::NEG_INFINITY;
    }
    if k < 1.0 {
        return k * log_rate - rate - lgamma1p(k);
    }
    let r = rate / k;
    let deviance = if (0.5..=2.0).contains(&r) {
        // (λ − k)/k, not λ/k − 1: the difference of two close numbers is exact.
        log1pmx((rate - k) / k)
    } else {
        let log_r = if rate >= TINY && r > 1e-300 && r < f64::INFINITY { r.ln() } else { log_rate - k.ln() };
        log_r + 1.0 - r
    };
    k * deviance + poisson_peak(k)
}

/// a·log a − a − log Γ(a+1): the Poisson log mass at its own mean, −stirlerr(a) − ½·log 2πa.
pub fn poisson_peak(a: f64) -> f64 {
    if a < 1.0 {
        let a_log_a = if a == 0.0 { 0.0 } else { a * a.ln() };
        return a_log_a - a - lgamma1p(a);
    }
    -stirlerr(a) - 0.5 * a.ln() - HALF_LOG_2PI
}

/// The derivative of `poisson_peak`: log a − ψ(a+1) = (log a − ψ(a)) − 1/a.
pub fn poisson_peak_da(a: f64) -> f64 {
    if a < 0.5 { a.ln() - digamma(a + 1.0) } else { log_minus_digamma(a) - 1.0 / a }
}
