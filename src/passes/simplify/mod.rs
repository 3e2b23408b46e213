//! Simplification: guarded, directional rewrite rules, applied from the leaves up until none applies.
//!
//! The rules are one named table ([`rules`]), a file a family. A rule is an equality of exact arithmetic under its guard
//! (proved from supports) and never makes the expression worse conditioned. [`Phase::Canonical`] brings expressions to
//! the form people write and proofs compare; [`Phase::Stable`], run last, trades looks for accuracy and speed.
//! Depends on `ir`; knows nothing of rows, terms or gradients.

/// One row of the table: name, law, guard, (phase,) where, how.
macro_rules! rule {
    ($name:literal, $law:literal, $guard:literal, $on:expr, $apply:expr) => {
        Rule { name: $name, law: $law, guard: $guard, phase: None, on: $on, apply: $apply }
    };
    ($name:literal, $law:literal, $guard:literal, $phase:expr, $on:expr, $apply:expr) => {
        Rule { name: $name, law: $law, guard: $guard, phase: $phase, on: $on, apply: $apply }
    };
}

mod adjoint;
mod arithmetic;
mod collect;
mod engine;
mod exponential;
mod factor;
mod facts;
mod logarithm;
mod matching;
mod reduction;
mod stable;

pub use engine::{Simplifier, SimplifyError, Step};

use crate::ir::graph::{Graph, Node, NodeId};
use crate::ir::op::Op;

/// Which rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// To the canonical form: before and after differentiation, and for proofs.
    Canonical,
    /// To the form that is evaluated.
    Stable,
}

/// The nodes a rule can apply to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// One of these primitives.
    Ops(&'static [Op]),
    /// Any primitive.
    Apply,
    /// A reduction.
    Reduce,
}

impl On {
    fn admits(self, node: &Node) -> bool {
        match (self, node) {
            (On::Ops(ops), Node::Apply(op, _)) => ops.contains(op),
            (On::Apply, Node::Apply(..)) | (On::Reduce, Node::Reduce { .. }) => true,
            _ => false,
        }
    }
}

/// A rewrite rule.
#[derive(Debug)]
pub struct Rule {
    /// A short, stable name.
    pub name: &'static str,
    /// The equality, as one would write it.
    pub law: &'static str,
    /// Under which condition it holds; empty when always.
    pub guard: &'static str,
    /// The phases it belongs to; both when `None`.
    pub phase: Option<Phase>,
    /// Where it can apply.
    pub on: On,
    /// The rewritten node, or `None` when the shape or the guard does not fit.
    pub apply: fn(&mut Graph, NodeId) -> Option<NodeId>,
}

/// The table of rules, in the order they are tried.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    [
        arithmetic::RULES,
        adjoint::RULES,
        logarithm::RULES,
        exponential::RULES,
        reduction::RULES,
        factor::RULES,
        collect::RULES,
        stable::RULES,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod examples;
#[cfg(test)]
mod tests;
