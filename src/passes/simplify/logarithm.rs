//! Logarithms: of exponentials, products, quotients, powers, sums; and what a logarithm of a link is.

use super::matching::{bin, both, is, neg, one, three, two, un};
use super::{On, Rule};
use crate::ir::graph::{Graph, Node, NodeId};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::support::Interval;

const LOG: On = On::Ops(&[Op::Log]);

/// See [`super::rules`].
pub const RULES: &[Rule] = &[
    rule!("log of exp", "log(exp x) = x", "", LOG, |g, id| {
        let x = one(g, id, Op::Log)?;
        one(g, x, Op::Exp)
    }),
    rule!(
        "log of a product",
        "log(x·y) = log x + log y",
        "x, y ≥ 0; the logarithm of one of them is simpler",
        LOG,
        |g, id| {
            let x = one(g, id, Op::Log)?;
            let (a, b) = two(g, x, Op::Mul)?;
            split(g, x, a, b, Op::Add)
        }
    ),
    rule!(
        "log of a quotient",
        "log(x/y) = log x - log y",
        "x ≥ 0, y > 0; the logarithm of one of them is simpler",
        LOG,
        |g, id| {
            let x = one(g, id, Op::Log)?;
            let (a, b) = two(g, x, Op::Div)?;
            split(g, x, a, b, Op::Sub)
        }
    ),
    rule!("log of a reciprocal", "log(1/x) = -log x", "x > 0", LOG, |g, id| {
        let x = one(g, id, Op::Log)?;
        let (n, x) = two(g, x, Op::Div)?;
        (is(g, n, 1.0) && g.support(x).is_positive()).then(|| {
            let log = un(g, Op::Log, x);
            neg(g, log)
        })
    }),
    rule!("log of a power", "log(x^a) = a·log x", "x > 0", LOG, |g, id| {
        let x = one(g, id, Op::Log)?;
        let (x, a) = two(g, x, Op::Pow).filter(|&(x, _)| g.support(x).is_positive())?;
        let log = un(g, Op::Log, x);
        Some(bin(g, Op::Mul, a, log))
    }),
    rule!("log of a square", "log(x²) = 2·log |x|", "x ≠ 0", LOG, |g, id| {
        let x = one(g, id, Op::Log)?;
        let x = one(g, x, Op::Square).filter(|&x| g.support(x).is_nonzero())?;
        let magnitude = un(g, Op::Abs, x);
        let log = un(g, Op::Log, magnitude);
        let two = g.constant(2.0);
        Some(bin(g, Op::Mul, two, log))
    }),
    rule!("log of a root", "log √x = ½·log x", "", LOG, |g, id| {
        let x = one(g, id, Op::Log)?;
        let x = one(g, x, Op::Sqrt)?;
        let log = un(g, Op::Log, x);
        let half = g.constant(0.5);
        Some(bin(g, Op::Mul, half, log))
    }),
    rule!("log of sigmoid", "log(sigmoid z) = -softplus(-z)", "", LOG, |g, id| {
        let x = one(g, id, Op::Log)?;
        let z = one(g, x, Op::Sigmoid)?;
        let z = neg(g, z);
        let softplus = un(g, Op::Softplus, z);
        Some(un(g, Op::Neg, softplus))
    }),
    rule!("log of softplus", "log(softplus z) = log_softplus z", "", LOG, |g, id| {
        let x = one(g, id, Op::Log)?;
        let z = one(g, x, Op::Softplus)?;
        Some(un(g, Op::LogSoftplus, z))
    }),
    rule!("log of Φ", "log Φ(z) = log_ndtr z", "", LOG, |g, id| {
        let x = one(g, id, Op::Log)?;
        let z = one(g, x, Op::Ndtr)?;
        Some(un(g, Op::LogNdtr, z))
    }),
    rule!("log of 1 + x", "log(1 + x) = log1p x", "", LOG, |g, id| {
        let x = one(g, id, Op::Log)?;
        let (_, x) = both(g, x, Op::Add)?.into_iter().find(|&(a, _)| is(g, a, 1.0))?;
        Some(un(g, Op::Log1p, x))
    }),
    rule!("log of 1 - x", "log(1 - x) = log1p(-x)", "", LOG, |g, id| {
        let x = one(g, id, Op::Log)?;
        let (_, x) = two(g, x, Op::Sub).filter(|&(a, _)| is(g, a, 1.0))?;
        let x = neg(g, x);
        Some(un(g, Op::Log1p, x))
    }),
    rule!("log of -expm1", "log(-expm1 x) = log1mexp x", "x < 0", LOG, |g, id| {
        let x = one(g, id, Op::Log)?;
        let x = one(g, x, Op::Neg)?;
        let x = one(g, x, Op::Expm1).filter(|&x| g.support(x).is_negative())?;
        Some(un(g, Op::Log1mExp, x))
    }),
    rule!(
        "log of a sum of exponentials",
        "log Σ exp x = logsumexp x",
        "also Σ w·exp x with w ≥ 0",
        LOG,
        |g, id| log_of_sum(g, id)
    ),
    rule!(
        "log of two exponentials",
        "log(v·exp x + w·exp y) = logaddexp(log v + x, log w + y)",
        "v, w ≥ 0",
        LOG,
        |g, id| log_of_two(g, id)
    ),
    rule!("log of Π", "log Π x = Σ log x", "x > 0", LOG, |g, id| {
        let x = one(g, id, Op::Log)?;
        let Node::Reduce { op: ReduceOp::Prod, var, body, cond } = *g.node(x) else { return None };
        if !g.support(body).is_positive() {
            return None;
        }
        let log = un(g, Op::Log, body);
        Some(g.reduce(ReduceOp::Sum, var, log, cond))
    }),
    // ---- log1p, log1mexp ----
    rule!("log1p of exp", "log1p(exp z) = softplus z", "", On::Ops(&[Op::Log1p]), |g, id| {
        let x = one(g, id, Op::Log1p)?;
        let z = one(g, x, Op::Exp)?;
        Some(un(g, Op::Softplus, z))
    }),
    rule!("log1p of -exp", "log1p(-exp x) = log1mexp x", "x < 0", On::Ops(&[Op::Log1p]), |g, id| {
        let x = one(g, id, Op::Log1p)?;
        let x = one(g, x, Op::Neg)?;
        let x = one(g, x, Op::Exp).filter(|&x| g.support(x).is_negative())?;
        Some(un(g, Op::Log1mExp, x))
    }),
    rule!("log1p of -sigmoid", "log1p(-sigmoid z) = -softplus z", "", On::Ops(&[Op::Log1p]), |g, id| {
        let x = one(g, id, Op::Log1p)?;
        let x = one(g, x, Op::Neg)?;
        let z = one(g, x, Op::Sigmoid)?;
        let softplus = un(g, Op::Softplus, z);
        Some(un(g, Op::Neg, softplus))
    }),
    rule!("log1p of -Φ", "log1p(-Φ(z)) = log_ndtr(-z)", "", On::Ops(&[Op::Log1p]), |g, id| {
        let x = one(g, id, Op::Log1p)?;
        let x = one(g, x, Op::Neg)?;
        let z = one(g, x, Op::Ndtr)?;
        let z = neg(g, z);
        Some(un(g, Op::LogNdtr, z))
    }),
    rule!(
        "log1p of minus a product",
        "log1p(-x) = log1mexp(log x)",
        "x < 1 is a product, quotient or power whose logarithm is simpler",
        On::Ops(&[Op::Log1p]),
        |g, id| {
            let x = one(g, id, Op::Log1p)?;
            let x = one(g, x, Op::Neg).filter(|&x| complement_by_log(g, x))?;
            let log = un(g, Op::Log, x);
            Some(un(g, Op::Log1mExp, log))
        }
    ),
    rule!("log1p of expm1", "log1p(expm1 x) = x", "", On::Ops(&[Op::Log1p]), |g, id| {
        let x = one(g, id, Op::Log1p)?;
        one(g, x, Op::Expm1)
    }),
    rule!(
        "log1mexp of -softplus",
        "log(1 - exp(-softplus z)) = -softplus(-z)",
        "",
        On::Ops(&[Op::Log1mExp]),
        |g, id| {
            let x = one(g, id, Op::Log1mExp)?;
            let x = one(g, x, Op::Neg)?;
            let z = one(g, x, Op::Softplus)?;
            let z = neg(g, z);
            let softplus = un(g, Op::Softplus, z);
            Some(un(g, Op::Neg, softplus))
        }
    ),
    rule!("log1mexp of -exp", "log(1 - exp(-exp x)) = log_cloglog x", "", On::Ops(&[Op::Log1mExp]), |g, id| {
        let x = one(g, id, Op::Log1mExp)?;
        let x = one(g, x, Op::Neg)?;
        let x = one(g, x, Op::Exp)?;
        Some(un(g, Op::LogCloglog, x))
    }),
    rule!("no event", "poisson_lp(0, λ, log λ) = -λ", "", On::Ops(&[Op::PoissonLp]), |g, id| {
        let (k, rate, _) = three(g, id, Op::PoissonLp)?;
        is(g, k, 0.0).then(|| un(g, Op::Neg, rate))
    }),
    rule!(
        "counts above a bound",
        "poisson_lp(k, λ, log λ) - log P(a, λ) = poisson_above_lp(k, a, λ, log λ)",
        "log P(1, λ) also as log1mexp(-λ)",
        On::Ops(&[Op::Sub]),
        |g, id| {
            let (density, tail) = two(g, id, Op::Sub)?;
            let (k, rate, log_rate) = three(g, density, Op::PoissonLp)?;
            let least = match three(g, tail, Op::LogGammaP) {
                Some((a, x, log_x)) => ((rate, log_rate) == (x, log_x)).then_some(a)?,
                None => {
                    let x = one(g, tail, Op::Log1mExp)?;
                    (one(g, x, Op::Neg)? == rate).then(|| g.constant(1.0))?
                }
            };
            Some(g.apply(Op::PoissonAboveLp, &[k, least, rate, log_rate]))
        }
    ),
    rule!(
        "zero inflation by log-odds",
        "log(π + (1 - π)·exp l) = log_mix0_logit(z, l) with π = sigmoid z",
        "",
        On::Ops(&[Op::LogMix0]),
        |g, id| {
            let (pi, other, l) = three(g, id, Op::LogMix0)?;
            let z = log_odds(g, pi, other)?;
            Some(g.apply(Op::LogMix0Logit, &[z, l]))
        }
    ),
    rule!(
        "mixture by log-odds",
        "log(w·exp l + (1 - w)·exp m) = log_mix2_logit(z, l, m) with w = sigmoid z",
        "",
        On::Ops(&[Op::LogMix2]),
        |g, id| {
            let Node::Apply(Op::LogMix2, arguments) = g.node(id) else { return None };
            let &[w, other, l, m] = &arguments[..] else { return None };
            let z = log_odds(g, w, other)?;
            Some(g.apply(Op::LogMix2Logit, &[z, l, m]))
        }
    ),
    // ---- a·log b ----
    rule!(
        "xlogy",
        "a·log b needs no guard",
        "log b simplifies to something finite, or b is bounded away from 0",
        On::Ops(&[Op::XLogY]),
        |g, id| {
            let (a, b) = two(g, id, Op::XLogY)?;
            if !(g.support(b).is_positive() && (simpler_log(g, b) || g.support(b).lo > 0.0)) {
                return None;
            }
            let log = un(g, Op::Log, b);
            Some(bin(g, Op::Mul, a, log))
        }
    ),
    rule!(
        "xlogy of a product",
        "xlogy(a, b·c) = xlogy(a, b) + xlogy(a, c)",
        "b, c ≥ 0; the logarithm of one of them is simpler",
        On::Ops(&[Op::XLogY]),
        |g, id| xlogy_of_product(g, id)
    ),
    rule!("xlogy of 1 - x", "xlogy(a, 1 - x) = xlog1py(a, -x)", "", On::Ops(&[Op::XLogY]), |g, id| {
        let (a, b) = two(g, id, Op::XLogY)?;
        let (_, x) = two(g, b, Op::Sub).filter(|&(one, _)| is(g, one, 1.0))?;
        let x = neg(g, x);
        Some(bin(g, Op::XLog1pY, a, x))
    }),
    rule!(
        "xlog1py",
        "a·log(1 + b) needs no guard",
        "b > -1 and bounded away from it, or log(1 + b) simplifies",
        On::Ops(&[Op::XLog1pY]),
        |g, id| {
            let (a, b) = two(g, id, Op::XLog1pY)?;
            let link = match one(g, b, Op::Neg) {
                Some(x) => simpler_log(g, x) && g.support(x).is_subset(Interval::UNIT),
                None => one(g, b, Op::Exp).or_else(|| one(g, b, Op::Expm1)).is_some(),
            };
            if !(link || g.support(b).lo > -1.0) {
                return None;
            }
            let log = un(g, Op::Log1p, b);
            Some(bin(g, Op::Mul, a, log))
        }
    ),
    // ---- logaddexp ----
    rule!("logaddexp with 0", "log(exp 0 + exp x) = softplus x", "", On::Ops(&[Op::LogAddExp]), |g, id| {
        let (_, x) = both(g, id, Op::LogAddExp)?.into_iter().find(|&(a, _)| is(g, a, 0.0))?;
        Some(un(g, Op::Softplus, x))
    }),
    rule!("logaddexp with -∞", "log(0 + exp x) = x", "", On::Ops(&[Op::LogAddExp]), |g, id| {
        both(g, id, Op::LogAddExp)?.into_iter().find(|&(a, _)| is(g, a, f64::NEG_INFINITY)).map(|(_, x)| x)
    }),
];

