//! ∫₀^∞ e^(−φ(v)) dv for a convex φ with φ(0) = 0: the tail of a log-concave density as a multiple of the density at its
//! boundary. The mean of some ω(v) under the same weight comes with it, from which derivatives in a shape follow.
//!
//! Adaptive quadrature by the 7- and 15-point rules of Gauss and Kronrod (nodes: Kronrod, Nodes and Weights of Quadrature
//! Formulas, 1965), up to where e^(−φ) is below 2⁻⁵³ of its start.

/// Nodes in (0, 1] of the 15-point rule, with its weights, and those of the 7-point rule (0 where that has no node); the
/// last is the middle.
const RULE: [[f64; 3]; 8] = [
    [0.991_455_371_120_812_6, 0.022_935_322_010_529_224, 0.0],
    [0.949_107_912_342_758_5, 0.063_092_092_629_978_56, 0.129_484_966_168_869_7],
    [0.864_864_423_359_769_1, 0.104_790_010_322_250_18, 0.0],
    [0.741_531_185_599_394_4, 0.140_653_259_715_525_92, 0.279_705_391_489_276_64],
    [0.586_087_235_467_691_1, 0.169_004_726_639_267_9, 0.0],
    [0.405_845_151_377_397_2, 0.190_350_578_064_785_4, 0.381_830_050_505_118_9],
    [0.207_784_955_007_898_47, 0.204_432_940_075_298_9, 0.0],
    [0.0, 0.104_741_070_542_363_91, 0.208_979_591_836_734_7],
];

/// φ at the end of the integral: e^−38 is below 2⁻⁵³.
const DEEP: f64 = 38.0;

/// Two rules that differ by less than this share of the whole: the better one is then right to rounding, and so are the means.
const AGREE: f64 = 1e-12;

/// Panels looked at before the answer is taken as it is; a φ of width 1 at the end of a range of 10³ takes about 30.
const PANELS: usize = 400;

/// log ∫ e^(−φ), and the means of both ω.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    pub log: f64,
    pub means: [f64; 2],
}

/// φ and both ω at v.
pub(super) trait Decay {
    fn at(&self, v: f64) -> (f64, [f64; 2]);
}

/// The integral of a φ that starts with the given slope and curvature.
pub(super) fn tail(slope: f64, curvature: f64, decay: &impl Decay) -> Tail {
    let end = reach(slope, curvature, decay);
    // The first panels hold the bend near 0 and the bulk.
    let mut open = vec![[0.0, 0.125 * end], [0.125 * end, 0.5 * end], [0.5 * end, end]];
    let mut whole: f64 = open.iter().map(|&panel| panel_sums(panel, decay).0[0]).sum();
    let mut sums = [0.0; 3];
    let mut looked = 0;
    while let Some([low, high]) = open.pop() {
        let (better, worse) = panel_sums([low, high], decay);
        looked += 1;
        if (better[0] - worse).abs() <= AGREE * whole || looked >= PANELS {
            sums.iter_mut().zip(better).for_each(|(sum, part)| *sum += part);
        } else {
            let middle = 0.5 * (low + high);
            open.extend([[low, middle], [middle, high]]);
            whole = whole.max(sums[0]);
        }
    }
    let [total, first, second] = sums;
    Tail { log: total.ln(), means: [first / total, second / total] }
}

/// Where φ has become deep, give or take a factor of 2: the search starts where a parabola of that slope and curvature is.
fn reach(slope: f64, curvature: f64, decay: &impl Decay) -> f64 {
    // Neither a square nor the quotient may leave the range of numbers: 0 and infinity do not double.
    let steepness = slope.abs() + slope.hypot((2.0 * DEEP).sqrt() * curvature.sqrt());
    let mut end = (2.0 * DEEP / steepness).clamp(f64::MIN_POSITIVE, f64::MAX);
    while decay.at(end).0 < DEEP && end < f64::MAX {
        end *= 2.0;
    }
    while decay.at(0.5 * end).0 > DEEP && end > 0.0 {
        end *= 0.5;
    }
    end
}

/// ∫ e^(−φ)·(1, ω₁, ω₂) over a panel by the 15-point rule, and ∫ e^(−φ) by the 7-point one.
fn panel_sums([low, high]: [f64; 2], decay: &impl Decay) -> ([f64; 3], f64) {
    let (centre, half) = (0.5 * (low + high), 0.5 * (high - low));
    let (mut better, mut worse) = ([0.0; 3], 0.0);
    for [node, kronrod, gauss] in RULE {
        for v in [centre - half * node, centre + half * node] {
            let (phi, [first, second]) = decay.at(v);
            let weight = (-phi).exp();
            let parts = [1.0, first, second];
            better.iter_mut().zip(parts).for_each(|(sum, part)| *sum += kronrod * half * weight * part);
            worse += gauss * half * weight;
        }
    }
    (better, worse)
}
