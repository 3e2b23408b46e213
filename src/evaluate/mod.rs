//! A program's loss on a table: names are bound to columns, the loss and its gradients computed.
//!
//! What `lossc eval` does, without its printing: `names` binds, `engine` computes, `run` puts the answer together,
//! `second` has the second derivatives. Depends on the compiler and on `data`.

mod engine;
mod impossible;
mod names;
mod run;
mod second;

pub use impossible::{Checks, Origin};
pub use names::wanted;
pub(crate) use names::{bind_table, check_set, column_names};
pub(crate) use run::inputs;

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::compile::{Program, UnknownSize, WrongValue};
use crate::data::options::OnInvalid;
use crate::data::{DataErrors, Table};
use crate::diag::{Diagnostic, has_errors};
use crate::interpret::InterpretError;
use crate::ir::graph::{InputId, InputRole};
use crate::passes::PassError;
use crate::sema::{self, Analysis, Options};
use crate::source::{Loader, Source};

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

impl Request {
    /// Whether values are rounded to `f32`; the interpreter computes in `f64` whatever is asked.
    fn narrow(&self) -> bool {
        (self.engine, self.dtype) == (Engine::Jit, Dtype::F32)
    }
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
    /// Observations that predictions or parameters exclude, as in `truncated` at a predicted bound: what is said of each.
    /// Their loss is +∞ with gradient 0.
    pub excluded: Vec<String>,
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
    /// A value that its name cannot have.
    #[error(transparent)]
    Value(#[from] WrongValue),
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
    let analysis = analyzed(source, loader, table, request);
    if has_errors(&analysis.diagnostics) {
        return Err(EvaluateError::Program(analysis.diagnostics));
    }
    names::check_set(&analysis.hir, request)?;
    let wrt = names::chosen(&analysis.hir, &request.wrt)?;
    let program = Program::compile(analysis.hir, &wrt)?;
    let bound = names::bind_table(&program, table, request, &HashSet::new())?;
    let labels: Vec<String> = program.hir.terms.iter().map(|term| term.label.clone()).collect();
    let infinite = run::reading_outside(&program, &bound);
    let program =
        if program.hir.whole_batch && !infinite.is_empty() { finite(program, &infinite, &wrt)? } else { program };
    let evaluation = run::Evaluator::new(&program, request, (table, &bound), (labels, infinite))?.run()?;
    Ok((evaluation, analysis.diagnostics))
}

/// The terms that an impossible observation leaves finite. Where terms are about all rows at once, no row can be left out
/// of the others.
fn finite(program: Program, infinite: &BTreeSet<String>, wrt: &[InputId]) -> Result<Program, PassError> {
    let mut hir = program.hir;
    hir.terms.retain(|term| !infinite.contains(&term.label));
    Program::compile(hir, wrt)
}

/// How near to its value a free name with one is looked at until its uses are seen to be allowed.
const REACHES: [Option<f64>; 3] = [None, Some(0.5), Some(1e-6)];

/// A free name that is given a value can be differentiated by, as a column of its name can; where nothing shows that its
/// uses are allowed for every value, it stays near the one it has. It is a constant where even there they are not: on the
/// border of what is allowed, or as a count.
pub(crate) fn analyzed(source: &Source, loader: &dyn Loader, table: &Table, request: &Request) -> Analysis {
    let constants = Options {
        set: request.set.clone(),
        set_by: "`--set`",
        bound: names::column_names(table),
        ..Options::default()
    };
    if (request.grad || request.hess) && !request.set.is_empty() {
        let mut free = constants.clone();
        free.roles.extend(request.set.keys().map(|key| (key.clone(), InputRole::Free)));
        free.bound.extend(request.set.keys().cloned());
        for reach in REACHES {
            let analysis = sema::analyze(source, loader, &Options { reach, ..free.clone() });
            if analysis.is_ok() {
                return analysis;
            }
        }
    }
    let analysis = sema::analyze(source, loader, &constants);
    if analysis.is_ok() {
        return analysis;
    }
    // A name without a column or a value is a mistake by itself, which is said when columns are bound; not its uses.
    let free = analysis.hir.names.iter().filter(|info| info.role == InputRole::Free).map(|info| info.key.clone());
    let bound = constants.bound.iter().cloned().chain(free).collect();
    sema::analyze(source, loader, &Options { bound, ..constants })
}
