//! Logarithms of sums of weighted probabilities.

use super::elementary::{log1mexp, logaddexp, sigmoid, softplus};

/// log(π + ω·e^l) with ω = 1 − π and l ≤ 0: extra mass π at a point whose log probability is l.
///
/// log1p(ω·expm1(l)) where that argument stays above −½, else a log-sum-exp.
pub fn log_mix0(pi: f64, omega: f64, l: f64) -> f64 {
    if l > -0.5 || omega <= 0.5 { (omega * l.exp_m1()).ln_1p() } else { logaddexp(pi.ln(), omega.ln() + l) }
}

/// The derivative of `log_mix0` in π, with ω = 1 − π moving along: (1 − e^l)/(π + ω·e^l).
pub fn log_mix0_dpi(pi: f64, omega: f64, l: f64) -> f64 {
    if l == 0.0 { 0.0 } else { (log1mexp(l) - log_mix0(pi, omega, l)).exp() }
}

/// The derivative of `log_mix0` in l: ω·e^l/(π + ω·e^l).
pub fn log_mix0_dl(pi: f64, omega: f64, l: f64) -> f64 {
    if omega == 0.0 || l == f64::NEG_INFINITY { 0.0 } else { omega * (l - log_mix0(pi, omega, l)).exp() }
}

/// `log_mix0` at π = sigmoid(z).
pub fn log_mix0_logit(z: f64, l: f64) -> f64 {
    if l > -0.5 || z >= 0.0 { (sigmoid(-z) * l.exp_m1()).ln_1p() } else { logaddexp(-softplus(-z), l - softplus(z)) }
}

/// The derivative of `log_mix0_logit` in z: πω(1 − e^l)/(π + ω·e^l).
pub fn log_mix0_logit_dz(z: f64, l: f64) -> f64 {
    (-softplus(-z) - log_mix0_logit(z, l)).exp() * sigmoid(-z) * -l.exp_m1()
}

/// The derivative of `log_mix0_logit` in l: ω·e^l/(π + ω·e^l).
pub fn log_mix0_logit_dl(z: f64, l: f64) -> f64 {
    if l == f64::NEG_INFINITY { 0.0 } else { (l - softplus(z) - log_mix0_logit(z, l)).exp() }
}

/// log(w₁·e^l₁ + w₂·e^l₂) for weights with w₁ + w₂ = 1. Partials: exp(lᵢ − y) in wᵢ, `log_mix2_dl(wᵢ, lᵢ, y)` in lᵢ.
///
/// Where both l are near 0 as log1p(w₁·expm1(l₁) + w₂·expm1(l₂)), which keeps a small result.
pub fn log_mix2(w1: f64, w2: f64, l1: f64, l2: f64) -> f64 {
    if l1.abs() < 0.5 && l2.abs() < 0.5 {
        return (w1 * l1.exp_m1() + w2 * l2.exp_m1()).ln_1p();
    }
    if w1 == 0.0 {
        return w2.ln() + l2;
    }
    if w2 == 0.0 {
        return w1.ln() + l1;
    }
    logaddexp(w1.ln() + l1, w2.ln() + l2)
}

/// The derivative of a log mixture y in one component's l: w·exp(l − y), 0 when w is 0 or l is −∞.
pub fn log_mix2_dl(w: f64, l: f64, y: f64) -> f64 {
    if w == 0.0 || l == f64::NEG_INFINITY { 0.0 } else { w * (l - y).exp() }
}

/// `log_mix2` at w₁ = sigmoid(z), w₂ = sigmoid(−z).
pub fn log_mix2_logit(z: f64, l1: f64, l2: f64) -> f64 {
    if l1.abs() < 0.5 && l2.abs() < 0.5 {
        return (sigmoid(z) * l1.exp_m1() + sigmoid(-z) * l2.exp_m1()).ln_1p();
    }
    logaddexp(l1 - softplus(-z), l2 - softplus(z))
}

/// The share of the first component: w₁·e^l₁/(w₁·e^l₁ + w₂·e^l₂), 0 when it has none.
pub fn log_mix2_logit_dl(z: f64, l1: f64, l2: f64) -> f64 {
    if l1 == f64::NEG_INFINITY { 0.0 } else { sigmoid(z + l1 - l2) }
}

/// The derivative in z: share₁·w₂·(1 − e^(l₂ − l₁)), or the same with the components exchanged and the sign turned.
pub fn log_mix2_logit_dz(z: f64, l1: f64, l2: f64) -> f64 {
    if l1 == l2 {
        0.0
    } else if l1 > l2 {
        log_mix2_logit_dl(z, l1, l2) * sigmoid(-z) * -(l2 - l1).exp_m1()
    } else {
        -log_mix2_logit_dz(-z, l2, l1)
    }
}
