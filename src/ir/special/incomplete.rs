//! The distribution functions of the gamma, beta and Student t densities, as logarithms, with their derivatives.
//!
//! In the logarithm of a gamma variate and in the logit of a beta variate both densities are log-concave, for every shape.
//! The tail beyond the mode is the density at the boundary times an integral over what decays from 1 (`tail`), so that
//! its logarithm keeps all digits however small it is, and no shape is too large or too small. The other side is what is
//! left of 1; where that is nearly all, it is what gets integrated.
//! Definitions: DLMF 8.2.4 (P, Q) and 8.17.2 (I).

use super::beta::{beta_da, beta_lp};
use super::elementary::{log_sigmoid, log1mexp, log1pmx, logaddexp, sigmoid};
use super::gamma::log_minus_digamma;
use super::gamma_difference::{digamma_diff, lbeta, log_rising};
use super::normal::log_ndtr;
use super::poisson::poisson_lp;
use super::tail::{Decay, tail};

/// A logarithm of a probability and its derivatives in the shapes.
#[derive(Clone, Copy, Debug)]
struct Probability {
    log: f64,
    slopes: [f64; 2],
}

impl Probability {
    const NEVER: Probability = Probability { log: f64::NEG_INFINITY, slopes: [f64::NAN; 2] };
    const SURELY: Probability = Probability { log: 0.0, slopes: [0.0; 2] };

    fn complement(self) -> Probability {
        let odds = -(-self.log).exp_m1();
        Probability {
            log: log1mexp(self.log),
            slopes: self.slopes.map(|slope| if slope.is_nan() { 0.0 } else { slope / odds }),
        }
    }
}

/// A probability above e^this is had from the other side.
const NEARLY_ALL: f64 = -0.3;

/// The asked side of a boundary, of two that can be integrated: `beyond` the mode, where the integrand only decays, or the
/// `other`, where it may rise first.
fn side(asked_beyond: bool, beyond: Probability, other: impl FnOnce() -> Probability) -> Probability {
    match (asked_beyond, beyond.log < NEARLY_ALL) {
        (true, true) => beyond,
        (true, false) => other().complement(),
        (false, true) => beyond.complement(),
        (false, false) => other(),
    }
}

/// eᵛ − 1 − v
fn expm1mx(v: f64) -> f64 {
    if v.abs() > 0.5 {
        return v.exp_m1() - v;
    }
    // Taylor's series; the sixteenth term is below 2⁻⁵³ of the first.
    let series = (3..=16).rev().fold(1.0, |sum, n| 1.0 + sum * v / f64::from(n));
    0.5 * v * v * series
}

/// The gamma density of shape a and rate 1 in s = log x, from its boundary outwards: s + v or s − v.
struct GammaDecay {
    shape: f64,
    x: f64,
    log_x: f64,
    up: bool,
}

impl Decay for GammaDecay {
    fn at(&self, v: f64) -> (f64, [f64; 2]) {
        let Self { shape, x, log_x, up } = *self;
        let step = if up { v } else { -v };
        // What has underflowed may come back on the way.
        let phi = if x < f64::MIN_POSITIVE {
            (log_x + step).exp() - shape * step
        } else {
            (x - shape) * step + x * expm1mx(step)
        };
        (phi, [step, 0.0])
    }
}

fn gamma_side(a: f64, x: f64, log_x: f64, up: bool) -> Probability {
    let slope = if up { x - a } else { a - x };
    let tail = tail(slope, x, &GammaDecay { shape: a, x, log_x, up });
    let boundary = poisson_lp(a, x, log_x) + a.ln();
    let [mean, _] = tail.means;
    Probability { log: boundary + tail.log, slopes: [log_x - a.ln() + log_minus_digamma(a) + mean, 0.0] }
}

/// log P(a, x), or log Q(a, x) for `up`.
fn gamma(a: f64, x: f64, log_x: f64, up: bool) -> Probability {
    if a.is_nan() || log_x.is_nan() || a < 0.0 {
        return Probability { log: f64::NAN, slopes: [f64::NAN; 2] };
    }
    if log_x.is_infinite() || a < f64::MIN_POSITIVE || a == f64::INFINITY {
        return if up == (log_x == f64::NEG_INFINITY || a == f64::INFINITY) {
            Probability::SURELY
        } else {
            Probability::NEVER
        };
    }
    let beyond = x >= a;
    side(up == beyond, gamma_side(a, x, log_x, beyond), || gamma_side(a, x, log_x, !beyond))
}

/// log P(a, x): the probability that a gamma variate of shape a and rate 1 is at most x, with log x beside x (see the pairs of
/// the module above). Partials: `gamma_tail_slope` in log x, `log_gamma_p_da` in a.
pub fn log_gamma_p(a: f64, x: f64, log_x: f64) -> f64 {
    gamma(a, x, log_x, false).log
}

