//! Links: natural values from raw ones and back, gradients through them, and where values start.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;
use crate::interpret;
use crate::ir::program::Bindings;
use crate::sema::{self, Options};
use crate::source::{NoFiles, Source};

/// A program whose parameters are raw values.
fn raw(text: &str) -> Program {
    let options = Options { raw: true, ..Options::default() };
    let analysis = sema::analyze(&Source::new("-e", text), &NoFiles, &options);
    assert!(analysis.is_ok(), "{text}: {:?}", analysis.diagnostics);
    let wrt = differentiable(&analysis.hir);
    Program::compile(analysis.hir, &wrt).unwrap()
}

fn dims(program: &Program, info: &NameInfo) -> Vec<usize> {
    let graph = &program.hir.graph;
    graph.input(info.input).axes.iter().map(|axis| graph.axis(*axis).size.unwrap_or(1)).collect()
}

/// The natural values of the one parameter `v`.
fn natural(program: &Program, raw: &[f64]) -> Vec<f64> {
    let info = program.find("v").unwrap();
    let mut graph = program.hir.graph.clone();
    let sizes: Vec<usize> = graph.axes().iter().map(|axis| axis.size.unwrap_or(1)).collect();
    let bindings = Bindings { rows: 1, inputs: vec![raw], sizes, seed: &[] };
    let vars = graph.own_vars(info.input);
    let array = interpret::values(&graph, &[info.natural], &bindings).unwrap().remove(0);
    array.broadcast(&vars, &dims(program, info))
}

const KINDS: [&str; 8] = [
    "real[6]",
    "positive[6]",
    "real(-1, 3)[6]",
    "real(-inf, 2)[6]",
    "simplex[2, 3]",
    "unit_vector[6]",
    "ordered[2, 3]",
    "cholesky[3, 3]",
];

proptest! {
    /// Any raw values give values of the support, and those give raw values that give them again.
    #[test]
    fn links_have_inverses(raws in prop::collection::vec(-6.0..6.0f64, 9), kind in 0..KINDS.len()) {
        let program = raw(&format!("param v : {}\nnormal(v | 0, 1)", KINDS[kind]));
        let info = program.find("v").unwrap();
        let dims = dims(&program, info);
        let there = natural(&program, &raws[..dims.iter().product()]);
        let block: usize = dims.iter().rev().take(info.vector.rank()).product();
        for block in there.chunks(block) {
            prop_assert!(info.vector.holds(block, 1e-12), "{there:?}");
        }
        let back: Vec<f64> = there.chunks(block).flat_map(|block| info.link.inverse(block)).collect();
        for (x, y) in natural(&program, &back).iter().zip(&there) {
            prop_assert!((x - y).abs() <= 1e-9 * y.abs().max(1.0), "{there:?}, and back {back:?}");
        }
    }
}

#[test]
fn vectors_behind_their_links() {
    // softplus(0) = log 2, softplus(1) = 1.3132616875182228
    let ordered = natural(&raw("param v : ordered[3]\nnormal(v | 0, 1)"), &[-0.5, 0.0, 1.0]);
    for (x, y) in ordered.iter().zip([-0.5, -0.5 + 2f64.ln(), -0.5 + 2f64.ln() + 1.313_261_687_518_222_8]) {
        assert!((x - y).abs() < 1e-15, "{ordered:?}");
    }
    let factor = natural(&raw("param v : cholesky[2, 2]\nnormal(v | 0, 1)"), &[0.0, 9.0, -3.0, 1.0]);
    for (x, y) in factor.iter().zip([2f64.ln(), 0.0, -3.0, 1.313_261_687_518_222_8]) {
        assert!((x - y).abs() < 1e-15, "{factor:?}");
    }
}

#[test]
fn values_start_as_the_program_says_or_as_their_support_does() {
    let start = |text: &str| {
        let program = raw(text);
        let info = program.find("v").unwrap();
        program.value_of(info, &dims(&program, info), None, None)
    };
    for (support, expected) in [
        ("real", vec![0.0]),
        ("positive[2]", vec![1.0, 1.0]),
        ("real(1, inf)", vec![2.0]),
        ("real(-inf, 1)", vec![0.0]),
        ("real(1, 2)", vec![1.5]),
        ("simplex[2, 4]", vec![0.25; 8]),
        ("unit_vector[4]", vec![0.5; 4]),
        ("ordered[2, 3]", vec![-1.0, 0.0, 1.0, -1.0, 0.0, 1.0]),
        ("cholesky[2, 2]", vec![1.0, 0.0, 0.0, 1.0]),
        ("positive[2] = 3", vec![3.0, 3.0]),
        ("positive[2] = [3, 4]", vec![3.0, 4.0]),
    ] {
        assert_eq!(start(&format!("param v : {support}\nnormal(v | 0, 1)")), Ok(expected), "{support}");
    }
    // An axis without a size in the program: its elements are only counted here.
    let program = raw("param v : positive[K] = [1, 2]\nnormal(v | 0, 1)");
    let info = program.find("v").unwrap();
    assert_eq!(program.value_of(info, &[2], None, None), Ok(vec![1.0, 2.0]));
    let error = program.value_of(info, &[3], None, None).unwrap_err();
    assert_eq!(error, WrongValue::Length { name: info.name.clone(), found: 2, elements: 3 });
    assert!(program.value_of(info, &[3], Some(&[1.0, 2.0]), None).is_err());
    assert_eq!(program.value_of(info, &[3], Some(&[7.0]), None), Ok(vec![7.0; 3]));
}

