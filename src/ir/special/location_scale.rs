//! Normal and Laplace log densities of a residual r, with scale and log scale passed as a pair.

use super::HALF_LOG_2PI;
use super::elementary::zero_div;
use std::f64::consts::LN_2;

/// −½(r/σ)² − log σ − ½·log 2π. A residual of 0 stays 0 when σ has underflowed.
pub fn normal_lp(r: f64, scale: f64, log_scale: f64) -> f64 {
    let z = zero_div(r, scale);
    -0.5 * z * z - log_scale - HALF_LOG_2PI
}

/// The derivative of `normal_lp` in r: −r/σ².
pub fn normal_dr(r: f64, scale: f64) -> f64 {
    -zero_div(zero_div(r, scale), scale)
}

/// The derivative of `normal_lp` in log σ: (r/σ)² − 1.
pub fn normal_dlogscale(r: f64, scale: f64) -> f64 {
    let z = zero_div(r, scale);
    z * z - 1.0
}

/// −|r|/b − log 2b.
pub fn laplace_lp(r: f64, scale: f64, log_scale: f64) -> f64 {
    -zero_div(r, scale).abs() - log_scale - LN_2
}

/// The derivative of `laplace_lp` in r: −sign(r)/b, 0 at r = 0.
pub fn laplace_dr(r: f64, scale: f64) -> f64 {
    if r == 0.0 || r.is_nan() { r } else { -(1.0f64.copysign(r)) / scale }
}

/// The derivative of `laplace_lp` in log b: |r|/b − 1.
pub fn laplace_dlogscale(r: f64, scale: f64) -> f64 {
    zero_div(r, scale).abs() - 1.0
}
