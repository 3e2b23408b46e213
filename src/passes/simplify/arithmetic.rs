//! Folding of constants, identities of arithmetic, truth, choice.

use super::collect::Linear;
use super::matching::{bin, both, is, neg, one, scaled, three, two, un};
use super::{On, Phase, Rule};
use crate::ir::graph::{Graph, Node, NodeId};
use crate::ir::op::Op;
use crate::ir::support::Interval;

/// See [`super::rules`].
pub const RULES: &[Rule] = &[
    rule!(
        "fold",
        "a primitive of constants is a constant",
        "the result is exact or a sum, product, quotient",
        On::Apply,
        |g, id| fold(g, id, false)
    ),
    Rule {
        name: "fold function",
        law: "a function of constants is a constant",
        guard: "",
        phase: Some(Phase::Stable),
        on: On::Apply,
        apply: |g, id| fold(g, id, true),
    },
    // ---- sums ----
    rule!("add zero", "x + 0 = x", "", On::Ops(&[Op::Add]), |g, id| both(g, id, Op::Add)?
        .into_iter()
        .find(|&(_, b)| is(g, b, 0.0))
        .map(|(a, _)| a)),
    rule!("subtract zero", "x - 0 = x", "", On::Ops(&[Op::Sub]), |g, id| two(g, id, Op::Sub)
        .filter(|&(_, b)| is(g, b, 0.0))
        .map(|(a, _)| a)),
    rule!("zero minus", "0 - x = -x", "", On::Ops(&[Op::Sub]), |g, id| {
        let (a, b) = two(g, id, Op::Sub)?;
        is(g, a, 0.0).then(|| neg(g, b))
    }),
    rule!("add a negative", "x + (-y) = x - y", "", On::Ops(&[Op::Add]), add_negative),
    rule!("subtract a negative", "x - (-y) = x + y", "", On::Ops(&[Op::Sub]), subtract_negative),
    rule!("minus a negative sum", "-x - y = -(x + y)", "", On::Ops(&[Op::Sub]), |g, id| {
        let (a, b) = two(g, id, Op::Sub)?;
        let a = one(g, a, Op::Neg)?;
        let sum = bin(g, Op::Add, a, b);
        Some(un(g, Op::Neg, sum))
    }),
    rule!("double negation", "-(-x) = x", "", On::Ops(&[Op::Neg]), |g, id| {
        let x = one(g, id, Op::Neg)?;
        one(g, x, Op::Neg)
    }),
    rule!("negated difference", "-(x - y) = y - x", "", On::Ops(&[Op::Neg]), |g, id| {
        let x = one(g, id, Op::Neg)?;
        let (a, b) = two(g, x, Op::Sub)?;
        let sum = Linear::of(g, x);
        Some(if sum.terms.len() > 2 { sum.negated().build(g) } else { bin(g, Op::Sub, b, a) })
    }),
    rule!("negated multiple", "-(c·x) = (-c)·x", "c constant", On::Ops(&[Op::Neg]), |g, id| {
        let x = one(g, id, Op::Neg)?;
        let (c, x) = two(g, x, Op::Mul)?;
        let c = g.as_const(c)?;
        let c = g.constant(-c);
        Some(bin(g, Op::Mul, c, x))
    }),
    // ---- products ----
    rule!("times one", "1·x = x", "", On::Ops(&[Op::Mul, Op::MulZero]), |g, id| product_of(g, id)?
        .into_iter()
        .find(|&(a, _)| is(g, a, 1.0))
        .map(|(_, b)| b)),
    rule!("times minus one", "-1·x = -x", "", On::Ops(&[Op::Mul, Op::MulZero]), |g, id| {
        let (_, x) = product_of(g, id)?.into_iter().find(|&(a, _)| is(g, a, -1.0))?;
        Some(neg(g, x))
    }),
    rule!("times zero", "0·x = 0", "values of a support are finite", On::Ops(&[Op::Mul, Op::MulZero]), |g, id| {
        product_of(g, id)?.into_iter().find(|&(a, _)| is(g, a, 0.0)).map(|(a, _)| a)
    }),
    rule!("constant first", "x·c = c·x", "c constant", On::Ops(&[Op::Mul]), |g, id| {
        let (x, c) = two(g, id, Op::Mul)?;
        (g.as_const(c).is_some() && g.as_const(x).is_none()).then(|| bin(g, Op::Mul, c, x))
    }),
    rule!("gather constants", "c·(d·x) = (c·d)·x", "c, d constants", On::Ops(&[Op::Mul]), gather),
    rule!(
        "constants of a quotient",
        "c·x/(d·y) = (c/d)·(x/y)",
        "c, d constants, c/d exact",
        On::Ops(&[Op::Div, Op::Mul]),
        constants_of_quotient
    ),
    rule!(
        "minus out of a product",
        "(-x)·y = -(x·y)",
        "",
        On::Ops(&[Op::Mul, Op::MulZero, Op::Div, Op::ZeroDiv]),
        minus_out
    ),
    rule!("square", "x·x = x²", "", On::Ops(&[Op::Mul]), |g, id| {
        let (a, b) = two(g, id, Op::Mul)?;
        (a == b).then(|| un(g, Op::Square, a))
    }),
    rule!("square of a negative", "(-x)² = x²", "also |x|", On::Ops(&[Op::Square]), |g, id| {
        let x = one(g, id, Op::Square)?;
        let x = one(g, x, Op::Neg).or_else(|| one(g, x, Op::Abs))?;
        Some(un(g, Op::Square, x))
    }),
    rule!("square of a root", "(√x)² = x", "x ≥ 0", On::Ops(&[Op::Square]), |g, id| {
        let x = one(g, id, Op::Square)?;
        one(g, x, Op::Sqrt)
    }),
    rule!("root of a square", "√(x²) = |x|", "", On::Ops(&[Op::Sqrt]), |g, id| {
        let x = one(g, id, Op::Sqrt)?;
        let x = one(g, x, Op::Square)?;
        Some(un(g, Op::Abs, x))
    }),
    rule!("divide by one", "x/1 = x", "", On::Ops(&[Op::Div, Op::ZeroDiv]), |g, id| quotient_of(g, id)
        .filter(|&(_, b)| is(g, b, 1.0))
        .map(|(a, _)| a)),
    rule!("zero divided", "0/x = 0", "x ≠ 0", On::Ops(&[Op::Div, Op::ZeroDiv]), |g, id| {
        let (a, b) = quotient_of(g, id)?;
        (is(g, a, 0.0) && g.support(b).is_nonzero()).then_some(a)
    }),
    rule!("times a reciprocal", "x·(1/y) = x/y", "", On::Ops(&[Op::Mul]), |g, id| {
        let (x, y) = both(g, id, Op::Mul)?.into_iter().find_map(|(x, r)| {
            let (n, y) = two(g, r, Op::Div)?;
            is(g, n, 1.0).then_some((x, y))
        })?;
        Some(bin(g, Op::Div, x, y))
    }),
    rule!("half", "x/c = (1/c)·x", "c a power of two", On::Ops(&[Op::Div]), |g, id| {
        let (x, c) = two(g, id, Op::Div)?;
        let c =
            g.as_const(c).filter(|c| c.is_normal() && c.to_bits().trailing_zeros() >= 52 && (1.0 / c).is_normal())?;
        let c = g.constant(1.0 / c);
        Some(bin(g, Op::Mul, c, x))
    }),
    rule!(
        "power",
        "x⁰ = 1, x¹ = x, x² , x⁻¹ = 1/x, x^½ = √x",
        "x ≥ 0 for the root, x ≠ 0 for the reciprocal",
        On::Ops(&[Op::Pow]),
        power
    ),
    rule!("power of a power", "(x^a)^b = x^(a·b)", "x ≥ 0", On::Ops(&[Op::Pow]), |g, id| {
        let (x, b) = two(g, id, Op::Pow)?;
        let (x, a) = two(g, x, Op::Pow).filter(|&(x, _)| g.support(x).is_positive())?;
        let ab = bin(g, Op::Mul, a, b);
        Some(bin(g, Op::Pow, x, ab))
    }),
    // ---- magnitude, choice ----
    rule!(
        "absolute value",
        "|x| = x, |-x| = |x|",
        "x > 0; or x < 0 gives -x: at 0 the derivative is 0",
        On::Ops(&[Op::Abs]),
        |g, id| {
            let x = one(g, id, Op::Abs)?;
            match g.support(x) {
                s if s.is_positive() => Some(x),
                s if s.is_negative() => Some(neg(g, x)),
                _ => {
                    let x = one(g, x, Op::Neg)?;
                    Some(un(g, Op::Abs, x))
                }
            }
        }
    ),
    rule!("whole numbers", "⌊x⌋ = x", "x whole", On::Ops(&[Op::Floor]), |g, id| one(g, id, Op::Floor)
        .filter(|&x| g.support(x).integral)),
    rule!("ramp", "max(0, x) = x, or 0", "x ≥ 0, or x ≤ 0", On::Ops(&[Op::Relu]), |g, id| {
        let x = one(g, id, Op::Relu)?;
        if g.support(x).is_positive() { Some(x) } else { g.support(x).is_nonpos().then(|| g.constant(0.0)) }
    }),
    rule!("hinge", "max(0, x) as one primitive", "", On::Ops(&[Op::Max]), |g, id| {
        let (a, b) = two(g, id, Op::Max)?;
        is(g, a, 0.0).then(|| un(g, Op::Relu, b))
    }),
    rule!(
        "larger, smaller",
        "max(x, y) = x",
        "x ≥ y by their supports, or the same",
        On::Ops(&[Op::Max, Op::Min]),
        extremum
    ),
    rule!("choice", "if c then x else x = x; a known c", "", On::Ops(&[Op::Select]), choice),
    rule!(
        "truth",
        "x and true = x, not not x = x, x = x",
        "x a truth value",
        On::Ops(&[Op::And, Op::Or, Op::Not, Op::Eq, Op::Le, Op::Lt]),
        truth
    ),
    rule!("one value", "an expression whose support is one number is that number", "", On::Apply, |g, id| {
        let value = g.support(id).as_point().filter(|value| value.is_finite())?;
        Some(g.constant(value))
    }),
];