/// log Q(a, x) = log(1 − P(a, x)). Partials: −`gamma_tail_slope` in log x, `log_gamma_q_da` in a.
pub fn log_gamma_q(a: f64, x: f64, log_x: f64) -> f64 {
    gamma(a, x, log_x, true).log
}

/// The derivative of log P in a.
pub fn log_gamma_p_da(a: f64, x: f64, log_x: f64) -> f64 {
    gamma(a, x, log_x, false).slopes[0]
}

/// The derivative of log Q in a.
pub fn log_gamma_q_da(a: f64, x: f64, log_x: f64) -> f64 {
    gamma(a, x, log_x, true).slopes[0]
}

/// The density in log x over the probability e^log_tail: xᵃe⁻ˣ/Γ(a)·e^(−log_tail). At x = 0 under P, where both vanish, a.
pub fn gamma_tail_slope(a: f64, x: f64, log_x: f64, log_tail: f64) -> f64 {
    if log_x == f64::NEG_INFINITY && log_tail == f64::NEG_INFINITY {
        return a;
    }
    (poisson_lp(a, x, log_x) + a.ln() - log_tail).exp()
}

/// Σ xⁿ/((a+1)…(a+n)) over n ≥ 1, by which P(a, x) exceeds xᵃe⁻ˣ/Γ(a+1) as a share of it (DLMF 8.7.1). Few terms where x is
/// at most a/2 + 1.
fn excess(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0, 0.0, 1.0);
    while term > f64::EPSILON * sum {
        term *= x / (a + n);
        sum += term;
        n += 1.0;
    }
    sum
}

/// Where `excess` is used.
fn is_rare(a: f64, x: f64) -> bool {
    x <= 0.5 * a + 1.0
}

/// The Poisson log probability of k given that it is at least a: poisson_lp(k, λ) − log P(a, λ). Where few of the events are
/// that many, their logarithms cancel, and what is left of them is said without them. Partials: `poisson_above_slope` in
/// log λ; in k that of `poisson_lp`, in a −`log_gamma_p_da`.
pub fn poisson_above_lp(k: f64, a: f64, rate: f64, log_rate: f64) -> f64 {
    if !is_rare(a, rate) {
        return poisson_lp(k, rate, log_rate) - log_gamma_p(a, rate, log_rate);
    }
    let more = k - a;
    let power = if more == 0.0 { 0.0 } else { more * log_rate };
    let factorials = if more < 0.0 { -log_rising(k + 1.0, -more) } else { log_rising(a + 1.0, more) };
    power - factorials - excess(a, rate).ln_1p()
}

/// Its derivative in log λ: k − λ − λᵃe^(−λ)/(Γ(a)·P(a, λ)).
pub fn poisson_above_slope(k: f64, a: f64, rate: f64, log_rate: f64) -> f64 {
    if !is_rare(a, rate) {
        return k - rate - gamma_tail_slope(a, rate, log_rate, log_gamma_p(a, rate, log_rate));
    }
    let excess = excess(a, rate);
    (k - a) - rate + a * (excess / (1.0 + excess))
}

/// The beta density in s = logit x, from its boundary t downwards.
struct BetaDecay {
    a: f64,
    b: f64,
    t: f64,
    x: f64,
    y: f64,
}

impl BetaDecay {
    fn new(t: f64, a: f64, b: f64) -> BetaDecay {
        BetaDecay { a, b, t, x: sigmoid(t), y: sigmoid(-t) }
    }

    /// Slope of the density's logarithm at the boundary, and so of φ.
    fn slope(&self) -> f64 {
        self.a * self.y - self.b * self.x
    }
}

impl Decay for BetaDecay {
    /// With (x + y·eᵛ)·e⁻ᵛ = y + x·e⁻ᵛ, what log sigmoid(s) and log sigmoid(−s) change by is −v − log(y + x·e⁻ᵛ) and
    /// −log(y + x·e⁻ᵛ); φ is −a times the first, −b times the second.
    fn at(&self, v: f64) -> (f64, [f64; 2]) {
        let Self { a, b, t, x, y } = *self;
        let (part, step) = if x <= y { (x, -v) } else { (y, v) };
        let change = part * step.exp_m1();
        if change.abs() > 0.5 || change.is_nan() {
            let log = logaddexp(log_sigmoid(-t), log_sigmoid(t) - v);
            return (a * (v + log) + b * log, [-v - log, -log]);
        }
        let log = change.ln_1p();
        let phi = self.slope() * v + (a + b) * (log1pmx(change) + part * expm1mx(step));
        (phi, if x <= y { [-v - log, -log] } else { [-log, v - log] })
    }
}

/// The logarithm of the beta density in t = logit x.
fn logit_density(t: f64, a: f64, b: f64) -> f64 {
    let (x, y) = (sigmoid(t), sigmoid(-t));
    if x.min(y) > 1e-290 {
        return beta_lp(x, y, a, b) + log_sigmoid(t) + log_sigmoid(-t);
    }
    a * log_sigmoid(t) + b * log_sigmoid(-t) - lbeta(a, b)
}

