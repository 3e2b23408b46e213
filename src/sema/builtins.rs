//! What can be called and is not written in the language: one table of names and what each means.

use super::calls::Argument;
use super::elaborate::{Ctx, Elaborator};
use super::value::Value;
use crate::ir::op::{Op, ReduceOp};
use crate::source::Span;
use crate::syntax::ast::Name;

/// A call with a meaning of its own.
type Form = for<'e> fn(&mut Elaborator<'e>, &Ctx, Vec<Argument>, Span) -> Value;

/// What a name means when it is called. Which of its meanings a call has depends on the arguments.
#[derive(Clone, Copy)]
pub(super) struct Callable {
    /// The name in the language, in ASCII.
    pub name: &'static str,
    /// Of numbers: element by element.
    pub op: Option<Op>,
    /// Of one vector.
    pub vector: Option<VectorFunction>,
    /// Of distributions: what their files state under this name.
    pub property: bool,
    /// Anything else.
    pub form: Option<Form>,
    /// For the library alone.
    trusted: bool,
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

const fn named(name: &'static str) -> Callable {
    Callable { name, op: None, vector: None, property: false, form: None, trusted: false }
}

const fn op(name: &'static str, op: Op) -> Callable {
    Callable { op: Some(op), ..named(name) }
}

const fn vector(name: &'static str, function: VectorFunction) -> Callable {
    Callable { vector: Some(function), ..named(name) }
}

const fn reduce(name: &'static str, op: ReduceOp) -> Callable {
    vector(name, VectorFunction::Reduce(op))
}

const fn property(name: &'static str) -> Callable {
    Callable { property: true, ..named(name) }
}

const fn form(name: &'static str, form: Form) -> Callable {
    Callable { form: Some(form), ..named(name) }
}

static CALLABLES: &[Callable] = &[
    op("abs", Op::Abs),
    op("sign", Op::Sign),
    op("floor", Op::Floor),
    op("exp", Op::Exp),
    op("log", Op::Log),
    op("log1p", Op::Log1p),
    op("expm1", Op::Expm1),
    op("log1mexp", Op::Log1mExp),
    op("log1pmx", Op::Log1pmx),
    op("logaddexp", Op::LogAddExp),
    op("sqrt", Op::Sqrt),
    op("square", Op::Square),
    op("sin", Op::Sin),
    op("cos", Op::Cos),
    op("atan2", Op::Atan2),
    op("tanh", Op::Tanh),
    op("sigmoid", Op::Sigmoid),
    op("softplus", Op::Softplus),
    op("relu", Op::Relu),
    op("lgamma", Op::Lgamma),
    op("digamma", Op::Digamma),
    op("trigamma", Op::Trigamma),
    op("erf", Op::Erf),
    op("erfc", Op::Erfc),
    op("Phi", Op::Ndtr),
    op("log_Phi", Op::LogNdtr),
    op("log_bessel_i0", Op::LogBesselI0),
    op("lbeta", Op::Lbeta),
    op("xlogy", Op::XLogY),
    op("xlog1py", Op::XLog1pY),
    op("detach", Op::Detach),
    reduce("sum", ReduceOp::Sum),
    reduce("prod", ReduceOp::Prod),
    Callable { op: Some(Op::Max), ..reduce("max", ReduceOp::Max) },
    Callable { op: Some(Op::Min), ..reduce("min", ReduceOp::Min) },
    reduce("logsumexp", ReduceOp::LogSumExp),
    reduce("norm", ReduceOp::Norm),
    Callable { property: true, ..vector("mean", VectorFunction::Mean) },
    vector("any", VectorFunction::Any),
    vector("all", VectorFunction::All),
    vector("cumsum", VectorFunction::CumSum),
    property("variance"),
    property("entropy"),
    property("cross_entropy"),
    property("crps"),
    property("log_cdf"),
    property("log_ccdf"),
    form("nll", |e, ctx, arguments, span| e.nll(ctx, arguments, span)),
    form("log_prob", |e, ctx, arguments, span| e.log_prob(ctx, arguments, span)),
    form("mixture", |e, ctx, arguments, span| e.mixture_call(ctx, arguments, span)),
    form("discrete", |e, ctx, arguments, span| e.discrete(ctx, arguments, span)),
    Callable { trusted: true, ..form("mass", |e, ctx, arguments, span| e.mass(ctx, arguments, span)) },
];

impl Callable {
    /// Takes any number of numbers: what reduces a vector and is an operation too.
    pub fn folds(&self) -> bool {
        self.op.is_some() && self.vector.is_some()
    }
}

/// What a name means: inside the library (`trusted`), every primitive too.
pub(super) fn callable(name: &str, trusted: bool) -> Option<Callable> {
    let listed = CALLABLES.iter().find(|known| known.name == name && (trusted || !known.trusted)).copied();
    listed.or_else(|| if trusted { Op::named(name).map(|found| op(found.info().name, found)) } else { None })
}

/// Whether a call of this function takes a vector, so that a free name in it is one.
pub(super) fn takes_vector(name: &str, arguments: usize) -> bool {
    arguments == 1 && callable(name, false).is_some_and(|callable| callable.vector.is_some())
}

/// Whether a primitive of that name works on numbers one at a time, so that a vector stays one.
pub(super) fn is_elementwise(name: &str) -> bool {
    callable(name, true).is_some_and(|callable| callable.op.is_some() && callable.vector.is_none())
}

/// Every name that a program can call and that is not a file of the library.
pub fn names() -> impl Iterator<Item = &'static str> {
    CALLABLES.iter().filter(|callable| !callable.trusted).map(|callable| callable.name)
}

/// A name that stands for no text.
pub(super) fn anonymous_name() -> Name {
    Name { text: String::new(), key: String::new(), span: Span::default() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;
    use crate::ir::graph::Graph;

    /// A missing derivative means 0, which is the truth for steps and `detach` alone.
    #[test]
    fn what_a_program_may_call_has_its_derivatives() {
        for (name, op) in CALLABLES.iter().filter_map(|callable| Some((callable.name, callable.op?))) {
            let mut graph = Graph::default();
            let arguments = vec![graph.constant(0.5); op.info().arity];
            let y = graph.constant(0.25);
            let missing = (op.info().derivative)(&mut graph, y, &arguments).iter().any(Option::is_none);
            assert_eq!(missing, ["sign", "floor", "detach"].contains(&name), "{name}");
        }
    }

    #[test]
    fn every_name_means_one_thing_or_more() {
        for (at, callable) in CALLABLES.iter().enumerate() {
            let meanings = callable.op.is_some() || callable.vector.is_some() || callable.property;
            assert_eq!(meanings, callable.form.is_none(), "{}", callable.name);
            assert!(CALLABLES[..at].iter().all(|other| other.name != callable.name), "{}", callable.name);
        }
    }
}
