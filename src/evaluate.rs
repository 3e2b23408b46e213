//! A program's loss on a table: names are bound to columns, the loss and its gradients computed.
//!
//! What `lossc eval` does, without its printing. Depends on the compiler and on `data`.

use std::collections::{BTreeMap, HashMap};

use crate::compile::{Program, UnknownSize, WrongLength, axis_key, differentiable};
use crate::data::bind::{Dim, Support, Values, Wanted};
use crate::data::options::OnInvalid;
use crate::data::{Bound, BoundColumn, DataErrors, Table, bind};
use crate::diag::{Diagnostic, has_errors};
use crate::interpret::{self, InterpretError};
use crate::ir::graph::{InputId, InputRole, ROWS};
use crate::ir::program::{Bindings, Outputs};
use crate::passes::PassError;
use crate::sema::{self, Hir, NameInfo, Options};
use crate::source::{Loader, Source};
use crate::syntax::names::canonical;

/// Which engine computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// Native code.
    #[default]
    Jit,
    /// The reference interpreter, in f64.
    Interpret,
}

/// Floating-point type of the computation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dtype {
    /// 32 bits.
    F32,
    /// 64 bits.
    #[default]
    F64,
}

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Engine.
    pub engine: Engine,
    /// Floating-point type.
    pub dtype: Dtype,
    /// Gradients too.
    pub grad: bool,
    /// Diagonal second derivatives too.
    pub hess: bool,
    /// Each row's loss, and the derivative of each row's own loss.
    pub per_row: bool,
    /// Names to differentiate by; all continuous ones that are not data when empty.
    pub wrt: Vec<String>,
    /// What an observation outside its support is.
    pub on_invalid: OnInvalid,
    /// Values of constants and sizes of axes, by canonical name.
    pub set: HashMap<String, f64>,
}

