//! Meaning: names are resolved, functions and distributions expanded, axes aligned, supports derived and checked.
//!
//! [`analyze`] turns a syntax tree into a [`Hir`]: the program's terms as nodes of a [`Graph`] whose every node has a
//! support, with the density structure kept for `explain`. All mistakes are reported at once. Depends on `syntax`,
//! `ir`, `passes` (canonical forms, when a support has to be proved) and the embedded library; knows no files but
//! through a [`Loader`].

mod builtins;
mod calls;
mod check;
mod declare;
mod density;
mod distributions;
mod domain;
mod elaborate;
mod forms;
mod free;
mod index;
mod inside;
pub mod library;
mod link;
mod lints;
mod numbers;
mod observed;
mod operators;
mod parameterisation;
mod primitives;
mod symmetry;
mod synonyms;
mod terms;
mod units;
mod value;
mod wrapper;

use std::collections::{HashMap, HashSet};

use crate::diag::{Diagnostic, Severity, codes, has_errors};
use crate::ir::graph::{Graph, InputId, InputRole, NodeId, VarId};
use crate::source::{Loader, Source, Span};
use crate::syntax;

pub use builtins::names as builtins;
pub use domain::{Domain, Set};
pub use inside::inside;
pub use link::Link;
pub use value::{Factor, Form, Measure, VectorKind};

/// How a program is going to be used: what its free names are bound to.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `--set N=V`: values of constants, each in the unit of its declaration, and sizes of axes, by canonical name.
    pub set: HashMap<String, f64>,
    /// Roles given to free names from outside, by canonical name: a head makes a name `Predict`; one with a value in
    /// `set` is a constant unless it is to stay `Free`.
    pub roles: HashMap<String, InputRole>,
    /// Free names bound to columns: they take the support that their uses need, and every row is checked against it.
    pub bound: HashSet<String>,
    /// How far a free name with a value in `set` may move from it, as a share of the value; any value it can have if
    /// `None`.
    pub reach: Option<f64>,
    /// Where the values of `set` come from, for messages: `--set`, or the spec.
    pub set_by: &'static str,
    /// Predictions and parameters with a declared support are raw values behind their fixed link (training).
    pub raw: bool,
}

/// A name of the program and what was found out about it.
#[derive(Clone, Debug)]
pub struct NameInfo {
    /// As written.
    pub name: String,
    /// Canonical ASCII form.
    pub key: String,
    /// The input it is.
    pub input: InputId,
    /// Its role.
    pub role: InputRole,
    /// Structure along the last axis.
    pub vector: VectorKind,
    /// Initial or constant value after `=`, on the natural scale; one number or one an element.
    pub value: Option<Vec<f64>>,
    /// What a number given from outside is multiplied by: a constant's unit, in base units.
    pub factor: f64,
    /// Declared as a `category`: words in a column stand for codes.
    pub category: bool,
    /// Data used as a subscript: the axis it must stay inside.
    pub indexes: Option<crate::ir::graph::AxisId>,
    /// The natural value as a node over the input's own axes (differs from a plain load under [`Options::raw`]).
    pub natural: NodeId,
    /// The link of its support: behind it are raw values under [`Options::raw`], and where values start by themselves.
    pub link: Link,
    /// Where it is declared, or first used.
    pub span: Span,
    /// Declared by a `data`, `predict`, `param` or `const` statement.
    pub declared: bool,
}

/// The name of the number of rows, in programs that do not declare it: of the training rows in training.
pub const ROW_COUNT: &str = "rows";

impl NameInfo {
    /// Whether this is the number of rows, whose value is the data's.
    pub fn is_row_count(&self) -> bool {
        self.key == ROW_COUNT && !self.declared && self.role == InputRole::Const
    }
}

/// What a term is.
#[derive(Clone, Debug)]
pub enum TermKind {
    /// A density: its structure, and its logarithm as a node.
    Density(Box<Form>),
    /// A cost.
    Cost,
}

