//! The fixed links behind which declared supports are trained (LANGUAGE section 3): one row each in [`LINKS`].
//!
//! A row has the link's graph from raw to natural values, its inverse, and where a natural value starts when the
//! program says nothing. Depends on `ir` and on the kinds of vectors; knows neither names nor training.

use std::cmp::Ordering;

use super::value::VectorKind;
use crate::ir::graph::{Graph, Index, Node, NodeId, Substitution, VarId};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::support::Interval;

/// The link of one support.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    row: &'static Row,
    support: Interval,
}

/// From any reals to the values of a kind of support. Values are those of one block: a number for a scalar, the last
/// axis of a vector, the last two of a matrix, row by row.
#[derive(Debug)]
struct Row {
    /// Whether the link is that of a support.
    of: fn(Interval, VectorKind) -> bool,
    /// The natural value at its variables, from the raw one there.
    forward: fn(&mut Graph, NodeId, &[VarId], Interval) -> NodeId,
    /// The raw values behind natural ones; an end of the support that no raw value reaches is an infinity.
    inverse: fn(&[f64], Interval) -> Vec<f64>,
    /// Where as many natural values start.
    start: fn(usize, Interval) -> Vec<f64>,
}

/// The first row that has a support is its link. The real numbers have the last.
static LINKS: [Row; 8] = [
    // softmax
    Row {
        of: |_, vector| vector == VectorKind::Simplex,
        forward: |graph, raw, vars, _| match vars {
            [.., var] => {
                let total = graph.reduce(ReduceOp::LogSumExp, *var, raw, None);
                let log = graph.apply(Op::Sub, &[raw, total]);
                graph.apply(Op::Exp, &[log])
            }
            [] => raw,
        },
        inverse: |natural, _| natural.iter().map(|x| x.ln()).collect(),
        start: |size, _| vec![1.0 / size as f64; size],
    },
    // raw/‖raw‖
    Row {
        of: |_, vector| vector == VectorKind::UnitVector,
        forward: |graph, raw, vars, _| match vars {
            [.., var] => {
                let length = graph.reduce(ReduceOp::Norm, *var, raw, None);
                graph.apply(Op::ZeroDiv, &[raw, length])
            }
            [] => raw,
        },
        inverse: |natural, _| natural.to_vec(),
        start: |size, _| vec![1.0 / (size as f64).sqrt(); size],
    },
    // The first as it is, then steps of softplus.
    Row {
        of: |_, vector| vector == VectorKind::Ordered,
        forward: |graph, raw, vars, _| match vars {
            [.., var] => {
                let (at, zero) = (graph.intern(Node::Var(*var)), graph.constant(0.0));
                let first = graph.apply(Op::Eq, &[at, zero]);
                let step = graph.apply(Op::Softplus, &[raw]);
                let step = graph.apply(Op::Select, &[first, raw, step]);
                cumulative(graph, step, *var)
            }
            [] => raw,
        },
        inverse: |natural, _| {
            let steps = natural.iter().zip(natural.iter().skip(1)).map(|(a, b)| inverse_softplus(b - a));
            natural.iter().take(1).copied().chain(steps).collect()
        },
        start: |size, _| (0..size).map(|at| at as f64 - (size as f64 - 1.0) / 2.0).collect(),
    },
    // softplus on the diagonal, free below, 0 above
    Row {
        of: |_, vector| vector == VectorKind::Cholesky,
        forward: |graph, raw, vars, _| match vars {
            [.., row, column] => {
                let (row, column) = (graph.intern(Node::Var(*row)), graph.intern(Node::Var(*column)));
                let (above, diagonal) = (graph.apply(Op::Lt, &[row, column]), graph.apply(Op::Eq, &[row, column]));
                let (zero, positive) = (graph.constant(0.0), graph.apply(Op::Softplus, &[raw]));
                let below = graph.apply(Op::Select, &[diagonal, positive, raw]);
                graph.apply(Op::Select, &[above, zero, below])
            }
            _ => raw,
        },
        inverse: |natural, _| {
            by_place(natural.len(), |at, place| match (place, natural.get(at).copied().unwrap_or_default()) {
                (Ordering::Less, _) => 0.0,
                (Ordering::Equal, x) => inverse_softplus(x),
                (Ordering::Greater, x) => x,
            })
        },
        start: |size, _| by_place(size, |_, place| f64::from(u8::from(place == Ordering::Equal))),
    },
    // lower + (upper − lower)·sigmoid(raw)
    Row {
        of: |support, _| support.is_bounded(),
        forward: |graph, raw, _, Interval { lo, hi, .. }| {
            let value = graph.apply(Op::Sigmoid, &[raw]);
            if (lo, hi) == (0.0, 1.0) {
                return value;
            }
            let (lower, width) = (graph.constant(lo), graph.constant(hi - lo));
            let scaled = graph.apply(Op::Mul, &[width, value]);
            graph.apply(Op::Add, &[lower, scaled])
        },
        inverse: |natural, Interval { lo, hi, .. }| {
            let share = |x: &f64| (x - lo) / (hi - lo);
            natural.iter().map(share).map(|p| p.ln() - (-p).ln_1p()).collect()
        },
        start: |size, Interval { lo, hi, .. }| vec![lo + (hi - lo) / 2.0; size],
    },
    // lower + softplus(raw)
    Row {
        of: |support, _| support.lo.is_finite(),
        forward: |graph, raw, _, Interval { lo, .. }| {
            let value = graph.apply(Op::Softplus, &[raw]);
            if lo == 0.0 {
                return value;
            }
            let lower = graph.constant(lo);
            graph.apply(Op::Add, &[lower, value])
        },
        inverse: |natural, Interval { lo, .. }| natural.iter().map(|x| inverse_softplus(x - lo)).collect(),
        start: |size, Interval { lo, .. }| vec![lo + 1.0; size],
    },
    // upper − softplus(raw)
    Row {
        of: |support, _| support.hi.is_finite(),
        forward: |graph, raw, _, Interval { hi, .. }| {
            let (upper, value) = (graph.constant(hi), graph.apply(Op::Softplus, &[raw]));
            graph.apply(Op::Sub, &[upper, value])
        },
        inverse: |natural, Interval { hi, .. }| natural.iter().map(|x| inverse_softplus(hi - x)).collect(),
        start: |size, Interval { hi, .. }| vec![hi - 1.0; size],
    },
    // The value itself.
    Row {
        of: |_, _| true,
        forward: |_, raw, _, _| raw,
        inverse: |natural, _| natural.to_vec(),
        start: |size, _| vec![0.0; size],
    },
];

