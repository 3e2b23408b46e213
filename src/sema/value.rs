//! What an expression can be while a program is being understood: a number, a density, a distribution.

use std::sync::Arc;

use super::library::Unit;
use crate::ir::graph::{Graph, NodeId, ROW, VarId};
use crate::ir::support::Interval;
use crate::source::Span;

/// Structure along the last axis of a vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VectorKind {
    /// No more than its elements say.
    #[default]
    Plain,
    /// Nonnegative, sums to 1.
    Simplex,
    /// Strictly increasing.
    Ordered,
    /// Euclidean length 1.
    UnitVector,
    /// A lower triangular factor with positive diagonal.
    Cholesky,
}

impl VectorKind {
    /// The name in the language.
    pub fn name(self) -> &'static str {
        match self {
            VectorKind::Plain => "real",
            VectorKind::Simplex => "simplex",
            VectorKind::Ordered => "ordered",
            VectorKind::UnitVector => "unit_vector",
            VectorKind::Cholesky => "cholesky",
        }
    }
}

/// The fixed link behind which a declared support is trained.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Link {
    /// The value itself.
    #[default]
    Identity,
    /// lower + softplus(raw)
    Softplus {
        /// Lower end.
        lower: f64,
    },
    /// upper − softplus(raw)
    NegSoftplus {
        /// Upper end.
        upper: f64,
    },
    /// lower + (upper − lower)·sigmoid(raw)
    Sigmoid {
        /// Lower end.
        lower: f64,
        /// Upper end.
        upper: f64,
    },
    /// softmax over the last axis
    Softmax,
    /// raw/‖raw‖ over the last axis
    Normalize,
}

impl Link {
    /// The raw value behind a natural one (elementwise links; the vector links start from the logarithm or the value).
    pub fn inverse(self, natural: f64) -> f64 {
        let inverse_softplus = |y: f64| if y > 30.0 { y } else { y.exp_m1().ln() };
        match self {
            Link::Identity | Link::Normalize => natural,
            Link::Softplus { lower } => inverse_softplus(natural - lower),
            Link::NegSoftplus { upper } => inverse_softplus(upper - natural),
            Link::Sigmoid { lower, upper } => {
                let p = (natural - lower) / (upper - lower);
                p.ln() - (-p).ln_1p()
            }
            Link::Softmax => natural.ln(),
        }
    }

    /// Where a natural value starts when the program says nothing (LANGUAGE: 0, 1, the midpoint).
    pub fn start(self) -> f64 {
        match self {
            Link::Identity => 0.0,
            Link::Softplus { lower } => lower + 1.0,
            Link::NegSoftplus { upper } => upper - 1.0,
            Link::Sigmoid { lower, upper } => lower + (upper - lower) / 2.0,
            Link::Softmax | Link::Normalize => 1.0,
        }
    }
}

/// The fixed link of a support (LANGUAGE section 3).
pub(super) fn link_of(support: Interval, vector: VectorKind) -> Link {
    match vector {
        VectorKind::Simplex => return Link::Softmax,
        VectorKind::UnitVector => return Link::Normalize,
        _ => {}
    }
    match (support.lo.is_finite(), support.hi.is_finite()) {
        (false, false) => Link::Identity,
        (true, false) => Link::Softplus { lower: support.lo },
        (false, true) => Link::NegSoftplus { upper: support.hi },
        (true, true) => Link::Sigmoid { lower: support.lo, upper: support.hi },
    }
}

/// Where a value of a support starts: 0 for the reals, 1 above an end, the midpoint between two.
pub(super) fn start_of(support: Interval) -> f64 {
    link_of(support, VectorKind::Plain).start()
}

/// Numbers or truth values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Real numbers.
    Real,
    /// true, false
    Bool,
}

/// A scalar or array of numbers: a node over the row and the leftover axes, outermost first.
#[derive(Clone, Debug)]
pub struct Num {
    /// The element at (row, axes…).
    pub node: NodeId,
    /// Leftover axes.
    pub axes: Vec<VarId>,
    /// Numbers or truth values.
    pub kind: Kind,
    /// Structure along the last axis.
    pub vector: VectorKind,
}

impl Num {
    /// A scalar number.
    pub fn scalar(node: NodeId) -> Self {
        Num { node, axes: Vec::new(), kind: Kind::Real, vector: VectorKind::Plain }
    }
}

