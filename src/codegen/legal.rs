//! Rewrites a loss into the primitives that the schedule and the code generator know.
//!
//! Works on its own copy of the graph: sizes become numbers, conditions of reductions become selections, and primitives
//! that are another one plus arithmetic (`xlogy`, `logaddexp`, constant powers) are spelled out, so that one exponential
//! or logarithm serves value and gradient. Every rewrite keeps the primitive's values, NaN and infinities included.
//! Depends on the IR only; knows nothing of memory or machine code.

use crate::ir::graph::{Graph, Index, InputId, Node, NodeId, ROW, ROWS, Substitution, VarId};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::program::LossGraph;
use crate::ir::special::HALF_LOG_2PI;

/// Which of the outputs a kernel computes, and how the rows are weighted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Variant {
    /// Gradients as well as values.
    pub gradients: bool,
    /// Every row has the same adjoint (else: the caller's weights).
    pub uniform: bool,
}

/// A loss in legal form.
#[derive(Debug)]
pub(super) struct Legal {
    pub graph: Graph,
    pub seed: InputId,
    /// One node a term.
    pub terms: Vec<NodeId>,
    /// The row's loss: the sum of the terms that depend on the row.
    pub per_row: Option<NodeId>,
    /// The gradients asked for.
    pub gradients: Vec<(InputId, NodeId)>,
}

/// The legal form of a loss for these axis sizes (the entry of [`ROWS`] is not read).
#[allow(clippy::indexing_slicing)] // Proven: `renamed` has an entry a node, and children precede their users.
pub(super) fn legalise(loss: &LossGraph, sizes: &[usize], variant: Variant) -> Legal {
    let wanted: &[(InputId, NodeId)] = if variant.gradients { &loss.gradients } else { &[] };
    let mut roots: Vec<NodeId> = loss.terms.iter().map(|term| term.node).collect();
    roots.extend(wanted.iter().map(|&(_, node)| node));
    let mut rewriter = Rewriter { graph: loss.graph.clone(), seed: loss.seed, uniform: variant.uniform, sizes };
    let mut renamed: Vec<NodeId> = (0..loss.graph.len() as u32).map(NodeId).collect();
    for id in loss.graph.reachable(&roots) {
        let node = loss.graph.node(id).clone();
        let children: Vec<NodeId> = loss.graph.children(&node).iter().map(|child| renamed[child.index()]).collect();
        renamed[id.index()] = rewriter.rewrite(&node, &children);
    }
    let terms: Vec<NodeId> = loss.terms.iter().map(|term| renamed[term.node.index()]).collect();
    let mut graph = rewriter.graph;
    let per_row = terms
        .iter()
        .zip(&loss.terms)
        .filter(|(_, term)| loss.graph.free(term.node).contains(&ROW))
        .map(|(&node, _)| node)
        .reduce(|sum, node| graph.apply(Op::Add, &[sum, node]));
    let gradients = wanted.iter().map(|&(input, node)| (input, renamed[node.index()])).collect();
    Legal { graph, seed: loss.seed, terms, per_row, gradients }
}

struct Rewriter<'a> {
    graph: Graph,
    seed: InputId,
    uniform: bool,
    sizes: &'a [usize],
}

