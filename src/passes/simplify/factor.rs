//! Products and quotients: what cancels.

use std::collections::HashMap;

use super::collect::Linear;
use super::matching::{bin, negated, one, two, un};
use super::{On, Rule};
use crate::ir::graph::{Graph, NodeId};
use crate::ir::op::Op;

const PRODUCT: On = On::Ops(&[Op::Mul, Op::Div, Op::ZeroDiv, Op::MulZero]);

/// See [`super::rules`].
pub const RULES: &[Rule] = &[
    Rule {
        name: "cancel",
        law: "(x·y)/y = x, x²/x = x, x/√x = √x, sigmoid z/softplus z = softplus_ratio z, exp(x + log y)/y = exp x, sigmoid(s)/y = exp(min(x, -log y))·sigmoid|s| with s = x + log y",
        guard: "y ≠ 0, or the quotient is guarded; not for s > 0; also inside longer products",
        phase: None,
        on: PRODUCT,
        apply: |g, id| {
            let mut product = Product::of(g, id);
            product.cancel(g).then(|| product.build(g))
        },
    },
    Rule {
        name: "square of a product",
        law: "x·y·x·y = (x·y)²",
        guard: "every factor stands an even number of times, above and below",
        phase: None,
        on: PRODUCT,
        apply: |g, id| Product::of(g, id).square(g),
    },
    Rule {
        name: "distribute to cancel",
        law: "(x/y + z)·y = x + z·y",
        guard: "something cancels in every quotient",
        phase: None,
        on: On::Ops(&[Op::Mul]),
        apply: distribute,
    },
];

/// Factors beyond which a product is left as it is.
const LIMIT: usize = 16;

/// c·Π num / Π den.
struct Product {
    constant: f64,
    num: Vec<NodeId>,
    den: Vec<NodeId>,
    /// Some quotient or product was guarded, and stays so.
    guarded_div: bool,
    guarded_mul: bool,
}

impl Product {
    fn of(g: &Graph, id: NodeId) -> Product {
        let mut product =
            Product { constant: 1.0, num: Vec::new(), den: Vec::new(), guarded_div: false, guarded_mul: false };
        let mut stack = vec![(id, true)];
        while let Some((id, up)) = stack.pop() {
            if let Some(c) = g.as_const(id).filter(|c| *c != 0.0 && c.is_finite()) {
                product.constant = if up { product.constant * c } else { product.constant / c };
            } else if product.num.len() + product.den.len() + stack.len() >= LIMIT {
                product.push(id, up);
            } else if let Some(x) = one(g, id, Op::Neg) {
                product.constant = -product.constant;
                stack.push((x, up));
            } else if let Some((a, b)) = two(g, id, Op::Mul) {
                stack.extend([(b, up), (a, up)]);
            } else if let Some((a, b)) = two(g, id, Op::MulZero).filter(|_| up) {
                product.guarded_mul = true;
                stack.extend([(b, up), (a, up)]);
            } else if let Some((a, b)) = two(g, id, Op::Div) {
                stack.extend([(b, !up), (a, up)]);
            } else if let Some((a, b)) = two(g, id, Op::ZeroDiv).filter(|_| up) {
                product.guarded_div = true;
                stack.extend([(b, !up), (a, up)]);
            } else {
                product.push(id, up);
            }
        }
        product
    }

    fn push(&mut self, id: NodeId, up: bool) {
        if up { self.num.push(id) } else { self.den.push(id) }
    }

    /// Cancels what it can; whether anything did.
    fn cancel(&mut self, g: &mut Graph) -> bool {
        let mut any = false;
        while let Some((n, d, num, den)) = self.first_pair(g) {
            remove(&mut self.num, n);
            remove(&mut self.den, d);
            self.num.extend(num);
            self.den.extend(den);
            any = true;
        }
        while let Some((a, b)) = self.inverse_exponentials(g) {
            remove(&mut self.num, a);
            remove(&mut self.num, b);
            any = true;
        }
        any
    }

    fn first_pair(&self, g: &mut Graph) -> Option<(NodeId, NodeId, Option<NodeId>, Option<NodeId>)> {
        for &n in &self.num {
            for &d in &self.den {
                if let Some((num, den)) = quotient(g, n, d, self.guarded_div) {
                    return Some((n, d, num, den));
                }
            }
        }
        None
    }

    fn inverse_exponentials(&self, g: &Graph) -> Option<(NodeId, NodeId)> {
        for (i, &a) in self.num.iter().enumerate() {
            let Some(x) = one(g, a, Op::Exp) else { continue };
            let inverse = |b: NodeId| one(g, b, Op::Exp).is_some_and(|y| negated(g, x, y));
            if let Some(&b) = self.num.iter().skip(i + 1).find(|&&b| inverse(b)) {
                return Some((a, b));
            }
        }
        None
    }

