//! The gamma function and the count densities in lanes.
//!
//! Everything rests on two smooth functions of 1/x on [0, 1]: stirlerr(x)·x and the remainder of ψ's asymptotic series, as
//! Chebyshev fits. Absolute errors are a few ulps of 1; lanes outside the stated domains go to the reference.

#![allow(clippy::excessive_precision, reason = "the digits are the fit's")]

use super::elementary::{deviance, log, log1p, polynomial};
use super::lane::Lane;

/// Chebyshev fit of x·stirlerr(x) in 1/x on [0, 1] (mpmath `chebyfit`), error 6.89e-10.
const STIRLING_SINGLE: [f64; 9] = [
    0.0833333340198399297,
    -1.111026857562952064e-7,
    -0.002774831340758288627,
    -0.00002976716941912128252,
    0.0009398784170899136102,
    -0.0003696629601588843534,
    -0.0002035849238675430256,
    0.0002261737227308211885,
    -0.00005996227790328223217,
];
/// The same, error 1.52e-18.
const STIRLING_DOUBLE: [f64; 24] = [
    0.0833333333333333349,
    -1.814429649610981448e-15,
    -0.002777777777419707872,
    -2.874527703767741253e-11,
    0.000793652044302199364,
    -3.405744568709634988e-8,
    -0.0005946059327790858956,
    -8.450137790479260074e-6,
    0.0009261461932532829066,
    -0.0006453878967476798564,
    0.001917273030594958004,
    -0.0177985213763742023,
    0.07055861603676869446,
    -0.1755383998021548918,
    0.3165096767353851345,
    -0.4381849599795596664,
    0.4766641444500531027,
    -0.4095131072788804648,
    0.2758428250059830879,
    -0.1429347657069989677,
    0.05506443526697687172,
    -0.01486164580078068177,
    0.002508244405738367049,
    -0.0001992239313831696882,
];
/// Chebyshev fit of x²·(log x − ψ(x) − 1/(2x)) in 1/x on [0, 1], error 5.69e-9.
const DIGAMMA_SINGLE: [f64; 9] = [
    0.08333333907431408576,
    -9.31262852377221031e-7,
    -0.008308344536453772045,
    -0.0002581953218212435853,
    0.005284738647018436248,
    -0.003549238327456203137,
    0.0002456585903642007407,
    0.00072127025017783293,
    -0.0002526347887921841938,
];
/// The same, error 2.35e-17.
const DIGAMMA_DOUBLE: [f64; 24] = [
    0.08333333333333333099,
    2.546297224938387e-15,
    -0.008333333333672489819,
    4.966244881310657425e-12,
    0.003968255042278370221,
    -7.08129954691168949e-8,
    -0.00416450329950569869,
    -0.00004080767462716054915,
    0.008103502779205527208,
    -0.00494293779837922099,
    0.01350154109453300048,
    -0.1837313812421854028,
    0.824225581664511688,
    -2.226075722280161542,
    4.286228792583234381,
    -6.273727938053855351,
    7.162558151557020955,
    -6.420230751930010346,
    4.489863169402873226,
    -2.405331353766553374,
    0.9545589040221205742,
    -0.2645634791750256376,
    0.04572738550414516086,
    -0.003710672719720470387,
];
/// stirlerr(k) + ½·log 2πk for k = 1 … 31 (mpmath); the entry of 0 is not used.
const PEAK: [f32; 32] = [
    0.0,
    1.00000000000,
    1.30685281944,
    1.49592260322,
    1.63287638587,
    1.74030218061,
    1.82869439664,
    1.90379031768,
    1.96907056931,
    2.02680628406,
    2.07856164314,
    2.12545984509,
    2.16833469821,
    2.20782220612,
    2.24441856813,
    2.27851836731,
    2.31044055024,
    2.34044660118,
    2.36875356590,
    2.39554358304,
    2.42097098967,
    2.44516770629,
    2.46824737795,
    2.49030860139,
    2.51143746976,
    2.53170960128,
    2.55119177244,
    2.56994324489,
    2.58801685228,
    2.60545989756,
    2.62231489897,
    2.63862021428,
];
/// stirlerr(k) for k = 1 … 31 (mpmath); the entry of 0 is not used.
const STIRLERR: [f32; 32] = [
    0.0,
    0.0810614667953,
    0.0413406959554,
    0.0276779256850,
    0.0207906721038,
    0.0166446911898,
    0.0138761288231,
    0.0118967099459,
    0.0104112652620,
    0.00925546218271,
    0.00833056343336,
    0.00757367548795,
    0.00694284010721,
    0.00640899418800,
    0.00595137011276,
    0.00555473355196,
    0.00520765591961,
    0.00490139594843,
    0.00462915374933,
    0.00438556024923,
    0.00416631969200,
    0.00396795421864,
    0.00378761806844,
    0.00362296022468,
    0.00347202138298,
    0.00333315563673,
    0.00320497022806,
    0.00308627868261,
    0.00297606398355,
    0.00287344936235,
    0.00277767492975,
    0.00268807882853,
];
/// 1/k for k = 1 … 31; the entry of 0 is not used.
const INVERSE: [f32; 32] = {
    let mut table = [1.0; 32];
    let mut k = 2;
    while k < 32 {
        table[k] = (1.0 / k as f64) as f32;
        k += 1;
    }
    table
};
const HALF_LOG_2PI: f64 = 0.918_938_533_204_672_8;
const TWO_PI: f64 = std::f64::consts::TAU;

