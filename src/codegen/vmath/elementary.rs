//! Exponentials and logarithms in lanes.
//!
//! Series are Taylor's, long enough that the first term left out is below a quarter of an ulp. Errors are measured by the
//! tests: exp, log, softplus and sigmoid stay within 2 ulp.

use super::lane::{Element, Lane};

/// Numbers that depend on the number type.
pub(super) struct Limits {
    /// Below: eˣ is 0.
    pub exp_low: f64,
    /// Above: eˣ is ∞.
    pub exp_high: f64,
    /// log 2 with trailing zeros, so that n·LN2_HIGH is exact.
    pub ln2_high: f64,
    /// log 2 − LN2_HIGH
    pub ln2_low: f64,
    /// The smallest normal number.
    pub tiny: f64,
    /// The largest number.
    pub huge: f64,
    /// eˣ is below a quarter ulp of 1 from here down.
    pub negligible: f64,
}

const SINGLE: Limits = Limits {
    exp_low: -104.0,
    exp_high: 89.0,
    ln2_high: 0.693_359_375,
    ln2_low: -2.121_944_400_546_905_8e-4,
    tiny: f32::MIN_POSITIVE as f64,
    huge: f32::MAX as f64,
    negligible: -18.0,
};
const DOUBLE: Limits = Limits {
    exp_low: -746.0,
    exp_high: 710.0,
    ln2_high: 0.693_147_180_369_123_8,
    ln2_low: 1.908_214_929_270_587_7e-10,
    tiny: f64::MIN_POSITIVE,
    huge: f64::MAX,
    negligible: -38.0,
};

#[inline(always)]
pub(super) fn limits<L: Lane>() -> Limits {
    if L::Element::DOUBLE { DOUBLE } else { SINGLE }
}

/// A polynomial, constant term first: the short one for f32, the long one for f64.
#[inline(always)]
pub(super) fn polynomial<L: Lane>(x: L, single: &[f64], double: &[f64]) -> L {
    let coefficients = if L::Element::DOUBLE { double } else { single };
    let Some((last, others)) = coefficients.split_last() else { return L::splat(0.0) };
    let mut sum = L::splat(*last);
    for c in others.iter().rev() {
        sum = sum.fma(x, L::splat(*c));
    }
    sum
}

/// 1/2!, 1/3!, …
const EXP: [f64; 13] = {
    let mut c = [0.5; 13];
    let mut i = 1;
    while i < 13 {
        c[i] = c[i - 1] / (i + 2) as f64;
        i += 1;
    }
    c
};

/// 2·atanh(s) = 2s + s·z·(2/3 + 2z/5 + …) with z = s²: the bracket on z ≤ 1/9 (log(1 + x) for x in [−½, 1]), as
/// Chebyshev fits (mpmath `chebyfit`); error 7.3e-9, to be multiplied by s·z.
const ATANH_SINGLE: [f64; 5] = [
    0.666_666_673_205_274_1,
    0.399_997_063_319_297_15,
    0.285_923_579_943_028_4,
    0.217_065_758_008_803_74,
    0.232_243_292_240_233_5,
];
/// The same, error 2.5e-18.
const ATANH_DOUBLE: [f64; 11] = [
    0.666_666_666_666_666_7,
    0.399_999_999_999_995_2,
    0.285_714_285_716_000_96,
    0.222_222_221_982_367_7,
    0.181_818_198_979_627_15,
    0.153_845_439_648_605_5,
    0.133_351_786_314_492_57,
    0.117_342_790_613_031_97,
    0.108_451_783_948_800_15,
    0.074_921_437_955_507_67,
    0.156_305_778_009_228_5,
];

/// z·(2/3 + 2z/5 + …)
#[inline(always)]
fn atanh_tail<L: Lane>(z: L) -> L {
    z.mul(polynomial(z, &ATANH_SINGLE, &ATANH_DOUBLE))
}

/// n and e^r − 1 where x = n·log 2 + r, |r| ≤ ½·log 2.
#[inline(always)]
fn reduce<L: Lane>(x: L) -> (L, L) {
    let limits = limits::<L>();
    let n = x.mul(L::splat(std::f64::consts::LOG2_E)).round();
    let r = n.fma(L::splat(-limits.ln2_low), n.fma(L::splat(-limits.ln2_high), x));
    let series = polynomial(r, &EXP[..7], &EXP);
    (n, r.mul(r).fma(series, r))
}

/// eˣ for every x: 0, subnormal and ∞ included.
#[inline(always)]
pub(super) fn exp<L: Lane>(x: L) -> L {
    let limits = limits::<L>();
    let (low, high) = (L::splat(limits.exp_low), L::splat(limits.exp_high));
    let (n, p) = reduce(x.at_least(low).at_most(high));
    p.add(L::splat(1.0)).scale(n)
}

/// eˣ − 1 for every x.
#[inline(always)]
pub(super) fn expm1<L: Lane>(x: L) -> L {
    let limits = limits::<L>();
    let bound = L::splat(-limits.negligible);
    let low = L::splat(limits.negligible);
    let clamped = L::select(x.lt(low), low, x);
    let clamped = L::select(bound.lt(clamped), bound, clamped);
    let (n, p) = reduce(clamped);
    let scale = n.power_of_two();
    let small = p.fma(scale, scale.sub(L::splat(1.0)));
    // −0 stays −0.
    let small = L::select(x.abs().lt(L::splat(limits.tiny)), x, small);
    L::select(bound.lt(x), exp(x), small)
}

