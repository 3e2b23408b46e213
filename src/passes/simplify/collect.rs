//! Sums: like terms, common factors, complementary sigmoids.

use super::matching::{bin, both, neg, negated, one, scaled, two, un};
use super::{On, Phase, Rule};
use crate::ir::graph::{Graph, NodeId};
use crate::ir::op::Op;

const SUM: On = On::Ops(&[Op::Add, Op::Sub, Op::Neg]);

/// See [`super::rules`].
pub const RULES: &[Rule] = &[
    Rule {
        name: "like terms",
        law: "a·x + b·x = (a + b)·x",
        guard: "a, b constants; also inside longer sums",
        phase: None,
        on: SUM,
        apply: |g, id| {
            let sum = Linear::of(g, id);
            (sum.size() < sum.parts).then(|| sum.build(g))
        },
    },
    Rule {
        name: "common factor",
        law: "x·t + y·t = (x + y)·t",
        guard: "x + y simplifies",
        phase: None,
        on: SUM,
        apply: |g, id| pairs(g, id, common_factor),
    },
    Rule {
        name: "softplus in a sum",
        law: "softplus z - z = softplus(-z), 2·softplus z - z = softplus z + softplus(-z)",
        guard: "inside longer sums",
        phase: None,
        on: SUM,
        apply: |g, id| pairs(g, id, softplus),
    },
    Rule {
        name: "softplus of both signs",
        law: "softplus z - softplus(-z) = z",
        guard: "inside longer sums",
        phase: None,
        on: SUM,
        apply: |g, id| {
            pairs(g, id, |g, (x, c), (y, d)| {
                let (z, w) = (one(g, x, Op::Softplus)?, one(g, y, Op::Softplus)?);
                (d == -c && c > 0.0 && negated(g, z, w)).then(|| {
                    let c = g.constant(c);
                    bin(g, Op::Mul, c, z)
                })
            })
        },
    },
    Rule {
        name: "rising factorial",
        law: "lgamma(x + k) - lgamma x = log_rising(x, k), ψ(x + k) - ψ(x) = digamma_diff(x, k)",
        guard: "k ≥ 0, x > 0; inside longer sums",
        phase: None,
        on: SUM,
        apply: |g, id| pairs(g, id, rising),
    },
    Rule {
        name: "expm1 in a sum",
        law: "exp x + y - 1 = expm1 x + y",
        guard: "the constant of the sum is minus the factor of exp x",
        phase: None,
        on: SUM,
        apply: expm1_in_sum,
    },
    Rule {
        name: "expm1 minus its argument",
        law: "expm1 x - x = -log1pmx(expm1 x), where x ≥ -1",
        guard: "inside longer sums",
        phase: Some(Phase::Stable),
        on: SUM,
        apply: |g, id| {
            pairs(g, id, |g, (x, c), (y, d)| {
                let z = one(g, x, Op::Expm1).filter(|&z| z == y && d == -c && g.support(z).hi > -1.0)?;
                let deviation = un(g, Op::Log1pmx, x);
                let deviation = neg(g, deviation);
                // Far to the left 1 + expm1 x is all rounding, and nothing cancels.
                let near = g.constant(-1.0);
                let left = bin(g, Op::Min, z, near);
                let plain = un(g, Op::Expm1, left);
                let plain = bin(g, Op::Sub, plain, left);
                let far = bin(g, Op::Lt, z, near);
                let value = g.apply(Op::Select, &[far, plain, deviation]);
                let factor = g.constant(c);
                Some(bin(g, Op::Mul, factor, value))
            })
        },
    },
    Rule {
        name: "complementary sigmoids",
        law: "x·sigmoid z - y·sigmoid(-z) = (x + y)·sigmoid z - y",
        guard: "x + y simplifies",
        phase: Some(Phase::Canonical),
        on: SUM,
        apply: |g, id| pairs(g, id, sigmoids),
    },
];

/// Terms of a sum beyond which it is left as it is.
const LIMIT: usize = 48;

/// A sum of multiples: Σ c·x + constant.
pub struct Linear {
    /// x with its c ≠ 0; every x once.
    pub terms: Vec<(NodeId, f64)>,
    /// The constant.
    pub constant: f64,
    /// How many terms and constants were written.
    pub parts: usize,
}

