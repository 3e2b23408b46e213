//! Every kernel on every instruction set the machine has, against the scalar reference.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::block::{Kernel, run};
use super::kernels::*;
use super::lane::Element;
use super::*;

fn levels() -> Vec<Level> {
    match level() {
        Level::Avx512 => vec![Level::Baseline, Level::Avx2, Level::Avx512],
        Level::Avx2 => vec![Level::Baseline, Level::Avx2],
        Level::Baseline => vec![Level::Baseline],
    }
}

/// Deterministic numbers in [0, 1).
fn uniform(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 11) as f64 / (1u64 << 53) as f64
}

/// Ends of the range, small and large numbers, and random ones.
fn points(low: f64, high: f64) -> Vec<f64> {
    let mut x = vec![
        0.0,
        -0.0,
        1.0,
        -1.0,
        2.0,
        0.5,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        5e-324,
        -5e-324,
        1e-310,
        1e-45,
        1e-40,
        -1e-40,
        f64::MIN_POSITIVE,
        f64::from(f32::MIN_POSITIVE),
        1e-300,
        1e300,
        -1e300,
        1e30,
        -1e30,
        f64::MAX,
        f64::from(f32::MAX),
        709.7,
        709.9,
        -708.5,
        -745.0,
        -745.2,
        88.7,
        88.8,
        -87.5,
        -103.2,
        -103.9,
        36.9,
        -36.9,
        37.1,
        -37.1,
        -38.5,
        17.5,
        -17.5,
        -18.5,
        1e-9,
        -1e-9,
        0.3,
        -0.3,
        0.43,
        0.44,
        -0.31,
        -0.999,
        1.461,
        1.9999,
        2.0001,
        1.0001,
    ];
    let mut seed = 7;
    let count = if cfg!(miri) { 40 } else { 4000 };
    x.extend((0..count).map(|_| low + (high - low) * uniform(&mut seed)));
    x.extend((0..count).map(|_| {
        (20.0 * uniform(&mut seed) - 10.0).exp() * if uniform(&mut seed) < 0.5 && low < 0.0 { -1.0 } else { 1.0 }
    }));
    x
}

/// The largest error over the rows, in ulps of the number type at max(|reference|, `floor`).
fn worst<E: Element, K: Kernel<I, O>, const I: usize, const O: usize>(
    level: Level,
    rows: &[[f64; I]],
    floor: f64,
) -> [f64; O] {
    let n = rows.len();
    let columns: [Vec<E>; I] = std::array::from_fn(|i| rows.iter().map(|row| E::from_f64(row[i])).collect());
    let mut outputs: [Vec<E>; O] = std::array::from_fn(|_| vec![E::from_f64(0.0); n]);
    let out = outputs.each_mut().map(|y| y.as_mut_ptr());
    // SAFETY: all buffers hold `n` elements, and the level is one of the machine's.
    unsafe { run::<E, K, I, O>(level, out, columns.each_ref().map(|x| x.as_ptr()), n) };
    let mut errors = [0.0f64; O];
    let mut places = [[0.0; I]; O];
    for row in 0..n {
        let x = columns.each_ref().map(|c| c[row].to_f64());
        let truth = K::scalar(x);
        for o in 0..O {
            let error = ulps::<E>(outputs[o][row].to_f64(), truth[o], floor);
            assert!(
                !error.is_nan() && error < 1e9,
                "{level:?} output {o} at {x:?}: {:?}, reference {:?}",
                outputs[o][row],
                truth[o]
            );
            if error > errors[o] {
                errors[o] = error;
                places[o] = x;
            }
        }
    }
    println!("  worst {errors:.2?} at {places:?}");
    errors
}

fn ulps<E: Element>(value: f64, truth: f64, floor: f64) -> f64 {
    let rounded = E::from_f64(truth).to_f64();
    if value == rounded || (value.is_nan() && truth.is_nan()) {
        return 0.0;
    }
    let (bits, tiny) = if E::DOUBLE { (53, f64::MIN_POSITIVE) } else { (24, f64::from(f32::MIN_POSITIVE)) };
    let magnitude = truth.abs().max(floor).max(tiny);
    let ulp = (magnitude.log2().floor() + 1.0 - f64::from(bits)).exp2().max(if E::DOUBLE { 5e-324 } else { 1.4e-45 });
    ((value - truth) / ulp).abs()
}