/// log I by the integral below x.
fn beta_side(t: f64, a: f64, b: f64) -> Probability {
    let decay = BetaDecay::new(t, a, b);
    let (x, y) = (decay.x, decay.y);
    let tail = tail(decay.slope(), (a + b) * x * y, &decay);
    let at_boundary = |t: f64, x: f64, y: f64, a: f64, b: f64| {
        if x > 1e-290 { beta_da(x, y, a, b) } else { log_sigmoid(t) + digamma_diff(a, b) }
    };
    let boundary = [at_boundary(t, x, y, a, b), at_boundary(-t, y, x, b, a)];
    let [first, second] = tail.means;
    Probability { log: logit_density(t, a, b) + tail.log, slopes: [boundary[0] + first, boundary[1] + second] }
}

fn beta(t: f64, a: f64, b: f64) -> Probability {
    if t.is_nan() || a.is_nan() || b.is_nan() || a < 0.0 || b < 0.0 {
        return Probability { log: f64::NAN, slopes: [f64::NAN; 2] };
    }
    // All of the mass is at 0, or at 1.
    let (at_zero, at_one) = (a < f64::MIN_POSITIVE || b == f64::INFINITY, b < f64::MIN_POSITIVE || a == f64::INFINITY);
    if t.is_infinite() || at_zero || at_one {
        let below = t == f64::INFINITY || (at_zero && t > f64::NEG_INFINITY);
        return if below { Probability::SURELY } else { Probability::NEVER };
    }
    let below = a * sigmoid(-t) >= b * sigmoid(t);
    let upper = || {
        let Probability { log, slopes: [db, da] } = beta_side(-t, b, a);
        Probability { log, slopes: [da, db] }
    };
    if below { side(true, beta_side(t, a, b), upper) } else { side(false, upper(), || beta_side(t, a, b)) }
}

/// log I_x(a, b) at x = sigmoid(t): the probability that a beta variate is at most x. That it is more is log I at (−t, b, a).
/// Partials: `log_beta_i_dt`, `log_beta_i_da`, `log_beta_i_db`.
pub fn log_beta_i(t: f64, a: f64, b: f64) -> f64 {
    beta(t, a, b).log
}

/// The density in t over the probability e^log_tail: xᵃ(1 − x)ᵇ/B(a, b)·e^(−log_tail).
pub fn log_beta_i_dt(t: f64, a: f64, b: f64, log_tail: f64) -> f64 {
    if t == f64::NEG_INFINITY { a } else { (logit_density(t, a, b) - log_tail).exp() }
}

/// The derivative of log I in a.
pub fn log_beta_i_da(t: f64, a: f64, b: f64) -> f64 {
    beta(t, a, b).slopes[0]
}

/// The derivative of log I in b.
pub fn log_beta_i_db(t: f64, a: f64, b: f64) -> f64 {
    beta(t, a, b).slopes[1]
}

/// The probability of a Student t variate below −|z|, ½·I(ν/2, ½) at ν/(ν + z²), with the derivative in ν.
fn student_below(z: f64, nu: f64, log_nu: f64) -> Probability {
    let (t, a) = (log_nu - 2.0 * z.abs().ln(), 0.5 * nu);
    let Probability { log, slopes: [da, _] } = beta(t, a, 0.5);
    // t moves by 1/ν with ν.
    let slope = if z == 0.0 { 0.0 } else { 0.5 * da + log_beta_i_dt(t, a, 0.5, log) / nu };
    Probability { log: log - std::f64::consts::LN_2, slopes: [slope, 0.0] }
}

fn student(z: f64, nu: f64, log_nu: f64) -> Probability {
    if z.is_nan() || log_nu.is_nan() {
        return Probability { log: f64::NAN, slopes: [f64::NAN; 2] };
    }
    if nu == f64::INFINITY {
        return Probability { log: log_ndtr(z), slopes: [0.0; 2] };
    }
    if z.is_infinite() {
        return if z > 0.0 { Probability::SURELY } else { Probability::NEVER };
    }
    let below = student_below(z, nu, log_nu);
    if z > 0.0 { below.complement() } else { below }
}

/// The log probability that a Student t variate with ν degrees of freedom is at most z, with log ν beside ν. Partials:
/// exp(student_t_lp − value) in z, `log_student_t_cdf_dnu` in ν. Source: DLMF 8.17, Abramowitz, Stegun 26.7.1.
pub fn log_student_t_cdf(z: f64, nu: f64, log_nu: f64) -> f64 {
    student(z, nu, log_nu).log
}

/// The derivative in ν.
pub fn log_student_t_cdf_dnu(z: f64, nu: f64, log_nu: f64) -> f64 {
    student(z, nu, log_nu).slopes[0]
}
