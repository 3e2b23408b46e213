//! The answer: what the engine computes for the rows that can be, and what the others make of it.

use std::collections::{BTreeSet, HashSet};

use super::engine::{Compute, compute};
use super::impossible::{Broken, Checks, Origin, reads};
use super::{Derivative, EvaluateError, Evaluation, Request};
use crate::compile::Program;
use crate::data::options::OnInvalid;
use crate::data::{Bound, BoundColumn, Table};
use crate::ir::graph::{AxisId, InputId, InputRole};
use crate::ir::program::{Bindings, Outputs};
use crate::sema::{self, NameInfo};
use crate::syntax::names::canonical;

/// What to do about a number that `f32` does not hold.
const NARROW: &str = "compute with --dtype f64";

/// A program on a table.
pub(super) struct Evaluator<'a> {
    pub program: &'a Program,
    pub request: &'a Request,
    /// Rows of the table.
    rows: usize,
    /// The rows that are computed: those whose observations can be. Where terms are about all rows at once, these are all
    /// rows, or none if no term is finite.
    pub kept: Vec<usize>,
    /// Size of each axis, by `AxisId`, with the kept rows.
    pub sizes: Vec<usize>,
    /// Every input as one array, by `InputId`.
    pub inputs: Vec<Vec<f64>>,
    /// What is said of observations that a prediction excludes.
    excluded: Vec<String>,
    /// Labels of all terms, those that are left out of `program` too.
    labels: Vec<String>,
    /// Of these, the ones that impossible rows make infinite.
    infinite: BTreeSet<String>,
    pub compute: Compute<'a>,
}

impl<'a> Evaluator<'a> {
    /// `labels` are those of all terms and of the infinite ones among them: [`reading_outside`].
    pub fn new(
        program: &'a Program,
        request: &'a Request,
        (table, bound): (&Table, &Bound),
        (labels, mut infinite): (Vec<String>, BTreeSet<String>),
    ) -> Result<Self, EvaluateError> {
        if bound.rows == 0 {
            return Err(EvaluateError::Request("the table has no rows: there is nothing to evaluate".into()));
        }
        let together = program.hir.whole_batch;
        let outside: HashSet<usize> = bound.columns.iter().flat_map(|column| column.outside.iter().copied()).collect();
        let can_be = |row: &usize| if together { !program.hir.terms.is_empty() } else { !outside.contains(row) };
        let (mut kept, mut sizes, mut inputs) =
            on_rows(program, request, bound, (0..bound.rows).filter(can_be).collect())?;
        let origin = Origin { table, binds: &[], rows: &kept };
        let (broken, excluded) = judge(program, request, &bindings(&inputs, &sizes, kept.len(), &[]), origin)?;
        infinite.extend(broken.terms);
        if !broken.rows.is_empty() && !together {
            let rest =
                kept.iter().enumerate().filter(|(at, _)| !broken.rows.contains(at)).map(|(_, row)| *row).collect();
            (kept, sizes, inputs) = on_rows(program, request, bound, rest)?;
        }
        if request.narrow() {
            program.check_numbers(NARROW)?;
        }
        let compute = compute(&program.loss, &sizes, (request.engine, request.dtype))?;
        let rows = bound.rows;
        Ok(Evaluator { program, request, rows, kept, sizes, inputs, excluded, labels, infinite, compute })
    }

    pub fn run(&self) -> Result<Evaluation, EvaluateError> {
        let mut evaluation = self.empty();
        if self.kept.is_empty() {
            let still = || self.derivatives(&Outputs::default(), None);
            evaluation.grad = if self.request.grad { still() } else { Vec::new() };
            evaluation.hess = if self.request.hess { still() } else { Vec::new() };
        } else {
            self.fill(&mut evaluation)?;
        }
        if self.kept.len() < self.rows || !self.infinite.is_empty() {
            self.impossible(&mut evaluation);
        }
        Ok(evaluation)
    }

    fn empty(&self) -> Evaluation {
        let rows = self.rows;
        let reduction = match self.program.hir.reduction {
            sema::Reduction::Mean => "mean",
            sema::Reduction::Sum => "sum",
        };
        let per_row = (self.request.per_row && !self.program.hir.whole_batch).then(|| vec![f64::INFINITY; rows]);
        let terms = self.labels.iter().map(|label| (label.clone(), 0.0)).collect();
        Evaluation {
            loss: 0.0,
            rows,
            reduction,
            terms,
            per_row,
            grad: Vec::new(),
            hess: Vec::new(),
            excluded: self.excluded.clone(),
        }
    }

