//! Reverse-mode differentiation on the graph.
//!
//! The adjoint of a node is an array over the node's own free variables. A user `p` gives its argument `c` the product
//! of its adjoint and the partial derivative, summed over the variables that `p` depends on and `c` does not. What row
//! terms contribute is kept without its factor `seed[row]` for as long as it depends on the row, so that the gradient
//! of a head reads `seed·(exp(η) − k)`; the factor enters where a sum over rows is taken, or at the end.
//!
//! A branch that is not taken has adjoint exactly 0 and stays so: beneath a cut (a select, a guarded product, a kink)
//! products with factors that may be infinite are [`Op::MulZero`]. So are, beneath a root that may be steep, products
//! with factors that may be 0. Depends on `ir`; does not simplify.

mod partial;
mod scatter;

use std::collections::HashMap;

use crate::ir::graph::{Graph, Index, InputId, Node, NodeId, ROW, VarId};
use crate::ir::op::{Op, ReduceOp};

/// Gradient of the loss, the sum over rows of `seed·term` for terms of the row and of the others once, with respect to
/// each element of the inputs `wrt`: a node over the input's own axis variables ([`Graph::own_vars`]) an input.
pub fn differentiate(graph: &mut Graph, terms: &[NodeId], wrt: &[InputId], seed: InputId) -> Vec<(InputId, NodeId)> {
    let order = graph.reachable(terms);
    let active = active(graph, &order, wrt);
    let seed = graph.load(seed, &[Index::Var(ROW)]);
    let mut reverse = Reverse { graph, active, seed, pending: HashMap::new(), sums: HashMap::new() };
    let one = reverse.graph.constant(1.0);
    for &term in terms {
        let seeded = reverse.graph.free(term).contains(&ROW);
        reverse.give(term, Contribution { value: one, over: Vec::new(), care: Care::default(), seeded });
    }
    for &id in order.iter().rev() {
        reverse.visit(id);
    }
    wrt.iter().map(|&input| (input, reverse.gradient(input))).collect()
}

/// Which nodes depend on an input of `wrt`.
fn active(graph: &Graph, order: &[NodeId], wrt: &[InputId]) -> HashMap<NodeId, bool> {
    let mut active = HashMap::new();
    for &id in order {
        let node = graph.node(id);
        let depends = match node {
            Node::Load(input, _) => wrt.contains(input),
            Node::Apply(Op::Detach, _) => false,
            Node::Reduce { body, .. } => active.get(body).copied().unwrap_or(false),
            _ => graph.children(node).iter().any(|child| active.get(child).copied().unwrap_or(false)),
        };
        active.insert(id, depends);
    }
    active
}

/// Which products of an adjoint need a guard against 0·∞.
#[derive(Clone, Copy, Debug, Default)]
struct Care {
    /// The adjoint may be exactly 0 because a branch was not taken.
    cut: bool,
    /// The adjoint may be infinite although the value is finite: a root at 0.
    steep: bool,
}

impl Care {
    fn and(self, other: Care) -> Care {
        Care { cut: self.cut || other.cut, steep: self.steep || other.steep }
    }

    fn and_cut(self, cut: bool) -> Care {
        Care { cut: self.cut || cut, ..self }
    }
}

/// What one user gives to the adjoint of an argument.
#[derive(Clone, Debug)]
struct Contribution {
    value: NodeId,
    /// Variables still to be summed over.
    over: Vec<VarId>,
    care: Care,
    /// Lacks its factor `seed[row]`.
    seeded: bool,
}

/// A finished adjoint, or a part of it.
#[derive(Clone, Copy, Debug)]
struct Adjoint {
    value: NodeId,
    care: Care,
    seeded: bool,
}

struct Reverse<'a> {
    graph: &'a mut Graph,
    active: HashMap<NodeId, bool>,
    seed: NodeId,
    pending: HashMap<NodeId, Vec<Contribution>>,
    /// Gradient so far of each input: the part that lacks `seed[row]`, and the part that does not.
    sums: HashMap<InputId, [Option<NodeId>; 2]>,
}

