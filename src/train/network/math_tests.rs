//! Against the standard library in f64.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

const ALL: [Activation; 8] = [
    Activation::Relu,
    Activation::Gelu,
    Activation::Silu,
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::Softplus,
    Activation::Elu,
    Activation::LeakyRelu(-0.25),
];

/// The definitions, in f64.
fn reference(activation: Activation, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    match activation {
        Activation::Relu => x.max(0.0),
        Activation::Gelu => {
            let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            // ½(1 + tanh u), without its cancellation.
            x * sigmoid(2.0 * u)
        }
        Activation::Silu => x * sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::Sigmoid => sigmoid(x),
        Activation::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Activation::Elu => x.max(0.0) + x.min(0.0).exp_m1(),
        Activation::LeakyRelu(s) => x.max(0.0) + f64::from(s) * x.min(0.0),
    }
}

fn grid() -> Vec<f32> {
    (-4000..4000).map(|i| i as f32 * 0.0047 + 0.0011).collect()
}

fn run(activation: Activation, x: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let mut y = x.to_vec();
    let mut kept = vec![0.0; x.len()];
    forward(Some(activation), &mut y, Bias::None, Some(&mut kept));
    let mut g = vec![1.0; x.len()];
    let kept = keeps_derivative(activation).then_some(kept);
    backward(activation, &mut g, &y, kept.as_deref());
    (y, g)
}

#[test]
fn values_are_within_a_few_ulp_of_the_definition() {
    for activation in ALL {
        let x = grid();
        let (y, _) = run(activation, &x);
        for (&x, &y) in x.iter().zip(&y) {
            let want = reference(activation, f64::from(x));
            // Rounding of the argument of the sigmoid costs x·ε in the left tail of gelu.
            let tolerance = 4e-7 * want.abs() * (1.0 + f64::from(x).abs().powi(3)).min(40.0) + 1e-30;
            assert!((f64::from(y) - want).abs() < tolerance, "{activation:?}({x}) = {y}, not {want}");
        }
    }
}

#[test]
fn derivatives_match_central_differences_of_the_definition() {
    for activation in ALL {
        let x = grid();
        let (_, g) = run(activation, &x);
        for (&x, &g) in x.iter().zip(&g) {
            let (x, h) = (f64::from(x), 1e-5);
            let want = (reference(activation, x + h) - reference(activation, x - h)) / (2.0 * h);
            assert!((f64::from(g) - want).abs() < 2e-6, "{activation:?}'({x}) = {g}, not {want}");
        }
    }
}

#[test]
fn extremes_are_finite_and_nan_stays_nan() {
    for activation in ALL {
        let (y, g) = run(activation, &[-1e4, -100.0, 100.0, 1e4, f32::NAN, -0.0]);
        for i in [0, 1, 2, 3, 5] {
            assert!(y[i].is_finite() && g[i].is_finite(), "{activation:?} at {i}: {} {}", y[i], g[i]);
        }
        assert!(y[4].is_nan(), "{activation:?}(NaN) = {}", y[4]);
        assert!(matches!(activation, Activation::LeakyRelu(_)) || (y[2] - 100.0).abs() < 1e-4 || y[2] == 1.0);
    }
}

#[test]
fn a_bias_is_added_row_by_row() {
    let mut rows = [1.0, -5.0, 2.0, 3.0];
    forward(Some(Activation::Relu), &mut rows, Bias::Columns(&[0.5, 1.0]), None);
    assert_eq!(rows, [1.5, 0.0, 2.5, 4.0]);
    let mut planes = rows;
    forward(None, &mut planes, Bias::Planes(&[1.0, -1.0], 2), None);
    assert_eq!(planes, [2.5, 1.0, 1.5, 3.0]);
    let mut sums = [10.0, 0.0];
    add_columns(&mut sums, &rows);
    assert_eq!(sums, [14.0, 4.0]);
}

#[test]
fn squares_are_summed_with_the_tail() {
    let x: Vec<f32> = (1..=37).map(|i| i as f32).collect();
    // n(n+1)(2n+1)/6 for 37.
    assert!((sum_of_squares(&x) - 17575.0).abs() < 1e-9);
}
