//! Exponentials, sigmoid, softplus and their relations.

use super::matching::{bin, both, is, neg, negated, one, two, un};
use super::{On, Rule};
use crate::ir::graph::{Graph, NodeId};
use crate::ir::op::Op;

const EXP: On = On::Ops(&[Op::Exp]);

/// See [`super::rules`].
pub const RULES: &[Rule] = &[
    rule!("exp of log", "exp(log x) = x", "", EXP, |g, id| {
        let x = one(g, id, Op::Exp)?;
        one(g, x, Op::Log)
    }),
    rule!("exp of -log", "exp(-log x) = 1/x", "", EXP, |g, id| {
        let x = one(g, id, Op::Exp)?;
        let x = one(g, x, Op::Neg)?;
        let x = one(g, x, Op::Log)?;
        let one = g.constant(1.0);
        Some(bin(g, Op::Div, one, x))
    }),
    rule!("exp of a sum with a log", "exp(x + log y) = y·exp x", "x bounded or a logarithm", EXP, |g, id| exp_of_sum(
        g, id
    )),
    rule!("exp of a multiple of a log", "exp(a·log x) = x^a", "", EXP, |g, id| {
        let x = one(g, id, Op::Exp)?;
        let (a, x) = both(g, x, Op::Mul)?.into_iter().find_map(|(a, log)| one(g, log, Op::Log).map(|x| (a, x)))?;
        Some(bin(g, Op::Pow, x, a))
    }),
    rule!("exp of -softplus", "exp(-softplus z) = sigmoid(-z)", "", EXP, |g, id| {
        let x = one(g, id, Op::Exp)?;
        let x = one(g, x, Op::Neg)?;
        let z = one(g, x, Op::Softplus)?;
        let z = neg(g, z);
        Some(un(g, Op::Sigmoid, z))
    }),
    rule!("exp of log_softplus", "exp(log_softplus z) = softplus z", "", EXP, |g, id| {
        let x = one(g, id, Op::Exp)?;
        let z = one(g, x, Op::LogSoftplus)?;
        Some(un(g, Op::Softplus, z))
    }),
    rule!("exp of log Φ", "exp(log_ndtr z) = Φ(z)", "", EXP, |g, id| {
        let x = one(g, id, Op::Exp)?;
        let z = one(g, x, Op::LogNdtr)?;
        Some(un(g, Op::Ndtr, z))
    }),
    rule!("exp of log1p", "exp(log1p x) = 1 + x", "", EXP, |g, id| {
        let x = one(g, id, Op::Exp)?;
        let x = one(g, x, Op::Log1p)?;
        let one = g.constant(1.0);
        Some(bin(g, Op::Add, one, x))
    }),
    rule!("exp of log1mexp", "exp(log1mexp x) = -expm1 x", "", EXP, |g, id| {
        let x = one(g, id, Op::Exp)?;
        let x = one(g, x, Op::Log1mExp)?;
        let e = un(g, Op::Expm1, x);
        Some(un(g, Op::Neg, e))
    }),
    rule!("exp of log_cloglog", "exp(log_cloglog x) = -expm1(-exp x)", "", EXP, |g, id| {
        let x = one(g, id, Op::Exp)?;
        let x = one(g, x, Op::LogCloglog)?;
        let rate = un(g, Op::Exp, x);
        let less = neg(g, rate);
        let e = un(g, Op::Expm1, less);
        Some(un(g, Op::Neg, e))
    }),
    rule!("expm1", "exp x - 1 = expm1 x", "", On::Ops(&[Op::Sub]), |g, id| {
        let (a, b) = two(g, id, Op::Sub)?;
        if let Some(x) = one(g, a, Op::Exp).filter(|_| is(g, b, 1.0)) {
            return Some(un(g, Op::Expm1, x));
        }
        let x = one(g, b, Op::Exp).filter(|_| is(g, a, 1.0))?;
        let e = un(g, Op::Expm1, x);
        Some(un(g, Op::Neg, e))
    }),
    rule!("expm1 plus 1", "expm1 x + 1 = exp x", "", On::Ops(&[Op::Add]), |g, id| {
        let (x, _) = both(g, id, Op::Add)?.into_iter().find(|&(_, b)| is(g, b, 1.0))?;
        let x = one(g, x, Op::Expm1)?;
        Some(un(g, Op::Exp, x))
    }),
    rule!("product of exponentials", "exp x·exp y = exp(x + y)", "", On::Ops(&[Op::Mul]), |g, id| {
        let (a, b) = two(g, id, Op::Mul)?;
        let (x, y) = (one(g, a, Op::Exp)?, one(g, b, Op::Exp)?);
        let sum = bin(g, Op::Add, x, y);
        Some(un(g, Op::Exp, sum))
    }),
    rule!("square of exp", "(exp x)² = exp(2·x)", "", On::Ops(&[Op::Square]), |g, id| {
        let x = one(g, id, Op::Square)?;
        let x = one(g, x, Op::Exp)?;
        let two = g.constant(2.0);
        let x = bin(g, Op::Mul, two, x);
        Some(un(g, Op::Exp, x))
    }),
    rule!(
        "power of exp",
        "(exp x)^a = exp(a·x), √(exp x) = exp(½·x)",
        "",
        On::Ops(&[Op::Pow, Op::Sqrt]),
        |g, id| {
            let (x, a) = match one(g, id, Op::Sqrt) {
                Some(x) => (x, g.constant(0.5)),
                None => two(g, id, Op::Pow)?,
            };
            let x = one(g, x, Op::Exp)?;
            let x = bin(g, Op::Mul, a, x);
            Some(un(g, Op::Exp, x))
        }
    ),
    rule!("divide by exp", "x/exp y = x·exp(-y)", "", On::Ops(&[Op::Div, Op::ZeroDiv]), |g, id| {
        let (x, y) = two(g, id, Op::Div).or_else(|| two(g, id, Op::ZeroDiv))?;
        let y = one(g, y, Op::Exp)?;
        let y = neg(g, y);
        let e = un(g, Op::Exp, y);
        Some(bin(g, Op::Mul, x, e))
    }),
    rule!(
        "sigmoid",
        "1/(1 + exp z) = sigmoid(-z)",
        "also exp z/(1 + exp z) = sigmoid z",
        On::Ops(&[Op::Div]),
        |g, id| sigmoid(g, id)
    ),
    rule!("complement of sigmoid", "1 - sigmoid z = sigmoid(-z)", "", On::Ops(&[Op::Sub]), |g, id| {
        let (a, b) = two(g, id, Op::Sub)?;
        let z = one(g, b, Op::Sigmoid).filter(|_| is(g, a, 1.0))?;
        let z = neg(g, z);
        Some(un(g, Op::Sigmoid, z))
    }),
    rule!("shifted tanh", "1 + tanh x = 2·sigmoid(2·x)", "also 1 - tanh x", On::Ops(&[Op::Add, Op::Sub]), |g, id| {
        let (x, sign) = match two(g, id, Op::Sub) {
            Some((a, b)) => (one(g, b, Op::Tanh).filter(|_| is(g, a, 1.0))?, -2.0),
            None => {
                let (a, _) = both(g, id, Op::Add)?.into_iter().find(|&(_, b)| is(g, b, 1.0))?;
                (one(g, a, Op::Tanh)?, 2.0)
            }
        };
        let [sign, two] = [sign, 2.0].map(|value| g.constant(value));
        let x = bin(g, Op::Mul, sign, x);
        let sigmoid = un(g, Op::Sigmoid, x);
        Some(bin(g, Op::Mul, two, sigmoid))
    }),
    rule!("complement of Φ", "1 - Φ(z) = Φ(-z)", "", On::Ops(&[Op::Sub]), |g, id| {
        let (a, b) = two(g, id, Op::Sub)?;
        let z = one(g, b, Op::Ndtr).filter(|_| is(g, a, 1.0))?;
        let z = neg(g, z);
        Some(un(g, Op::Ndtr, z))
    }),
    rule!("difference of softplus", "softplus z - softplus(-z) = z", "", On::Ops(&[Op::Sub]), |g, id| {
        let (a, b) = two(g, id, Op::Sub)?;
        let (x, y) = (one(g, a, Op::Softplus)?, one(g, b, Op::Softplus)?);
        negated(g, x, y).then_some(x)
    }),
    rule!("softplus minus its argument", "softplus z - z = softplus(-z)", "", On::Ops(&[Op::Sub, Op::Add]), |g, id| {
        if let Some((a, z)) = two(g, id, Op::Sub) {
            let x = one(g, a, Op::Softplus).filter(|&x| x == z)?;
            let x = neg(g, x);
            return Some(un(g, Op::Softplus, x));
        }
        let z = both(g, id, Op::Add)?
            .into_iter()
            .find_map(|(a, z)| one(g, a, Op::Softplus).filter(|&x| negated(g, x, z)).map(|_| z))?;
        Some(un(g, Op::Softplus, z))
    }),
];

