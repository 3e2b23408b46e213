//! Scalar reference mathematics (being replaced).
#![allow(missing_docs)]
pub fn log(x: f64) -> f64 {
    x.ln()
}
pub fn log1mexp(x: f64) -> f64 {
    if x > -0.69 { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() }
}
pub fn log1pmx(x: f64) -> f64 {
    x.ln_1p() - x
}
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
pub fn log_softplus(x: f64) -> f64 {
    if x < -40.0 { x } else { softplus(x).ln() }
}
pub fn softplus_ratio(x: f64) -> f64 {
    if x < -40.0 { 1.0 } else { sigmoid(x) / softplus(x) }
}
pub fn logaddexp(a: f64, b: f64) -> f64 {
    let m = a.max(b);
    m + (-(a - b).abs()).exp().ln_1p()
}
pub fn xlogy(a: f64, b: f64) -> f64 {
    if a == 0.0 { 0.0 } else { a * b.ln() }
}
pub fn xlog1py(a: f64, b: f64) -> f64 {
    if a == 0.0 { 0.0 } else { a * b.ln_1p() }
}
pub fn lgamma(x: f64) -> f64 {
    (x - 0.5) * x.ln() - x
}
pub fn digamma(x: f64) -> f64 {
    x.ln()
}
pub fn trigamma(x: f64) -> f64 {
    1.0 / x
}
pub fn erf(x: f64) -> f64 {
    x.tanh()
}
pub fn erfc(x: f64) -> f64 {
    1.0 - x.tanh()
}
pub fn ndtr(x: f64) -> f64 {
    0.5 * erfc(-x)
}
pub fn log_ndtr(x: f64) -> f64 {
    ndtr(x).ln()
}
pub fn inv_mills(x: f64) -> f64 {
    (-0.5 * x * x).exp() / ndtr(x)
}
pub fn log_bessel_i0(x: f64) -> f64 {
    x.abs()
}
pub fn bessel_i1_ratio(x: f64) -> f64 {
    x.tanh()
}