/// Checks a kernel in both number types and on every instruction set; `bound` in ulps of max(|reference|, floor).
fn check<K: Kernel<I, O>, const I: usize, const O: usize>(name: &str, rows: &[[f64; I]], floor: f64, bound: [f64; 2]) {
    for level in levels() {
        let single = worst::<f32, K, I, O>(level, rows, floor);
        let double = worst::<f64, K, I, O>(level, rows, floor);
        println!("{name} {level:?}: f32 {single:.2?}, f64 {double:.2?}");
        let worst = |errors: &[f64]| errors.iter().fold(0.0f64, |m, e| m.max(*e));
        assert!(worst(&single) <= bound[0], "{name} {level:?} f32: {single:?} > {}", bound[0]);
        assert!(worst(&double) <= bound[1], "{name} {level:?} f64: {double:?} > {}", bound[1]);
    }
}

fn one(low: f64, high: f64) -> Vec<[f64; 1]> {
    points(low, high).into_iter().map(|x| [x]).collect()
}

#[test]
fn exponentials() {
    check::<Exp, 1, 1>("exp", &one(-110.0, 95.0), 0.0, [2.0, 2.0]);
    check::<Exp, 1, 1>("exp", &one(-750.0, 712.0), 0.0, [2.0, 2.0]);
    check::<Expm1, 1, 1>("expm1", &one(-3.0, 3.0), 0.0, [3.0, 3.0]);
    check::<Tanh, 1, 1>("tanh", &one(-3.0, 3.0), 0.0, [4.0, 4.0]);
}

#[test]
fn logarithms() {
    check::<Log, 1, 1>("log", &one(0.0, 3.0), 0.0, [2.0, 2.0]);
    check::<Log1p, 1, 1>("log1p", &one(-1.0, 3.0), 0.0, [2.0, 2.0]);
    check::<Log1pmx, 1, 1>("log1pmx", &one(-0.9, 2.0), 0.0, [8.0, 8.0]);
}

#[test]
fn softplus_and_sigmoid() {
    check::<SoftplusSigmoid, 1, 2>("softplus+sigmoid", &one(-20.0, 20.0), 0.0, [2.0, 2.0]);
    check::<SoftplusSigmoid, 1, 2>("softplus+sigmoid", &one(-110.0, 110.0), 0.0, [2.0, 2.0]);
    check::<LogSoftplusRatio, 1, 2>("log_softplus+ratio", &one(-60.0, 20.0), 0.5, [6.0, 6.0]);
    check::<SoftplusFamily, 1, 4>("softplus family", &one(-60.0, 20.0), 0.5, [6.0, 6.0]);
    check::<SoftplusLogRatio, 1, 3>("softplus+log+ratio", &one(-110.0, 110.0), 0.5, [6.0, 6.0]);
    check::<SoftplusLog, 1, 2>("softplus+log", &one(-110.0, 110.0), 0.5, [6.0, 6.0]);
    let pairs: Vec<[f64; 2]> =
        one(-30.0, 30.0).iter().zip(one(-25.0, 28.0).iter().rev()).map(|(a, b)| [a[0], b[0]]).collect();
    check::<LogAddExp, 2, 1>("logaddexp", &pairs, 1.0, [4.0, 4.0]);
}

#[test]
fn gamma_functions() {
    let rows: Vec<[f64; 1]> = one(0.0, 40.0).into_iter().filter(|x| x[0].is_nan() || x[0] >= 0.0).collect();
    check::<LgammaDigamma, 1, 2>("lgamma+digamma", &rows, 4.0, [6.0, 8.0]);
}

