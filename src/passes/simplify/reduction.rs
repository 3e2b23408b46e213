//! Reductions: what does not depend on the variable comes out, sums of squares under a root, one-hot sums.

use super::matching::{bin, is, one, three, two, un};
use super::{On, Phase, Rule};
use crate::ir::graph::{Graph, Index, Node, NodeId, Substitution, VarId};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::support::Interval;

/// See [`super::rules`].
pub const RULES: &[Rule] = &[
    rule!("sum of the same", "Σ x = n·x", "x does not depend on the index", None, On::Reduce, same),
    rule!("factor out of a sum", "Σ a·x = a·Σ x", "a does not depend on the index", None, On::Reduce, factor_out),
    rule!(
        "mask out of a sum",
        "Σ (if c then x else 0) = if c then Σ x else 0",
        "c does not depend on the index",
        None,
        On::Reduce,
        mask_out
    ),
    rule!(
        "condition as a mask",
        "Σ[i where c] (if d then x else 0) = Σ[i where c and d] x",
        "d is i = j",
        Some(Phase::Stable),
        On::Reduce,
        merge_condition
    ),
    rule!(
        "one-hot sum",
        "Σ[i] (if i = j then x else 0) = x at i = j",
        "j does not depend on i",
        Some(Phase::Stable),
        On::Reduce,
        one_hot
    ),
    rule!(
        "shift out of logsumexp",
        "logsumexp(a + x) = a + logsumexp x",
        "a does not depend on the index",
        Some(Phase::Canonical),
        On::Reduce,
        shift_out
    ),
    rule!("Euclidean norm", "√Σ x² = ‖x‖", "", None, On::Ops(&[Op::Sqrt]), |g, id| {
        let x = one(g, id, Op::Sqrt)?;
        let Node::Reduce { op: ReduceOp::Sum, var, body, cond } = *g.node(x) else { return None };
        let body = one(g, body, Op::Square)?;
        Some(g.reduce(ReduceOp::Norm, var, body, cond))
    }),
    rule!("square of a norm", "‖x‖² = Σ x²", "", None, On::Ops(&[Op::Square]), |g, id| {
        let x = one(g, id, Op::Square)?;
        let Node::Reduce { op: ReduceOp::Norm, var, body, cond } = *g.node(x) else { return None };
        let body = un(g, Op::Square, body);
        Some(g.reduce(ReduceOp::Sum, var, body, cond))
    }),
    rule!("product of exponentials over an index", "Π exp x = exp Σ x", "", None, On::Reduce, |g, id| {
        let Node::Reduce { op: ReduceOp::Prod, var, body, cond } = *g.node(id) else { return None };
        let body = one(g, body, Op::Exp)?;
        let sum = g.reduce(ReduceOp::Sum, var, body, cond);
        Some(un(g, Op::Exp, sum))
    }),
    rule!("softmax sums to 1", "Σ exp(x - logsumexp x) = 1", "", None, On::Reduce, |g, id| {
        let Node::Reduce { op: ReduceOp::Sum, var, body, cond: None } = *g.node(id) else { return None };
        let difference = one(g, body, Op::Exp)?;
        let (x, sum) = two(g, difference, Op::Sub)?;
        let again = g.reduce(ReduceOp::LogSumExp, var, x, None);
        (again == sum).then(|| g.constant(1.0))
    }),
    rule!("known condition", "where true", "", None, On::Reduce, |g, id| {
        let Node::Reduce { op, var, body, cond: Some(cond) } = *g.node(id) else { return None };
        match g.support(cond).as_point() {
            Some(0.0) => Some(g.constant(op.identity())),
            Some(_) => Some(g.reduce(op, var, body, None)),
            None => None,
        }
    }),
];

fn depends(g: &Graph, id: NodeId, var: VarId) -> bool {
    g.free(id).contains(&var)
}

fn same(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let Node::Reduce { op, var, body, cond } = *g.node(id) else { return None };
    if depends(g, body, var) {
        return None;
    }
    let count = match cond {
        Some(_) if is(g, body, 1.0) => return None,
        Some(cond) => {
            let one = g.constant(1.0);
            g.reduce(ReduceOp::Sum, var, one, Some(cond))
        }
        None => g.intern(Node::Size(g.var(var).axis)),
    };
    match op {
        ReduceOp::Sum => Some(bin(g, Op::Mul, count, body)),
        ReduceOp::Prod => Some(bin(g, Op::Pow, body, count)),
        ReduceOp::Max | ReduceOp::Min if cond.is_none() => Some(body),
        ReduceOp::LogSumExp if cond.is_none() => {
            let log = un(g, Op::Log, count);
            Some(bin(g, Op::Add, log, body))
        }
        _ => None,
    }
}

/// Factors beyond which a product is left as it is.
const LIMIT: usize = 64;

/// A product in two: what does not depend on the variable, and the rest.
struct Split {
    var: VarId,
    /// Nodes that may still be looked at.
    left: usize,
}