/// A primitive of constants, unless its value underflowed to one that it cannot have: exp(−800) is not 0.
fn fold(g: &mut Graph, id: NodeId, any: bool) -> Option<NodeId> {
    let Node::Apply(op, args) = g.node(id).clone() else { return None };
    let values: Vec<f64> = args.iter().map(|&arg| g.as_const(arg)).collect::<Option<_>>()?;
    let value = (op.info().eval)(&values);
    let exact = matches!(op, Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Neg | Op::Square) || value.fract() == 0.0;
    let underflowed = value == 0.0 && !(op.info().support)(&vec![Interval::REAL; values.len()]).contains(0.0);
    (!value.is_nan() && !underflowed && (any || exact)).then(|| g.constant(value))
}

/// c·x with a constant other than 1.
fn constant_times(g: &Graph, id: NodeId) -> Option<(f64, NodeId)> {
    let (c, x) = two(g, id, Op::Mul)?;
    g.as_const(c).map(|c| (c, x))
}

fn constants_of_quotient(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let ((c, x), below) = match constant_times(g, id) {
        Some((c, quotient)) => {
            let (x, below) = two(g, quotient, Op::Div)?;
            ((c, x), below)
        }
        None => {
            let (above, below) = two(g, id, Op::Div)?;
            (constant_times(g, above)?, below)
        }
    };
    let (d, y) = constant_times(g, below)?;
    let ratio = c / d;
    if !ratio.is_normal() || ratio * d != c {
        return None;
    }
    let (ratio, quotient) = (g.constant(ratio), bin(g, Op::Div, x, y));
    Some(bin(g, Op::Mul, ratio, quotient))
}