impl Linear {
    /// Reads a sum: through +, −, and constant multiples.
    pub fn of(g: &Graph, id: NodeId) -> Linear {
        let mut sum = Linear { terms: Vec::new(), constant: 0.0, parts: 0 };
        sum.read(g, id, 1.0);
        sum.terms.retain(|&(_, c)| c != 0.0);
        sum
    }

    fn read(&mut self, g: &Graph, id: NodeId, factor: f64) {
        let mut stack = vec![(id, factor)];
        while let Some((id, c)) = stack.pop() {
            if self.parts + stack.len() > LIMIT {
                self.term(id, c);
            } else if let Some(value) = g.as_const(id).filter(|value| value.is_finite()) {
                self.constant += c * value;
                self.parts += usize::from(value != 0.0);
            } else if let Some((a, b)) = two(g, id, Op::Add) {
                stack.extend([(b, c), (a, c)]);
            } else if let Some((a, b)) = two(g, id, Op::Sub) {
                stack.extend([(b, -c), (a, c)]);
            } else {
                match scaled(g, id) {
                    (d, x) if x != id => stack.push((x, c * d)),
                    _ => self.term(id, c),
                }
            }
        }
    }

    fn term(&mut self, x: NodeId, c: f64) {
        self.parts += 1;
        match self.terms.iter_mut().find(|(known, _)| *known == x) {
            Some((_, sum)) => *sum += c,
            None => self.terms.push((x, c)),
        }
    }

    /// Every sign changed.
    pub fn negated(mut self) -> Linear {
        self.terms.iter_mut().for_each(|(_, c)| *c = -*c);
        self.constant = -self.constant;
        self
    }

    /// Terms and constant that are left.
    pub fn size(&self) -> usize {
        self.terms.iter().filter(|(_, c)| *c != 0.0).count() + usize::from(self.constant != 0.0)
    }

    /// The sum as a node: in the order written, but with a positive term first when there is one.
    pub fn build(&self, g: &mut Graph) -> NodeId {
        let mut terms: Vec<(NodeId, f64)> = self.terms.iter().copied().filter(|(_, c)| *c != 0.0).collect();
        if let Some(at) = terms.iter().position(|&(_, c)| c > 0.0) {
            let first = terms.remove(at);
            terms.insert(0, first);
        }
        let lead = terms.first().is_none_or(|&(_, c)| c < 0.0) && self.constant > 0.0;
        let mut sum = lead.then(|| g.constant(self.constant));
        for (x, c) in terms {
            sum = Some(append(g, sum, x, c));
        }
        if !lead && self.constant != 0.0 {
            let magnitude = g.constant(self.constant.abs());
            sum = Some(match sum {
                Some(sum) if self.constant > 0.0 => bin(g, Op::Add, sum, magnitude),
                Some(sum) => bin(g, Op::Sub, sum, magnitude),
                None => g.constant(self.constant),
            });
        }
        sum.unwrap_or_else(|| g.constant(0.0))
    }
}

fn append(g: &mut Graph, sum: Option<NodeId>, x: NodeId, c: f64) -> NodeId {
    let magnitude = c.abs();
    let x = if magnitude == 1.0 {
        x
    } else {
        let c = g.constant(magnitude);
        bin(g, Op::Mul, c, x)
    };
    match sum {
        Some(sum) if c > 0.0 => bin(g, Op::Add, sum, x),
        Some(sum) => bin(g, Op::Sub, sum, x),
        None if c > 0.0 => x,
        None => un(g, Op::Neg, x),
    }
}

type Term = (NodeId, f64);

/// Replaces the first pair of terms that `merge` can merge; the result is added in their place.
fn pairs(g: &mut Graph, id: NodeId, merge: fn(&mut Graph, Term, Term) -> Option<NodeId>) -> Option<NodeId> {
    let sum = Linear::of(g, id);
    let count = sum.terms.len();
    if !(2..=12).contains(&count) {
        return None;
    }
    for (i, &first) in sum.terms.iter().enumerate() {
        for (j, &second) in sum.terms.iter().enumerate() {
            if i == j {
                continue;
            }
            if let Some(merged) = merge(g, first, second) {
                let mut rest = Linear { terms: sum.terms.clone(), constant: sum.constant, parts: 0 };
                rest.terms.retain(|(x, _)| *x != first.0 && *x != second.0);
                rest.read(g, merged, 1.0);
                return Some(rest.build(g));
            }
        }
    }
    None
}