/// A term of the program.
#[derive(Clone, Debug)]
pub struct Term {
    /// Label, or `term1` by position.
    pub label: String,
    /// Whether the label was written.
    pub labelled: bool,
    /// Density or cost.
    pub kind: TermKind,
    /// The log density, or the cost.
    pub node: NodeId,
    /// Leftover axes over which a density multiplies.
    pub axes: Vec<VarId>,
    /// The independent parts of a density.
    pub factors: Vec<Factor>,
    /// The statement.
    pub span: Span,
}

/// How rows are put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// The mean over rows: the default.
    #[default]
    Mean,
    /// The sum over rows.
    Sum,
}

/// A checked program.
#[derive(Clone, Debug)]
pub struct Hir {
    /// All expressions.
    pub graph: Graph,
    /// Inputs in order of declaration or first use.
    pub names: Vec<NameInfo>,
    /// Terms in order.
    pub terms: Vec<Term>,
    /// Definitions (`λ = softplus(η)`) in order: name, value, leftover axes.
    pub definitions: Vec<(String, NodeId, Vec<VarId>)>,
    /// `reduce sum` or the default.
    pub reduction: Reduction,
    /// The program names the batch axis, so that a row has no loss of its own.
    pub whole_batch: bool,
}

/// The outcome of [`analyze`]: whatever could be understood, and everything there is to say.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// The program; only fit for compilation when there are no errors.
    pub hir: Hir,
    /// Every diagnostic, in order of place.
    pub diagnostics: Vec<Diagnostic>,
}

impl Analysis {
    /// No errors.
    pub fn is_ok(&self) -> bool {
        !has_errors(&self.diagnostics)
    }
}

/// Parses and analyses a program.
pub fn analyze(source: &Source, loader: &dyn Loader, options: &Options) -> Analysis {
    let (ast, mut diagnostics) = crate::syntax::parse(source);
    let first = elaborate::Elaborator::new(source, &ast, loader, options, HashMap::new()).run();
    // Free names that are bound to columns take the support their uses need, which the first walk has collected.
    let analysis = if first.needs.is_empty() {
        first
    } else {
        elaborate::Elaborator::new(source, &ast, loader, options, first.needs).run()
    };
    // A statement that could not be read may have been the term, and has its message.
    let unread = has_errors(&diagnostics);
    let undefined = syntax::unread_definitions(source, &ast);
    let unknown = |span| undefined.contains(&syntax::names::canonical(source.slice(span)));
    diagnostics.extend(analysis.diagnostics.into_iter().filter(|found| {
        !unread || !(found.code == codes::E0606 || (found.code == codes::E0301 && unknown(found.span)))
    }));
    if !has_errors(&diagnostics) {
        diagnostics.extend(lints::lint(&ast, &analysis.hir));
    }
    let silenced =
        |found: &Diagnostic| found.severity() == Severity::Warning && lints::allowed(source, found.code, found.span);
    diagnostics.retain(|found| !silenced(found));
    diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    keep_the_first(&mut diagnostics);
    Analysis { hir: analysis.hir, diagnostics }
}

/// Of very many mistakes the first ones, and how many more there are.
fn keep_the_first(diagnostics: &mut Vec<Diagnostic>) {
    let wrong = |found: &Diagnostic| found.severity() == Severity::Error;
    let all = diagnostics.iter().filter(|found| wrong(found)).count();
    let unread = diagnostics.iter().any(|found| found.code == codes::E0120);
    if all <= syntax::MAX_MISTAKES || unread {
        return;
    }
    let mut kept = 0;
    diagnostics.retain(|found| {
        kept += usize::from(wrong(found));
        kept <= syntax::MAX_MISTAKES
    });
    let last = diagnostics.last().map_or_else(Span::default, |found| found.span);
    let message = format!("and {} more mistakes, which are not shown", all - syntax::MAX_MISTAKES);
    diagnostics.push(Diagnostic::new(codes::E0120, last, message));
}

#[cfg(test)]
mod tests;
