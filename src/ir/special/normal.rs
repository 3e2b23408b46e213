//! The error function and the normal distribution function, to the ends of the range.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// erf x
pub fn erf(x: f64) -> f64 {
    libm::erf(x)
}

/// erfc x = 1 − erf x
pub fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}

/// Φ(x) = ½·erfc(−x/√2)
pub fn ndtr(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// e^(−x²·scale) with x² split so that its rounding error is not multiplied by x² (|x| up to 1e150).
fn exp_minus_square(x: f64, scale: f64) -> f64 {
    let high = x * x;
    if high == f64::INFINITY {
        return 0.0;
    }
    let low = x.mul_add(x, -high);
    (-high * scale).exp() * (-low * scale).exp()
}

/// e^(t²)·erfc(t) for t ≥ 0; from 24 on by the asymptotic series (DLMF 7.12.1), whose terms are below 1/1152ⁿ.
fn erfcx(t: f64) -> f64 {
    if t < 24.0 {
        return libm::erfc(t) * exp_minus_square(t, -1.0);
    }
    let h = 0.5 / (t * t);
    let series = [15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0].iter().fold(1.0, |sum, odd| 1.0 - odd * h * sum);
    series / (t * PI.sqrt())
}

/// log Φ(x); −x²/2 + log(½·erfcx(−x/√2)) in the lower tail.
pub fn log_ndtr(x: f64) -> f64 {
    if x > 0.0 {
        (-0.5 * libm::erfc(x * FRAC_1_SQRT_2)).ln_1p()
    } else if x > -1.0 {
        ndtr(x).ln()
    } else if x == f64::NEG_INFINITY {
        x
    } else {
        (0.5 * erfcx(-x * FRAC_1_SQRT_2)).ln() - 0.5 * x * x
    }
}

/// φ(x)/Φ(x), the derivative of log Φ; −x − 1/x + … in the lower tail.
pub fn inv_mills(x: f64) -> f64 {
    if x > 0.0 {
        return exp_minus_square(x, 0.5) / (2.0 * PI).sqrt() / ndtr(x);
    }
    if x == f64::NEG_INFINITY {
        return f64::INFINITY;
    }
    (2.0 / PI).sqrt() / erfcx(-x * FRAC_1_SQRT_2)
}
