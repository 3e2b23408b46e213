#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::{Phase, simplify};
use crate::ir::graph::{Index, InputId, NodeId, ROW, ROWS};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::print::to_text;
use crate::ir::program::{LossGraph, TermRoot};
use crate::ir::support::Interval;
use crate::passes::testing::Build;
use crate::passes::{Derived, derive, without_seed};

const R: Interval = Interval::REAL;

fn canonical(b: &mut Build, id: NodeId) -> String {
    let (roots, _) = simplify(&mut b.g, &[id], Phase::Canonical).unwrap();
    to_text(&b.g, roots[0])
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
    assert_eq!(gradient(b, nll, wrt), "sigmoid(s) - k·softplus_ratio(s)");
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
