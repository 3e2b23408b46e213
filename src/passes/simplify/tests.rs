#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::matching::{bin, one, two, un};
use super::{On, Phase, Rule, Simplifier};
use crate::interpret::evaluate;
use crate::ir::graph::{Index, InputId, NodeId, ROW, ROWS};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::print::to_text;
use crate::ir::program::{LossGraph, TermRoot};
use crate::ir::support::Interval;
use crate::passes::testing::{Build, Values, total};
use crate::passes::{Derived, derive, stabilize, without_seed};

const R: Interval = Interval::REAL;

fn canonical(b: &mut Build, id: NodeId) -> String {
    let mut simplifier = Simplifier::new(Phase::Canonical);
    let canonical = simplifier.run(&mut b.g, id);
    assert_eq!(simplifier.fault(), None);
    to_text(&b.g, canonical)
}

/// The canonical gradient of one row term with respect to an input, its factor `seed` left out.
fn gradient(b: Build, term: NodeId, wrt: InputId) -> String {
    let loss = LossGraph {
        graph: b.g,
        terms: vec![TermRoot { label: "t".into(), node: term }],
        seed: b.seed,
        gradients: vec![],
    };
    let Derived { mut loss, .. } = derive(loss, &[wrt]).unwrap();
    let plain = without_seed(&mut loss.graph, loss.gradients[0].1, loss.seed).unwrap();
    to_text(&loss.graph, plain)
}

fn input(b: &Build, name: &str) -> InputId {
    InputId(b.g.inputs().iter().position(|input| input.name == name).unwrap() as u32)
}

#[test]
fn poisson_with_log_link_is_exp_minus_count() {
    let mut b = Build::new();
    let (k, eta) = (b.row("k", Interval::COUNT), b.row("η", R));
    let rate = b.op(Op::Exp, &[eta]);
    let fit = b.op(Op::XLogY, &[k, rate]);
    let log = b.op(Op::Sub, &[fit, rate]);
    let one = b.c(1.0);
    let next = b.op(Op::Add, &[k, one]);
    let factorial = b.op(Op::Lgamma, &[next]);
    let log = b.op(Op::Sub, &[log, factorial]);
    let nll = b.op(Op::Neg, &[log]);
    assert_eq!(canonical(&mut b, nll), "exp(η) - k·η + lgamma(k + 1)");
    let wrt = input(&b, "η");
    assert_eq!(gradient(b, nll, wrt), "exp(η) - k");
}

#[test]
fn poisson_with_softplus_link() {
    let mut b = Build::new();
    let (k, s) = (b.row("k", Interval::COUNT), b.row("s", R));
    let rate = b.op(Op::Softplus, &[s]);
    let fit = b.op(Op::XLogY, &[k, rate]);
    let nll = b.op(Op::Sub, &[rate, fit]);
    let wrt = input(&b, "s");
    assert_eq!(gradient(b, nll, wrt), "sigmoid(s) - k·sigmoid(s)/softplus(s)");
}

#[test]
fn bernoulli_with_logit_link_is_sigmoid_minus_outcome() {
    let mut b = Build::new();
    let (y, z) = (b.row("y", Interval::BOOL), b.row("z", R));
    let p = b.op(Op::Sigmoid, &[z]);
    let hit = b.op(Op::XLogY, &[y, p]);
    let one = b.c(1.0);
    let miss = b.op(Op::Sub, &[one, y]);
    let q = b.op(Op::Neg, &[p]);
    let rest = b.op(Op::XLog1pY, &[miss, q]);
    let log = b.op(Op::Add, &[hit, rest]);
    let nll = b.op(Op::Neg, &[log]);
    let wrt = input(&b, "z");
    let text = canonical(&mut b, nll);
    assert_eq!(text, "y·softplus(-z) + (1 - y)·softplus(z)");
    assert_eq!(gradient(b, nll, wrt), "sigmoid(z) - y");
}