/// Not for any x: y·exp x is 0·∞ where exp(x + log y) is 0.
fn exp_of_sum(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let tame = |g: &Graph, x: NodeId| one(g, x, Op::Log).is_some() || g.support(x).is_bounded();
    let x = one(g, id, Op::Exp)?;
    if let Some((a, b)) = two(g, x, Op::Sub) {
        if let (Some(y), true) = (one(g, a, Op::Log), tame(g, b)) {
            let b = neg(g, b);
            let e = un(g, Op::Exp, b);
            return Some(bin(g, Op::Mul, y, e));
        }
        let y = one(g, b, Op::Log).filter(|_| tame(g, a))?;
        let e = un(g, Op::Exp, a);
        return Some(bin(g, Op::Div, e, y));
    }
    let pairs = both(g, x, Op::Add)?;
    let (x, y) = pairs.into_iter().find_map(|(x, log)| one(g, log, Op::Log).filter(|_| tame(g, x)).map(|y| (x, y)))?;
    let e = un(g, Op::Exp, x);
    Some(bin(g, Op::Mul, y, e))
}

fn sigmoid(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (a, b) = two(g, id, Op::Div)?;
    let e = both(g, b, Op::Add)?.into_iter().find(|&(one, _)| is(g, one, 1.0)).map(|(_, e)| e)?;
    let z = one(g, e, Op::Exp)?;
    if is(g, a, 1.0) {
        let z = neg(g, z);
        return Some(un(g, Op::Sigmoid, z));
    }
    (a == e).then(|| un(g, Op::Sigmoid, z))
}
