//! Columns to a loss's data: dense arrays of the sizes it needs, every value inside its support.
//!
//! Says nothing about what a program is; the caller states what it wants as [`Wanted`] values.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::{DataError, DataErrors, Violations};
use super::names::canonical;
use super::options::{Bind, OnInvalid};
use super::select::{indexed, select};
use super::table::{Cells, Column, Table, shape};
use crate::ir::support::Interval;

/// Something a program wants from the data.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its name in the program.
    pub name: String,
    /// Axes of one row's value; `None` takes the column's own.
    pub dims: Option<Vec<Dim>>,
    /// The values it may take.
    pub support: Support,
    /// An observation (left of the bar), which [`OnInvalid::Inf`] lets leave its support; a parameter never may.
    pub observation: bool,
    /// For a category: the words in the order of their codes, when an earlier run has fixed them.
    pub labels: Option<Vec<String>>,
    /// Set where it is computed with in `f32`: what to do about a value that is inside the support only before rounding.
    pub narrow: Option<&'static str>,
}

impl Wanted {
    /// One observed value a row.
    #[must_use]
    pub fn scalar(name: impl Into<String>, support: Support) -> Self {
        Self { name: name.into(), dims: Some(Vec::new()), support, observation: true, labels: None, narrow: None }
    }

    /// One observed array a row.
    #[must_use]
    pub fn array(name: impl Into<String>, dims: Vec<Dim>, support: Support) -> Self {
        Self { name: name.into(), dims: Some(dims), support, observation: true, labels: None, narrow: None }
    }
}

/// The size of an axis as a program states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dim {
    /// A name, the same size wherever it stands.
    Named(String),
    /// A size.
    Size(usize),
    /// Whatever the data has.
    Any,
}

/// The values that something may take.
#[derive(Debug, Clone)]
pub struct Support {
    /// Its name, as messages print it: `count`, `(0, inf)`.
    pub text: String,
    /// What its values are: `a whole number, 0 or more`.
    pub words: String,
    /// The test.
    pub values: Values,
}

impl Support {
    /// A support by its printed form, in words, and its test.
    #[must_use]
    pub fn new(text: impl Into<String>, words: impl Into<String>, values: Values) -> Self {
        Self { text: text.into(), words: words.into(), values }
    }

    fn expected(&self) -> String {
        format!("{}: {}", self.text, self.words)
    }

    /// The numbers of an interval.
    #[must_use]
    pub fn numbers(interval: Interval) -> Self {
        Self::new(interval.to_string(), interval.words(), Values::Interval(interval))
    }

    /// Any finite number.
    #[must_use]
    pub fn real() -> Self {
        Self::numbers(Interval::REAL)
    }

    /// 0, 1, 2, …
    #[must_use]
    pub fn count() -> Self {
        Self::numbers(Interval::COUNT)
    }

    /// Finite and at least 0.
    #[must_use]
    pub fn nonneg() -> Self {
        Self::numbers(Interval::NONNEG)
    }

    /// Finite and above 0.
    #[must_use]
    pub fn positive() -> Self {
        Self::numbers(Interval::POSITIVE)
    }
}

/// A test on one row's vector: simplex, unit vector, ordered …
pub type RowTest = Arc<dyn Fn(&[f64]) -> bool + Send + Sync>;

/// How a support is tested.
#[derive(Clone)]
pub enum Values {
    /// Each number lies in an interval.
    Interval(Interval),
    /// Codes 0 to K−1, or words, which are coded in sorted order.
    Category(Dim),
    /// Each row's last axes, so many, pass a test: one for a vector, two for a matrix.
    Vector(usize, RowTest),
}

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Interval(interval) => write!(f, "{interval:?}"),
            Self::Category(dim) => write!(f, "Category({dim:?})"),
            Self::Vector(..) => f.write_str("Vector"),
        }
    }
}

/// A data name with its values.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundColumn {
    /// Name as the program spells it.
    pub name: String,
    /// Sizes of one row's value.
    pub dims: Vec<usize>,
    /// Rows × product of dims, row-major.
    pub values: Vec<f64>,
    /// For a category of words: the word of each code.
    pub labels: Option<Vec<String>>,
    /// Rows with an observation outside its support, ascending; empty unless [`OnInvalid::Inf`].
    pub outside: Vec<usize>,
}