#[test]
fn categorical_with_softmax_is_softmax_minus_onehot() {
    let mut b = Build::new();
    let classes = b.axis("K");
    let y = b.row("y", Interval::COUNT);
    let z = b.input("z", &[ROWS, classes], R);
    let v = b.fresh(classes);
    let zi = b.g.load(z, &[Index::Var(ROW), Index::Var(v)]);
    let zy = b.g.load(z, &[Index::Var(ROW), Index::At(y)]);
    let (ei, ey) = (b.op(Op::Exp, &[zi]), b.op(Op::Exp, &[zy]));
    let total = b.reduce(ReduceOp::Sum, v, ei);
    let p = b.op(Op::Div, &[ey, total]);
    let log = b.op(Op::Log, &[p]);
    let nll = b.op(Op::Neg, &[log]);
    assert_eq!(canonical(&mut b, nll), "logsumexp[i] z[i] - z[y]");
    assert_eq!(gradient(b, nll, z), "exp(z[i] - logsumexp[j] z[j]) - (i == y)");
}

#[test]
fn normal_with_log_scale() {
    let mut b = Build::new();
    let (x, m, s) = (b.row("x", R), b.row("μ", R), b.row("s", R));
    let scale = b.op(Op::Exp, &[s]);
    let d = b.op(Op::Sub, &[x, m]);
    let z = b.op(Op::Div, &[d, scale]);
    let square = b.op(Op::Mul, &[z, z]);
    let half = b.c(0.5);
    let fit = b.op(Op::Mul, &[square, half]);
    let log = b.op(Op::Log, &[scale]);
    let nll = b.op(Op::Add, &[fit, log]);
    assert_eq!(canonical(&mut b, nll), "0.5·((x - μ)·exp(-s))² + s");
    let (m, s) = (input(&b, "μ"), input(&b, "s"));
    let copy = Build { g: b.g.clone(), seed: b.seed };
    assert_eq!(gradient(copy, nll, m), "-(x - μ)·exp(-s)·exp(-s)");
    assert_eq!(gradient(b, nll, s), "1 - ((x - μ)·exp(-s))²");
}

/// Value and gradient of a compiled one-row loss.
fn compiled(b: Build, term: NodeId, wrt: InputId, sizes: Vec<usize>, inputs: Vec<Vec<f64>>) -> (f64, Vec<f64>) {
    let loss = LossGraph {
        graph: b.g,
        terms: vec![TermRoot { label: "t".into(), node: term }],
        seed: b.seed,
        gradients: vec![],
    };
    let loss = stabilize(derive(loss, &[wrt]).unwrap().loss).unwrap();
    let values = Values { rows: 1, sizes, inputs, seed: vec![1.0] };
    let out = evaluate(&loss, &values.bindings(), true, false).unwrap();
    (out.terms[0], out.gradients[0].clone())
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-14 * expected.abs(), "{found} instead of {expected}");
}

/// −log sigmoid(40) = log1p(e⁻⁴⁰), slope −sigmoid(−40): all digits, where sigmoid(40) − 1 has none.
#[test]
fn bernoulli_far_out_keeps_its_digits() {
    for (y, z) in [(1.0, 40.0), (0.0, -40.0), (1.0, -800.0), (0.0, 800.0), (1.0, 0.3)] {
        let mut b = Build::new();
        let (outcome, logit) = (b.row("y", Interval::BOOL), b.row("z", R));
        let p = b.op(Op::Sigmoid, &[logit]);
        let hit = b.op(Op::XLogY, &[outcome, p]);
        let one = b.c(1.0);
        let miss = b.op(Op::Sub, &[one, outcome]);
        let q = b.op(Op::Sub, &[one, p]);
        let rest = b.op(Op::XLogY, &[miss, q]);
        let log = b.op(Op::Add, &[hit, rest]);
        let nll = b.op(Op::Neg, &[log]);
        let wrt = input(&b, "z");
        let (value, gradient) = compiled(b, nll, wrt, vec![1], vec![vec![], vec![y], vec![z]]);
        let t: f64 = if y == 1.0 { -z } else { z };
        close(value, t.max(0.0) + (-t.abs()).exp().ln_1p());
        let size = if t > 0.0 { 1.0 / (1.0 + (-t).exp()) } else { t.exp() / (1.0 + t.exp()) };
        close(gradient[0], if y == 1.0 { -size } else { size });
    }
}