fn product_of(g: &Graph, id: NodeId) -> Option<[(NodeId, NodeId); 2]> {
    both(g, id, Op::Mul).or_else(|| both(g, id, Op::MulZero))
}

fn quotient_of(g: &Graph, id: NodeId) -> Option<(NodeId, NodeId)> {
    two(g, id, Op::Div).or_else(|| two(g, id, Op::ZeroDiv))
}

fn add_negative(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (a, b) = two(g, id, Op::Add)?;
    if let Some(b) = one(g, b, Op::Neg) {
        return Some(bin(g, Op::Sub, a, b));
    }
    if let Some(a) = one(g, a, Op::Neg) {
        return Some(bin(g, Op::Sub, b, a));
    }
    match scaled(g, b) {
        (c, x) if c < 0.0 => {
            let c = g.constant(-c);
            let x = bin(g, Op::Mul, c, x);
            Some(bin(g, Op::Sub, a, x))
        }
        _ => None,
    }
}

fn subtract_negative(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (a, b) = two(g, id, Op::Sub)?;
    if let Some(b) = one(g, b, Op::Neg) {
        return Some(bin(g, Op::Add, a, b));
    }
    match (scaled(g, b), g.as_const(b)) {
        (_, Some(c)) if c < 0.0 => {
            let c = g.constant(-c);
            Some(bin(g, Op::Add, a, c))
        }
        ((c, x), None) if c < 0.0 => {
            let c = g.constant(-c);
            let x = bin(g, Op::Mul, c, x);
            Some(bin(g, Op::Add, a, x))
        }
        _ => None,
    }
}

