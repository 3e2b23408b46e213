#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::{InterpretError, evaluate, values};
use crate::ir::graph::{Axis, Graph, Index, Input, InputRole, ROW, ROWS};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::program::{Bindings, LossGraph, TermRoot};
use crate::ir::support::Interval;

fn input(graph: &mut Graph, name: &str, axes: &[crate::ir::graph::AxisId]) -> crate::ir::graph::InputId {
    graph.add_input(Input { name: name.into(), role: InputRole::Data, axes: axes.to_vec(), support: Interval::REAL })
}

/// Σ_row Σ_j (x[row, j] − mean of x[·, j]) is 0: a sum over rows inside a sum over rows, over several tiles.
#[test]
fn row_sums_in_levels_and_tiles() {
    let mut g = Graph::new();
    let seed =
        g.add_input(Input { name: "seed".into(), role: InputRole::Seed, axes: vec![ROWS], support: Interval::NONNEG });
    let wide = g.add_axis(Axis { name: Some("J".into()), size: None });
    let x = input(&mut g, "x", &[ROWS, wide]);
    let j = g.fresh_var(wide);
    let xi = g.load(x, &[Index::Var(ROW), Index::Var(j)]);
    let column = g.reduce(ReduceOp::Sum, ROW, xi, None);
    let rows = g.intern(crate::ir::graph::Node::Size(ROWS));
    let mean = g.apply(Op::Div, &[column, rows]);
    let centred = g.apply(Op::Sub, &[xi, mean]);
    let square = g.apply(Op::Square, &[centred]);
    let term = g.reduce(ReduceOp::Sum, j, square, None);
    let loss = LossGraph { graph: g, terms: vec![TermRoot { label: "t".into(), node: term }], seed, gradients: vec![] };
    let (rows, wide) = (3000, 400);
    let data: Vec<f64> = (0..rows * wide).map(|at| (at / wide) as f64).collect();
    let bindings = Bindings { rows, inputs: vec![&[], &data], sizes: vec![rows, wide], seed: &vec![1.0; rows] };
    let out = evaluate(&loss, &bindings, false, true).unwrap();
    // Σ (i − mean)² over 0 … n−1 is n(n² − 1)/12, a column.
    let n = rows as f64;
    assert!((out.terms[0] / (wide as f64 * n * (n * n - 1.0) / 12.0) - 1.0).abs() < 1e-13);
    assert_eq!(out.per_row.len(), rows);
    assert_eq!(out.per_row[0], wide as f64 * ((n - 1.0) / 2.0).powi(2));
}

#[test]
fn reductions_of_nothing_and_ties() {
    let mut g = Graph::new();
    let n = g.add_axis(Axis { name: None, size: Some(3) });
    let x = input(&mut g, "x", &[n]);
    let v = g.fresh_var(n);
    let body = g.load(x, &[Index::Var(v)]);
    let never = g.constant(0.0);
    let all = [
        ReduceOp::Sum,
        ReduceOp::Prod,
        ReduceOp::Max,
        ReduceOp::Min,
        ReduceOp::LogSumExp,
        ReduceOp::Norm,
        ReduceOp::ArgMax,
        ReduceOp::ArgMin,
    ];
    let empty: Vec<_> = all.iter().map(|&op| g.reduce(op, v, body, Some(never))).collect();
    let full: Vec<_> = all.iter().map(|&op| g.reduce(op, v, body, None)).collect();
    let data = [2.0, 5.0, 5.0];
    let bindings = Bindings { rows: 1, inputs: vec![&data], sizes: vec![1, 3], seed: &[] };
    let inf = f64::INFINITY;
    let scalars =
        |roots: &[_]| values(&g, roots, &bindings).unwrap().iter().map(super::Array::scalar).collect::<Vec<_>>();
    assert_eq!(scalars(&empty), [0.0, 1.0, -inf, inf, -inf, 0.0, -1.0, -1.0]);
    let full = scalars(&full);
    assert_eq!(full[..4], [12.0, 50.0, 5.0, 2.0]);
    assert!((full[4] - (2.0_f64.exp() + 2.0 * 5.0_f64.exp()).ln()).abs() < 1e-14);
    assert!((full[5] - 54.0_f64.sqrt()).abs() < 1e-15);
    assert_eq!(full[6..], [1.0, 0.0]);
}

/// log Σ exp keeps a tiny remainder: log(1 + e⁻⁴⁰) = e⁻⁴⁰ to 16 digits.
#[test]
fn logsumexp_near_one_member() {
    let mut g = Graph::new();
    let n = g.add_axis(Axis { name: None, size: Some(2) });
    let x = input(&mut g, "x", &[n]);
    let v = g.fresh_var(n);
    let body = g.load(x, &[Index::Var(v)]);
    let lse = g.reduce(ReduceOp::LogSumExp, v, body, None);
    let norm = g.reduce(ReduceOp::Norm, v, body, None);
    let at = |data: &[f64], root| {
        values(&g, &[root], &Bindings { rows: 1, inputs: vec![data], sizes: vec![1, 2], seed: &[] }).unwrap()[0]
            .scalar()
    };
    assert!((at(&[-40.0, 0.0], lse) / (-40.0_f64).exp() - 1.0).abs() < 1e-15);
    assert!((at(&[3e200, 4e200], norm) / 5e200 - 1.0).abs() < 1e-15);
    assert!((at(&[3e-200, 4e-200], norm) / 5e-200 - 1.0).abs() < 1e-15);
}

#[test]
fn wrong_bindings_are_errors() {
    let mut g = Graph::new();
    let x = input(&mut g, "x", &[ROWS]);
    let node = g.load(x, &[Index::Var(ROW)]);
    let short = Bindings { rows: 2, inputs: vec![&[1.0][..]], sizes: vec![2], seed: &[] };
    assert_eq!(
        values(&g, &[node], &short),
        Err(InterpretError::WrongLength { name: "x".into(), expected: 2, found: 1 })
    );
    let none = Bindings { rows: 2, inputs: vec![], sizes: vec![2], seed: &[] };
    assert!(matches!(values(&g, &[node], &none), Err(InterpretError::WrongCount { what: "inputs", .. })));
}