/// Factors beyond which a product is left as it is.
const LIMIT: usize = 256;

/// Whether log x is another primitive of what x is made of, and finite.
fn simpler_log(g: &Graph, x: NodeId) -> bool {
    let mut stack = vec![x];
    for _ in 0..LIMIT {
        let Some(x) = stack.pop() else { return false };
        let Node::Apply(op, args) = g.node(x) else { continue };
        match (op, &args[..]) {
            (Op::Exp | Op::Sigmoid | Op::Softplus | Op::Ndtr, _) => return true,
            (Op::Neg, &[x]) if one(g, x, Op::Expm1).is_some_and(|x| g.support(x).is_negative()) => return true,
            (Op::Sqrt | Op::Square, &[x]) | (Op::Pow, &[x, _]) => stack.push(x),
            (Op::Div | Op::Mul, &[a, b]) => stack.extend([b, a]),
            _ => {}
        }
    }
    false
}

/// z of two weights that are sigmoid z and sigmoid(−z).
fn log_odds(g: &mut Graph, w: NodeId, other: NodeId) -> Option<NodeId> {
    let z = one(g, w, Op::Sigmoid)?;
    let away = neg(g, z);
    one(g, other, Op::Sigmoid).filter(|&other| other == away).map(|_| z)
}

/// Whether 1 − x is better taken from log x: x is in (0, 1), composed, and its logarithm is simpler.
fn complement_by_log(g: &Graph, x: NodeId) -> bool {
    let composed = matches!(g.node(x), Node::Apply(Op::Mul | Op::Div | Op::Pow | Op::Square | Op::Sqrt, _));
    composed && simpler_log(g, x) && g.support(x).is_subset(Interval::UNIT)
}