/// The gradient by raw values, against central differences of the loss.
fn gradient_is_the_difference(text: &str, inputs: &[Vec<f64>], rows: usize, learned: usize) {
    let program = raw(text);
    let sizes = program.sizes(rows, &BTreeMap::new()).unwrap();
    let value = |inputs: &[Vec<f64>], want| {
        let inputs = inputs.iter().map(Vec::as_slice).chain([[].as_slice()]).collect();
        let bindings = Bindings { rows, inputs, sizes: sizes.clone(), seed: &[] };
        interpret::evaluate(&program.loss, &bindings, want, false).unwrap()
    };
    let at = program.loss.gradients.iter().position(|(input, _)| input.index() == learned).unwrap();
    let gradient = &value(inputs, true).gradients[at];
    assert_eq!(gradient.len(), inputs[learned].len());
    for (element, found) in gradient.iter().enumerate() {
        let moved = |by: f64| {
            let mut inputs = inputs.to_vec();
            inputs[learned][element] += by;
            value(&inputs, false).terms.iter().sum::<f64>()
        };
        let truth = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        assert!((found - truth).abs() < 1e-8 * truth.abs().max(1.0), "{text}: [{element}] {found}, not {truth}");
    }
}

#[test]
fn gradients_pass_through_the_links_of_vectors() {
    gradient_is_the_difference(
        "data y : category(4)\npredict η : real\nparam cuts : ordered[3]\nordered_logistic(y | η, cuts)",
        &[vec![0.0, 1.0, 2.0, 3.0], vec![0.3, -1.0, 0.5, 2.0], vec![-0.4, 0.1, -2.0]],
        4,
        2,
    );
    // A normal of two dimensions with covariance L·Lᵀ: L⁻¹x by forward substitution.
    let normal = "data x : real[2]\nparam L : cholesky[2, 2]\na = x[0] / L[0, 0]\nb = (x[1] - L[1, 0] * a) / L[1, 1]\n\
                  (a² + b²) / 2 + sum[i] log(L[i, i])";
    gradient_is_the_difference(normal, &[vec![1.0, -0.5, 0.2, 2.0], vec![0.4, 5.0, -0.7, -1.0]], 2, 1);
}

#[test]
fn a_mixture_over_the_elements_of_a_simplex_has_the_value_of_one() {
    let text =
        "data k : count\nparam w : simplex[3]\nw[0] * poisson(k | 1) + w[1] * poisson(k | 4) + w[2] * poisson(k | 9)";
    let analysis = sema::analyze(&Source::new("-e", text), &NoFiles, &Options::default());
    let program = Program::compile(analysis.hir, &[]).unwrap();
    let sizes = program.sizes(1, &BTreeMap::new()).unwrap();
    let bindings = Bindings { rows: 1, inputs: vec![&[3.0], &[0.2, 0.3, 0.5], &[]], sizes, seed: &[] };
    let found = interpret::evaluate(&program.loss, &bindings, false, false).unwrap().terms[0];
    // −log Σ wᵢ λᵢ³ e^−λᵢ/6, to 14 digits by mpmath.
    assert!((found - 2.546_316_144_000_1).abs() < 1e-13, "{found}");
}

/// What underflows when it is computed on the way is not 0: log exp(−800) is −800, however constant. Values by mpmath.
#[test]
fn constants_that_underflow_keep_their_logarithm() {
    let cases = [
        ("normal(1.5 | 1.5, log_scale = -746)", -745.081_061_466_795_3_f64),
        ("normal(1.5 | 1.5, exp(-746))", -745.081_061_466_795_3_f64),
        ("poisson(0 | exp(-800))", 0.0),
        ("poisson(2 | log_rate = -800)", 1_600.693_147_180_56),
        ("weibull(1.5 | shape = 0.005, mean = 3)", 76.032_405_198_557_72),
    ];
    for (text, nll) in cases {
        let program = raw(text);
        let loss = &program.derived.loss;
        let inputs = vec![&[][..]; loss.graph.inputs().len()];
        let bindings = Bindings { rows: 1, inputs, sizes: vec![1], seed: &[1.0] };
        let value = interpret::values(&loss.graph, &[loss.terms[0].node], &bindings).unwrap().remove(0).data[0];
        assert!((value - nll).abs() <= 1e-13 * nll.abs(), "{text}: {value}");
    }
}