/// stirlerr(x), x ≥ 1.
#[inline(always)]
fn stirlerr<L: Lane>(x: L) -> L {
    stirlerr_at(L::splat(1.0).div(x))
}

/// stirlerr(1/u), u in (0, 1].
#[inline(always)]
fn stirlerr_at<L: Lane>(u: L) -> L {
    u.mul(polynomial(u, &STIRLING_SINGLE, &STIRLING_DOUBLE))
}

/// Whether all lanes are whole numbers in 0..32, which tables serve.
#[inline(always)]
fn small_counts<L: Lane>(k: L) -> bool {
    let rounded = k.round();
    let whole = L::and(rounded.le(k), k.le(rounded));
    L::all(L::and(whole, within(0.0, k, 31.0)))
}

/// (1/k, stirlerr(k)) for k ≥ 1.
#[inline(always)]
fn count_stirlerr<L: Lane>(k: L) -> (L, L) {
    if small_counts(k)
        && let (Some(inverse), Some(rest)) = (k.lookup(&INVERSE), k.lookup(&STIRLERR))
    {
        return (inverse, rest);
    }
    (L::splat(1.0).div(k), stirlerr(k))
}

/// log x − ψ(x) − 1/(2x), x ≥ 1, given u = 1/x.
#[inline(always)]
fn digamma_tail<L: Lane>(u: L) -> L {
    u.mul(u).mul(polynomial(u, &DIGAMMA_SINGLE, &DIGAMMA_DOUBLE))
}

#[inline(always)]
fn within<L: Lane>(low: f64, x: L, high: f64) -> L::Mask {
    L::and(L::splat(low).le(x), x.le(L::splat(high)))
}

/// (log Γ(x), ψ(x)) on [1e-30, 1e30]: Γ(x) = Γ(x+1)/x below 1.
#[inline(always)]
pub(super) fn lgamma_digamma<L: Lane>(x: L) -> ([L; 2], L::Mask) {
    let (one, half) = (L::splat(1.0), L::splat(0.5));
    let good = within(1e-30, x, 1e30);
    let x = L::select(good, x, one);
    let small = x.lt(one);
    let y = L::select(small, x.add(one), x);
    let u = one.div(y);
    let log_y = log(y);
    let stirling = stirlerr_at(u);
    let lgamma = y.sub(half).mul(log_y).sub(y).add(stirling.add(L::splat(HALF_LOG_2PI)));
    let digamma = log_y.sub(half.mul(u)).sub(digamma_tail(u));
    let safe = L::select(small, x, one);
    let zero = L::splat(0.0);
    let lgamma = lgamma.sub(log(safe));
    let digamma = digamma.sub(L::select(small, one.div(safe), zero));
    // The roots, exactly.
    let two = L::splat(2.0);
    let root = L::or(L::and(one.le(x), x.le(one)), L::and(two.le(x), x.le(two)));
    ([L::select(root, zero, lgamma), digamma], good)
}

/// k·log λ − λ − log Γ(k+1) for k = 0 and 1 ≤ k ≤ 1e15, in the saddle-point form.
#[inline(always)]
pub(super) fn poisson_lp<L: Lane>(k: L, rate: L, log_rate: L) -> (L, L::Mask) {
    let zero = L::and(k.le(L::splat(0.0)), L::splat(0.0).le(k));
    let inside = within(1e-20, rate, 1e20);
    if small_counts(k)
        && L::all(inside)
        && let (Some(inverse), Some(peak)) = (k.lookup(&INVERSE), k.lookup(&PEAK))
    {
        let fit = deviance(rate.sub(k).mul(inverse), rate.mul(inverse));
        return (L::select(zero, rate.neg(), k.fma(fit, peak.neg())), inside);
    }
    // −λ holds at every λ ≥ 0; otherwise λ/k has to be a normal number.
    let counts = L::and(within(1.0, k, 1e15), inside);
    let finite = L::and(L::splat(f64::MIN).le(log_rate), L::splat(0.0).le(rate));
    let good = L::or(counts, L::and(zero, finite));
    let one = L::splat(1.0);
    let x = L::select(counts, k, one);
    let lambda = L::select(counts, rate, one);
    let fit = deviance(lambda.sub(x).div(x), lambda.div(x));
    let peak = stirlerr(x).add(L::splat(0.5).mul(log(x.mul(L::splat(TWO_PI)))));
    (L::select(zero, rate.neg(), x.fma(fit, peak.neg())), good)
}

