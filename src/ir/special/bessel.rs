//! The modified Bessel function I₀, for angles.

use std::f64::consts::PI;

/// Below this the power series, above it the asymptotic series, whose smallest term is about e⁻⁵⁰.
const SWITCH: f64 = 25.0;

/// Σ_{j≥1} (x²/4)ʲ/(j!·(j+order)!)·order! (DLMF 10.25.2), without the leading 1.
fn power_series(x: f64, order: f64) -> f64 {
    let q = 0.25 * x * x;
    let (mut term, mut sum, mut j) = (1.0, 0.0, 1.0);
    while j < 200.0 {
        term *= q / (j * (j + order));
        sum += term;
        if term < sum * 1e-18 {
            break;
        }
        j += 1.0;
    }
    sum
}

/// Σ_{j≥1} (−1)ʲ·aⱼ(ν)/xʲ with μ = 4ν² (DLMF 10.40.1), without the leading 1.
fn asymptotic_series(x: f64, mu: f64) -> f64 {
    let (mut term, mut sum, mut j) = (1.0f64, 0.0f64, 1.0f64);
    while j < 50.0 {
        let odd = 2.0 * j - 1.0;
        term *= (odd * odd - mu) / (j * 8.0 * x);
        sum += term;
        if term.abs() < 1e-18 {
            break;
        }
        j += 1.0;
    }
    sum
}

/// log I₀(x)
pub fn log_bessel_i0(x: f64) -> f64 {
    let a = x.abs();
    if a < SWITCH {
        power_series(a, 0.0).ln_1p()
    } else if a == f64::INFINITY {
        a
    } else {
        a - 0.5 * (2.0 * PI).ln() - 0.5 * a.ln() + asymptotic_series(a, 0.0).ln_1p()
    }
}

/// I₁(x)/I₀(x), the derivative of log I₀.
pub fn bessel_i1_ratio(x: f64) -> f64 {
    let a = x.abs();
    let ratio = if a < SWITCH {
        0.5 * a * (1.0 + power_series(a, 1.0)) / (1.0 + power_series(a, 0.0))
    } else {
        (1.0 + asymptotic_series(a, 4.0)) / (1.0 + asymptotic_series(a, 0.0))
    };
    ratio.copysign(x)
}
