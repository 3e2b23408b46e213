//! What an expression can be while a program is being understood: a number, a density, a distribution.

use std::cmp::Ordering;
use std::sync::Arc;

use super::library::Unit;
use crate::ir::graph::{Graph, NodeId, ROW, VarId};
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

    /// What one value is, in words.
    pub fn words(self) -> &'static str {
        match self {
            VectorKind::Plain => "finite numbers",
            VectorKind::Simplex => "numbers, 0 or more, that add up to 1",
            VectorKind::Ordered => "numbers, each greater than the one before",
            VectorKind::UnitVector => "numbers whose squares add up to 1",
            VectorKind::Cholesky => "a square matrix, positive on its diagonal and 0 above it",
        }
    }

    /// How many of the last axes one value spans.
    pub fn rank(self) -> usize {
        match self {
            VectorKind::Plain => 0,
            VectorKind::Simplex | VectorKind::Ordered | VectorKind::UnitVector => 1,
            VectorKind::Cholesky => 2,
        }
    }

    /// Whether numbers have this structure; sums that have to be 1 are so up to `tolerance`.
    pub fn holds(self, values: &[f64], tolerance: f64) -> bool {
        let one = |sum: f64| (sum - 1.0).abs() <= tolerance;
        let width = values.len().isqrt().max(1);
        let fits = |(at, &x): (usize, &f64)| match (at / width).cmp(&(at % width)) {
            Ordering::Less => x == 0.0,
            Ordering::Equal => x > 0.0,
            Ordering::Greater => true,
        };
        let finite = values.iter().all(|x| x.is_finite());
        match self {
            VectorKind::Plain => true,
            VectorKind::Simplex => values.iter().all(|&x| x >= 0.0) && one(values.iter().sum()),
            VectorKind::Ordered => finite && values.is_sorted_by(|a, b| a < b),
            VectorKind::UnitVector => one(values.iter().map(|x| x * x).sum()),
            VectorKind::Cholesky => finite && width * width == values.len() && values.iter().enumerate().all(fits),
        }
    }
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

/// An element of a simplex vector, by number.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// The vector.
    pub vector: NodeId,
    /// Which element.
    pub at: f64,
    /// How many there are, where the program says so.
    pub size: Option<usize>,
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
    /// `∏[i] p[i]`, or with a weight the mixture `∑[k] w[k] * p[k]`: its indices as written.
    Over(Vec<(VarId, String)>, Option<NodeId>, Box<Form>),
    /// `if c then p else q`
    If(Box<Form>, Box<Form>),
}

impl Form {
    /// What a distribution call is about, as written.
    pub fn variates(&self) -> &[String] {
        if let Form::Call { variates, .. } = self { variates } else { &[] }
    }

    /// Every distribution call in it, in order.
    pub fn calls(&self) -> Vec<&Form> {
        match self {
            Form::Call { inner, .. } => std::iter::once(self).chain(inner.iter().flat_map(Form::calls)).collect(),
            Form::Product(parts) => parts.iter().flat_map(Form::calls).collect(),
            Form::Mixture(parts) => parts.iter().flat_map(|(_, part)| part.calls()).collect(),
            Form::Power(part, _) | Form::Over(_, _, part) => part.calls(),
            Form::Quotient(a, b) | Form::If(a, b) => a.calls().into_iter().chain(b.calls()).collect(),
        }
    }
}

/// A part of a density that is independent of its other parts: the law of what it is about, given all else.
#[derive(Clone, Debug)]
pub struct Factor {
    /// The log density.
    pub log: NodeId,
    /// What is observed: the node, and the text as written.
    pub variates: Vec<(NodeId, String)>,
    /// Measure.
    pub measure: Measure,
    /// Whether a wrapper gives single values a probability of their own.
    pub masses: bool,
    /// Parameters: where the law may peak, bend or end.
    pub landmarks: Vec<NodeId>,
    /// Why it is the law of nothing that could be drawn: `a ratio of densities`.
    pub obstacle: Option<&'static str>,
}

impl Factor {
    /// Every node in it.
    pub fn nodes(&mut self) -> impl Iterator<Item = &mut NodeId> {
        let variates = self.variates.iter_mut().map(|(node, _)| node);
        std::iter::once(&mut self.log).chain(variates).chain(&mut self.landmarks)
    }

    /// Densities of one observation put together to one.
    pub fn of(log: NodeId, measure: Measure, parts: &[&Density]) -> Factor {
        let all = || parts.iter().flat_map(|part| &part.factors);
        let variates = |part: &Density| -> Vec<(NodeId, String)> {
            part.factors.iter().flat_map(|factor| factor.variates.clone()).collect()
        };
        let first = parts.first().map_or_else(Vec::new, |part| variates(part));
        let nodes = |variates: &[(NodeId, String)]| variates.iter().map(|(node, _)| *node).collect::<Vec<_>>();
        let unlike = parts.iter().any(|part| nodes(&variates(part)) != nodes(&first));
        let masses = all().any(|factor| factor.masses);
        let landmarks = all().flat_map(|factor| factor.landmarks.clone()).collect();
        let obstacle = all().find_map(|factor| factor.obstacle).or(unlike.then_some("a choice of what is observed"));
        Factor { log, variates: first, measure, masses, landmarks, obstacle }
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
    /// Its independent parts.
    pub factors: Vec<Factor>,
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

#[cfg(test)]
mod tests {
    use super::VectorKind::{Cholesky, Ordered, Plain, Simplex, UnitVector};

    #[test]
    fn structures_hold_or_do_not() {
        for (kind, values, holds) in [
            (Plain, &[1.0, -1.0][..], true),
            (Simplex, &[0.25, 0.75], true),
            (Simplex, &[0.25, 0.7], false),
            (Simplex, &[1.25, -0.25], false),
            (Ordered, &[-1.0, 0.0, 2.0], true),
            (Ordered, &[-1.0, 0.0, 0.0], false),
            (UnitVector, &[0.6, -0.8], true),
            (UnitVector, &[0.6, 0.6], false),
            (Cholesky, &[1.0, 0.0, -5.0, 2.0], true),
            (Cholesky, &[1.0, 0.5, -5.0, 2.0], false),
            (Cholesky, &[1.0, 0.0, -5.0, 0.0], false),
            (Cholesky, &[1.0, 0.0, 2.0], false),
            (Simplex, &[f64::NAN, 1.0], false),
            (Ordered, &[0.0, f64::INFINITY], false),
        ] {
            assert_eq!(kind.holds(values, 1e-12), holds, "{kind:?} {values:?}");
        }
        assert!(Simplex.holds(&[0.333, 0.666], 2e-3) && !Simplex.holds(&[0.333, 0.666], 1e-4));
    }
}
