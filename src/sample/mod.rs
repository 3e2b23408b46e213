//! Draws of what a program observes, given all else: synthetic data with the distribution that the program states.
//!
//! Nothing but the densities is needed: each name left of a bar is drawn from its own by inverting the distribution
//! function that `law` finds in it, so that distributions of a program's own, mixtures and truncations are drawn as those of
//! the library are. `plan` says what is drawn and in which order, `batch` evaluates densities, `series` integrates them.
//! Depends on the compiler, the interpreter, and `evaluate` for its tables. Every number is a function of the seed, the
//! row, the draw and the element: neither how many rows or draws there are nor the machine changes it.

mod batch;
mod law;
mod plan;
mod run;
mod series;

use std::collections::HashMap;

use crate::compile::Program;
use crate::data::{BoundColumn, Table};
use crate::diag::{Diagnostic, has_errors};
use crate::evaluate::{self, EvaluateError};
use crate::source::{Loader, Source};

pub use run::Sampler;

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Values of constants and free names, and sizes of axes, by canonical name.
    pub set: HashMap<String, f64>,
    /// Draws of each row.
    pub draws: usize,
    /// Seed.
    pub seed: u64,
}

/// One draw of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// The row's number in the table, from 1.
    pub row: usize,
    /// The draw, from 1.
    pub draw: usize,
    /// A value for each of [`Sampler::columns`].
    pub values: Vec<f64>,
}

/// Reads a program that is to be drawn from; with it go its warnings.
///
/// # Errors
/// The program's diagnostics, those of what cannot be drawn among them; everything about the table that does not fit.
pub fn sampler(
    source: &Source,
    loader: &dyn Loader,
    table: &Table,
    request: &Request,
) -> Result<(Sampler, Vec<Diagnostic>), EvaluateError> {
    let asked = evaluate::Request { set: request.set.clone(), ..evaluate::Request::default() };
    let analysis = evaluate::analyzed(source, loader, table, &asked);
    if has_errors(&analysis.diagnostics) {
        return Err(EvaluateError::Program(analysis.diagnostics));
    }
    evaluate::check_set(&analysis.hir, &asked)?;
    let program = Program::compile(analysis.hir, &[])?;
    let columns = evaluate::column_names(table);
    let drawn = plan::drawn(&program, |info| {
        let column = info.role != crate::ir::graph::InputRole::Data && columns.contains(&info.key);
        column || request.set.contains_key(&info.key)
    });
    let targets = plan::plan(&program, &drawn).map_err(EvaluateError::Program)?;
    let bound = evaluate::bind_table(&program, table, &asked, &drawn)?;
    if bound.rows == 0 {
        return Err(EvaluateError::Request("the table has no rows: there is nothing to draw for".into()));
    }
    let sizes = program.sizes(bound.rows, &bound.axes)?;
    let inputs = evaluate::inputs(&program, &asked, &bound.columns, &sizes, bound.rows)?;
    let kept: Vec<BoundColumn> = bound.columns;
    let sampler = Sampler::new(&program, targets, inputs, sizes, (kept, bound.rows), request)?;
    Ok((sampler, analysis.diagnostics))
}
