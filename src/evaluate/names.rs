//! A program's names and a table's columns: what is asked of which, and whether it is there.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::{EvaluateError, Request};
use crate::compile::{Program, axis_key, differentiable};
use crate::data::bind::{Dim, Support, Values, Wanted};
use crate::data::error::list;
use crate::data::{Bound, DataError, DataErrors, Table, bind};
use crate::diag::{did_you_mean, number};
use crate::ir::graph::{AxisId, InputId, InputRole, ROWS};
use crate::sema::{Hir, NameInfo, Set};
use crate::syntax::names::canonical;

/// The names that the table's columns offer: `x` for `x[0]`, `x[1]` too.
pub(crate) fn column_names(table: &Table) -> HashSet<String> {
    let base = |name: &str| name.split_once('[').map_or(name, |(base, _)| base).trim().to_string();
    table.columns.iter().map(|column| canonical(&base(&column.name))).collect()
}

/// The longest axis that `--set` gives: what an array of it takes is in bounds.
const LONGEST_AXIS: f64 = 134_217_728.0;

pub(crate) fn check_set(hir: &Hir, request: &Request) -> Result<(), EvaluateError> {
    let axes: Vec<String> = hir.graph.axes().iter().filter_map(|axis| axis.name.as_deref().map(canonical)).collect();
    let unknown = request.set.keys().find(|key| !hir.names.iter().any(|info| info.key == **key) && !axes.contains(key));
    let length = |value: f64| value.fract() == 0.0 && (1.0..=LONGEST_AXIS).contains(&value);
    let wrong = axes.iter().filter_map(|axis| Some((axis, *request.set.get(axis)?))).find(|(_, value)| !length(*value));
    match (unknown, wrong) {
        (None, None) => Ok(()),
        (None, Some((axis, value))) => Err(EvaluateError::Request(format!(
            "--set {axis}={}: the length of an axis is a whole number from 1 to {LONGEST_AXIS}",
            number(value)
        ))),
        (Some(key), _) => {
            let names: Vec<&str> =
                hir.names.iter().map(|info| info.key.as_str()).chain(axes.iter().map(String::as_str)).collect();
            let near = did_you_mean(key, names);
            Err(EvaluateError::Request(format!("--set {key}: the program has no constant or axis of that name{near}")))
        }
    }
}

/// The inputs to differentiate by.
pub(super) fn chosen(hir: &Hir, wrt: &[String]) -> Result<Vec<InputId>, EvaluateError> {
    if wrt.is_empty() {
        return Ok(differentiable(hir));
    }
    let pick = |name: &String| {
        let key = canonical(name);
        let info = hir.names.iter().find(|info| info.key == key);
        match info {
            Some(info) if info.role == InputRole::Const => Err(EvaluateError::Request(format!(
                "--wrt {name}: `{name}` is a constant; declare it with `param` to differentiate by it"
            ))),
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
    let dim = |&axis: &AxisId| match graph.axis(axis).size {
        Some(size) => Dim::Size(size),
        None => Dim::Named(axis_key(&program.hir, axis)),
    };
    let dims: Vec<Dim> = input.axes.iter().filter(|axis| **axis != ROWS).map(dim).collect();
    Wanted {
        name: info.name.clone(),
        dims: Some(dims),
        support: support_of(program, info),
        observation,
        labels: None,
        narrow: None,
    }
}

/// Numbers in a table have as few digits as their writer kept: 0.333, 0.333, 0.334.
const TOLERANCE: f64 = 1e-6;

fn support_of(program: &Program, info: &NameInfo) -> Support {
    let set = program.hir.set(info);
    match set {
        Set::Interval(interval) => Support::numbers(interval),
        Set::Vector(kind) => {
            let holds = move |values: &[f64]| kind.holds(values, TOLERANCE);
            Support::new(set.to_string(), set.words(), Values::Vector(kind.rank(), Arc::new(holds)))
        }
        Set::Category { size, axis } => {
            let named = || axis.map_or(Dim::Any, |axis| Dim::Named(axis_key(&program.hir, axis)));
            Support::new("category", set.words(), Values::Category(size.map_or_else(named, Dim::Size)))
        }
    }
}

/// Binds every name that needs a column, but for those without values of their own (`drawn`).
pub(crate) fn bind_table(
    program: &Program,
    table: &Table,
    request: &Request,
    drawn: &HashSet<InputId>,
) -> Result<Bound, EvaluateError> {
    let has_column = |info: &NameInfo| column_names(table).contains(&info.key);
    let needs_column = |info: &&NameInfo| match info.role {
        InputRole::Data | InputRole::Predict => true,
        InputRole::Free => !request.set.contains_key(&info.key),
        InputRole::Param => has_column(info) && !request.set.contains_key(&info.key),
        InputRole::Const => info.value.is_none() && !request.set.contains_key(&info.key) && !info.is_row_count(),
        InputRole::Seed => false,
    };
    let wanted: Vec<Wanted> = program
        .hir
        .names
        .iter()
        .filter(|info| needs_column(info) && !drawn.contains(&info.input))
        .map(|info| Wanted {
            narrow: request.narrow().then_some("scale the column, or compute with --dtype f64"),
            ..wanted(program, info, info.role == InputRole::Data)
        })
        .collect();
    let mut axes: BTreeMap<String, usize> = BTreeMap::new();
    for (key, &value) in &request.set {
        if value.fract() == 0.0 && value >= 1.0 {
            axes.insert(key.clone(), value as usize);
        }
    }
    bind(table, &wanted, &[], &axes, request.on_invalid).map_err(|DataErrors(errors)| {
        let settable = |info: &&NameInfo| {
            let scalar = program.loss.graph.input(info.input).axes.iter().all(|axis| *axis == ROWS);
            scalar && matches!(info.role, InputRole::Free | InputRole::Const)
        };
        let settable: Vec<&str> = program.hir.names.iter().filter(settable).map(|info| info.name.as_str()).collect();
        DataErrors(errors.into_iter().map(|error| or_set(error, &settable)).collect()).into()
    })
}

/// What has no column, and may have a value by `--set` instead.
fn or_set(error: DataError, settable: &[&str]) -> DataError {
    let DataError::NoColumn { pattern, nearest, known, .. } = &error else { return error };
    let Some(name) = settable.iter().find(|name| *pattern == format!("`{name}`")) else { return error };
    let near = nearest.as_ref().map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let reason = format!(
        "nothing gives it a value: give it one with `--set {name}=…`, or a column (there are {}{near})",
        list(known)
    );
    DataError::shape(name, reason)
}
