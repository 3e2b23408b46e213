//! The beta density, with x and y = 1 − x passed separately, by (α, β) and by mean and precision.
//!
//! Both go through one core: log of (ab/n)·C(n, a)·xᵃyᵇ/(xy) with n = a + b and the saddle-point form of Loader (2000) for
//! the binomial mass. The deviances are those of nx against a and ny against b; their linear parts cancel.

use super::HALF_LOG_2PI;
use super::elementary::log1pmx;
use super::gamma::{half_log_minus_stirlerr, x_log_minus_digamma};
use super::gamma_difference::{digamma_diff, log_minus_digamma_difference, log1p_ratio};

/// log x from whichever of x and y = 1 − x is the more exact.
fn log_of(x: f64, y: f64) -> f64 {
    if x > 0.5 { (-y).ln_1p() } else { x.ln() }
}

/// One side of the density: a shape, its logarithm, and log(nx/a), which is log(1 + δ).
struct Side {
    shape: f64,
    log_shape: f64,
    delta: f64,
    log_ratio: f64,
    log_x: f64,
}

impl Side {
    fn is_near(&self) -> bool {
        self.delta.abs() <= 0.5
    }

    /// log(nx/a)
    fn ratio(&self) -> f64 {
        if self.is_near() { self.delta.ln_1p() } else { self.log_ratio }
    }
}

/// The density from its two sides and the normaliser n with its logarithm.
fn density(a: &Side, b: &Side, n: f64, log_n: f64) -> f64 {
    let shapes = half_log_minus_stirlerr(a.shape, a.log_shape) + half_log_minus_stirlerr(b.shape, b.log_shape)
        - half_log_minus_stirlerr(n, log_n)
        - HALF_LOG_2PI;
    if a.is_near() && b.is_near() {
        return a.shape * log1pmx(a.delta) + b.shape * log1pmx(b.delta) - a.log_x - b.log_x + shapes;
    }
    far(a) + far(b) + shapes
}

/// a·log(nx/a) − log x with the logarithm of x collected, so that a = 1 does not subtract it from itself.
fn far(side: &Side) -> f64 {
    let rest = side.log_ratio - side.log_x;
    let power = side.shape - 1.0;
    power * side.log_x + if side.shape == 0.0 { 0.0 } else { side.shape * rest }
}

/// (α−1)·log x + (β−1)·log y − log B(α, β), y = 1 − x. Partials: (α−1)/x in x, (β−1)/y in y, `beta_da` in α and β.
pub fn beta_lp(x: f64, y: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || y <= 0.0 {
        return at_end(x, y, a, b);
    }
    if a == 1.0 && b == 1.0 {
        return 0.0;
    }
    let (log_x, log_y) = (log_of(x, y), log_of(y, x));
    let excess = b * x - a * y;
    let left = Side { shape: a, log_shape: a.ln(), delta: excess / a, log_ratio: log_x + log1p_ratio(b, a), log_x };
    let right =
        Side { shape: b, log_shape: b.ln(), delta: -excess / b, log_ratio: log_y + log1p_ratio(a, b), log_x: log_y };
    density(&left, &right, a + b, (a + b).ln())
}

/// The density at x = 0 and x = 1: finite only where that shape is 1.
fn at_end(x: f64, y: f64, a: f64, b: f64) -> f64 {
    if x < 0.0 || y < 0.0 {
        return f64::NEG_INFINITY;
    }
    let (shape, other) = if x == 0.0 { (a, b) } else { (b, a) };
    if shape == 1.0 {
        other.ln()
    } else if shape.is_nan() || other.is_nan() {
        f64::NAN
    } else {
        (1.0 - shape) * f64::INFINITY
    }
}

/// The derivative in α: log x − ψ(α) + ψ(α+β). In β it is `beta_da(y, x, b, a)`.
pub fn beta_da(x: f64, y: f64, a: f64, b: f64) -> f64 {
    let delta = (b * x - a * y) / a;
    if a >= 16.0 && delta.abs() <= 0.5 {
        // log(nx/a) and the difference of log − ψ at a and n: both small where x is near a/n.
        return delta.ln_1p() + log_minus_digamma_difference(a, b);
    }
    log_of(x, y) + digamma_diff(a, b)
}

/// One side by mean: shape κ·m, δ = (x − m)/m.
#[allow(clippy::too_many_arguments)]
fn mean_side(x: f64, y: f64, m: f64, n: f64, log_m: f64, precision: f64, log_precision: f64) -> Side {
    let log_x = log_of(x, y);
    let delta = if m > 0.0 { (n * x - m * y) / m } else { f64::INFINITY };
    Side { shape: precision * m, log_shape: log_precision + log_m, delta, log_ratio: log_x - log_m, log_x }
}

/// The beta density by mean m and precision κ (α = κm, β = κn), with y = 1 − x, n = 1 − m and the logarithms of m, n and κ.
///
/// Partials: (κm − 1)/x in x, (κn − 1)/y in y, the rest in the logarithms.
#[allow(clippy::too_many_arguments)]
pub fn beta_mean_lp(x: f64, y: f64, m: f64, n: f64, log_m: f64, log_n: f64, precision: f64, log_precision: f64) -> f64 {
    let left = mean_side(x, y, m, n, log_m, precision, log_precision);
    let right = mean_side(y, x, n, m, log_n, precision, log_precision);
    if x <= 0.0 || y <= 0.0 {
        return at_end(x, y, left.shape, right.shape);
    }
    density(&left, &right, precision, log_precision)
}

/// The derivative in log m, up to a constant that m and n share: a·(log(x/m)) + a·(log a − ψ(a)), a = κm. For log n swap
/// x with y and m with n. Only the difference d/dm − d/dn, which m + n = 1 leaves, has a meaning, and there it is exact.
#[allow(clippy::too_many_arguments)]
pub fn beta_mean_dlogmean(
    x: f64,
    y: f64,
    m: f64,
    n: f64,
    log_m: f64,
    _log_n: f64,
    precision: f64,
    log_precision: f64,
) -> f64 {
    let side = mean_side(x, y, m, n, log_m, precision, log_precision);
    let value = if side.shape == 0.0 { 0.0 } else { side.shape * side.ratio() };
    value + x_log_minus_digamma(side.shape, side.log_shape)
}

/// The derivative in log κ: −κ·KL(m ‖ x) + a(log a − ψ(a)) + b(log b − ψ(b)) − κ(log κ − ψ(κ)).
#[allow(clippy::too_many_arguments)]
pub fn beta_mean_dlogprec(
    x: f64,
    y: f64,
    m: f64,
    n: f64,
    log_m: f64,
    log_n: f64,
    precision: f64,
    log_precision: f64,
) -> f64 {
    let left = mean_side(x, y, m, n, log_m, precision, log_precision);
    let right = mean_side(y, x, n, m, log_n, precision, log_precision);
    let both_near = left.is_near() && right.is_near();
    let part = |side: &Side| {
        let deviance = if both_near { log1pmx(side.delta) } else { side.log_ratio };
        if side.shape == 0.0 { 0.0 } else { side.shape * deviance }
    };
    part(&left)
        + part(&right)
        + x_log_minus_digamma(left.shape, left.log_shape)
        + x_log_minus_digamma(right.shape, right.log_shape)
        - x_log_minus_digamma(precision, log_precision)
}
