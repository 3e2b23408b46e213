//! Last: the forms that are evaluated. Equal to the canonical ones, longer to write, without their cancellations.

use super::matching::{bin, neg, one, two, un};
use super::{On, Phase, Rule};
use crate::ir::graph::{Graph, Index, Node, NodeId, Substitution, VarId};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::support::Interval;

/// See [`super::rules`].
pub const RULES: &[Rule] = &[
    rule!(
        "logit residual",
        "sigmoid z - y = if y then -sigmoid(-z) else sigmoid z",
        "y is 0 or 1",
        Some(Phase::Stable),
        On::Ops(&[Op::Sub]),
        residual
    ),
    rule!(
        "soft logit residual",
        "sigmoid z - y = (1 - y)·sigmoid z - y·sigmoid(-z)",
        "0 ≤ y ≤ 1",
        Some(Phase::Stable),
        On::Ops(&[Op::Sub]),
        soft_residual
    ),
    rule!(
        "counts residual",
        "n·sigmoid z - k = (n - k)·sigmoid z - k·sigmoid(-z)",
        "k, n counts",
        Some(Phase::Stable),
        On::Ops(&[Op::Sub]),
        counts_residual
    ),
    rule!(
        "logit loss",
        "y·softplus(-z) + (1 - y)·softplus z = softplus(if y then -z else z)",
        "y is 0 or 1",
        Some(Phase::Stable),
        On::Ops(&[Op::Add]),
        logit_loss
    ),
    rule!(
        "log-softmax loss",
        "logsumexp[i] x - x[j] = softplus(logsumexp[i where i ≠ j] x - x[j])",
        "j is an index of the axis",
        Some(Phase::Stable),
        On::Ops(&[Op::Sub]),
        softmax_loss
    ),
    rule!(
        "softmax residual",
        "softmax(x)[i] - (i = j) = if i = j then -sigmoid(logsumexp[i where i ≠ j] x - x[j]) else softmax(x)[i]",
        "",
        Some(Phase::Stable),
        On::Ops(&[Op::Sub]),
        softmax_residual
    ),
];

fn is_truth(g: &Graph, y: NodeId) -> bool {
    g.support(y).is_subset(Interval::BOOL)
}

fn residual(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (s, y) = two(g, id, Op::Sub)?;
    let z = one(g, s, Op::Sigmoid).filter(|_| is_truth(g, y) && g.as_const(y).is_none())?;
    let away = neg(g, z);
    let signed = g.apply(Op::Select, &[y, away, z]);
    let size = un(g, Op::Sigmoid, signed);
    let negative = un(g, Op::Neg, size);
    Some(g.apply(Op::Select, &[y, negative, size]))
}

fn soft_residual(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (s, y) = two(g, id, Op::Sub)?;
    let z = one(g, s, Op::Sigmoid)?;
    if is_truth(g, y) || g.as_const(y).is_some() || !g.support(y).is_subset(Interval::PROB) {
        return None;
    }
    let one = g.constant(1.0);
    let rest = bin(g, Op::Sub, one, y);
    two_sided(g, rest, s, y, z)
}

fn counts_residual(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (ns, k) = two(g, id, Op::Sub)?;
    let (n, s) = two(g, ns, Op::Mul)?;
    let z = one(g, s, Op::Sigmoid)?;
    let count = |x: NodeId| g.support(x).is_subset(Interval::COUNT);
    if !(count(n) && count(k)) || (g.as_const(n).is_some() && g.as_const(k).is_some()) {
        return None;
    }
    let rest = bin(g, Op::Sub, n, k);
    two_sided(g, rest, s, k, z)
}

/// a·sigmoid z − b·sigmoid(−z)
fn two_sided(g: &mut Graph, a: NodeId, s: NodeId, b: NodeId, z: NodeId) -> Option<NodeId> {
    let away = neg(g, z);
    let t = un(g, Op::Sigmoid, away);
    let (p, q) = (bin(g, Op::Mul, a, s), bin(g, Op::Mul, b, t));
    Some(bin(g, Op::Sub, p, q))
}

fn logit_loss(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (a, b) = two(g, id, Op::Add)?;
    for (a, b) in [(a, b), (b, a)] {
        let (Some((y, s)), Some((n, t))) = (two(g, a, Op::Mul), two(g, b, Op::Mul)) else { continue };
        let (Some(w), Some(z)) = (one(g, s, Op::Softplus), one(g, t, Op::Softplus)) else { continue };
        let complement = two(g, n, Op::Sub).is_some_and(|(one, x)| g.as_const(one) == Some(1.0) && x == y);
        if complement && is_truth(g, y) && super::matching::negated(g, w, z) {
            let signed = g.apply(Op::Select, &[y, w, z]);
            return Some(un(g, Op::Softplus, signed));
        }
    }
    None
}

/// The body of a logsumexp without condition, and its variable.
fn log_sum_exp(g: &Graph, id: NodeId) -> Option<(VarId, NodeId)> {
    match *g.node(id) {
        Node::Reduce { op: ReduceOp::LogSumExp, var, body, cond: None } => Some((var, body)),
        _ => None,
    }
}

/// The index at which a member stands: `member` is `body` with the variable replaced by a computed index.
fn member_index(g: &mut Graph, var: VarId, body: NodeId, member: NodeId) -> Option<NodeId> {
    let candidates: Vec<NodeId> = g
        .reachable(&[member])
        .into_iter()
        .filter_map(|id| match g.node(id) {
            Node::Load(_, index) => index.iter().find_map(|index| match index {
                Index::At(node) if g.support(*node).integral => Some(*node),
                _ => None,
            }),
            _ => None,
        })
        .collect();
    candidates.into_iter().find(|&at| Substitution::new(var, Index::At(at)).apply(g, body) == member)
}

/// logsumexp of the members other than j, minus member j: −log of the odds of j.
fn log_odds_against(g: &mut Graph, var: VarId, body: NodeId, member: NodeId, j: NodeId) -> NodeId {
    let here = g.intern(Node::Var(var));
    let same = bin(g, Op::Eq, here, j);
    let other = un(g, Op::Not, same);
    let rest = g.reduce(ReduceOp::LogSumExp, var, body, Some(other));
    bin(g, Op::Sub, rest, member)
}

fn softmax_loss(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (sum, member) = two(g, id, Op::Sub)?;
    let (var, body) = log_sum_exp(g, sum)?;
    let j = member_index(g, var, body, member)?;
    let odds = log_odds_against(g, var, body, member, j);
    Some(un(g, Op::Softplus, odds))
}

fn softmax_residual(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (share, hit) = two(g, id, Op::Sub)?;
    let (i, j) = two(g, hit, Op::Eq)?;
    let difference = one(g, share, Op::Exp)?;
    let (_, sum) = two(g, difference, Op::Sub)?;
    let (var, body) = log_sum_exp(g, sum)?;
    let Node::Var(own) = *g.node(i) else { return None };
    // The member at i is the body there; the one at j is the body at the computed index.
    let at_own = Substitution::new(var, Index::Var(own)).apply(g, body);
    let expected = bin(g, Op::Sub, at_own, sum);
    if expected != difference || g.free(j).contains(&own) {
        return None;
    }
    let member = Substitution::new(var, Index::At(j)).apply(g, body);
    let odds = log_odds_against(g, var, body, member, j);
    let miss = un(g, Op::Sigmoid, odds);
    let miss = un(g, Op::Neg, miss);
    Some(g.apply(Op::Select, &[hit, miss, share]))
}