/// log x for a positive normal x.
#[inline(always)]
pub(super) fn log<L: Lane>(x: L) -> L {
    let limits = limits::<L>();
    let (m, e) = x.split();
    let f = m.sub(L::splat(1.0));
    let s = f.div(f.add(L::splat(2.0)));
    let z = s.mul(s);
    let r = atanh_tail(z);
    // log m = f − (f²/2 − s·(f²/2 + r)), the way of fdlibm: the large term f is exact.
    let half_square = f.mul(f).mul(L::splat(0.5));
    let tail = s.fma(half_square.add(r), e.mul(L::splat(limits.ln2_low)));
    e.fma(L::splat(limits.ln2_high), f.sub(half_square.sub(tail)))
}

/// Where `log` holds.
#[inline(always)]
pub(super) fn is_normal<L: Lane>(x: L) -> L::Mask {
    let limits = limits::<L>();
    L::and(L::splat(limits.tiny).le(x), x.le(L::splat(limits.huge)))
}

/// log(1 + x) for x in [0, large] or (−1, 0] away from −1: log u plus the rounding error of u = 1 + x, over u.
#[inline(always)]
pub(super) fn log1p<L: Lane>(x: L) -> L {
    let one = L::splat(1.0);
    let u = one.add(x);
    let lost = L::select(x.lt(one), x.sub(u.sub(one)), one.sub(u.sub(x)));
    log(u).add(lost.div(u))
}

/// Where `log1p` holds.
#[inline(always)]
pub(super) fn log1p_domain<L: Lane>(x: L) -> L::Mask {
    L::and(L::splat(-0.999).le(x), x.le(L::splat(limits::<L>().huge)))
}

/// log(1 + t) for t in [0, 1] or NaN: t − s·(t − r) with s = t/(2 + t).
#[inline(always)]
fn log1p_unit<L: Lane>(t: L) -> L {
    let s = t.div(t.add(L::splat(2.0)));
    t.sub(s.mul(t.sub(atanh_tail(s.mul(s)))))
}

/// (softplus x, sigmoid x), sharing e^−|x|.
#[inline(always)]
pub(super) fn softplus_sigmoid<L: Lane>(x: L) -> (L, L) {
    let (softplus, above, below) = softplus_and_quotient(x);
    (softplus, above.div(below))
}

/// softplus x, and a, b with sigmoid x = a/b, b in [1, 2].
#[inline(always)]
fn softplus_and_quotient<L: Lane>(x: L) -> (L, L, L) {
    let (zero, one) = (L::splat(0.0), L::splat(1.0));
    let t = exp(x.abs().neg());
    // x where it is ≥ 0 or NaN.
    let softplus = x.at_least(zero).add(log1p_unit(t));
    (softplus, L::select(x.lt(zero), t, one), one.add(t))
}

/// (softplus x, sigmoid x, log softplus x, sigmoid x/softplus x)
#[inline(always)]
pub(super) fn softplus_family<L: Lane>(x: L) -> [L; 4] {
    // From here down softplus and sigmoid are eˣ to the last bit.
    let far = x.lt(L::splat(limits::<L>().negligible));
    let one = L::splat(1.0);
    let (softplus, above, below) = softplus_and_quotient(x);
    let safe = L::select(far, one, softplus);
    // Not sigmoid x/softplus x: who asks for the ratio alone has one division.
    let ratio = L::select(far, one, above.div(below.mul(safe)));
    [softplus, above.div(below), L::select(far, x, log(safe)), ratio]
}

/// log(1 + x) − x for x in (−1, large].
#[inline(always)]
pub(super) fn log1pmx<L: Lane>(x: L) -> L {
    let near = L::and(L::splat(-0.5).le(x), x.le(L::splat(1.0)));
    let series = log1pmx_near(L::select(near, x, L::splat(0.0)));
    L::select(near, series, log1p(x).sub(x))
}

/// log(1 + x) − x for x in [−½, 1]: s·(r − x) with s = x/(2 + x).
#[inline(always)]
fn log1pmx_near<L: Lane>(x: L) -> L {
    let s = x.div(x.add(L::splat(2.0)));
    s.mul(atanh_tail(s.mul(s)).sub(x))
}

/// log(1 + δ) − δ, with the ratio 1 + δ given too: near 1 from δ, elsewhere from the ratio.
#[inline(always)]
pub(super) fn deviance<L: Lane>(delta: L, ratio: L) -> L {
    let limits = limits::<L>();
    let one = L::splat(1.0);
    let near = L::and(L::splat(-0.5).le(delta), delta.le(one));
    // Near 1: m = 1 + δ, e = 0, and all that is left is the series of log(1 + f) − f = s·(r − f), s = f/(2 + f).
    let (m, e) = L::select(near, one, ratio).split();
    let f = L::select(near, delta, m.sub(one));
    let s = f.div(f.add(L::splat(2.0)));
    let series = s.mul(atanh_tail(s.mul(s)).sub(f));
    let linear = e.fma(L::splat(limits.ln2_high), f.sub(delta));
    linear.add(e.fma(L::splat(limits.ln2_low), series))
}

/// tanh x = sign(x)·m/(m + 2), m = expm1(2|x|).
#[inline(always)]
pub(super) fn tanh<L: Lane>(x: L) -> L {
    let a = x.abs();
    let a = L::select(L::splat(20.0).lt(a), L::splat(20.0), a);
    let m = expm1(a.add(a));
    let y = m.div(m.add(L::splat(2.0)));
    let signed = L::select(x.lt(L::splat(0.0)), y.neg(), y);
    L::select(a.lt(L::splat(1e-18)), x, signed)
}

/// log(eᵃ + eᵇ) for finite a, b.
#[inline(always)]
pub(super) fn logaddexp<L: Lane>(a: L, b: L) -> L {
    let high = L::select(a.lt(b), b, a);
    high.add(log1p_unit(exp(a.sub(b).abs().neg())))
}
