//! A loss at chosen values: one point, or a curve over one name.

use crate::data::{Column, DataErrors, Table};
use crate::diag::nearest;
use crate::evaluate::{EvaluateError, Evaluation, Request, evaluate};
use crate::ir::graph::InputRole;
use crate::ir::support::Interval;
use crate::report::{Chart, ReportError, Svg};
use crate::sema::{self, Hir, Options};
use crate::source::{NoFiles, Source};
use crate::syntax::names::canonical;
use std::ops::Range;

/// Points of a curve.
const POINTS: usize = 321;
/// The most values of an integral name that are drawn.
const MOST_INTEGERS: f64 = 1000.0;

/// Why nothing can be drawn.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlotError {
    #[error("the program has no name `{name}`; it has {}{}", .known.join(", "), .near.as_ref().map_or_else(String::new, |near| format!("; did you mean `{near}`?")))]
    Unknown { name: String, known: Vec<String>, near: Option<String> },
    #[error("nothing says what {} is: give a value, as in (\"{}\", 1.0)", .0.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "), .0.first().map_or("", String::as_str))]
    Unbound(Vec<String>),
    #[error("`{0}` has two values")]
    Twice(String),
    #[error("the range {}..{} of `{name}` holds no value that it can take: its support is {support}", .range.start, .range.end)]
    Range { name: String, range: Range<f64>, support: String },
    #[error("the program names the batch: no row has a loss of its own, so there is no curve to draw")]
    WholeBatch,
    #[error("{0}")]
    Data(#[from] DataErrors),
    #[error(transparent)]
    Evaluate(EvaluateError),
    #[error(transparent)]
    Report(#[from] ReportError),
}

impl From<EvaluateError> for PlotError {
    fn from(error: EvaluateError) -> Self {
        match error {
            EvaluateError::Data(errors) => PlotError::Data(errors),
            other => PlotError::Evaluate(other),
        }
    }
}

/// Loss and gradient of one row.
pub(super) struct Figures {
    /// The loss.
    pub loss: f64,
    /// Its derivative by each name that is not data.
    pub gradient: Vec<(String, f64)>,
}

/// Loss and gradient of one row.
pub(super) fn point(source: &Source, values: &[(&str, f64)]) -> Result<Figures, PlotError> {
    names(source, values.iter().map(|(name, _)| *name))?;
    let columns = values.iter().map(|(name, value)| Column::numbers(*name, Vec::new(), vec![*value])).collect();
    let found = evaluated(source, 1, columns, Vec::new())?;
    let first = |values: &[f64]| values.first().copied().unwrap_or(f64::NAN);
    let gradient = found.grad.iter().map(|derivative| (derivative.name.clone(), first(&derivative.values))).collect();
    Ok(Figures { loss: found.loss, gradient })
}

/// Loss and gradient over a range of one name.
pub(super) fn curve(source: &Source, name: &str, range: Range<f64>, others: &[(&str, f64)]) -> Result<Svg, PlotError> {
    let hir = names(source, std::iter::once(name).chain(others.iter().map(|(name, _)| *name)))?;
    if hir.whole_batch {
        return Err(PlotError::WholeBatch);
    }
    let key = canonical(name);
    let info = hir.names.iter().find(|info| info.key == key);
    let support =
        info.map_or(Interval::open(f64::NEG_INFINITY, f64::INFINITY), |info| hir.graph.input(info.input).support);
    let grid = grid(&range, support);
    if grid.is_empty() {
        return Err(PlotError::Range { name: name.to_owned(), range, support: support.to_string() });
    }
    let rows = grid.len();
    let fixed = others.iter().map(|(name, value)| Column::numbers(*name, Vec::new(), vec![*value; rows]));
    let columns = std::iter::once(Column::numbers(name, Vec::new(), grid.clone())).chain(fixed).collect();
    let wrt = if support.integral { Vec::new() } else { vec![name.to_owned()] };
    let found = evaluated(source, rows, columns, wrt)?;
    draw(&found, name, &grid, others, support.integral)
}

fn draw(found: &Evaluation, name: &str, grid: &[f64], others: &[(&str, f64)], dots: bool) -> Result<Svg, PlotError> {
    let points = |values: &[f64]| -> Vec<(f64, f64)> { grid.iter().copied().zip(values.iter().copied()).collect() };
    let loss = points(found.per_row.as_deref().unwrap_or(&[]));
    let fixed: Vec<String> = others.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let title = if fixed.is_empty() {
        format!("Loss over {name}")
    } else {
        format!("Loss over {name}, at {}", fixed.join(", "))
    };
    let chart = Chart::new(title, name, "one row").include_y(&[0.0]);
    if dots {
        return Ok(chart.dots("loss", loss).svg()?);
    }
    let key = canonical(name);
    let slope = found.grad.iter().find(|derivative| canonical(&derivative.name) == key);
    let slope = points(slope.map_or(&[], |derivative| &derivative.values));
    let ends = grid.first().into_iter().chain(grid.last()).map(|x| (*x, 0.0)).collect();
    let chart = chart.line("loss", loss).line(&format!("∂ loss / ∂ {name}"), slope);
    Ok(chart.reference("zero: the minimum lies where the gradient crosses it", ends).svg()?)
}

/// The program's names, once every one has exactly one value.
fn names<'a>(source: &Source, given: impl Iterator<Item = &'a str>) -> Result<Hir, PlotError> {
    let given: Vec<&str> = given.collect();
    let bound = given.iter().map(|name| canonical(name)).collect();
    let hir = sema::analyze(source, &NoFiles, &Options { bound, ..Options::default() }).hir;
    let known = || hir.names.iter().map(|info| info.name.as_str());
    let mut seen: Vec<String> = Vec::new();
    for name in &given {
        let key = canonical(name);
        if !hir.names.iter().any(|info| info.key == key) {
            // Compared as the language compares names: `muu` is near `μ`, which is `mu`.
            let near = nearest(&key, hir.names.iter().map(|info| info.key.as_str()));
            let near = hir.names.iter().find(|info| Some(info.key.as_str()) == near).map(|info| info.name.clone());
            return Err(PlotError::Unknown {
                name: (*name).to_owned(),
                known: known().map(str::to_owned).collect(),
                near,
            });
        }
        if seen.contains(&key) {
            return Err(PlotError::Twice((*name).to_owned()));
        }
        seen.push(key);
    }
    let has_own = |role: InputRole, value: bool| role == InputRole::Param || (role == InputRole::Const && value);
    let open = hir.names.iter().filter(|info| !seen.contains(&info.key) && !has_own(info.role, info.value.is_some()));
    let open: Vec<String> = open.map(|info| info.name.clone()).collect();
    if open.is_empty() { Ok(hir) } else { Err(PlotError::Unbound(open)) }
}

/// Values of a range that lie in a support: evenly spaced, or every integer.
fn grid(range: &Range<f64>, support: Interval) -> Vec<f64> {
    let (low, high) = (range.start.min(range.end), range.start.max(range.end));
    if !(low.is_finite() && high.is_finite()) {
        return Vec::new();
    }
    let values: Vec<f64> = if support.integral {
        let count = (high.floor() - low.ceil() + 1.0).clamp(0.0, MOST_INTEGERS);
        (0..count as usize).map(|at| low.ceil() + at as f64).collect()
    } else {
        (0..POINTS).map(|at| low + (high - low) * at as f64 / (POINTS - 1) as f64).collect()
    };
    values.into_iter().filter(|value| support.contains(*value)).collect()
}

fn evaluated(source: &Source, rows: usize, columns: Vec<Column>, wrt: Vec<String>) -> Result<Evaluation, PlotError> {
    let table = Table::new("the values given", rows, columns, Vec::new());
    let request = Request { grad: true, per_row: rows > 1, wrt, ..Request::default() };
    Ok(evaluate(source, &NoFiles, &table, &request)?.0)
}
