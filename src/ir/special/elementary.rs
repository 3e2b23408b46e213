//! Exponentials, logarithms and what is built from one or two of them.

use std::f64::consts::LN_2;

/// eˣ
pub fn exp(x: f64) -> f64 {
    x.exp()
}

/// eˣ − 1
pub fn expm1(x: f64) -> f64 {
    x.exp_m1()
}

/// log x; −∞ at 0, NaN below.
pub fn log(x: f64) -> f64 {
    x.ln()
}

/// log(1 + x)
pub fn log1p(x: f64) -> f64 {
    x.ln_1p()
}

/// √x
pub fn sqrt(x: f64) -> f64 {
    x.sqrt()
}

/// tanh x
pub fn tanh(x: f64) -> f64 {
    x.tanh()
}

/// a/b, and 0 when a is 0 whatever b is.
pub fn zero_div(a: f64, b: f64) -> f64 {
    if a == 0.0 { 0.0 } else { a / b }
}

/// 1/(1 + e⁻ˣ), by the branch whose exponential cannot overflow.
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// log(1 + eˣ) = max(x, 0) + log1p(e^−|x|)
pub fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// log sigmoid(x) = −softplus(−x)
pub fn log_sigmoid(x: f64) -> f64 {
    -softplus(-x)
}

/// log softplus(x). Below −37, softplus(x) = eˣ(1 − eˣ/2 + …), so the logarithm is x − eˣ/2.
pub fn log_softplus(x: f64) -> f64 {
    if x < -37.0 { x - 0.5 * x.exp() } else { softplus(x).ln() }
}

/// sigmoid(x)/softplus(x), the derivative of log softplus; 1 − eˣ/2 below −37.
pub fn softplus_ratio(x: f64) -> f64 {
    if x < -37.0 {
        1.0 - 0.5 * x.exp()
    } else if x == f64::INFINITY {
        0.0
    } else {
        sigmoid(x) / softplus(x)
    }
}

/// log(1 − eˣ) for x ≤ 0; the switch at −log 2 is Mächler's (2012).
pub fn log1mexp(x: f64) -> f64 {
    if x > -LN_2 { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() }
}

/// log(1 − exp(−eˣ)): eˣ is lost in the sum once it is under half a unit in the last place.
pub fn log_cloglog(x: f64) -> f64 {
    if x < -37.0 { x } else { log1mexp(-x.exp()) }
}

/// eˣ/expm1(eˣ), the derivative of [`log_cloglog`].
pub fn log_cloglog_slope(x: f64) -> f64 {
    if x < -37.0 {
        return 1.0;
    }
    let rate = x.exp();
    if rate <= 1.0 { rate / rate.exp_m1() } else { (x - rate).exp() / -(-rate).exp_m1() }
}

/// log(1 + x) − x without cancellation. With r = x/(2 + x): log(1 + x) = 2·atanh r and 2r − x = −r·x, so the difference is
/// r·(2r²·(1/3 + r²/5 + r⁴/7 + …) − x); used on [−1/2, 1], where r² ≤ 1/9.
pub fn log1pmx(x: f64) -> f64 {
    if !(-0.5..=1.0).contains(&x) {
        return x.ln_1p() - x;
    }
    let r = x / (2.0 + x);
    let y = r * r;
    let mut power = 1.0;
    let mut series = 0.0;
    for i in 0..20 {
        series += power / f64::from(2 * i + 3);
        power *= y;
    }
    r * (2.0 * y * series - x)
}

/// log(eᵃ + eᵇ)
pub fn logaddexp(a: f64, b: f64) -> f64 {
    if a == b {
        return a + LN_2;
    }
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if a.is_nan() || b.is_nan() { f64::NAN } else { high + (low - high).exp().ln_1p() }
}

/// log(eᵃ − eᵇ) for a ≥ b
pub fn log_diff_exp(a: f64, b: f64) -> f64 {
    if b == f64::NEG_INFINITY { a } else { a + log1mexp(b - a) }
}

/// log cosh x = ½·log1p(sinh² x) near 0, |x| − log 2 + log1p(e^−2|x|) elsewhere.
pub fn log_cosh(x: f64) -> f64 {
    let a = x.abs();
    if a < 1.0 {
        let s = a.sinh();
        0.5 * (s * s).ln_1p()
    } else {
        a - LN_2 + (-2.0 * a).exp().ln_1p()
    }
}

/// a·log b, and 0 when a is 0.
pub fn xlogy(a: f64, b: f64) -> f64 {
    if a == 0.0 && !b.is_nan() { 0.0 } else { a * b.ln() }
}

/// a·log(1 + b), and 0 when a is 0.
pub fn xlog1py(a: f64, b: f64) -> f64 {
    if a == 0.0 && !b.is_nan() { 0.0 } else { a * b.ln_1p() }
}