/// log(softmax(z)[y]) at z = [37, 0, −5], y = 0: log1p(e⁻³⁷ + e⁻⁴²), slope −(e⁻³⁷ + e⁻⁴²)/(1 + …).
#[test]
fn categorical_far_out_keeps_its_digits() {
    let mut b = Build::new();
    let classes = b.axis("K");
    let y = b.row("y", Interval::COUNT);
    let z = b.input("z", &[ROWS, classes], R);
    let v = b.fresh(classes);
    let zi = b.g.load(z, &[Index::Var(ROW), Index::Var(v)]);
    let zy = b.g.load(z, &[Index::Var(ROW), Index::At(y)]);
    let (ei, ey) = (b.op(Op::Exp, &[zi]), b.op(Op::Exp, &[zy]));
    let total = b.reduce(ReduceOp::Sum, v, ei);
    let p = b.op(Op::Div, &[ey, total]);
    let log = b.op(Op::Log, &[p]);
    let nll = b.op(Op::Neg, &[log]);
    let (value, gradient) = compiled(b, nll, z, vec![1, 3], vec![vec![], vec![0.0], vec![37.0, 0.0, -5.0]]);
    let others = (-37.0_f64).exp() + (-42.0_f64).exp();
    close(value, others.ln_1p());
    close(gradient[0], -others / (1.0 + others));
    close(gradient[1], (-37.0_f64).exp() / (1.0 + others));
}

/// k·log softplus(s) far left: s itself; its slope k − no 0/0 at s = −800.
#[test]
fn softplus_link_far_left() {
    let mut b = Build::new();
    let (k, s) = (b.row("k", Interval::COUNT), b.row("s", R));
    let rate = b.op(Op::Softplus, &[s]);
    let fit = b.op(Op::XLogY, &[k, rate]);
    let nll = b.op(Op::Sub, &[rate, fit]);
    let wrt = input(&b, "s");
    let (value, gradient) = compiled(b, nll, wrt, vec![1], vec![vec![], vec![3.0], vec![-800.0]]);
    assert_eq!((value, gradient[0]), (2400.0, -3.0));
}

/// A mixture with a weight of 0: the slope in the weight is finite, exp(l₁ − l₂) − 1 over it.
#[test]
fn mixture_weight_at_zero() {
    let mut b = Build::new();
    let (w, x) = (b.row("w", Interval::PROB), b.row("x", R));
    let one = b.c(1.0);
    let v = b.op(Op::Sub, &[one, w]);
    let (lw, lv) = (b.op(Op::Log, &[w]), b.op(Op::Log, &[v]));
    let first = b.op(Op::Add, &[lw, x]);
    let mixture = b.op(Op::LogAddExp, &[first, lv]);
    let wrt = input(&b, "w");
    let (value, gradient) = compiled(b, mixture, wrt, vec![1], vec![vec![], vec![0.0], vec![0.5]]);
    assert_eq!(value, 0.0);
    // d/dw log(w·e^x + 1 − w) = (e^x − 1)/(w·e^x + 1 − w)
    close(gradient[0], 0.5_f64.exp() - 1.0);
}

/// A sum of two thousand terms, nested two thousand deep, is simplified in one go.
#[test]
fn deep_expressions_take_no_stack_and_little_time() {
    let mut b = Build::new();
    let x = b.row("x", R);
    let mut sum = x;
    for i in 0..2_000 {
        let c = b.c(f64::from(i) + 0.5);
        let scaled = b.op(Op::Mul, &[x, c]);
        let term = b.op(Op::Sin, &[scaled]);
        sum = b.op(Op::Add, &[sum, term]);
    }
    let wrt = input(&b, "x");
    let (value, _) = compiled(b, sum, wrt, vec![1], vec![vec![], vec![0.1]]);
    let expected = 0.1 + (0..2_000).map(|i| (0.1 * (f64::from(i) + 0.5)).sin()).sum::<f64>();
    assert!((value - expected).abs() < 1e-9);
}

/// With s = x + log y > 0, sigmoid(s)/y = exp(min(x, -log y))·sigmoid|s| would be (1/y)·sigmoid(s) again.
#[test]
fn a_quotient_of_a_sigmoid_is_not_rewritten_to_itself() {
    let mut b = Build::new();
    let (x, y) = (b.row("x", Interval::POSITIVE), b.row("y", Interval { lo: 1.0, ..Interval::POSITIVE }));
    let log = b.op(Op::Log, &[y]);
    let s = b.op(Op::Add, &[x, log]);
    let p = b.op(Op::Sigmoid, &[s]);
    let id = b.op(Op::Div, &[p, y]);
    assert_eq!(canonical(&mut b, id), "sigmoid(x + log(y))/y");
}