    fn square(&self, g: &mut Graph) -> Option<NodeId> {
        let halve = |factors: &[NodeId]| {
            let mut sorted = factors.to_vec();
            sorted.sort_unstable();
            let even = sorted.chunk_by(|a, b| a == b).all(|group| group.len() % 2 == 0);
            let mut seen: HashMap<NodeId, usize> = HashMap::new();
            // Every second occurrence, in the order written.
            let half = factors.iter().copied().filter(|&x| {
                let count = seen.entry(x).or_default();
                *count += 1;
                *count % 2 == 1
            });
            even.then(|| half.collect::<Vec<_>>())
        };
        if self.guarded_mul || self.num.len() < 2 {
            return None;
        }
        let root = Product { constant: 1.0, num: halve(&self.num)?, den: halve(&self.den)?, ..*self };
        let root = root.build(g);
        let square = un(g, Op::Square, root);
        let constant = g.constant(self.constant);
        Some(bin(g, Op::Mul, constant, square))
    }

    fn build(&self, g: &mut Graph) -> NodeId {
        // A guard that may still be needed: what was cut off comes first, so that 0·y stays 0.
        let times = if self.guarded_mul { Op::MulZero } else { Op::Mul };
        let over = if self.guarded_div { Op::ZeroDiv } else { Op::Div };
        let num = self.num.iter().copied().reduce(|a, b| bin(g, times, a, b));
        let den = self.den.iter().copied().reduce(|a, b| bin(g, Op::Mul, a, b));
        let value = match (num, den) {
            (Some(num), Some(den)) => bin(g, over, num, den),
            (Some(num), None) => num,
            (None, Some(den)) => {
                let one = g.constant(1.0);
                bin(g, Op::Div, one, den)
            }
            (None, None) => return g.constant(self.constant),
        };
        let constant = g.constant(self.constant);
        bin(g, Op::Mul, constant, value)
    }
}

fn remove(list: &mut Vec<NodeId>, id: NodeId) {
    if let Some(at) = list.iter().position(|&known| known == id) {
        list.remove(at);
    }
}

/// n/d as what is left above and below, when something cancels.
fn quotient(g: &mut Graph, n: NodeId, d: NodeId, guarded: bool) -> Option<(Option<NodeId>, Option<NodeId>)> {
    let divisible = |g: &Graph, x: NodeId| guarded || g.support(x).is_nonzero();
    if n == d && divisible(g, n) {
        return Some((None, None));
    }
    if let Some(x) = one(g, n, Op::Square).filter(|&x| x == d && divisible(g, x)) {
        return Some((Some(x), None));
    }
    if let Some(x) = one(g, d, Op::Square).filter(|&x| x == n && divisible(g, x)) {
        return Some((None, Some(x)));
    }
    if one(g, d, Op::Sqrt).is_some_and(|x| x == n) && divisible(g, n) {
        return Some((Some(d), None));
    }
    if one(g, n, Op::Sqrt).is_some_and(|x| x == d) && divisible(g, d) {
        return Some((None, Some(n)));
    }
    if let (Some(s), Some(t)) = (one(g, n, Op::Sigmoid), one(g, d, Op::Softplus))
        && s == t
    {
        return Some((Some(un(g, Op::SoftplusRatio, s)), None));
    }
    exponential_over(g, n, d).map(|over| (Some(over), None))
}

/// n/y for an n that has log y in its exponent: exp(x + log y)/y = exp x. With s = x + log y:
/// sigmoid(s)/y = exp(min(x, −log y))·sigmoid|s|, finite at y = 0.
fn exponential_over(g: &mut Graph, n: NodeId, y: NodeId) -> Option<NodeId> {
    let (exponent, saturating) = match one(g, n, Op::Exp) {
        Some(exponent) => (exponent, false),
        // For s > 0 nothing is lost as it stands, and the form below would come back to it.
        None => (one(g, n, Op::Sigmoid).filter(|&s| !g.support(s).is_positive())?, true),
    };
    let mut sum = Linear::of(g, exponent);
    let log = sum.terms.iter_mut().find(|(x, c)| *c >= 1.0 && one(g, *x, Op::Log) == Some(y))?;
    log.1 -= 1.0;
    let rest = sum.build(g);
    if !saturating {
        return Some(un(g, Op::Exp, rest));
    }
    let log = un(g, Op::Log, y);
    let cap = un(g, Op::Neg, log);
    let exponent_over = bin(g, Op::Min, rest, cap);
    let ratio = un(g, Op::Exp, exponent_over);
    let distance = un(g, Op::Abs, exponent);
    let saturation = un(g, Op::Sigmoid, distance);
    Some(bin(g, Op::Mul, ratio, saturation))
}

fn distribute(g: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (a, b) = two(g, id, Op::Mul)?;
    for (sum, factor) in [(a, b), (b, a)] {
        let linear = Linear::of(g, sum);
        if linear.size() < 2 || linear.size() > 4 {
            continue;
        }
        let quotients: Vec<NodeId> =
            linear.terms.iter().map(|(x, _)| *x).filter(|&x| !Product::of(g, x).den.is_empty()).collect();
        let cancels = |g: &mut Graph, x: NodeId| {
            let mut product = Product::of(g, x);
            product.push(factor, true);
            product.cancel(g)
        };
        if quotients.is_empty() || !quotients.into_iter().all(|x| cancels(g, x)) {
            continue;
        }
        let mut result = Linear { terms: Vec::new(), constant: 0.0, parts: 0 };
        for (x, c) in linear.terms {
            result.terms.push((bin(g, Op::Mul, x, factor), c));
        }
        if linear.constant != 0.0 {
            result.terms.push((factor, linear.constant));
        }
        return Some(result.build(g));
    }
    None
}