impl BoundColumn {
    /// Values a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.dims.iter().product()
    }

    /// One row's values.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        let width = self.width();
        self.values.get(row * width..(row + 1) * width).unwrap_or(&[])
    }

    /// Some of the rows, in the order given.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        let values = rows.iter().flat_map(|&row| self.row(row).iter().copied()).collect();
        let is_outside = |row: &usize| self.outside.binary_search(row).is_ok();
        let outside = rows.iter().enumerate().filter(|(_, row)| is_outside(row)).map(|(to, _)| to).collect();
        Self { name: self.name.clone(), dims: self.dims.clone(), values, labels: self.labels.clone(), outside }
    }
}

/// All data of a program.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bound {
    /// In the order they were wanted.
    pub columns: Vec<BoundColumn>,
    /// Sizes of the named axes: those given, and those the data decided.
    pub axes: BTreeMap<String, usize>,
    /// Number of rows.
    pub rows: usize,
}

/// Finds, stacks and checks the columns of everything wanted.
///
/// # Errors
/// All at once: columns that are not there, shapes that do not agree, cells that are no numbers, values outside their
/// support.
pub fn bind(
    table: &Table,
    wanted: &[Wanted],
    binds: &[Bind],
    axes: &BTreeMap<String, usize>,
    on_invalid: OnInvalid,
) -> Result<Bound, DataErrors> {
    let mut errors = unknown_binds(wanted, binds);
    let mut axes = axes.clone();
    let mut found = Vec::new();
    for want in wanted {
        match find(table, want, binds).and_then(|column| fit(want, column, &mut axes)) {
            Ok(column) => found.push((want, column)),
            Err(more) => errors.extend(more),
        }
    }
    let mut columns = Vec::new();
    for (want, column) in found {
        if let Some(bound) = check(table, want, column, &mut axes, on_invalid, &mut errors) {
            columns.push(bound);
        }
    }
    DataErrors::check(errors)?;
    Ok(Bound { columns, axes, rows: table.rows })
}

/// Entries of `bind:` whose name the program does not have.
fn unknown_binds(wanted: &[Wanted], binds: &[Bind]) -> Vec<DataError> {
    let known: Vec<String> = wanted.iter().map(|want| want.name.clone()).collect();
    let unknown = binds.iter().filter(|bind| known.iter().all(|name| canonical(name) != canonical(&bind.name)));
    unknown
        .map(|bind| {
            let near = super::names::nearest(&bind.name, &known);
            let hint = near.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"));
            let reason = format!("the loss has no data of this name{hint}; it has {}", super::error::list(&known));
            DataError::option(format!("bind: {}", bind.name), reason)
        })
        .collect()
}

/// The column, or columns stacked, that a name is bound to.
fn find(table: &Table, want: &Wanted, binds: &[Bind]) -> Result<Column, Vec<DataError>> {
    let names = table.names();
    if let Some(bind) = binds.iter().find(|bind| canonical(&bind.name) == canonical(&want.name)) {
        let positions = select(&names, &bind.columns, &format!("bind: {}", bind.name))?;
        return table.stack(&want.name, &positions, None).map_err(|error| vec![error]);
    }
    if let Some(column) = table.column(&want.name) {
        let lists = if let Cells::Text(cells) = &column.cells { super::lists::parse(column, cells) } else { None };
        return Ok(lists.unwrap_or_else(|| column.clone()));
    }
    let parts = indexed(&names, &want.name);
    if parts.is_empty() {
        let vector = want.dims.as_ref().is_some_and(|dims| !dims.is_empty());
        let wanted = if vector { format!(", in {}", several(&want.name)) } else { String::new() };
        let wanted_by = format!("the loss's data `{}`{wanted}", want.name);
        return Err(select(&names, std::slice::from_ref(&want.name), &wanted_by).err().unwrap_or_default());
    }
    let dims = subscript_dims(&want.name, &parts).map_err(|error| vec![error])?;
    let positions: Vec<usize> = parts.iter().map(|(_, at)| *at).collect();
    table.stack(&want.name, &positions, Some(dims)).map_err(|error| vec![error])
}

/// Where a vector stands in a table.
fn several(name: &str) -> String {
    format!("columns `{name}[0]`, `{name}[1]` …, or one of lists such as `[1, 2]`")
}

/// Two shapes that are not one: the program's, with the axis that differs, and the table's.
fn shapes(wanted: &[Dim], differs: Option<(&Dim, usize)>, found: &[usize]) -> String {
    let values = |shape: &str| {
        if matches!(shape, "one" | "one value" | "1") { "1 value".into() } else { format!("{shape} values") }
    };
    let axis = match differs {
        Some((Dim::Named(name), size)) => format!(" (axis {name} is {size})"),
        _ => String::new(),
    };
    format!("the program has {} a row{axis}, the table {}", values(&wanted_shape(wanted)), values(&shape(found)))
}