impl Rewriter<'_> {
    fn rewrite(&mut self, node: &Node, children: &[NodeId]) -> NodeId {
        match (node, children) {
            (Node::Size(axis), _) if *axis != ROWS => {
                let size = self.sizes.get(axis.index()).copied().unwrap_or(0);
                self.graph.constant(size as f64)
            }
            // One number for all rows: a load without subscripts.
            (Node::Load(input, _), _) if *input == self.seed && self.uniform => self.graph.load(self.seed, &[]),
            (Node::Apply(op, _), args) => self.apply(*op, args),
            (Node::Reduce { op, var, .. }, [body, cond @ ..]) if *var != ROW => {
                let (var, body, cond) = self.own_binder(*var, *body, cond.first().copied());
                self.conditional(*op, var, body, cond)
            }
            (Node::Reduce { op, .. }, [body, cond @ ..]) => self.conditional(*op, ROW, *body, cond.first().copied()),
            _ => self.graph.with_children(node, children),
        }
    }

    /// A reduction over the axis' own variable where that is not taken, so that its body is the same node as the same
    /// expression outside: a distance and its gradient then share the difference.
    fn own_binder(&mut self, var: VarId, body: NodeId, cond: Option<NodeId>) -> (VarId, NodeId, Option<NodeId>) {
        let own = self.graph.axis_var(self.graph.var(var).axis, 0);
        let taken = |id: NodeId| self.graph.free(id).contains(&own);
        if own == var || taken(body) || cond.is_some_and(taken) {
            return (var, body, cond);
        }
        let mut rename = Substitution::new(var, Index::Var(own));
        let body = rename.apply(&mut self.graph, body);
        (own, body, cond.map(|cond| rename.apply(&mut self.graph, cond)))
    }

    fn conditional(&mut self, op: ReduceOp, var: VarId, body: NodeId, cond: Option<NodeId>) -> NodeId {
        match cond {
            Some(_) if is_arg(op) => self.graph.intern(Node::Reduce { op, var, body, cond }),
            Some(cond) => {
                // The identity in place of what is left out; the selection also keeps its NaN out.
                let identity = self.graph.constant(op.identity());
                let body = self.graph.apply(Op::Select, &[cond, body, identity]);
                self.reduce(op, var, body)
            }
            None => self.reduce(op, var, body),
        }
    }

    fn reduce(&mut self, op: ReduceOp, var: VarId, body: NodeId) -> NodeId {
        let plain = |graph: &mut Graph, op, body| graph.intern(Node::Reduce { op, var, body, cond: None });
        if op != ReduceOp::LogSumExp {
            return plain(&mut self.graph, op, body);
        }
        // max + log1p Σ e^(x − max) over the others: a small remainder beside the largest is not lost.
        let graph = &mut self.graph;
        let max = plain(graph, ReduceOp::Max, body);
        let at = plain(graph, ReduceOp::ArgMax, body);
        let magnitude = graph.apply(Op::Abs, &[max]);
        let (zero, infinity) = (graph.constant(0.0), graph.constant(f64::INFINITY));
        let infinite = graph.apply(Op::Eq, &[magnitude, infinity]);
        let shift = graph.apply(Op::Select, &[infinite, zero, max]);
        let shifted = graph.apply(Op::Sub, &[body, shift]);
        let power = graph.apply(Op::Exp, &[shifted]);
        let index = graph.intern(Node::Var(var));
        let is_max = graph.apply(Op::Eq, &[index, at]);
        let other = graph.apply(Op::Select, &[is_max, zero, power]);
        let others = plain(graph, ReduceOp::Sum, other);
        let correction = graph.apply(Op::Log1p, &[others]);
        graph.apply(Op::Add, &[max, correction])
    }

    fn apply(&mut self, op: Op, args: &[NodeId]) -> NodeId {
        let graph = &mut self.graph;
        match (op, args) {
            (Op::Detach, [x]) => *x,
            (Op::XLogY, [a, b]) => zero_times(graph, *a, Op::Log, *b),
            (Op::XLog1pY, [a, b]) => zero_times(graph, *a, Op::Log1p, *b),
            (Op::LogAddExp, [a, b]) => log_add_exp(graph, *a, *b),
            (Op::Pow, [x, y]) => match graph.as_const(*y) {
                Some(exponent) => const_pow(graph, *x, *y, exponent),
                None => graph.apply(op, args),
            },
            _ => location_scale(graph, op, args).unwrap_or_else(|| graph.apply(op, args)),
        }
    }
}

/// Reductions that give an index.
pub(super) fn is_arg(op: ReduceOp) -> bool {
    matches!(op, ReduceOp::ArgMax | ReduceOp::ArgMin)
}

