//! Sums and integrals over a variate's support.
//!
//! An interval is mapped to the line (x = sinh t, eᵗ, sigmoid t), so that algebraic tails and poles at the ends decay
//! exponentially; panels of Gauss-Legendre points are halved until both halves agree with the whole.

/// Nodes and weights of the ten-point Gauss-Legendre rule on [−1, 1] (DLMF table 3.5.2), the positive half.
const GAUSS: [(f64, f64); 5] = [
    (0.148_874_338_981_631_22, 0.295_524_224_714_752_87),
    (0.433_395_394_129_247_2, 0.269_266_719_309_996_35),
    (0.679_409_568_299_024_4, 0.219_086_362_515_982_04),
    (0.865_063_366_688_984_5, 0.149_451_349_150_580_6),
    (0.973_906_528_517_171_7, 0.066_671_344_308_688_14),
];

/// What an interval's numbers are, as a function of t, and the derivative.
fn place(kind: &str, t: f64) -> (f64, f64) {
    match kind {
        "positive" | "nonneg" => (t.exp(), t.exp()),
        "unit" | "prob" => {
            let (p, q) = (1.0 / (1.0 + (-t).exp()), 1.0 / (1.0 + t.exp()));
            (p, p * q)
        }
        _ => (t.sinh(), t.cosh()),
    }
}

/// Where a number of the interval is on the line.
fn inverse(kind: &str, x: f64) -> f64 {
    match kind {
        "positive" | "nonneg" => x.ln(),
        "unit" | "prob" => x.ln() - (-x).ln_1p(),
        _ => x.asinh(),
    }
}

type Panel = (f64, f64, Vec<f64>);

/// ∫ f over the support, or its part between `low` and `high`, for a function of several values at many points, which
/// may jump at `jump`.
pub fn integrate(kind: &str, (low, high): (f64, f64), jump: f64, f: &dyn Fn(&[f64]) -> Vec<Vec<f64>>) -> Vec<f64> {
    // Ends in t: beyond ±37 a sigmoid is 0 or 1; beyond ±300 nothing is left of a tail like |x|^-1.1.
    let last: f64 = if matches!(kind, "unit" | "prob") { 36.7 } else { 300.0 };
    let mut edges: Vec<f64> = (-16..=16).map(|at| 0.5 * f64::from(at)).collect();
    while edges[edges.len() - 1] < last {
        let next = (edges[edges.len() - 1] * 1.3).min(last);
        edges.insert(0, -next);
        edges.push(next);
    }
    edges.extend([low, high, jump].map(|x| inverse(kind, x)).into_iter().filter(|t| t.is_finite()));
    edges.sort_by(f64::total_cmp);
    let between = |x: f64| x > low && x < high;
    let rule = |panels: &[(f64, f64)]| -> Vec<Panel> {
        let nodes: Vec<(f64, f64)> = GAUSS.iter().flat_map(|&(x, w)| [(-x, w), (x, w)]).collect();
        let points: Vec<(f64, f64)> = panels
            .iter()
            .flat_map(|&(a, b)| nodes.iter().map(move |&(x, w)| ((a + b) / 2.0 + (b - a) / 2.0 * x, w * (b - a) / 2.0)))
            .collect();
        let xs: Vec<f64> = points.iter().map(|&(t, _)| place(kind, t).0).collect();
        let values = f(&xs);
        let part = |(nth, &(a, b)): (usize, &(f64, f64))| {
            let mut sum = vec![0.0; values[0].len()];
            for at in nth * nodes.len()..(nth + 1) * nodes.len() {
                let weight = if between(xs[at]) { points[at].1 * place(kind, points[at].0).1 } else { 0.0 };
                for (into, value) in sum.iter_mut().zip(&values[at]) {
                    // A density of 0 stays 0 where the derivative of the map is infinite.
                    *into += if *value == 0.0 || weight == 0.0 { 0.0 } else { weight * value };
                }
            }
            (a, b, sum)
        };
        panels.iter().enumerate().map(part).collect()
    };
    let mut open = rule(&edges.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>());
    let mut total = vec![0.0; open[0].2.len()];
    for depth in 0..46 {
        let halves: Vec<(f64, f64)> =
            open.iter().flat_map(|&(a, b, _)| [(a, (a + b) / 2.0), ((a + b) / 2.0, b)]).collect();
        if halves.is_empty() {
            break;
        }
        let halves = rule(&halves);
        let mut next = Vec::new();
        for (whole, pair) in open.iter().zip(halves.chunks(2)) {
            let sum: Vec<f64> = pair[0].2.iter().zip(&pair[1].2).map(|(a, b)| a + b).collect();
            let agrees = sum.iter().zip(&whole.2).all(|(fine, coarse)| (fine - coarse).abs() <= 1e-11);
            if agrees || depth == 45 {
                total.iter_mut().zip(&sum).for_each(|(into, part)| *into += part);
            } else {
                next.extend(pair.iter().cloned());
            }
        }
        open = next;
    }
    total
}

/// Σ f over whole numbers: the `finite` first ones, or until a block adds nothing.
pub fn sum(finite: Option<usize>, f: &dyn Fn(&[f64]) -> Vec<Vec<f64>>) -> Vec<f64> {
    let block = finite.unwrap_or(256);
    let mut total: Vec<f64> = Vec::new();
    for nth in 0..256 {
        let ks: Vec<f64> = (nth * block..(nth + 1) * block).map(|k| k as f64).collect();
        let mut most = 0.0f64;
        for value in f(&ks) {
            total.resize(value.len(), 0.0);
            for (into, part) in total.iter_mut().zip(value) {
                *into += part;
                most = most.max(part.abs());
            }
        }
        if finite.is_some() || (nth > 0 && most < 1e-16) {
            break;
        }
    }
    total
}