/// Sizes that a full set of subscripts covers.
fn subscript_dims(name: &str, parts: &[(Vec<usize>, usize)]) -> Result<Vec<usize>, DataError> {
    let rank = parts.first().map_or(0, |(subscripts, _)| subscripts.len());
    let mut dims = vec![0_usize; rank];
    for (subscripts, _) in parts {
        if subscripts.len() != rank {
            return Err(DataError::shape(name, "some of its columns have one subscript and some have two"));
        }
        for (dim, &subscript) in dims.iter_mut().zip(subscripts) {
            *dim = (*dim).max(subscript.saturating_add(1));
        }
    }
    let full = dims.iter().try_fold(1_usize, |product, &dim| product.checked_mul(dim));
    if full != Some(parts.len()) {
        let reason = format!(
            "its columns reach up to {} values but there are {}; every subscript from 0 must be there once",
            shape(&dims),
            parts.len()
        );
        return Err(DataError::shape(name, reason));
    }
    Ok(dims)
}

/// The column of a table that something is bound to, as its cells stand.
#[must_use]
pub fn bound_to(table: &Table, want: &Wanted, binds: &[Bind]) -> Option<Column> {
    let column = find(table, want, binds).ok()?;
    fit(want, column, &mut BTreeMap::new()).ok()
}

/// Makes a column's axes those that are wanted, and learns the sizes of named ones.
fn fit(want: &Wanted, mut column: Column, axes: &mut BTreeMap<String, usize>) -> Result<Column, Vec<DataError>> {
    let Some(dims) = &want.dims else { return Ok(column) };
    if dims.len() == 1 && column.dims.is_empty() {
        column.parts = vec![column.name.clone()];
        column.dims = vec![1];
    } else if dims.is_empty() && column.dims == [1] {
        column.dims = Vec::new();
    }
    let fail = |reason: String| vec![DataError::shape(&want.name, reason)];
    if dims.len() != column.dims.len() {
        let hint = if dims.is_empty() && column.dims.len() == 1 {
            format!("; declare it with an axis, `{}[N]`, or bind one column", want.name)
        } else if column.dims.is_empty() {
            format!("; they stand in {}", several(&want.name))
        } else {
            String::new()
        };
        return Err(fail(format!("{}{hint}", shapes(dims, None, &column.dims))));
    }
    for (dim, &size) in dims.iter().zip(&column.dims) {
        let expected = match dim {
            Dim::Any => size,
            Dim::Size(expected) => *expected,
            Dim::Named(name) => *axes.entry(canonical(name)).or_insert(size),
        };
        if expected != size {
            let one = if size == 1 { format!("; they stand in {}", several(&want.name)) } else { String::new() };
            return Err(fail(shapes(dims, Some((dim, expected)), &column.dims) + &one));
        }
    }
    Ok(column)
}

fn wanted_shape(dims: &[Dim]) -> String {
    if dims.is_empty() {
        return "one value".to_owned();
    }
    let sizes = dims.iter().map(|dim| match dim {
        Dim::Named(name) => name.clone(),
        Dim::Size(size) => size.to_string(),
        Dim::Any => "?".to_owned(),
    });
    sizes.collect::<Vec<_>>().join("×")
}

/// The values as numbers, all of them inside the support.
fn check(
    table: &Table,
    want: &Wanted,
    column: Column,
    axes: &mut BTreeMap<String, usize>,
    on_invalid: OnInvalid,
    errors: &mut Vec<DataError>,
) -> Option<BoundColumn> {
    let mut bad = Violations::new(&want.name, want.support.expected());
    // Messages show the cells as they stand, numbers or not.
    let written = column.clone();
    let (column, labels) = match (&want.support.values, &column.cells) {
        (Values::Category(_), Cells::Text(words)) if words.iter().all(|word| word.parse::<f64>().is_err()) => {
            let (coded, labels) = code(table, want, &column, words, &mut bad);
            (coded, Some(labels))
        }
        _ => {
            let (numbers, all_words) = (table.numeric(&column, &mut bad), bad.alike);
            // What cannot be read is NaN, which no support contains: it is found again below, with all that is missing.
            bad = if all_words { bad } else { Violations::new(&want.name, want.support.expected()) };
            (numbers, None)
        }
    };
    let Cells::Numbers(values) = &column.cells else { return None };
    let mut outside = Vec::new();
    if bad.count == 0 {
        let lenient = on_invalid == OnInvalid::Inf && want.observation;
        let offenders = offenders(want, &column, values, labels.as_deref(), axes);
        if let Values::Category(size @ (Dim::Size(_) | Dim::Named(_))) = &want.support.values {
            let size = categories(size, values, labels.as_deref(), axes);
            #[allow(clippy::cast_precision_loss)]
            let codes = Interval::integers(0.0, size.saturating_sub(1) as f64);
            bad.expected = format!("category({size}): {}", codes.words());
        }
        let width = column.width().max(1);
        for index in offenders {
            let value = values.get(index).copied().unwrap_or(f64::NAN);
            if lenient && !value.is_nan() {
                outside.push(index / width);
            } else {
                let shown = if written.dims == column.dims { &written } else { &column };
                bad.add(|| table.violation(shown, index));
            }
        }
        outside.dedup();
    }
    let mut lost = Violations::new(&want.name, "");
    if let (0, Some(advice)) = (bad.count, want.narrow) {
        lost.expected = format!("{} when rounded to f32: {advice}", want.support.text);
        for index in lost_in_f32(want, values) {
            lost.add(|| table.violation(&column, index));
        }
    }
    let clean = bad.count + lost.count == 0;
    bad.finish(errors);
    lost.finish(errors);
    let Column { dims, cells: Cells::Numbers(values), .. } = column else { return None };
    clean.then(|| BoundColumn { name: want.name.clone(), dims, values, labels, outside })
}