/// The lanes where the negative binomial formulas below hold, and arguments that are harmless elsewhere.
#[inline(always)]
fn neg_binomial_domain<L: Lane>(k: L, mean: L, size: L) -> (L::Mask, L::Mask, [L; 3]) {
    let one = L::splat(1.0);
    let zero = L::and(k.le(L::splat(0.0)), L::splat(0.0).le(k));
    let counted = L::or(zero, within(1.0, k, 1e7));
    let good = L::and(counted, L::and(within(1e-9, mean, 1e9), within(1e-3, size, 1e6)));
    (good, zero, [L::select(good, k, one), L::select(good, mean, one), L::select(good, size, one)])
}

/// The negative binomial log mass by mean μ and size φ, and its derivatives in log μ and log φ.
#[inline(always)]
pub(super) fn neg_binomial<L: Lane>(k: L, mean: L, size: L) -> ([L; 3], L::Mask) {
    let (none, one, half) = (L::splat(0.0), L::splat(1.0), L::splat(0.5));
    let (good, zero, [k, mean, size]) = neg_binomial_domain(k, mean, size);
    let count = L::select(zero, one, k);
    let excess = k.sub(mean);
    let per_total = one.div(size.add(mean));
    let (per_count, count_rest) = count_stirlerr(count);
    let ratio = size.add(k).mul(per_total);
    let delta = excess.mul(per_total);
    let slope = delta.mul(size);
    let at_size = deviance(delta, ratio);
    let at_count = deviance(slope.mul(per_count).neg(), ratio.mul(mean).mul(per_count));
    let v = one.div(size.add(count));
    let shape = Shape::new(size);
    let remainder = stirlerr_at(v).sub(shape.stirlerr).sub(count_rest);
    let peak = half.mul(log(count.mul(L::splat(TWO_PI)).mul(one.add(count.div(size)))));
    let mass = size.fma(at_size, count.mul(at_count)).add(remainder.sub(peak));
    // At 0: φ·log(φ/(φ+μ)), the first deviance with its linear part put back.
    let mass = L::select(zero, size.mul(at_size.add(delta)), mass);
    let rising = L::select(zero, none, shape.rising(k, v));
    ([mass, slope, size.fma(at_size, rising)], good)
}

/// What of the negative binomial depends on its size φ alone.
struct Shape<L> {
    size: L,
    /// 1/φ, or 1/(φ+1) for φ < 1.
    inverse: L,
    stirlerr: L,
    /// The digamma remainder at `inverse`.
    head: L,
    /// φ·log(1 + 1/φ) for φ < 1.
    small: Option<L>,
}

impl<L: Lane> Shape<L> {
    #[inline(always)]
    fn new(size: L) -> Self {
        let one = L::splat(1.0);
        let below = size.lt(one);
        let inverse = one.div(L::select(below, size.add(one), size));
        let mut shape =
            Shape { size, inverse, stirlerr: stirlerr_at(inverse), head: digamma_tail(inverse), small: None };
        if !L::all(one.le(size)) {
            // stirlerr(φ) = stirlerr(φ+1) + (φ+½)·log(1 + 1/φ) − 1
            let log = log1p(one.div(L::select(below, size, one)));
            let step = size.add(L::splat(0.5)).mul(log).sub(one);
            shape.stirlerr = shape.stirlerr.add(L::select(below, step, L::splat(0.0)));
            shape.small = Some(size.mul(log));
        }
        shape
    }

    /// φ·((log φ − ψ(φ)) − (log(φ+k) − ψ(φ+k))), given v = 1/(φ+k).
    #[inline(always)]
    fn rising(&self, k: L, v: L) -> L {
        let (one, half) = (L::splat(1.0), L::splat(0.5));
        let (size, u, tail) = (self.size, self.inverse, digamma_tail(v));
        // φ ≥ 1: the terms 1/(2φ) and 1/(2(φ+k)) subtracted in closed form.
        let large = half.mul(k).mul(v).add(size.mul(self.head.sub(tail)));
        let Some(small) = self.small else { return large };
        // φ < 1: log φ − ψ(φ) = log(φ+1) − ψ(φ+1) + 1/φ − log(1 + 1/φ).
        let below = one.sub(small).add(size.mul(half.fma(u, self.head).sub(half.fma(v, tail))));
        L::select(size.lt(one), below, large)
    }
}