/// The ways to see a term as x·t: (x or 1, t).
fn splits(g: &Graph, x: NodeId) -> Vec<(Option<NodeId>, NodeId)> {
    let mut splits = vec![(None, x)];
    splits.extend(both(g, x, Op::Mul).into_iter().flatten().map(|(a, t)| (Some(a), t)));
    splits
}

/// c·x + d·y as a sum, when terms merge in it (x or y is 1 when `None`).
fn merged(g: &Graph, (x, c): (Option<NodeId>, f64), (y, d): (Option<NodeId>, f64)) -> Option<Linear> {
    let mut sum = Linear { terms: Vec::new(), constant: 0.0, parts: 0 };
    for (x, c) in [(x, c), (y, d)] {
        match x {
            Some(x) => sum.read(g, x, c),
            None => {
                sum.constant += c;
                sum.parts += 1;
            }
        }
    }
    (sum.size() < sum.parts).then_some(sum)
}

fn common_factor(g: &mut Graph, (x, c): Term, (y, d): Term) -> Option<NodeId> {
    for (a, t) in splits(g, x) {
        for (b, u) in splits(g, y) {
            if t == u
                && g.as_const(t).is_none()
                && let Some(sum) = merged(g, (a, c), (b, d))
            {
                let sum = sum.build(g);
                return Some(bin(g, Op::Mul, sum, t));
            }
        }
    }
    None
}

fn expm1_in_sum(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let mut sum = Linear::of(g, id);
    if sum.constant == 0.0 {
        return None;
    }
    let constant = sum.constant;
    let found = sum.terms.iter_mut().find(|(x, c)| *c == -constant && one(g, *x, Op::Exp).is_some())?;
    let x = one(g, found.0, Op::Exp)?;
    found.0 = un(g, Op::Expm1, x);
    sum.constant = 0.0;
    Some(sum.build(g))
}

fn softplus(g: &mut Graph, (x, c): Term, (y, d): Term) -> Option<NodeId> {
    let z = one(g, x, Op::Softplus)?;
    let opposite = |share: f64| (z == y && d == -share) || (negated(g, z, y) && d == share);
    let (all, half) = (opposite(c), opposite(c / 2.0));
    if !(all || half) {
        return None;
    }
    let away = neg(g, z);
    let mut softplus = un(g, Op::Softplus, away);
    if half {
        softplus = bin(g, Op::Add, x, softplus);
    }
    let c = g.constant(if half { c / 2.0 } else { c });
    Some(bin(g, Op::Mul, c, softplus))
}

fn rising(g: &mut Graph, (x, c): Term, (y, d): Term) -> Option<NodeId> {
    let (op, high, low) = [(Op::Lgamma, Op::LogRising), (Op::Digamma, Op::DigammaDiff)]
        .into_iter()
        .find_map(|(op, difference)| Some((difference, one(g, x, op)?, one(g, y, op)?)))?;
    let mut step = Linear::of(g, high);
    let written = step.parts;
    step.read(g, low, -1.0);
    if d != -c || step.size() >= written || !g.support(low).is_positive() {
        return None;
    }
    let step = step.build(g);
    if !g.support(step).is_nonneg() {
        return None;
    }
    let difference = g.apply(op, &[low, step]);
    let c = g.constant(c);
    Some(bin(g, Op::Mul, c, difference))
}

fn sigmoids(g: &mut Graph, (x, c): Term, (y, d): Term) -> Option<NodeId> {
    for (a, t) in splits(g, x) {
        let Some(z) = one(g, t, Op::Sigmoid).filter(|&z| one(g, z, Op::Neg).is_none()) else { continue };
        for (b, u) in splits(g, y) {
            let Some(w) = one(g, u, Op::Sigmoid) else { continue };
            if !negated(g, z, w) {
                continue;
            }
            // c·a·σ(z) + d·b·(1 − σ(z)) = (c·a − d·b)·σ(z) + d·b
            if let Some(sum) = merged(g, (a, c), (b, -d)) {
                let sum = sum.build(g);
                let product = bin(g, Op::Mul, sum, t);
                let b = b.unwrap_or_else(|| g.constant(1.0));
                let d = g.constant(d);
                let rest = bin(g, Op::Mul, d, b);
                return Some(bin(g, Op::Add, product, rest));
            }
        }
    }
    None
}