/// Indexes of values outside the support.
fn offenders(
    want: &Wanted,
    column: &Column,
    values: &[f64],
    labels: Option<&[String]>,
    axes: &mut BTreeMap<String, usize>,
) -> Vec<usize> {
    let failing = |test: &dyn Fn(f64) -> bool| {
        values.iter().enumerate().filter(|(_, value)| !test(**value)).map(|(index, _)| index).collect()
    };
    match &want.support.values {
        Values::Interval(interval) => failing(&|value| interval.contains(value)),
        Values::Category(size) => {
            let (codes, size) = (Interval::COUNT, categories(size, values, labels, axes));
            #[allow(clippy::cast_precision_loss)]
            failing(&|value| codes.contains(value) && value < size as f64)
        }
        Values::Vector(axes, test) => {
            let width = column.dims.iter().rev().take(*axes).product::<usize>().max(1);
            let rows = values.chunks(width).enumerate();
            let missing = |row: &[f64]| row.iter().position(|value| value.is_nan());
            let fails = |row: &[f64]| missing(row).or_else(|| (!test(row)).then_some(0));
            rows.filter_map(|(at, row)| Some(at * width + fails(row)?)).collect()
        }
    }
}

/// How many categories there are; those of the data when nothing else says it.
fn categories(size: &Dim, values: &[f64], labels: Option<&[String]>, axes: &mut BTreeMap<String, usize>) -> usize {
    let codes = values.iter().copied().filter(|&value| Interval::COUNT.contains(value));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let seen = || labels.map_or_else(|| (codes.fold(-1.0, f64::max) + 1.0).min(1e9) as usize, <[String]>::len);
    match size {
        Dim::Any => seen(),
        Dim::Size(size) => *size,
        Dim::Named(name) => *axes.entry(canonical(name)).or_insert_with(seen),
    }
}

/// Indexes of values that leave the support by being rounded to `f32`. A vector's own test has a tolerance of its own.
fn lost_in_f32<'a>(want: &'a Wanted, values: &'a [f64]) -> impl Iterator<Item = usize> + 'a {
    let lost = |value: f64| match &want.support.values {
        Values::Interval(interval) => interval.contains(value) && !interval.contains_as_f32(value),
        Values::Category(_) => false,
        Values::Vector(..) => value.is_finite() && !(value as f32).is_finite(),
    };
    values.iter().enumerate().filter(move |(_, value)| lost(**value)).map(|(index, _)| index)
}

/// Words as codes in sorted order, or in the order an earlier run has fixed.
fn code(
    table: &Table,
    want: &Wanted,
    column: &Column,
    words: &[String],
    bad: &mut Violations,
) -> (Column, Vec<String>) {
    let labels = want.labels.clone().unwrap_or_else(|| {
        let mut labels: Vec<String> = words.iter().filter(|word| !word.is_empty()).cloned().collect();
        labels.sort();
        labels.dedup();
        labels
    });
    let codes: std::collections::HashMap<&str, usize> =
        labels.iter().enumerate().map(|(code, label)| (label.as_str(), code)).collect();
    let mut values = Vec::with_capacity(words.len());
    for (index, word) in words.iter().enumerate() {
        match codes.get(word.as_str()) {
            #[allow(clippy::cast_precision_loss)]
            Some(&code) => values.push(code as f64),
            None => {
                bad.add(|| table.violation(column, index));
                values.push(f64::NAN);
            }
        }
    }
    (Column { cells: Cells::Numbers(values), ..column.clone() }, labels)
}
