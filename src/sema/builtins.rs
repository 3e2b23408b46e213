//! The functions that are not written in the language: primitives by name, and reductions of a vector.

use crate::ir::op::{Op, ReduceOp};
use crate::source::Span;
use crate::syntax::ast::Name;

/// A primitive a program may call: its name in the language, the operation.
const PRIMITIVES: &[(&str, Op)] = &[
    ("abs", Op::Abs),
    ("sign", Op::Sign),
    ("floor", Op::Floor),
    ("exp", Op::Exp),
    ("log", Op::Log),
    ("log1p", Op::Log1p),
    ("expm1", Op::Expm1),
    ("log1mexp", Op::Log1mExp),
    ("log1pmx", Op::Log1pmx),
    ("logaddexp", Op::LogAddExp),
    ("sqrt", Op::Sqrt),
    ("square", Op::Square),
    ("sin", Op::Sin),
    ("cos", Op::Cos),
    ("atan2", Op::Atan2),
    ("tanh", Op::Tanh),
    ("sigmoid", Op::Sigmoid),
    ("softplus", Op::Softplus),
    ("relu", Op::Relu),
    ("lgamma", Op::Lgamma),
    ("digamma", Op::Digamma),
    ("trigamma", Op::Trigamma),
    ("erf", Op::Erf),
    ("erfc", Op::Erfc),
    ("Phi", Op::Ndtr),
    ("log_Phi", Op::LogNdtr),
    ("log_bessel_i0", Op::LogBesselI0),
    ("lbeta", Op::Lbeta),
    ("xlogy", Op::XLogY),
    ("xlog1py", Op::XLog1pY),
    ("detach", Op::Detach),
];

/// The primitive of that name: those of the language, and inside the library every row of the table.
pub(super) fn primitive(name: &str, trusted: bool) -> Option<Op> {
    let listed = PRIMITIVES.iter().find(|(known, _)| *known == name).map(|&(_, op)| op);
    listed.or_else(|| if trusted { Op::named(name) } else { None })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;
    use crate::ir::graph::Graph;

    /// A missing derivative means 0, which is the truth for steps and `detach` alone.
    #[test]
    fn what_a_program_may_call_has_its_derivatives() {
        for (name, op) in PRIMITIVES {
            let mut graph = Graph::default();
            let arguments = vec![graph.constant(0.5); op.info().arity];
            let y = graph.constant(0.25);
            let missing = (op.info().derivative)(&mut graph, y, &arguments).iter().any(Option::is_none);
            assert_eq!(missing, ["sign", "floor", "detach"].contains(name), "{name}");
        }
    }
}

/// What a function does to the last axis of its one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VectorFunction {
    Reduce(ReduceOp),
    Mean,
    Any,
    All,
    CumSum,
}

const VECTOR_FUNCTIONS: &[(&str, VectorFunction)] = &[
    ("sum", VectorFunction::Reduce(ReduceOp::Sum)),
    ("prod", VectorFunction::Reduce(ReduceOp::Prod)),
    ("max", VectorFunction::Reduce(ReduceOp::Max)),
    ("min", VectorFunction::Reduce(ReduceOp::Min)),
    ("logsumexp", VectorFunction::Reduce(ReduceOp::LogSumExp)),
    ("norm", VectorFunction::Reduce(ReduceOp::Norm)),
    ("mean", VectorFunction::Mean),
    ("any", VectorFunction::Any),
    ("all", VectorFunction::All),
    ("cumsum", VectorFunction::CumSum),
];

pub(super) fn vector_function(name: &str) -> Option<VectorFunction> {
    VECTOR_FUNCTIONS.iter().find(|(known, _)| *known == name).map(|&(_, function)| function)
}

/// Whether a call of this function takes a vector, so that a free name in it is one.
pub(super) fn takes_vector(name: &str, arguments: usize) -> bool {
    arguments == 1 && vector_function(name).is_some()
}

/// Forms with a meaning of their own.
pub(super) const SPECIAL: &[&str] =
    &["nll", "log_prob", "mixture", "discrete", "entropy", "cross_entropy", "crps", "log_cdf", "log_ccdf", "variance"];

/// Every name that can be called and is not a file of the library.
pub fn names() -> impl Iterator<Item = &'static str> {
    let primitives = PRIMITIVES.iter().map(|(name, _)| *name);
    primitives.chain(VECTOR_FUNCTIONS.iter().map(|(name, _)| *name)).chain(SPECIAL.iter().copied())
}

/// A name that stands for no text.
pub(super) fn anonymous_name() -> Name {
    Name { text: String::new(), key: String::new(), span: Span::default() }
}
