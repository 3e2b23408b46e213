#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::interpret::evaluate;
use crate::ir::graph::{Index, Node, ROW, ROWS};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::support::Interval;
use crate::passes::testing::{Build, Values, check_gradient};

/// exp(η) − k·η, two rows: the gradient is seed·(exp(η) − k).
#[test]
fn poisson_with_log_link() {
    let mut b = Build::new();
    let k = b.row("k", Interval::COUNT);
    let eta = b.row("eta", Interval::REAL);
    let rate = b.op(Op::Exp, &[eta]);
    let fit = b.op(Op::Mul, &[k, eta]);
    let term = b.op(Op::Sub, &[rate, fit]);
    let loss = b.loss(&[term], &[crate::ir::graph::InputId(2)]);
    let values =
        Values { rows: 2, sizes: vec![2], inputs: vec![vec![], vec![3.0, 0.0], vec![0.5, -1.0]], seed: vec![] };
    let out = evaluate(&loss, &values.bindings(), true, true).unwrap();
    let expected = [0.5 * (0.5_f64.exp() - 3.0), 0.5 * (-1.0_f64).exp()];
    for (found, expected) in out.gradients[0].iter().zip(expected) {
        assert!((found - expected).abs() < 1e-15);
    }
    assert_eq!(out.per_row, [0.5_f64.exp() - 1.5, (-1.0_f64).exp()]);
    assert!((out.terms[0] - 0.5 * (out.per_row[0] + out.per_row[1])).abs() < 1e-15);
}

/// log Σ exp(z) − z[y]: softmax − onehot, by the scatter of a computed index.
#[test]
fn categorical_by_logits() {
    let mut b = Build::new();
    let classes = b.axis("K");
    let y = b.row("y", Interval::COUNT);
    let z = b.input("z", &[ROWS, classes], Interval::REAL);
    let v = b.fresh(classes);
    let zi = b.g.load(z, &[Index::Var(ROW), Index::Var(v)]);
    let lse = b.reduce(ReduceOp::LogSumExp, v, zi);
    let zy = b.g.load(z, &[Index::Var(ROW), Index::At(y)]);
    let term = b.op(Op::Sub, &[lse, zy]);
    let loss = b.loss(&[term], &[z]);
    let z = vec![0.1, -0.4, 2.0, 1.0, 0.0, -3.0];
    let values =
        Values { rows: 2, sizes: vec![2, 3], inputs: vec![vec![], vec![2.0, 0.0], z.clone()], seed: vec![1.0; 2] };
    let out = evaluate(&loss, &values.bindings(), true, false).unwrap();
    for row in 0..2 {
        let weights: Vec<f64> = z[3 * row..][..3].iter().map(|z| z.exp()).collect();
        for (class, weight) in weights.iter().enumerate() {
            let hit = f64::from(u8::from(class == [2, 0][row]));
            let expected = weight / weights.iter().sum::<f64>() - hit;
            assert!((out.gradients[0][3 * row + class] - expected).abs() < 1e-14);
        }
    }
    check_gradient(&loss, &values, 1e-7);
}

/// A parameter's gradient is a sum over rows; a parameter picked by a row's category is scattered.
#[test]
fn parameters_are_summed_over_rows() {
    let mut b = Build::new();
    let groups = b.axis("G");
    let y = b.row("y", Interval::COUNT);
    let x = b.row("x", Interval::REAL);
    let w = b.input("w", &[], Interval::REAL);
    let bias = b.input("bias", &[groups], Interval::REAL);
    let wl = b.g.load(w, &[]);
    let bl = b.g.load(bias, &[Index::At(y)]);
    let wx = b.op(Op::Mul, &[wl, x]);
    let sum = b.op(Op::Add, &[wx, bl]);
    let term = b.op(Op::Softplus, &[sum]);
    let prior = b.op(Op::Square, &[wl]);
    let loss = b.loss(&[term, prior], &[w, bias, crate::ir::graph::InputId(2)]);
    let values = Values {
        rows: 3,
        sizes: vec![3, 2],
        inputs: vec![vec![], vec![0.0, 1.0, 1.0], vec![0.3, -1.0, 2.0], vec![0.7], vec![0.2, -0.5]],
        seed: vec![0.5, 0.25, 2.0],
    };
    check_gradient(&loss, &values, 1e-8);
}