/// What comes out of this sum is 1·1.
#[test]
fn nothing_comes_out_of_a_product_of_reciprocals() {
    let mut b = Build::new();
    let axis = b.axis("N");
    let v = b.fresh(axis);
    let [x, y, z, w] = ["x", "y", "z", "w"].map(|name| {
        let input = b.input(name, &[axis], Interval::POSITIVE);
        b.g.load(input, &[Index::Var(v)])
    });
    let one = b.c(1.0);
    let mut over = |x, y| {
        let reciprocal = b.op(Op::Div, &[one, x]);
        b.op(Op::Div, &[reciprocal, y])
    };
    let (p, q) = (over(x, y), over(z, w));
    let product = b.op(Op::Mul, &[p, q]);
    let sum = b.reduce(ReduceOp::Sum, v, product);
    assert_eq!(canonical(&mut b, sum), "∑[i] 1/x[i]/y[i]·1/z[i]/w[i]");
}

/// x + y = x − (−y), and back.
static UNDONE: [Rule; 2] = [
    rule!("there", "x + y = x - (-y)", "", On::Ops(&[Op::Add]), |g, id| {
        let (x, y) = two(g, id, Op::Add)?;
        let y = un(g, Op::Neg, y);
        Some(bin(g, Op::Sub, x, y))
    }),
    rule!("back", "x - (-y) = x + y", "", On::Ops(&[Op::Sub]), |g, id| {
        let (x, y) = two(g, id, Op::Sub)?;
        let y = one(g, y, Op::Neg)?;
        Some(bin(g, Op::Add, x, y))
    }),
];

/// x + y = (x + 1) + (y − 1), without end.
static GROWING: [Rule; 1] = [rule!("grow", "x + y = (x + 1) + y - 1", "", On::Ops(&[Op::Add]), |g, id| {
    let (x, y) = two(g, id, Op::Add)?;
    let one = g.constant(1.0);
    let (x, y) = (bin(g, Op::Add, x, one), bin(g, Op::Sub, y, one));
    Some(bin(g, Op::Add, x, y))
})];

/// Rules that would not end leave an expression of the same value, and say so.
#[test]
fn rewriting_ends_whatever_the_rules() {
    for (rules, names) in [(&UNDONE[..], "there`, `back"), (&GROWING[..], "grow`, `grow")] {
        let mut b = Build::new();
        let (x, y) = (b.row("x", R), b.row("y", R));
        let id = b.op(Op::Add, &[x, y]);
        let mut simplifier = Simplifier::of(rules.iter());
        let after = simplifier.run(&mut b.g, id);
        assert!(simplifier.fault().unwrap().last.starts_with(names));
        let loss = LossGraph {
            graph: b.g,
            terms: vec![TermRoot { label: "t".into(), node: after }],
            seed: b.seed,
            gradients: vec![],
        };
        let at = Values { rows: 1, sizes: vec![1], inputs: vec![vec![], vec![2.0], vec![5.0]], seed: vec![1.0] };
        assert_eq!(total(&loss, &at), 7.0);
    }
}

/// y·(y·c), sixty times over: 2⁶⁰ factors, of one tree of sixty nodes.
#[test]
fn shared_factors_are_not_looked_at_once_for_each_use() {
    let mut b = Build::new();
    let axis = b.axis("N");
    let v = b.fresh(axis);
    let [x, c] = ["x", "c"].map(|name| {
        let input = b.input(name, &[axis], Interval::POSITIVE);
        b.g.load(input, &[Index::Var(v)])
    });
    let mut product = x;
    for _ in 0..60 {
        let inner = b.op(Op::Mul, &[product, c]);
        product = b.op(Op::Mul, &[product, inner]);
    }
    let log = b.op(Op::Log, &[product]);
    let (sum, logs) = (b.reduce(ReduceOp::Sum, v, product), b.reduce(ReduceOp::Sum, v, log));
    for id in [sum, logs] {
        let mut simplifier = Simplifier::new(Phase::Canonical);
        simplifier.run(&mut b.g, id);
        assert_eq!(simplifier.fault(), None);
    }
}