impl Reverse<'_> {
    fn is_active(&self, id: NodeId) -> bool {
        self.active.get(&id).copied().unwrap_or(false)
    }

    fn give(&mut self, to: NodeId, contribution: Contribution) {
        if self.is_active(to) && self.graph.as_const(contribution.value) != Some(0.0) {
            self.pending.entry(to).or_default().push(contribution);
        }
    }

    /// Gives `value`, an array over `scope` (the free variables of the user and what it binds), to an argument.
    fn pass_on(&mut self, scope: &[VarId], to: NodeId, value: NodeId, from: Adjoint) {
        let inner = self.graph.free(to);
        let over: Vec<VarId> = scope.iter().copied().filter(|var| !inner.contains(var)).collect();
        let crosses_rows = from.seeded && over.contains(&ROW);
        let value = if crosses_rows { self.graph.apply(Op::Mul, &[self.seed, value]) } else { value };
        let seeded = from.seeded && !crosses_rows;
        self.give(to, Contribution { value, over, care: from.care, seeded });
    }

    fn visit(&mut self, id: NodeId) {
        let Some(contributions) = self.pending.remove(&id) else { return };
        for seeded in [true, false] {
            let mut part = contributions.iter().filter(|one| one.seeded == seeded).cloned().collect::<Vec<_>>();
            if part.is_empty() {
                continue;
            }
            let care = part.iter().fold(Care::default(), |care, one| care.and(one.care));
            let value = self.total(&mut part);
            self.propagate(id, Adjoint { value, care, seeded });
        }
    }

    /// The sum of contributions; those over the same variables share one reduction.
    fn total(&mut self, contributions: &mut Vec<Contribution>) -> NodeId {
        let mut total = None;
        while let Some(first) = contributions.first().cloned() {
            let same = |one: &Contribution| one.over == first.over;
            let group: Vec<NodeId> = contributions.iter().filter(|one| same(one)).map(|one| one.value).collect();
            contributions.retain(|one| !same(one));
            let mut sum = None;
            for value in group {
                sum = Some(self.add(sum, value));
            }
            if let Some(mut sum) = sum {
                for &var in first.over.iter().rev() {
                    sum = self.graph.reduce(ReduceOp::Sum, var, sum, None);
                }
                total = Some(self.add(total, sum));
            }
        }
        total.unwrap_or_else(|| self.graph.constant(0.0))
    }

    fn add(&mut self, sum: Option<NodeId>, value: NodeId) -> NodeId {
        match sum {
            Some(sum) => self.graph.apply(Op::Add, &[sum, value]),
            None => value,
        }
    }

    fn propagate(&mut self, id: NodeId, adjoint: Adjoint) {
        match self.graph.node(id).clone() {
            Node::Const(_) | Node::Var(_) | Node::Size(_) => {}
            Node::Load(input, index) => self.scatter(id, input, &index, adjoint),
            Node::Apply(op, args) => {
                let scope = self.graph.free(id).to_vec();
                for (arg, value, care) in self.apply_partials(id, op, &args, adjoint) {
                    self.pass_on(&scope, arg, value, Adjoint { care, ..adjoint });
                }
            }
            Node::Reduce { op, var, body, cond } => {
                if !self.is_active(body) {
                    return;
                }
                let mut scope = self.graph.free(id).to_vec();
                scope.push(var);
                let (value, care) = self.reduce_partial(id, (op, var), (body, cond), adjoint);
                self.pass_on(&scope, body, value, Adjoint { care, ..adjoint });
            }
        }
    }

    /// The finished gradient with respect to an input.
    fn gradient(&mut self, input: InputId) -> NodeId {
        let [seeded, plain] = self.sums.get(&input).copied().unwrap_or_default();
        let seeded = seeded.map(|sum| self.graph.apply(Op::Mul, &[self.seed, sum]));
        match (seeded, plain) {
            (Some(seeded), Some(plain)) => self.graph.apply(Op::Add, &[seeded, plain]),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => self.graph.constant(0.0),
        }
    }
}

#[cfg(test)]
mod tests;