impl Link {
    /// The link of a support.
    pub(super) fn of(support: Interval, vector: VectorKind) -> Link {
        let [.., identity] = &LINKS;
        let row = LINKS.iter().find(|row| (row.of)(support, vector)).unwrap_or(identity);
        Link { row, support }
    }

    /// The natural value of an input at its own variables, given the raw one there.
    pub(super) fn forward(self, graph: &mut Graph, raw: NodeId, vars: &[VarId]) -> NodeId {
        let natural = (self.row.forward)(graph, raw, vars, self.support);
        graph.narrow(natural, self.support);
        natural
    }

    /// The raw values behind the natural values of one block.
    pub fn inverse(self, natural: &[f64]) -> Vec<f64> {
        (self.row.inverse)(natural, self.support)
    }

    /// Where a block of as many natural values starts when the program says nothing: 0, 1 above an end, the midpoint
    /// between two, uniform, equally spaced, the identity.
    pub fn start(self, size: usize) -> Vec<f64> {
        (self.row.start)(size, self.support)
    }
}

fn inverse_softplus(y: f64) -> f64 {
    if y > 30.0 { y } else { y.exp_m1().ln() }
}

/// A square matrix of `size` elements, from each one's position and its row compared with its column.
fn by_place(size: usize, value: impl Fn(usize, Ordering) -> f64) -> Vec<f64> {
    let width = size.isqrt().max(1);
    (0..size).map(|at| value(at, (at / width).cmp(&(at % width)))).collect()
}

/// The sums of a vector up to each of its elements.
pub(super) fn cumulative(graph: &mut Graph, node: NodeId, var: VarId) -> NodeId {
    let axis = graph.var(var).axis;
    let inner = graph.fresh_var(axis);
    let body = Substitution::new(var, Index::Var(inner)).apply(graph, node);
    let (upto, at) = (graph.intern(Node::Var(inner)), graph.intern(Node::Var(var)));
    let cond = graph.apply(Op::Le, &[upto, at]);
    graph.reduce(ReduceOp::Sum, inner, body, Some(cond))
}