/// Counting measure, Lebesgue measure, or both (an atom and a density).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Probabilities of values.
    Discrete,
    /// A density.
    Continuous,
    /// Parts of both.
    Mixed,
}

impl Measure {
    /// The measure of a product.
    pub fn and(self, other: Measure) -> Measure {
        if self == other { self } else { Measure::Mixed }
    }
}

/// The structure of a density, for `explain`.
#[derive(Clone, Debug)]
pub enum Form {
    /// `poisson(k | λ)`
    Call {
        /// Canonical name of the distribution.
        name: String,
        /// What is observed, as written.
        variates: Vec<String>,
        /// Parameters: the distribution's own name, the text as written, the node.
        params: Vec<(String, String, NodeId)>,
        /// The log density before any rewriting.
        log: NodeId,
        /// The densities inside (`zero_inflated(π, p)`).
        inner: Vec<Form>,
    },
    /// `p * q`
    Product(Vec<Form>),
    /// `0.3 * p + 0.7 * q`: weights as nodes.
    Mixture(Vec<(NodeId, Form)>),
    /// `p ^ w`
    Power(Box<Form>, NodeId),
    /// `p / q`
    Quotient(Box<Form>, Box<Form>),
    /// `∏[i] p[i]` (true) or a mixture over an index (false).
    Over(bool, Box<Form>),
    /// `if c then p else q`
    If(Box<Form>, Box<Form>),
}

impl Form {
    /// Every distribution call in it, in order.
    pub fn calls(&self) -> Vec<&Form> {
        match self {
            Form::Call { inner, .. } => std::iter::once(self).chain(inner.iter().flat_map(Form::calls)).collect(),
            Form::Product(parts) => parts.iter().flat_map(Form::calls).collect(),
            Form::Mixture(parts) => parts.iter().flat_map(|(_, part)| part.calls()).collect(),
            Form::Power(part, _) | Form::Over(_, part) => part.calls(),
            Form::Quotient(a, b) | Form::If(a, b) => a.calls().into_iter().chain(b.calls()).collect(),
        }
    }
}

/// A distribution with its parameters, waiting for a variate.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The file that defines it.
    pub unit: Arc<Unit>,
    /// Its canonical name.
    pub name: String,
    /// Which parameterisation: index of the `or` clause, `None` for the main one.
    pub via: Option<usize>,
    /// Arguments by canonical name, with text and place.
    pub params: Vec<(String, Value, String, Span)>,
}

/// A probability (density), kept as its logarithm.
#[derive(Clone, Debug)]
pub struct Density {
    /// Its logarithm.
    pub log: NodeId,
    /// Leftover axes.
    pub axes: Vec<VarId>,
    /// Measure.
    pub measure: Measure,
    /// What is observed, as canonical text.
    pub variates: Vec<String>,
    /// Structure.
    pub form: Form,
    /// The distribution it came from, with its variates, when it is a plain call.
    pub instance: Option<Box<(Instance, Vec<Num>)>>,
}

/// The value of an expression.
#[derive(Clone, Debug)]
pub enum Value {
    /// Numbers.
    Num(Num),
    /// A density.
    Density(Box<Density>),
    /// Weighted densities whose weights do not add to 1 yet.
    Mixing(Vec<(Num, Density)>),
    /// A distribution without a variate.
    Dist(Box<Instance>),
    /// Something went wrong and was reported.
    Error,
}

/// The axes of an elementwise combination: those of the larger first, then what it lacks.
pub fn union_axes(a: &[VarId], b: &[VarId]) -> Vec<VarId> {
    let (first, second) = if b.len() > a.len() { (b, a) } else { (a, b) };
    let mut axes = first.to_vec();
    axes.extend(second.iter().filter(|var| !first.contains(var)));
    axes
}

/// Anonymous axes align from the right: the shorter list must be the tail of the longer.
pub fn anonymous_fit(graph: &Graph, a: &[VarId], b: &[VarId]) -> bool {
    let anonymous = |axes: &[VarId]| -> Vec<VarId> {
        axes.iter().copied().filter(|&var| var != ROW && graph.axis(graph.var(var).axis).name.is_none()).collect()
    };
    let (a, b) = (anonymous(a), anonymous(b));
    a.iter().rev().zip(b.iter().rev()).all(|(a, b)| a == b)
}