fn gather(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (a, b) = two(g, id, Op::Mul)?;
    let constant = |x: NodeId| two(g, x, Op::Mul).and_then(|(c, rest)| g.as_const(c).map(|c| (c, rest)));
    let (c, x) = match (g.as_const(a), constant(a), constant(b)) {
        (Some(c), _, Some((d, x))) => (c * d, x),
        (_, Some((c, x)), Some((d, y))) => (c * d, bin(g, Op::Mul, x, y)),
        (None, Some((c, x)), None) => (c, bin(g, Op::Mul, x, b)),
        (None, None, Some((d, y))) => (d, bin(g, Op::Mul, a, y)),
        _ => return None,
    };
    let c = g.constant(c);
    Some(bin(g, Op::Mul, c, x))
}

fn minus_out(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let Node::Apply(op, args) = g.node(id).clone() else { return None };
    let [a, b] = args[..] else { return None };
    let (pair, minus) = match (one(g, a, Op::Neg), one(g, b, Op::Neg)) {
        (Some(a), Some(b)) => ((a, b), false),
        (Some(a), None) => ((a, b), true),
        (None, Some(b)) => ((a, b), true),
        (None, None) => match (g.as_const(a), op) {
            (Some(c), Op::Div) if c < 0.0 => ((g.constant(-c), b), true),
            _ => return None,
        },
    };
    let product = bin(g, op, pair.0, pair.1);
    Some(if minus { un(g, Op::Neg, product) } else { product })
}

fn power(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (x, n) = two(g, id, Op::Pow)?;
    let n = g.as_const(n)?;
    if n == 0.0 {
        return Some(g.constant(1.0));
    }
    if n == 1.0 {
        return Some(x);
    }
    if n == 2.0 {
        return Some(un(g, Op::Square, x));
    }
    if n == 0.5 && g.support(x).is_nonneg() {
        return Some(un(g, Op::Sqrt, x));
    }
    if n == -1.0 && g.support(x).is_nonzero() {
        let one = g.constant(1.0);
        return Some(bin(g, Op::Div, one, x));
    }
    None
}

fn extremum(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (low, (a, b)) = match two(g, id, Op::Min) {
        Some(pair) => (true, pair),
        None => (false, two(g, id, Op::Max)?),
    };
    if a == b {
        return Some(a);
    }
    // Strictly apart, so that no tie decides a derivative.
    let below =
        |x: Interval, y: Interval| x.hi < y.lo || (x.hi == y.lo && x.hi.is_finite() && (x.hi_open || y.lo_open));
    let (sa, sb) = (g.support(a), g.support(b));
    if below(sa, sb) {
        return Some(if low { a } else { b });
    }
    below(sb, sa).then_some(if low { b } else { a })
}

fn choice(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (c, a, b) = three(g, id, Op::Select)?;
    if let Some(c) = g.support(c).as_point() {
        return Some(if c == 0.0 { b } else { a });
    }
    if a == b {
        return Some(a);
    }
    if let Some(c) = one(g, c, Op::Not) {
        return Some(g.apply(Op::Select, &[c, b, a]));
    }
    if is(g, a, 1.0) && is(g, b, 0.0) && g.support(c).is_subset(Interval::BOOL) {
        return Some(c);
    }
    let inner_then = three(g, a, Op::Select).filter(|inner| inner.0 == c).map(|inner| inner.1);
    let inner_else = three(g, b, Op::Select).filter(|inner| inner.0 == c).map(|inner| inner.2);
    if inner_then.is_some() || inner_else.is_some() {
        return Some(g.apply(Op::Select, &[c, inner_then.unwrap_or(a), inner_else.unwrap_or(b)]));
    }
    None
}

fn truth(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let is_bool = |g: &Graph, x: NodeId| g.support(x).is_subset(Interval::BOOL);
    if let Some(x) = one(g, id, Op::Not) {
        return one(g, x, Op::Not).filter(|&x| is_bool(g, x));
    }
    if let Some((a, b)) = two(g, id, Op::Eq).or_else(|| two(g, id, Op::Le)) {
        return (a == b).then(|| g.constant(1.0));
    }
    if let Some((a, b)) = two(g, id, Op::Lt) {
        return (a == b).then(|| g.constant(0.0));
    }
    let (pairs, neutral) = match both(g, id, Op::And) {
        Some(pairs) => (pairs, true),
        None => (both(g, id, Op::Or)?, false),
    };
    for (a, b) in pairs {
        match g.support(a).as_point() {
            Some(value) if (value != 0.0) == neutral && is_bool(g, b) => return Some(b),
            Some(value) if (value != 0.0) != neutral => return Some(g.constant(f64::from(u8::from(!neutral)))),
            _ => {}
        }
        if a == b && is_bool(g, a) {
            return Some(a);
        }
    }
    None
}