/// An array of derivatives, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Derivative {
    /// The name.
    pub name: String,
    /// Sizes of its axes, the rows first when it has one value a row.
    pub dims: Vec<usize>,
    /// The numbers.
    pub values: Vec<f64>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The reduced loss.
    pub loss: f64,
    /// Rows of the table.
    pub rows: usize,
    /// `mean` or `sum`.
    pub reduction: &'static str,
    /// Each term's contribution.
    pub terms: Vec<(String, f64)>,
    /// Each row's loss; `None` unless asked for, or when the program names the batch.
    pub per_row: Option<Vec<f64>>,
    /// Gradients.
    pub grad: Vec<Derivative>,
    /// Diagonal second derivatives.
    pub hess: Vec<Derivative>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The program is wrong.
    #[error("the program has errors")]
    Program(Vec<Diagnostic>),
    /// The table does not fit the program.
    #[error(transparent)]
    Data(#[from] DataErrors),
    /// An axis without a size.
    #[error(transparent)]
    Size(#[from] UnknownSize),
    /// A value that does not fill its name.
    #[error(transparent)]
    Length(#[from] WrongLength),
    /// A name asked for that is not there.
    #[error("{0}")]
    Request(String),
    /// The interpreter's limits.
    #[error(transparent)]
    Interpret(#[from] InterpretError),
    /// An error of lossc itself, or a limit of native code.
    #[error("{0}")]
    Internal(String),
}

impl From<PassError> for EvaluateError {
    fn from(error: PassError) -> Self {
        EvaluateError::Internal(error.to_string())
    }
}

/// Evaluates a program on a table.
///
/// # Errors
/// The program's diagnostics; everything about the table that does not fit it; names and sizes that are missing.
pub fn evaluate(
    source: &Source,
    loader: &dyn Loader,
    table: &Table,
    request: &Request,
) -> Result<(Evaluation, Vec<Diagnostic>), EvaluateError> {
    let options = Options { set: request.set.clone(), bound: column_names(table), ..Options::default() };
    let analysis = sema::analyze(source, loader, &options);
    if has_errors(&analysis.diagnostics) {
        return Err(EvaluateError::Program(analysis.diagnostics));
    }
    check_set(&analysis.hir, request)?;
    let wrt = chosen(&analysis.hir, &request.wrt)?;
    let program = Program::compile(analysis.hir, &wrt)?;
    let bound = bind_table(&program, table, request)?;
    let evaluation = Evaluator { program: &program, request }.run(&bound)?;
    Ok((evaluation, analysis.diagnostics))
}

/// The names that the table's columns offer: `x` for `x[0]`, `x[1]` too.
fn column_names(table: &Table) -> std::collections::HashSet<String> {
    let base = |name: &str| name.split_once('[').map_or(name, |(base, _)| base).trim().to_string();
    table.columns.iter().map(|column| canonical(&base(&column.name))).collect()
}

fn check_set(hir: &Hir, request: &Request) -> Result<(), EvaluateError> {
    let axes: Vec<String> = hir.graph.axes().iter().filter_map(|axis| axis.name.as_deref().map(canonical)).collect();
    let unknown = request
        .set
        .keys()
        .find(|key| !hir.names.iter().any(|info| info.key == **key) && !axes.contains(key) && *key != "rows");
    match unknown {
        None => Ok(()),
        Some(key) => {
            let names: Vec<&str> =
                hir.names.iter().map(|info| info.key.as_str()).chain(axes.iter().map(String::as_str)).collect();
            let near = crate::diag::nearest(key, names.iter().copied())
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            Err(EvaluateError::Request(format!("--set {key}: the program has no constant or axis of that name{near}")))
        }
    }
}

/// The inputs to differentiate by.
fn chosen(hir: &Hir, wrt: &[String]) -> Result<Vec<InputId>, EvaluateError> {
    if wrt.is_empty() {
        return Ok(differentiable(hir));
    }
    let pick = |name: &String| {
        let key = canonical(name);
        let info = hir.names.iter().find(|info| info.key == key);
        match info {
            Some(info) if hir.graph.input(info.input).support.integral => Err(EvaluateError::Request(format!(
                "--wrt {name}: `{name}` takes whole numbers only, so it has no derivative"
            ))),
            Some(info) => Ok(info.input),
            None => Err(EvaluateError::Request(format!("--wrt {name}: the program has no such name"))),
        }
    };
    wrt.iter().map(pick).collect()
}

/// What the program wants of a table: every name without a value of its own.
pub fn wanted(program: &Program, info: &NameInfo, observation: bool) -> Wanted {
    let graph = &program.loss.graph;
    let input = graph.input(info.input);
    let dim = |&axis: &crate::ir::graph::AxisId| match graph.axis(axis).size {
        Some(size) => Dim::Size(size),
        None => Dim::Named(axis_key(&program.hir, axis)),
    };
    let dims: Vec<Dim> = input.axes.iter().filter(|axis| **axis != ROWS).map(dim).collect();
    Wanted { name: info.name.clone(), dims: Some(dims), support: support_of(program, info), observation, labels: None }
}

fn support_of(program: &Program, info: &NameInfo) -> Support {
    let graph = &program.loss.graph;
    let interval = graph.input(info.input).support;
    if info.vector.rank() == 1 {
        let vector = info.vector;
        let test = std::sync::Arc::new(move |row: &[f64]| vector.holds(row, 1e-6));
        return Support::new(vector.name(), Values::Vector(test));
    }
    if let Some(axis) = info.indexes {
        let dim = graph.axis(axis).size.map_or_else(|| Dim::Named(axis_key(&program.hir, axis)), Dim::Size);
        return Support::new("category", Values::Category(dim));
    }
    if info.category {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A size that the program gives.
        let dim = if interval.hi.is_finite() { Dim::Size(interval.hi as usize + 1) } else { Dim::Any };
        return Support::new("category", Values::Category(dim));
    }
    Support::numbers(interval)
}

fn bind_table(program: &Program, table: &Table, request: &Request) -> Result<Bound, EvaluateError> {
    let has_column = |info: &NameInfo| column_names(table).contains(&info.key);
    let needs_column = |info: &&NameInfo| match info.role {
        InputRole::Data | InputRole::Predict | InputRole::Free => true,
        InputRole::Param => has_column(info) && !request.set.contains_key(&info.key),
        InputRole::Const => info.value.is_none() && !request.set.contains_key(&info.key),
        InputRole::Seed => false,
    };
    let wanted: Vec<Wanted> = program
        .hir
        .names
        .iter()
        .filter(needs_column)
        .map(|info| wanted(program, info, info.role == InputRole::Data))
        .collect();
    let mut axes: BTreeMap<String, usize> = BTreeMap::new();
    for (key, &value) in &request.set {
        if value.fract() == 0.0 && value >= 1.0 {
            axes.insert(key.clone(), value as usize);
        }
    }
    Ok(bind(table, &wanted, &[], &axes, request.on_invalid)?)
}

struct Evaluator<'a> {
    program: &'a Program,
    request: &'a Request,
}

impl Evaluator<'_> {
    fn run(&self, bound: &Bound) -> Result<Evaluation, EvaluateError> {
        if bound.rows == 0 {
            return Err(EvaluateError::Request("the table has no rows: there is nothing to evaluate".into()));
        }
        let outside = self.outside(bound);
        let kept: Vec<usize> = (0..bound.rows).filter(|row| outside.binary_search(row).is_err()).collect();
        let columns: Vec<BoundColumn> = bound.columns.iter().map(|column| column.take(&kept)).collect();
        let sizes = self.program.sizes(kept.len(), &bound.axes)?;
        let inputs = self.inputs(&columns, &sizes)?;
        let mut evaluation = self.empty(bound.rows);
        if !kept.is_empty() {
            self.fill(&mut evaluation, &inputs, &sizes, &kept, bound.rows)?;
        }
        if !outside.is_empty() {
            self.impossible(&mut evaluation, &outside);
        }
        Ok(evaluation)
    }

    /// Rows with an observation that cannot be.
    fn outside(&self, bound: &Bound) -> Vec<usize> {
        let mut rows: Vec<usize> = bound.columns.iter().flat_map(|column| column.outside.iter().copied()).collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    fn empty(&self, rows: usize) -> Evaluation {
        let reduction = match self.program.hir.reduction {
            sema::Reduction::Mean => "mean",
            sema::Reduction::Sum => "sum",
        };
        let per_row = (self.request.per_row && !self.program.hir.whole_batch).then(|| vec![f64::INFINITY; rows]);
        let terms = self.program.loss.terms.iter().map(|term| (term.label.clone(), 0.0)).collect();
        Evaluation { loss: 0.0, rows, reduction, terms, per_row, grad: Vec::new(), hess: Vec::new() }
    }

    /// Every input as one array, by `InputId`.
    fn inputs(&self, columns: &[BoundColumn], sizes: &[usize]) -> Result<Vec<Vec<f64>>, EvaluateError> {
        let graph = &self.program.loss.graph;
        let mut inputs = Vec::new();
        for (at, input) in graph.inputs().iter().enumerate() {
            let info = self.program.name(InputId(at as u32));
            let dims: Vec<usize> = input.axes.iter().filter_map(|axis| sizes.get(axis.index()).copied()).collect();
            let values = match info {
                None => Vec::new(),
                Some(info) => match columns.iter().find(|column| column.name == info.name) {
                    Some(column) if input.per_row() => column.values.clone(),
                    Some(column) => self.constant_column(info, column)?,
                    None => {
                        let given = self.request.set.get(&info.key).map(std::slice::from_ref);
                        self.program.value_of(info, &dims, given)?
                    }
                },
            };
            inputs.push(values);
        }
        Ok(inputs)
    }

    /// A parameter given as a column: the same in every row.
    fn constant_column(&self, info: &NameInfo, column: &BoundColumn) -> Result<Vec<f64>, EvaluateError> {
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

    fn fill(
        &self,
        evaluation: &mut Evaluation,
        inputs: &[Vec<f64>],
        sizes: &[usize],
        kept: &[usize],
        rows: usize,
    ) -> Result<(), EvaluateError> {
        let seed = match self.program.hir.reduction {
            sema::Reduction::Mean if kept.len() == rows => Vec::new(),
            sema::Reduction::Mean => vec![1.0 / rows as f64; kept.len()],
            sema::Reduction::Sum => vec![1.0; kept.len()],
        };
        let reduced = self.engine(inputs, sizes, kept.len(), &seed)?;
        for ((_, value), term) in evaluation.terms.iter_mut().zip(&reduced.terms) {
            *value = *term;
        }
        evaluation.loss = reduced.terms.iter().sum();
        let own = evaluation.per_row.is_some();
        let per_row = if own { Some(self.engine(inputs, sizes, kept.len(), &vec![1.0; kept.len()])?) } else { None };
        if let (Some(into), Some(outputs)) = (&mut evaluation.per_row, &per_row) {
            // A program of constants only has the same loss in every row.
            let constant: f64 = reduced.terms.iter().sum();
            for (at, &row) in kept.iter().enumerate() {
                if let Some(slot) = into.get_mut(row) {
                    *slot = outputs.per_row.get(at).copied().unwrap_or(constant);
                }
            }
        }
        if self.request.grad {
            evaluation.grad = self.derivatives(&reduced, per_row.as_ref(), sizes, kept, rows);
        }
        if self.request.hess {
            let seed = if own { vec![1.0; kept.len()] } else { seed };
            evaluation.hess = self.second(inputs, sizes, kept, rows, &seed)?;
        }
        Ok(())
    }

    fn derivatives(
        &self,
        reduced: &Outputs<f64>,
        per_row: Option<&Outputs<f64>>,
        sizes: &[usize],
        kept: &[usize],
        rows: usize,
    ) -> Vec<Derivative> {
        let graph = &self.program.loss.graph;
        let mut found = Vec::new();
        for (at, &(input, _)) in self.program.loss.gradients.iter().enumerate() {
            let Some(info) = self.program.name(input) else { continue };
            let by_row = graph.input(input).per_row();
            let outputs = per_row.filter(|_| by_row).unwrap_or(reduced);
            let values = outputs.gradients.get(at).cloned().unwrap_or_default();
            found.push(self.spread(info, values, sizes, kept, rows));
        }
        found
    }

    /// Puts the kept rows' numbers at their rows; the others have gradient 0 (their loss is +∞ whatever they do).
    fn spread(&self, info: &NameInfo, values: Vec<f64>, sizes: &[usize], kept: &[usize], rows: usize) -> Derivative {
        let input = self.program.loss.graph.input(info.input);
        let mut dims: Vec<usize> =
            input.axes.iter().map(|axis| sizes.get(axis.index()).copied().unwrap_or(0)).collect();
        let name = info.name.clone();
        if !input.per_row() || kept.len() == rows {
            return Derivative { name, dims, values };
        }
        let width: usize = dims.iter().skip(1).product();
        let mut all = vec![0.0; rows * width];
        for (&row, from) in kept.iter().zip(values.chunks(width.max(1))) {
            if let Some(into) = all.get_mut(row * width..(row + 1) * width) {
                into.copy_from_slice(from);
            }
        }
        if let Some(first) = dims.first_mut() {
            *first = rows;
        }
        Derivative { name, dims, values: all }
    }

    fn impossible(&self, evaluation: &mut Evaluation, outside: &[usize]) {
        evaluation.loss = f64::INFINITY;
        for (term, (_, value)) in self.program.hir.terms.iter().zip(&mut evaluation.terms) {
            if matches!(term.kind, sema::TermKind::Density(_)) {
                *value = f64::INFINITY;
            }
        }
        if let Some(per_row) = &mut evaluation.per_row {
            outside.iter().filter_map(|&row| per_row.get_mut(row).map(|slot| *slot = f64::INFINITY)).for_each(drop);
        }
    }

    fn engine(
        &self,
        inputs: &[Vec<f64>],
        sizes: &[usize],
        rows: usize,
        seed: &[f64],
    ) -> Result<Outputs<f64>, EvaluateError> {
        match (self.request.engine, self.request.dtype) {
            (Engine::Interpret, _) => {
                let bindings =
                    Bindings { rows, inputs: inputs.iter().map(Vec::as_slice).collect(), sizes: sizes.to_vec(), seed };
                let per_row = self.request.per_row && !self.program.hir.whole_batch;
                Ok(interpret::evaluate(&self.program.loss, &bindings, true, per_row)?)
            }
            #[cfg(feature = "jit")]
            (Engine::Jit, Dtype::F64) => self.native::<f64>(inputs, sizes, rows, seed, |x| x, |x| x),
            #[cfg(feature = "jit")]
            (Engine::Jit, Dtype::F32) => self.native::<f32>(inputs, sizes, rows, seed, |x| x as f32, f64::from),
            #[cfg(not(feature = "jit"))]
            (Engine::Jit, _) => {
                Err(EvaluateError::Internal("this build of lossc has no native code; use --engine interpret".into()))
            }
        }
    }

    #[cfg(feature = "jit")]
    fn native<T: crate::codegen::Real>(
        &self,
        inputs: &[Vec<f64>],
        sizes: &[usize],
        rows: usize,
        seed: &[f64],
        narrow: fn(f64) -> T,
        widen: fn(T) -> f64,
    ) -> Result<Outputs<f64>, EvaluateError> {
        use crate::codegen::{CompiledLoss, Want};
        let internal = |error: &dyn std::fmt::Display| EvaluateError::Internal(error.to_string());
        let compiled = CompiledLoss::<T>::compile(&self.program.loss, sizes).map_err(|error| internal(&error))?;
        let narrowed: Vec<Vec<T>> = inputs.iter().map(|values| values.iter().map(|&x| narrow(x)).collect()).collect();
        let seed: Vec<T> = seed.iter().map(|&x| narrow(x)).collect();
        let bindings =
            Bindings { rows, inputs: narrowed.iter().map(Vec::as_slice).collect(), sizes: sizes.to_vec(), seed: &seed };
        let want = Want { gradients: true, per_row: self.request.per_row && !self.program.hir.whole_batch };
        let mut out = Outputs::<T>::default();
        compiled.evaluate(&bindings, want, 1, &mut out).map_err(|error| internal(&error))?;
        let widen_all = |values: Vec<T>| values.into_iter().map(widen).collect();
        Ok(Outputs {
            terms: out.terms,
            per_row: widen_all(out.per_row),
            gradients: out.gradients.into_iter().map(widen_all).collect(),
        })
    }

    /// Diagonal second derivatives: central differences of the exact gradient, extrapolated once (Richardson); relative
    /// error about 1e-9 where the gradient is smooth on a scale of 1e-4 of the value.
    fn second(
        &self,
        inputs: &[Vec<f64>],
        sizes: &[usize],
        kept: &[usize],
        rows: usize,
        seed: &[f64],
    ) -> Result<Vec<Derivative>, EvaluateError> {
        let exact = Evaluator {
            program: self.program,
            request: &Request { dtype: Dtype::F64, per_row: false, ..self.request.clone() },
        };
        let mut found = Vec::new();
        for (at, &(input, _)) in self.program.loss.gradients.iter().enumerate() {
            let Some(info) = self.program.name(input) else { continue };
            let Some(values) = inputs.get(input.index()) else { continue };
            // Rows do not meet in each other's loss, so one element of every row is moved at once.
            let together = self.program.loss.graph.input(input).per_row() && !self.program.hir.whole_batch;
            let width = if together { values.len() / kept.len().max(1) } else { values.len() };
            let mut diagonal = vec![0.0; values.len()];
            for element in 0..width {
                let moved = |place: usize| place % width.max(1) == element;
                let slope = |scale: f64| -> Result<Vec<f64>, EvaluateError> {
                    let step = |x: f64| scale * x.abs().max(1e-2);
                    let shift = |sign: f64| -> Result<Vec<f64>, EvaluateError> {
                        let mut inputs = inputs.to_vec();
                        if let Some(values) = inputs.get_mut(input.index()) {
                            values
                                .iter_mut()
                                .enumerate()
                                .filter(|(place, _)| moved(*place))
                                .for_each(|(_, x)| *x += sign * step(*x));
                        }
                        let mut outputs = exact.engine(&inputs, sizes, kept.len(), seed)?;
                        Ok(outputs.gradients.get_mut(at).map(std::mem::take).unwrap_or_default())
                    };
                    let (up, down) = (shift(1.0)?, shift(-1.0)?);
                    Ok(up
                        .iter()
                        .zip(&down)
                        .zip(values)
                        .map(|((up, down), &x)| (up - down) / ((x + step(x)) - (x - step(x))))
                        .collect())
                };
                let (wide, narrow) = (slope(2e-4)?, slope(1e-4)?);
                for (place, slot) in diagonal.iter_mut().enumerate().filter(|(place, _)| moved(*place)) {
                    if let (Some(wide), Some(narrow)) = (wide.get(place), narrow.get(place)) {
                        *slot = (4.0 * narrow - wide) / 3.0;
                    }
                }
            }
            found.push(self.spread(info, diagonal, sizes, kept, rows));
        }
        Ok(found)
    }
}