#[test]
fn counts() {
    let mut seed = 3;
    let mut rows = vec![
        [0.0, 0.0, f64::NEG_INFINITY],
        [1.0, 0.0, f64::NEG_INFINITY],
        [3.0, 0.0, -800.0],
        [0.0, f64::INFINITY, f64::INFINITY],
        [2.0, f64::INFINITY, 800.0],
        [-1.0, 1.0, 0.0],
        [0.5, 2.0, 2f64.ln()],
        [f64::NAN, 1.0, 0.0],
        [1.0, f64::NAN, f64::NAN],
        [1e9, 1e9, 1e9f64.ln()],
        [1e15, 1e15, 1e15f64.ln()],
    ];
    let mut negative_binomial = Vec::new();
    for _ in 0..if cfg!(miri) { 20 } else { 6000 } {
        let rate = f64::from((12.0 * uniform(&mut seed) - 5.0).exp() as f32);
        let count = (rate * (2.5 * uniform(&mut seed)) + 2.0 * uniform(&mut seed)).floor();
        rows.push([count, rate, rate.ln()]);
        let size = f64::from((16.0 * uniform(&mut seed) - 6.0).exp() as f32);
        negative_binomial.push([count, rate, rate.ln(), size, size.ln()]);
    }
    negative_binomial.extend([
        [0.0, 0.0, f64::NEG_INFINITY, 1.0, 0.0],
        [3.0, 2.0, 2f64.ln(), f64::INFINITY, f64::INFINITY],
        [2.0, 0.0, -800.0, 0.0, -900.0],
        [1.0, f64::NAN, 0.0, 1.0, 0.0],
        [-1.0, 1.0, 0.0, 1.0, 0.0],
        [5.0, 1e10, 1e10f64.ln(), 1e15, 1e15f64.ln()],
    ]);
    // The logarithm a lane is given is rounded to the number type, the reference sees the same.
    check::<PoissonLp, 3, 1>("poisson_lp", &rows, 1.0, [64.0, 64.0]);
    let small: Vec<[f64; 3]> = (0..4096)
        .map(|at| (f64::from(at % 32), f64::from((14.0 * uniform(&mut seed) - 8.0).exp() as f32)))
        .map(|(count, rate)| [count, rate, rate.ln()])
        .collect();
    check::<PoissonLp, 3, 1>("poisson_lp of small counts", &small, 1.0, [16.0, 16.0]);
    check::<NegBinomial, 5, 3>("neg_binomial", &negative_binomial, 1.0, [256.0, 4096.0]);
    check::<NegBinomialLp, 5, 1>("neg_binomial_lp", &negative_binomial, 1.0, [256.0, 256.0]);
    check::<NegBinomialDlogmean, 5, 1>("neg_binomial_dlogmean", &negative_binomial, 0.0, [4.0, 4.0]);
    check::<NegBinomialDlogsize, 5, 1>("neg_binomial_dlogsize", &negative_binomial, 0.01, [512.0, 4096.0]);
}

#[test]
fn every_length_and_in_place() {
    let x: Vec<f32> = (0..70).map(|i| i as f32 * 0.1 - 3.0).collect();
    for n in 0..x.len() {
        let mut y = x.clone();
        let exp = Function::giving(Op::Exp, |_| false).unwrap();
        // SAFETY: the table's entry for one input and one output; the output is the input.
        unsafe {
            let f: unsafe extern "C" fn(*mut f32, *const f32, usize) = std::mem::transmute(exp.address(false));
            f(y.as_mut_ptr(), y.as_ptr(), n);
        }
        for (i, (y, x)) in y.iter().zip(&x).enumerate() {
            let expected = if i < n { x.exp() } else { *x };
            assert!((y - expected).abs() <= 2e-7 * expected.abs(), "{n} {i}");
        }
    }
}

#[test]
fn pairs_are_used_when_both_are_wanted() {
    assert_eq!(Function::giving(Op::Softplus, |op| op == Op::Sigmoid).unwrap().ops, [Op::Softplus, Op::Sigmoid]);
    assert_eq!(Function::giving(Op::Softplus, |_| false).unwrap().ops, [Op::Softplus]);
    assert!(Function::giving(Op::Add, |_| true).is_none());
}