    /// The kept rows with these inputs, under an adjoint of each row's loss.
    pub fn bindings<'b>(&self, inputs: &'b [Vec<f64>], seed: &'b [f64]) -> Bindings<'b, f64> {
        bindings(inputs, &self.sizes, self.kept.len(), seed)
    }

    fn fill(&self, evaluation: &mut Evaluation) -> Result<(), EvaluateError> {
        let kept = self.kept.len();
        let seed = match self.program.hir.reduction {
            sema::Reduction::Mean if kept == self.rows => Vec::new(),
            sema::Reduction::Mean => vec![1.0 / self.rows as f64; kept],
            sema::Reduction::Sum => vec![1.0; kept],
        };
        let ones = vec![1.0; kept];
        let reduced = (self.compute)(&self.bindings(&self.inputs, &seed), false)?;
        for (root, term) in self.program.loss.terms.iter().zip(&reduced.terms) {
            evaluation.terms.iter_mut().filter(|(label, _)| *label == root.label).for_each(|(_, value)| *value = *term);
        }
        evaluation.loss = reduced.terms.iter().sum();
        let own = evaluation.per_row.is_some();
        let per_row = if own { Some((self.compute)(&self.bindings(&self.inputs, &ones), true)?) } else { None };
        if let (Some(into), Some(outputs)) = (&mut evaluation.per_row, &per_row) {
            for (at, &row) in self.kept.iter().enumerate() {
                if let Some(slot) = into.get_mut(row) {
                    // A program of constants only has the same loss in every row.
                    *slot = outputs.per_row.get(at).copied().unwrap_or(evaluation.loss);
                }
            }
        }
        if self.request.grad {
            evaluation.grad = self.derivatives(&reduced, per_row.as_ref());
        }
        if self.request.hess {
            evaluation.hess = self.second(if own { &ones } else { &seed })?;
        }
        Ok(())
    }

    fn derivatives(&self, reduced: &Outputs<f64>, per_row: Option<&Outputs<f64>>) -> Vec<Derivative> {
        let graph = &self.program.loss.graph;
        let mut found = Vec::new();
        for (at, &(input, _)) in self.program.loss.gradients.iter().enumerate() {
            let Some(info) = self.program.name(input) else { continue };
            let by_row = graph.input(input).per_row();
            let outputs = per_row.filter(|_| by_row).unwrap_or(reduced);
            found.push(self.spread(info, outputs.gradients.get(at).cloned().unwrap_or_default()));
        }
        found
    }

    /// Puts the kept rows' numbers at their rows; the others have gradient 0 (their loss is +∞ whatever they do).
    pub fn spread(&self, info: &NameInfo, values: Vec<f64>) -> Derivative {
        let input = self.program.loss.graph.input(info.input);
        let size = |axis: &AxisId| self.sizes.get(axis.index()).copied().unwrap_or(0);
        let mut dims: Vec<usize> = input.axes.iter().map(size).collect();
        let name = info.name.clone();
        if !input.per_row() || self.kept.len() == self.rows {
            let still = values.is_empty().then(|| vec![0.0; dims.iter().product()]);
            return Derivative { name, values: still.unwrap_or(values), dims };
        }
        let width: usize = dims.iter().skip(1).product();
        let mut all = vec![0.0; self.rows * width];
        for (&row, from) in self.kept.iter().zip(values.chunks(width.max(1))) {
            if let Some(into) = all.get_mut(row * width..(row + 1) * width) {
                into.copy_from_slice(from);
            }
        }
        if let Some(first) = dims.first_mut() {
            *first = self.rows;
        }
        Derivative { name, dims, values: all }
    }

    /// What an impossible row makes of the whole; its own loss is +∞ already.
    fn impossible(&self, evaluation: &mut Evaluation) {
        evaluation.loss = f64::INFINITY;
        for (_, value) in evaluation.terms.iter_mut().filter(|(label, _)| self.infinite.contains(label)) {
            *value = f64::INFINITY;
        }
    }
}

