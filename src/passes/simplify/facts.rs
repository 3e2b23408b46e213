//! What is known of a canonical form beyond what its parts show: relations between occurrences of one expression.

use super::matching::{both, one, two};
use crate::ir::graph::{Graph, Node, NodeId};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::support::Interval;

/// A support that the shape of the expression proves.
pub fn derive(g: &Graph, id: NodeId) -> Option<Interval> {
    fraction(g, id).or_else(|| above_member(g, id))
}

/// x/(x + y) with x ≥ 0, y > 0 is in [0, 1), and in (0, 1) when x > 0; x/(x + y) with y ≥ 0, x > 0 is in (0, 1].
fn fraction(g: &Graph, id: NodeId) -> Option<Interval> {
    let (x, sum) = two(g, id, Op::Div)?;
    let (_, y) = both(g, sum, Op::Add)?.into_iter().find(|&(a, _)| a == x)?;
    let (sx, sy) = (g.support(x), g.support(y));
    match (sx.is_positive(), sy.is_positive()) {
        (true, true) => Some(Interval::UNIT),
        (false, true) if sx.is_nonneg() => Some(Interval::new(0.0, false, 1.0, true, false)),
        (true, false) if sy.is_nonneg() => Some(Interval::new(0.0, true, 1.0, false, false)),
        _ => None,
    }
}

/// log(e^x + e^y) − x > 0; max(x, y) − x ≥ 0; x − min(x, y) ≥ 0; softplus x − x > 0.
fn above_member(g: &Graph, id: NodeId) -> Option<Interval> {
    let (a, b) = two(g, id, Op::Sub)?;
    let has = |pair: Option<(NodeId, NodeId)>, x: NodeId| pair.is_some_and(|(p, q)| p == x || q == x);
    if has(two(g, a, Op::LogAddExp), b) || one(g, a, Op::Softplus) == Some(b) {
        return Some(Interval::POSITIVE);
    }
    if has(two(g, a, Op::Max), b) || has(two(g, b, Op::Min), a) {
        return Some(Interval::NONNEG);
    }
    // A member minus the logsumexp over its own variable.
    match g.node(b) {
        Node::Reduce { op: ReduceOp::LogSumExp, body, cond: None, .. } if *body == a => Some(Interval::NONPOS),
        _ => None,
    }
}
