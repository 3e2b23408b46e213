//! Scalar reference mathematics in f64: slow, branchy, obvious; what every vector routine is compared with.
//!
//! Each function is finite wherever the truth is finite, returns a signed infinity where the truth overflows, and passes
//! NaN on. Sources are named where a formula is used; measured errors are those of `tests/data/special` (mpmath, 60
//! digits), in units of 2⁻⁵³ relative to the value times max(1, condition number).
//!
//! # Pairs θ, log θ
//! A positive parameter that a program writes as exp(η), softplus(η) or a product leaves the range of f64 long before the
//! likelihood does. The fused log densities therefore take θ and its logarithm as two arguments that belong together, and
//! their derivatives are stated in log θ.
//!
//! Depends on `core`, `std`'s elementary functions and `libm` (lgamma, erf, erfc). Does not know about graphs.

mod bessel;
mod beta;
mod binomial;
mod elementary;
mod gamma;
mod gamma_difference;
mod incomplete;
mod location_scale;
mod mixture;
mod neg_binomial;
mod normal;
mod poisson;
mod student_t;
mod tail;
mod vector;

pub use bessel::{bessel_i1_ratio, log_bessel_i0};
pub use beta::{beta_da, beta_lp, beta_mean_dlogmean, beta_mean_dlogprec, beta_mean_lp};
pub use binomial::binomial_lp;
pub use elementary::{
    exp, expm1, log, log_cloglog, log_cloglog_slope, log_cosh, log_diff_exp, log_sigmoid, log_softplus, log1mexp,
    log1p, log1pmx, logaddexp, sigmoid, softplus, softplus_ratio, sqrt, tanh, xlog1py, xlogy, zero_div,
};
pub use gamma::{digamma, lgamma, log_minus_digamma, stirlerr, tetragamma, trigamma};
pub use gamma_difference::{digamma_diff, digamma_diff_ratio, lbeta, log_rising, log_rising_ratio};
pub use incomplete::{
    gamma_tail_slope, log_beta_i, log_beta_i_da, log_beta_i_db, log_beta_i_dt, log_gamma_p, log_gamma_p_da,
    log_gamma_q, log_gamma_q_da, log_student_t_cdf, log_student_t_cdf_dnu, poisson_above_lp, poisson_above_slope,
};
pub use location_scale::{laplace_dlogscale, laplace_dr, laplace_lp, normal_dlogscale, normal_dr, normal_lp};
pub use mixture::{
    log_mix0, log_mix0_dl, log_mix0_dpi, log_mix0_logit, log_mix0_logit_dl, log_mix0_logit_dz, log_mix2, log_mix2_dl,
    log_mix2_logit, log_mix2_logit_dl, log_mix2_logit_dz,
};
pub use neg_binomial::{neg_binomial_dlogmean, neg_binomial_dlogsize, neg_binomial_lp};
pub use normal::{erf, erfc, inv_mills, log_ndtr, ndtr};
pub use poisson::{log_dev, poisson_lp, poisson_peak, poisson_peak_da};
pub use student_t::{student_t_dlognu, student_t_dlogscale, student_t_dr, student_t_lp};
pub use vector::{cosine_distance, cosine_distance_grad, norm, scaled_sum_of_squares};

/// The smallest normal f32. What an f32 program hands over below it has lost digits that its logarithm still has.
pub(crate) const TINY: f64 = f32::MIN_POSITIVE as f64;

/// ½·log 2π
pub(crate) const HALF_LOG_2PI: f64 = 0.918_938_533_204_672_8;

/// A polynomial with the constant term first, by Horner's rule.
pub(crate) fn polynomial(x: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

#[cfg(test)]
mod tests;