/// mean[i] hinge(max[p] d(z_i, z_p) − min[q] d(z_i, z_q) + 1) over the batch, p of the same class, q of another.
#[test]
fn batch_hard_triplets() {
    let mut b = Build::new();
    let m = b.axis("m");
    let z = b.input("z", &[ROWS, m], Interval::REAL);
    let y = b.input("y", &[ROWS], Interval::COUNT);
    let (i, p, q) = (b.fresh(ROWS), b.fresh(ROWS), b.fresh(ROWS));
    let distance = |b: &mut Build, j| {
        let c = b.fresh(m);
        let zi = b.g.load(z, &[Index::Var(i), Index::Var(c)]);
        let zj = b.g.load(z, &[Index::Var(j), Index::Var(c)]);
        let difference = b.op(Op::Sub, &[zi, zj]);
        b.reduce(ReduceOp::Norm, c, difference)
    };
    let (dp, dq) = (distance(&mut b, p), distance(&mut b, q));
    let [yi, yp, yq] = [i, p, q].map(|v| b.g.load(y, &[Index::Var(v)]));
    let same = b.op(Op::Eq, &[yi, yp]);
    let (vi, vp) = (b.g.intern(Node::Var(i)), b.g.intern(Node::Var(p)));
    let itself = b.op(Op::Eq, &[vi, vp]);
    let another = b.op(Op::Not, &[itself]);
    let positive = b.op(Op::And, &[same, another]);
    let equal = b.op(Op::Eq, &[yi, yq]);
    let negative = b.op(Op::Not, &[equal]);
    let far = b.g.reduce(ReduceOp::Max, p, dp, Some(positive));
    let near = b.g.reduce(ReduceOp::Min, q, dq, Some(negative));
    let gap = b.op(Op::Sub, &[far, near]);
    let one = b.c(1.0);
    let gap = b.op(Op::Add, &[gap, one]);
    let hinge = b.op(Op::Relu, &[gap]);
    let sum = b.reduce(ReduceOp::Sum, i, hinge);
    let rows = b.g.intern(Node::Size(ROWS));
    let mean = b.op(Op::Div, &[sum, rows]);
    let loss = b.loss(&[mean], &[z]);
    let z = vec![0.0, 0.1, 1.0, -0.3, 0.4, 0.9, -1.0, 0.5, 0.2, 0.2];
    // The last row is alone in its class: its hinge is hinge(−∞) = 0, and gets no gradient from itself.
    let values =
        Values { rows: 5, sizes: vec![5, 2], inputs: vec![vec![], z, vec![0.0, 0.0, 1.0, 1.0, 2.0]], seed: vec![] };
    let out = evaluate(&loss, &values.bindings(), true, false).unwrap();
    assert!(out.terms[0] > 0.0 && out.gradients[0].iter().all(|g| g.is_finite()));
    check_gradient(&loss, &values, 1e-7);
}

/// Π x, with a zero among the members, and √Σx² at the origin.
#[test]
fn products_with_zeros_and_norm_at_zero() {
    let mut b = Build::new();
    let n = b.axis("N");
    let x = b.input("x", &[n], Interval::REAL);
    let v = b.fresh(n);
    let body = b.g.load(x, &[Index::Var(v)]);
    let product = b.reduce(ReduceOp::Prod, v, body);
    let norm = b.reduce(ReduceOp::Norm, v, body);
    let loss = b.loss(&[product, norm], &[x]);
    let at = |x: Vec<f64>| Values { rows: 1, sizes: vec![1, 3], inputs: vec![vec![], x], seed: vec![] };
    let out = evaluate(&loss, &at(vec![2.0, 0.0, 5.0]).bindings(), true, false).unwrap();
    let norm = 29.0_f64.sqrt();
    for (found, expected) in out.gradients[0].iter().zip([2.0 / norm, 10.0, 5.0 / norm]) {
        assert!((found - expected).abs() < 1e-15);
    }
    let out = evaluate(&loss, &at(vec![0.0; 3]).bindings(), true, false).unwrap();
    assert_eq!(out.gradients[0], [0.0; 3]);
    check_gradient(&loss, &at(vec![1.5, -0.5, 2.0]), 1e-8);
}

/// An untaken branch with an infinite derivative gives exactly 0, and so does a mixture of impossible events.
#[test]
fn what_is_cut_off_stays_finite() {
    let mut b = Build::new();
    let x = b.row("x", Interval::REAL);
    let zero = b.c(0.0);
    let positive = b.op(Op::Lt, &[zero, x]);
    let root = b.op(Op::Sqrt, &[x]);
    let log = b.op(Op::Log, &[root]);
    let chosen = b.op(Op::Select, &[positive, log, x]);
    let n = b.axis("N");
    let v = b.fresh(n);
    let impossible = b.op(Op::Log, &[x]);
    let mixture = b.reduce(ReduceOp::LogSumExp, v, impossible);
    let loss = b.loss(&[chosen, mixture], &[crate::ir::graph::InputId(1)]);
    let values = Values { rows: 1, sizes: vec![1, 2], inputs: vec![vec![], vec![0.0]], seed: vec![1.0] };
    let out = evaluate(&loss, &values.bindings(), true, false).unwrap();
    assert_eq!(out.terms, [0.0, f64::NEG_INFINITY]);
    assert_eq!(out.gradients[0], [1.0]);
}

/// (x·k)·log k is 0 for every x at k = 0: slope 0, not -∞·0.
#[test]
fn nothing_times_the_log_of_nothing_has_no_slope() {
    let mut b = Build::new();
    let k = b.row("k", Interval::COUNT);
    let x = b.row("x", Interval::REAL);
    let product = b.op(Op::Mul, &[x, k]);
    let loss = b.op(Op::XLogY, &[product, k]);
    let loss = b.loss(&[loss], &[crate::ir::graph::InputId(2)]);
    let values =
        Values { rows: 2, sizes: vec![2], inputs: vec![vec![], vec![0.0, 1.0], vec![3.0, 2.0]], seed: vec![1.0; 2] };
    let out = evaluate(&loss, &values.bindings(), true, false).unwrap();
    assert_eq!(out.gradients[0], [0.0, 0.0]);
}

/// √(k·p) is 0 for every p at k = 0: slope 0, not ∞·0.
#[test]
fn a_steep_root_of_nothing_has_no_slope() {
    let mut b = Build::new();
    let k = b.row("k", Interval::COUNT);
    let p = b.row("p", Interval::POSITIVE);
    let product = b.op(Op::Mul, &[k, p]);
    let root = b.op(Op::Sqrt, &[product]);
    let loss = b.loss(&[root], &[crate::ir::graph::InputId(2)]);
    let values =
        Values { rows: 2, sizes: vec![2], inputs: vec![vec![], vec![0.0, 4.0], vec![0.5, 1.0]], seed: vec![1.0; 2] };
    let out = evaluate(&loss, &values.bindings(), true, false).unwrap();
    assert_eq!(out.gradients[0], [0.0, 1.0]);
}
