//! What differentiation leaves behind: products guarded against 0·∞, masks, guarded quotients.

use super::matching::{bin, is, neg, one, three, two, un};
use super::{On, Rule};
use crate::ir::graph::{Graph, NodeId};
use crate::ir::op::Op;
use crate::ir::support::Interval;

/// See [`super::rules`].
pub const RULES: &[Rule] = &[
    rule!("guarded product", "x·y needs no guard", "x ≠ 0, or y bounded", On::Ops(&[Op::MulZero]), |g, id| {
        let (a, b) = two(g, id, Op::MulZero)?;
        (g.support(a).is_nonzero() || g.support(b).is_bounded()).then(|| bin(g, Op::Mul, a, b))
    }),
    rule!(
        "guarded product of a mask",
        "x·y = if x then y else 0",
        "x a truth value",
        On::Ops(&[Op::MulZero]),
        |g, id| {
            let (a, b) = two(g, id, Op::MulZero)?;
            let zero = g.constant(0.0);
            g.support(a).is_subset(Interval::BOOL).then(|| g.apply(Op::Select, &[a, b, zero]))
        }
    ),
    rule!(
        "constant out of a guarded product",
        "(c·x)·y = c·(x·y)",
        "c constant",
        On::Ops(&[Op::MulZero]),
        |g, id| {
            let (a, b) = two(g, id, Op::MulZero)?;
            let (c, x) = two(g, a, Op::Mul)?;
            g.as_const(c)?;
            let product = bin(g, Op::MulZero, x, b);
            Some(bin(g, Op::Mul, c, product))
        }
    ),
    rule!("guarded quotient", "x/y needs no guard", "x ≠ 0 or y ≠ 0", On::Ops(&[Op::ZeroDiv]), |g, id| {
        let (a, b) = two(g, id, Op::ZeroDiv)?;
        (g.support(a).is_nonzero() || g.support(b).is_nonzero()).then(|| bin(g, Op::Div, a, b))
    }),
    rule!(
        "mask out of a product",
        "(if c then x else 0)·y = if c then x·y else 0",
        "",
        On::Ops(&[Op::Mul, Op::MulZero, Op::Div, Op::ZeroDiv]),
        mask_out
    ),
    rule!("minus out of a mask", "if c then -x else 0 = -(if c then x else 0)", "", On::Ops(&[Op::Select]), minus_out),
    rule!(
        "masks added",
        "(if c then x else 0) + (if c then y else z) = if c then x + y else z",
        "also with the branches exchanged, and for −",
        On::Ops(&[Op::Add, Op::Sub]),
        masks_added
    ),
];

fn mask_out(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (op, (a, b)) = [Op::Mul, Op::MulZero, Op::Div, Op::ZeroDiv]
        .into_iter()
        .find_map(|op| two(g, id, op).map(|pair| (op, pair)))?;
    let zero = g.constant(0.0);
    let masked = |g: &mut Graph, mask: NodeId, build: &dyn Fn(&mut Graph, NodeId) -> NodeId| {
        let (c, x, y) = three(g, mask, Op::Select)?;
        if is(g, y, 0.0) {
            let product = build(g, x);
            Some(g.apply(Op::Select, &[c, product, zero]))
        } else if is(g, x, 0.0) {
            let product = build(g, y);
            Some(g.apply(Op::Select, &[c, zero, product]))
        } else {
            None
        }
    };
    let left = masked(g, a, &|g, x| bin(g, op, x, b));
    if left.is_some() || op != Op::Mul {
        return left;
    }
    masked(g, b, &|g, x| bin(g, Op::Mul, a, x))
}

fn minus_out(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (c, a, b) = three(g, id, Op::Select)?;
    let inner = |g: &mut Graph, x: NodeId| match g.as_const(x) {
        Some(c) => (c <= 0.0).then(|| g.constant(-c)),
        None => one(g, x, Op::Neg),
    };
    if is(g, a, 0.0) && is(g, b, 0.0) {
        return None;
    }
    let (a, b) = (inner(g, a)?, inner(g, b)?);
    let select = g.apply(Op::Select, &[c, a, b]);
    Some(un(g, Op::Neg, select))
}

fn masks_added(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (minus, (left, right)) = match two(g, id, Op::Add) {
        Some(pair) => (false, pair),
        None => (true, two(g, id, Op::Sub)?),
    };
    let (c, a, b) = three(g, left, Op::Select)?;
    let (d, x, y) = three(g, right, Op::Select).filter(|right| right.0 == c)?;
    let zeros = [a, b, x, y].into_iter().filter(|&branch| is(g, branch, 0.0)).count();
    if zeros < 2 || c != d {
        return None;
    }
    let op = if minus { Op::Sub } else { Op::Add };
    let mut sum = |p: NodeId, q: NodeId| match (is(g, p, 0.0), is(g, q, 0.0)) {
        (_, true) => p,
        (true, false) if minus => neg(g, q),
        (true, false) => q,
        _ => bin(g, op, p, q),
    };
    let (then, other) = (sum(a, x), sum(b, y));
    Some(g.apply(Op::Select, &[c, then, other]))
}