impl Split {
    /// Both parts, when the first exists; a rest of 1 is `None`.
    fn of(&mut self, g: &mut Graph, id: NodeId) -> Option<(NodeId, Option<NodeId>)> {
        if !depends(g, id, self.var) {
            return (!is(g, id, 1.0)).then_some((id, None));
        }
        self.left = self.left.checked_sub(1)?;
        if let Some(x) = one(g, id, Op::Neg) {
            return Some((g.constant(-1.0), Some(x)));
        }
        if let Some((a, b)) = two(g, id, Op::Div) {
            return self.quotient(g, a, b);
        }
        let (a, b) = two(g, id, Op::Mul)?;
        let product = |g: &mut Graph, p: Option<NodeId>, q: Option<NodeId>| match (p, q) {
            (Some(p), Some(q)) => Some(bin(g, Op::Mul, p, q)),
            (p, q) => p.or(q),
        };
        match (self.of(g, a), self.of(g, b)) {
            (Some((x, p)), Some((y, q))) => Some((bin(g, Op::Mul, x, y), product(g, p, q))),
            (Some((x, p)), None) => Some((x, product(g, p, Some(b)))),
            (None, Some((y, q))) => Some((y, product(g, Some(a), q))),
            (None, None) => None,
        }
    }

    fn quotient(&mut self, g: &mut Graph, a: NodeId, b: NodeId) -> Option<(NodeId, Option<NodeId>)> {
        let one = g.constant(1.0);
        if !depends(g, b, self.var) {
            return Some((bin(g, Op::Div, one, b), Some(a)));
        }
        let (outside, inside) = self.of(g, a)?;
        Some((outside, Some(bin(g, Op::Div, inside.unwrap_or(one), b))))
    }
}

fn factor_out(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let Node::Reduce { op: ReduceOp::Sum, var, body, cond } = *g.node(id) else { return None };
    if !depends(g, body, var) {
        return None;
    }
    let (outside, inside) = Split { var, left: LIMIT }.of(g, body)?;
    let inside = inside?;
    let sum = g.reduce(ReduceOp::Sum, var, inside, cond);
    Some(bin(g, Op::Mul, outside, sum))
}

fn mask_out(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let Node::Reduce { op: ReduceOp::Sum, var, body, cond } = *g.node(id) else { return None };
    let (c, x, y) = three(g, body, Op::Select)?;
    if depends(g, c, var) || !(is(g, x, 0.0) || is(g, y, 0.0)) {
        return None;
    }
    let mut sum = |branch: NodeId| if is(g, branch, 0.0) { branch } else { g.reduce(ReduceOp::Sum, var, branch, cond) };
    let (x, y) = (sum(x), sum(y));
    Some(g.apply(Op::Select, &[c, x, y]))
}

/// i and j of the mask `i = j`, with i the variable and j independent of it.
fn equality(g: &Graph, cond: NodeId, var: VarId) -> Option<NodeId> {
    let (a, b) = two(g, cond, Op::Eq)?;
    let is_var = |x: NodeId| *g.node(x) == Node::Var(var);
    if is_var(a) && !depends(g, b, var) {
        return Some(b);
    }
    (is_var(b) && !depends(g, a, var)).then_some(a)
}

fn merge_condition(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let Node::Reduce { op: ReduceOp::Sum, var, body, cond: Some(cond) } = *g.node(id) else { return None };
    let (c, x, y) = three(g, body, Op::Select)?;
    equality(g, c, var).filter(|_| is(g, y, 0.0))?;
    // The condition at i = j becomes part of the value there.
    let zero = g.constant(0.0);
    let x = g.apply(Op::Select, &[cond, x, zero]);
    let body = g.apply(Op::Select, &[c, x, y]);
    Some(g.reduce(ReduceOp::Sum, var, body, None))
}

fn one_hot(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let Node::Reduce { op: ReduceOp::Sum, var, body, cond: None } = *g.node(id) else { return None };
    let (c, x, y) = three(g, body, Op::Select)?;
    let j = equality(g, c, var).filter(|_| is(g, y, 0.0))?;
    let target = match g.node(j) {
        Node::Var(var) => Index::Var(*var),
        _ => Index::At(j),
    };
    let value = Substitution::new(var, target).apply(g, x);
    let axis = g.var(var).axis;
    if let Index::Var(other) = target
        && g.var(other).axis == axis
    {
        return Some(value);
    }
    // Outside the axis there is no such member.
    let (zero, support) = (g.constant(0.0), g.support(j));
    let size = g.intern(Node::Size(axis));
    let whole = support.integral;
    let from = bin(g, Op::Le, zero, j);
    let to = bin(g, Op::Lt, j, size);
    let chosen_by_reduction = matches!(g.node(j), Node::Reduce { op: ReduceOp::ArgMax | ReduceOp::ArgMin, var, .. } if g.var(*var).axis == axis);
    let inside = if chosen_by_reduction { from } else { bin(g, Op::And, from, to) };
    whole.then(|| g.apply(Op::Select, &[inside, value, zero]))
}

fn shift_out(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let Node::Reduce { op: ReduceOp::LogSumExp, var, body, cond } = *g.node(id) else { return None };
    let finite = |g: &Graph, x: NodeId| !depends(g, x, var) && g.support(x) != Interval::point(f64::NEG_INFINITY);
    if let Some((a, b)) = two(g, body, Op::Sub) {
        if finite(g, b) {
            let sum = g.reduce(ReduceOp::LogSumExp, var, a, cond);
            return Some(bin(g, Op::Sub, sum, b));
        }
        return None;
    }
    let (a, b) = two(g, body, Op::Add)?;
    let (outside, inside) = if finite(g, a) {
        (a, b)
    } else if finite(g, b) {
        (b, a)
    } else {
        return None;
    };
    let sum = g.reduce(ReduceOp::LogSumExp, var, inside, cond);
    Some(bin(g, Op::Add, outside, sum))
}
