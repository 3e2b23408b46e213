//! Student's t log density of a residual r, with scale σ and degrees of freedom ν passed with their logarithms.
//!
//! Every function takes (r, σ, log σ, ν, log ν). ν up to 1e300 and ∞ meets the normal density; σ or ν may have underflowed
//! to 0 as long as its logarithm has not.

use super::HALF_LOG_2PI;
use super::elementary::{log1pmx, zero_div};
use super::gamma_difference::{log_rising_ratio, x_digamma_diff_ratio};
use super::location_scale::{normal_dlogscale, normal_dr, normal_lp};
use std::f64::consts::{LN_2, PI};

/// t = z²/ν and log(1 + t), with z = r/σ.
fn tail(r: f64, scale: f64, log_scale: f64, nu: f64, log_nu: f64) -> (f64, f64) {
    let z = zero_div(r, scale);
    let square = z * z;
    let t = square / nu;
    if (r == 0.0 || square >= f64::MIN_POSITIVE)
        && square < f64::INFINITY
        && nu >= f64::MIN_POSITIVE
        && t < f64::INFINITY
    {
        return (t, t.ln_1p());
    }
    let log_t = 2.0 * (r.abs().ln() - log_scale) - log_nu;
    let t = log_t.exp();
    (t, if t < f64::INFINITY { t.ln_1p() } else { log_t })
}

/// log Γ((ν+1)/2) − log Γ(ν/2) − ½·log νπ − log σ − (ν+1)/2·log(1 + (r/σ)²/ν).
///
/// The first terms are log_rising_ratio(ν/2, ½) − ½·log 2π.
pub fn student_t_lp(r: f64, scale: f64, log_scale: f64, nu: f64, log_nu: f64) -> f64 {
    if nu == f64::INFINITY {
        return normal_lp(r, scale, log_scale);
    }
    let constant = if nu < f64::MIN_POSITIVE {
        // Γ(½)·(ν/2)/√(ν/2) as ν → 0
        0.5 * PI.ln() + 0.5 * (log_nu - LN_2)
    } else {
        log_rising_ratio(0.5 * nu, 0.5)
    };
    let (_, log1p_t) = tail(r, scale, log_scale, nu, log_nu);
    constant - HALF_LOG_2PI - log_scale - (0.5 * nu + 0.5) * log1p_t
}

/// The derivative in r: −(ν+1)·r/(νσ² + r²).
pub fn student_t_dr(r: f64, scale: f64, _log_scale: f64, nu: f64, _log_nu: f64) -> f64 {
    if nu == f64::INFINITY {
        return normal_dr(r, scale);
    }
    let z = zero_div(r, scale);
    let square = z * z;
    if r == 0.0 {
        -r
    } else if square <= 1.0 {
        -((nu + 1.0) / (nu + square)) * (z / scale)
    } else {
        -((nu + 1.0) / (1.0 + nu / square)) / r
    }
}

/// The derivative in log σ: ν(z² − 1)/(ν + z²).
pub fn student_t_dlogscale(r: f64, scale: f64, _log_scale: f64, nu: f64, _log_nu: f64) -> f64 {
    if nu == f64::INFINITY {
        return normal_dlogscale(r, scale);
    }
    let z = zero_div(r, scale);
    let square = z * z;
    if square <= 1.0 {
        let t = square / nu;
        return if t < f64::INFINITY { (square - 1.0) / (1.0 + t) } else { 0.0 };
    }
    let q = 1.0 / square;
    if square < 1e150 { (square - 1.0) * q * nu / (1.0 + nu * q) } else { nu * (1.0 - q) / (1.0 + nu * q) }
}

/// The derivative in log ν: ½·(ν·(ψ((ν+1)/2) − ψ(ν/2) − 1/ν) + ν·log1pmx(−u) + u) with u = z²/(ν + z²).
pub fn student_t_dlognu(r: f64, scale: f64, log_scale: f64, nu: f64, log_nu: f64) -> f64 {
    if nu == f64::INFINITY {
        return 0.0;
    }
    let z = zero_div(r, scale);
    let square = z * z;
    if square.max(1.0) < 1e-17 * nu {
        return 0.25 * ((1.0 + 2.0 * square - square * square) / nu);
    }
    let (t, log1p_t) = tail(r, scale, log_scale, nu, log_nu);
    let u = if t > 1.0 { 1.0 / (1.0 + 1.0 / t) } else { t / (1.0 + t) };
    let bend = if t <= 1.0 {
        nu * log1pmx(-u)
    } else if nu == 0.0 {
        0.0
    } else {
        nu * (u - log1p_t)
    };
    x_digamma_diff_ratio(0.5 * nu, 0.5) + 0.5 * (bend + u)
}