/// The densities of a residual and a scale, and their derivatives, as arithmetic; the formulas are those of `special`.
fn location_scale(graph: &mut Graph, op: Op, args: &[NodeId]) -> Option<NodeId> {
    let (&r, &scale) = (args.first()?, args.get(1)?);
    let one = graph.constant(1.0);
    let z = |graph: &mut Graph| graph.apply(Op::ZeroDiv, &[r, scale]);
    Some(match op {
        Op::NormalLp => {
            let z = z(graph);
            let half = graph.constant(-0.5);
            let product = graph.apply(Op::Mul, &[half, z]);
            let product = graph.apply(Op::Mul, &[product, z]);
            minus_both(graph, product, *args.get(2)?, HALF_LOG_2PI)
        }
        Op::NormalDr => {
            let z = z(graph);
            let slope = graph.apply(Op::ZeroDiv, &[z, scale]);
            graph.apply(Op::Neg, &[slope])
        }
        Op::NormalDlogscale => {
            let z = z(graph);
            let square = graph.apply(Op::Square, &[z]);
            graph.apply(Op::Sub, &[square, one])
        }
        Op::LaplaceLp => {
            let z = z(graph);
            let distance = graph.apply(Op::Abs, &[z]);
            let exponent = graph.apply(Op::Neg, &[distance]);
            minus_both(graph, exponent, *args.get(2)?, std::f64::consts::LN_2)
        }
        Op::LaplaceDr => {
            let sign = graph.apply(Op::Sign, &[r]);
            let slope = graph.apply(Op::ZeroDiv, &[sign, scale]);
            graph.apply(Op::Neg, &[slope])
        }
        Op::LaplaceDlogscale => {
            let z = z(graph);
            let distance = graph.apply(Op::Abs, &[z]);
            graph.apply(Op::Sub, &[distance, one])
        }
        _ => return None,
    })
}

/// a·f(b), and 0 when a is 0 unless b is NaN.
fn zero_times(graph: &mut Graph, a: NodeId, function: Op, b: NodeId) -> NodeId {
    let value = graph.apply(function, &[b]);
    let product = graph.apply(Op::Mul, &[a, value]);
    let zero = graph.constant(0.0);
    let none = graph.apply(Op::Eq, &[a, zero]);
    let number = graph.apply(Op::Eq, &[b, b]);
    let cut = graph.apply(Op::And, &[none, number]);
    graph.apply(Op::Select, &[cut, zero, product])
}

/// value − other − constant
fn minus_both(graph: &mut Graph, value: NodeId, other: NodeId, constant: f64) -> NodeId {
    let difference = graph.apply(Op::Sub, &[value, other]);
    let constant = graph.constant(constant);
    graph.apply(Op::Sub, &[difference, constant])
}

/// max(a, b) + softplus(−|a − b|), with a − b = 0 for equal infinities.
fn log_add_exp(graph: &mut Graph, a: NodeId, b: NodeId) -> NodeId {
    let larger = graph.apply(Op::Max, &[a, b]);
    let equal = graph.apply(Op::Eq, &[a, b]);
    let difference = graph.apply(Op::Sub, &[a, b]);
    let distance = graph.apply(Op::Abs, &[difference]);
    let zero = graph.constant(0.0);
    let distance = graph.apply(Op::Select, &[equal, zero, distance]);
    let exponent = graph.apply(Op::Neg, &[distance]);
    let correction = graph.apply(Op::Softplus, &[exponent]);
    graph.apply(Op::Add, &[larger, correction])
}

/// Powers that are a few exact operations; every other one stays.
fn const_pow(graph: &mut Graph, x: NodeId, y: NodeId, exponent: f64) -> NodeId {
    let inverse = |graph: &mut Graph, x: NodeId| {
        let one = graph.constant(1.0);
        graph.apply(Op::Div, &[one, x])
    };
    match exponent {
        0.0 => graph.constant(1.0),
        1.0 => x,
        2.0 => graph.apply(Op::Square, &[x]),
        3.0 => {
            let square = graph.apply(Op::Square, &[x]);
            graph.apply(Op::Mul, &[square, x])
        }
        4.0 => {
            let square = graph.apply(Op::Square, &[x]);
            graph.apply(Op::Square, &[square])
        }
        -1.0 => inverse(graph, x),
        -2.0 => {
            let square = graph.apply(Op::Square, &[x]);
            inverse(graph, square)
        }
        // √x differs from x^½ at −0 and −∞ only, which a support that excludes negatives excludes.
        0.5 if graph.support(x).is_nonneg() => graph.apply(Op::Sqrt, &[x]),
        -0.5 if graph.support(x).is_positive() => {
            let root = graph.apply(Op::Sqrt, &[x]);
            inverse(graph, root)
        }
        _ => graph.apply(Op::Pow, &[x, y]),
    }
}