/// log a ± log b, when worth it; `whole` is the product or quotient, which must be ≥ 0.
fn split(g: &mut Graph, whole: NodeId, a: NodeId, b: NodeId, op: Op) -> Option<NodeId> {
    let signs = g.support(a).is_nonneg() && g.support(b).is_nonneg();
    let defined = op == Op::Add || g.support(b).is_positive();
    if !(signs && defined && simpler_log(g, whole)) {
        return None;
    }
    let (a, b) = (un(g, Op::Log, a), un(g, Op::Log, b));
    Some(bin(g, op, a, b))
}

fn xlogy_of_product(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (k, x) = two(g, id, Op::XLogY)?;
    let (a, b) = two(g, x, Op::Mul)?;
    let worth = simpler_log(g, a) || simpler_log(g, b);
    if !(worth && g.support(a).is_nonneg() && g.support(b).is_nonneg()) {
        return None;
    }
    let (a, b) = (bin(g, Op::XLogY, k, a), bin(g, Op::XLogY, k, b));
    Some(bin(g, Op::Add, a, b))
}

/// log w + x, when the node is w·exp x with w ≥ 0.
fn log_of_scaled_exp(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (mut id, mut divisors) = (id, Vec::new());
    while let Some((a, b)) = two(g, id, Op::Div).filter(|&(_, b)| g.support(b).is_positive()) {
        divisors.push(b);
        id = a;
    }
    let log = log_of_multiple(g, id)?;
    Some(divisors.into_iter().rev().fold(log, |log, divisor| {
        let divisor = un(g, Op::Log, divisor);
        bin(g, Op::Sub, log, divisor)
    }))
}

fn log_of_multiple(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    if let Some(x) = one(g, id, Op::Exp) {
        return Some(x);
    }
    for (w, e) in both(g, id, Op::Mul)? {
        if let (Some(x), true) = (one(g, e, Op::Exp), g.support(w).is_nonneg()) {
            let w = un(g, Op::Log, w);
            return Some(bin(g, Op::Add, w, x));
        }
    }
    None
}

fn log_of_sum(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let x = one(g, id, Op::Log)?;
    let Node::Reduce { op: ReduceOp::Sum, var, body, cond } = *g.node(x) else { return None };
    let log = log_of_scaled_exp(g, body)?;
    Some(g.reduce(ReduceOp::LogSumExp, var, log, cond))
}

fn log_of_two(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let x = one(g, id, Op::Log)?;
    let (a, b) = two(g, x, Op::Add)?;
    let (x, y) = (log_of_scaled_exp(g, a)?, log_of_scaled_exp(g, b)?);
    Some(bin(g, Op::LogAddExp, x, y))
}