/// Labels of the terms that read a column with observations outside its support.
pub(super) fn reading_outside(program: &Program, bound: &Bound) -> BTreeSet<String> {
    if bound.columns.iter().all(|column| column.outside.is_empty()) {
        return BTreeSet::new();
    }
    let graph = &program.hir.graph;
    let outside = |input: InputId| {
        let of_name = |column: &&BoundColumn| column.name == graph.input(input).name;
        bound.columns.iter().find(of_name).is_some_and(|column| !column.outside.is_empty())
    };
    let reads_one = |term: &&sema::Term| reads(graph, term.node).into_iter().any(|(input, _)| outside(input));
    program.hir.terms.iter().filter(reads_one).map(|term| term.label.clone()).collect()
}

/// The observations that cannot be, and what is to be said of those that predictions exclude; those that the data
/// exclude are errors unless they are asked for.
fn judge(
    program: &Program,
    request: &Request,
    bindings: &Bindings<'_, f64>,
    origin: Origin<'_>,
) -> Result<(Broken, Vec<String>), EvaluateError> {
    let checks = Checks::new(program, &|_| true);
    let broken = if bindings.rows == 0 { Broken::default() } else { checks.broken(bindings)? };
    if broken.rows.is_empty() || request.on_invalid == OnInvalid::Inf {
        return Ok((broken, Vec::new()));
    }
    let wrong = Checks::new(program, &|input| is_given(program, request, input)).errors(bindings, origin)?;
    if !wrong.0.is_empty() {
        return Err(wrong.into());
    }
    let excluded = checks.errors(bindings, origin)?;
    Ok((broken, excluded.0.iter().map(ToString::to_string).collect()))
}

/// Whether a value belongs to the data or was set, so that an observation that it excludes is a mistake; what a network or
/// an optimiser moves may exclude one on its way.
fn is_given(program: &Program, request: &Request, input: InputId) -> bool {
    let input = program.hir.graph.input(input);
    match input.role {
        InputRole::Data | InputRole::Const => true,
        InputRole::Free if request.set.contains_key(&canonical(&input.name)) => true,
        _ => input.support.integral,
    }
}

fn bindings<'b>(inputs: &'b [Vec<f64>], sizes: &[usize], rows: usize, seed: &'b [f64]) -> Bindings<'b, f64> {
    Bindings { rows, inputs: inputs.iter().map(Vec::as_slice).collect(), sizes: sizes.to_vec(), seed }
}

/// Some rows of the data: they, the sizes of all axes, and every input.
type OnRows = (Vec<usize>, Vec<usize>, Vec<Vec<f64>>);

fn on_rows(program: &Program, request: &Request, bound: &Bound, rows: Vec<usize>) -> Result<OnRows, EvaluateError> {
    let columns: Vec<BoundColumn> = bound.columns.iter().map(|column| column.take(&rows)).collect();
    let sizes = program.sizes(rows.len(), &bound.axes)?;
    let inputs = inputs(program, request, &columns, &sizes, bound.rows)?;
    Ok((rows, sizes, inputs))
}

/// Every input as one array, by `InputId`.
pub(crate) fn inputs(
    program: &Program,
    request: &Request,
    columns: &[BoundColumn],
    sizes: &[usize],
    rows: usize,
) -> Result<Vec<Vec<f64>>, EvaluateError> {
    let mut inputs = Vec::new();
    for (at, input) in program.loss.graph.inputs().iter().enumerate() {
        let dims: Vec<usize> = input.axes.iter().filter_map(|axis| sizes.get(axis.index()).copied()).collect();
        inputs.push(match program.name(InputId(at as u32)) {
            None => Vec::new(),
            Some(info) => match columns.iter().find(|column| column.name == info.name) {
                Some(column) if input.per_row() => column.values.clone(),
                Some(column) => constant_column(info, column)?,
                None => {
                    let count = info.is_row_count().then_some(rows as f64);
                    let given = request.set.get(&info.key).map(|value| value * info.factor).or(count);
                    let given = given.as_ref().map(std::slice::from_ref);
                    program.value_of(info, &dims, given, request.narrow().then_some(NARROW))?
                }
            },
        });
    }
    Ok(inputs)
}

/// A parameter given as a column: the same in every row.
fn constant_column(info: &NameInfo, column: &BoundColumn) -> Result<Vec<f64>, EvaluateError> {
    let first = column.row(0).to_vec();
    let rows = column.values.len() / column.width().max(1);
    match (1..rows).find(|&row| column.row(row) != first.as_slice()) {
        None => Ok(first),
        Some(row) => Err(EvaluateError::Request(format!(
            "`{}` is one value for all rows, but row {} of its column differs from the first; declare it with `predict` or `data` if it varies",
            info.name,
            row + 1
        ))),
    }
}
