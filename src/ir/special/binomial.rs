//! The binomial mass, with p and q = 1 − p and their logarithms passed separately.

use super::HALF_LOG_2PI;
use super::elementary::log1pmx;
use super::gamma::stirlerr;
use super::gamma_difference::{lbeta, log1p_ratio};

/// log C(n, k) + k·log p + (n−k)·log q, for real 0 ≤ k ≤ n; −∞ outside.
///
/// Saddle-point form of Loader (2000); the deviances use p(n−k) − qk for np − k, and where p or q underflows the logarithms
/// take over. Partials: k in log p, n − k in log q.
pub fn binomial_lp(k: f64, n: f64, p: f64, q: f64, log_p: f64, log_q: f64) -> f64 {
    let m = n - k;
    if [k, n, p, q, log_p, log_q].iter().any(|x| x.is_nan()) {
        return f64::NAN;
    }
    if k < 0.0 || m < 0.0 {
        return f64::NEG_INFINITY;
    }
    if k == 0.0 {
        return if n == 0.0 { 0.0 } else { n * log_q };
    }
    if m == 0.0 {
        return n * log_p;
    }
    if k < 0.5 || m < 0.5 || p < f64::MIN_POSITIVE || q < f64::MIN_POSITIVE {
        return -n.ln_1p() - lbeta(k + 1.0, m + 1.0) + k * log_p + m * log_q;
    }
    let excess = p * m - q * k;
    let (dk, dm) = (excess / k, -excess / m);
    let deviance = if dk.abs() <= 0.5 && dm.abs() <= 0.5 {
        k * log1pmx(dk) + m * log1pmx(dm)
    } else {
        // The linear parts cancel: k·dk + m·dm = 0.
        k * (log_p + log1p_ratio(m, k)) + m * (log_q + log1p_ratio(k, m))
    };
    deviance + stirlerr(n) - stirlerr(k) - stirlerr(m) + 0.5 * (n / k / m).ln() - HALF_LOG_2PI
}
