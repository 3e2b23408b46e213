//! What the network reads: chosen columns, their logarithms and squares, and their values at neighbouring rows.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::error::{DataError, DataErrors};
use super::events::logarithm;
use super::group::{Keys, finite};
use super::options::{DataOptions, Lags, Source};
use super::select::{is_wild, select};
use super::table::Table;

/// One number that the network reads: a column, so many rows from the present one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// Name of the column, `_squared` included.
    pub column: String,
    /// Rows from the present one: −2 is two rows back.
    pub offset: i64,
}

impl std::fmt::Display for Feature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.offset {
            0 => f.write_str(&self.column),
            offset => write!(f, "{}({offset:+})", self.column),
        }
    }
}

/// Columns and windows before rows are chosen.
pub(crate) struct Features {
    /// What each input is, in order.
    pub features: Vec<Feature>,
    /// For each input, the position of its column in `columns`.
    pub of_column: Vec<usize>,
    /// Values of each column, one a row of the source.
    pub columns: Vec<Vec<f64>>,
    /// Rows that have all their windows, ascending.
    pub kept: Vec<usize>,
    /// What a person should look at.
    pub warnings: Vec<String>,
}

impl Features {
    /// Value of an input at a row of the source.
    pub fn value(&self, row: usize, input: usize) -> f64 {
        let offset = self.features.get(input).map_or(0, |feature| feature.offset);
        let at = usize::try_from(row as i64 + offset).ok();
        let column = self.of_column.get(input).and_then(|&column| self.columns.get(column));
        at.zip(column).and_then(|(at, column)| column.get(at)).copied().unwrap_or(f64::NAN)
    }
}

/// The stretch of neighbouring rows each row is in: files (or recordings), and the values of `within`, cut where they
/// change from one row to the next.
pub(crate) fn stretches(table: &Table, options: &DataOptions) -> Result<Vec<usize>, DataErrors> {
    let mut columns: Vec<Vec<usize>> = vec![(0..table.rows).map(|row| table.segment_of(row)).collect()];
    for within in options.lags.iter().filter_map(|lags| lags.within.as_ref()) {
        columns.push(Keys::of_column(table, within, "lags: within")?.of_row);
    }
    let mut stretch = 0;
    let changes = |row: usize| columns.iter().any(|column| row > 0 && column.get(row) != column.get(row - 1));
    Ok((0..table.rows)
        .map(|row| {
            stretch += usize::from(changes(row));
            stretch
        })
        .collect())
}

/// Chooses the columns, transforms them, and lays out the windows.
pub(crate) fn features(table: &Table, options: &DataOptions, stretch: &[usize]) -> Result<Features, DataErrors> {
    let mut base = Base::read(table, options)?;
    base.add_squares(options)?;
    let windows = windows(&mut base, table, options)?;
    let mut features = Vec::new();
    let mut of_column = Vec::new();
    for (column, offsets) in windows {
        for offset in offsets {
            features.push(Feature { column: base.names.get(column).cloned().unwrap_or_default(), offset });
            of_column.push(column);
        }
    }
    let lowest = features.iter().map(|feature| feature.offset).min().unwrap_or(0).min(0);
    let highest = features.iter().map(|feature| feature.offset).max().unwrap_or(0).max(0);
    let whole = |row: &usize| {
        let end = |offset: i64| usize::try_from(*row as i64 + offset).ok().and_then(|at| stretch.get(at));
        end(lowest).is_some() && end(lowest) == end(highest)
    };
    let kept: Vec<usize> = (0..table.rows).filter(whole).collect();
    if kept.is_empty() && table.rows > 0 {
        let reason = format!("no row has {} rows before and {highest} after it in its recording", -lowest);
        return Err(DataError::option("lags", reason).into());
    }
    let warnings = base.leaks(&features, options);
    Ok(Features { features, of_column, columns: base.values, kept, warnings })
}

/// The columns themselves.
struct Base {
    names: Vec<String>,
    values: Vec<Vec<f64>>,
}

impl Base {
    fn read(table: &Table, options: &DataOptions) -> Result<Self, DataErrors> {
        let names = table.names();
        let mut errors = Vec::new();
        let chosen = chosen(&names, options).unwrap_or_else(|more| {
            errors.extend(more);
            Vec::new()
        });
        // Events take logarithms sample by sample, before they are brought onto the bins.
        let patterns: &[String] = if matches!(options.source, Source::Events(_)) { &[] } else { &options.log };
        let logged = select(&names, patterns, "log").unwrap_or_else(|more| {
            errors.extend(more);
            Vec::new()
        });
        let mut base = Self { names: Vec::new(), values: Vec::new() };
        for at in chosen {
            let read = table
                .columns
                .get(at)
                .map_or(Ok(()), |column| base.push(table, &column.name, column.width(), logged.contains(&at)));
            if let Err(error) = read {
                errors.push(error);
            }
        }
        DataErrors::check(errors)?;
        Ok(base)
    }

    /// Adds a column, or each element of a column of arrays.
    fn push(&mut self, table: &Table, name: &str, width: usize, log: bool) -> Result<(), DataError> {
        let Some(column) = table.column(name) else { return Ok(()) };
        if column.dims.is_empty() {
            let values = finite(table, name, "inputs")?;
            self.values.push(if log { logarithm(table, name, values)? } else { values });
            self.names.push(name.to_owned());
            return Ok(());
        }
        let mut bad = super::error::Violations::new(name, "a finite number, for inputs");
        let numeric = table.numeric(column, &mut bad);
        let super::table::Cells::Numbers(cells) = &numeric.cells else { return Ok(()) };
        for (index, _) in cells.iter().enumerate().filter(|(_, value)| !value.is_finite() || (log && **value <= 0.0)) {
            bad.add(|| table.violation(column, index));
        }
        if bad.count > 0 {
            return Err(DataError::Values(bad));
        }
        for element in 0..width {
            let values = cells.iter().skip(element).step_by(width.max(1));
            self.values.push(values.map(|value| if log { value.ln() } else { *value }).collect());
            self.names.push(column.element(element));
        }
        Ok(())
    }

    fn add_squares(&mut self, options: &DataOptions) -> Result<(), DataErrors> {
        for at in select(&self.names, &options.squares, "squares").map_err(DataErrors)? {
            if let (Some(name), Some(values)) = (self.names.get(at), self.values.get(at)) {
                let squares = values.iter().map(|value| value * value).collect();
                self.names.push(format!("{name}_squared"));
                self.values.push(squares);
            }
        }
        Ok(())
    }

    /// Inputs that hold, at the present row or later, what the loss is to predict.
    fn leaks(&self, features: &[Feature], options: &DataOptions) -> Vec<String> {
        let mut bound: HashSet<&str> =
            self.names.iter().filter(|name| binds_exactly(options, name)).map(String::as_str).collect();
        if let Source::Events(events) = &options.source {
            let own = |name: &&String| **name == events.name || name.starts_with(&format!("{}[", events.name));
            bound.extend(self.names.iter().filter(own).map(String::as_str));
        }
        let leaking = features.iter().filter(|feature| feature.offset >= 0 && bound.contains(feature.column.as_str()));
        leaking
            .map(|feature| format!("input `{feature}` is also what the loss observes: the network can read the answer"))
            .collect()
    }
}

/// Whether some entry of `bind` names this very column.
fn binds_exactly(options: &DataOptions, name: &str) -> bool {
    options.bind.iter().flat_map(|bind| &bind.columns).any(|column| column == name)
}

/// Positions of the input columns. A glob or range never takes a column that is bound, weighs, or splits.
fn chosen(names: &[String], options: &DataOptions) -> Result<Vec<usize>, Vec<DataError>> {
    let mut reserved: HashSet<usize> = HashSet::new();
    let columns = options.bind.iter().flat_map(|bind| &bind.columns).chain(&options.weight);
    for pattern in columns {
        reserved.extend(select(names, std::slice::from_ref(pattern), "bind").unwrap_or_default());
    }
    let mut chosen = Vec::new();
    let mut errors = Vec::new();
    if let (Source::Events(events), []) = (&options.source, options.inputs.as_slice()) {
        let own = [Some(&events.name), events.within.as_ref()];
        chosen.extend((0..names.len()).filter(|at| !own.contains(&names.get(*at))));
    }
    for pattern in &options.inputs {
        match select(names, std::slice::from_ref(pattern), "inputs") {
            Ok(found) if is_wild(pattern) => chosen.extend(found.into_iter().filter(|at| !reserved.contains(at))),
            Ok(found) => chosen.extend(found),
            Err(more) => errors.extend(more),
        }
    }
    let mut seen = HashSet::new();
    chosen.retain(|at| seen.insert(*at));
    if errors.is_empty() { Ok(chosen) } else { Err(errors) }
}

/// The offsets of each column, in the order of the columns. A column of the table that is no input may be lagged too.
fn windows(base: &mut Base, table: &Table, options: &DataOptions) -> Result<Vec<(usize, Vec<i64>)>, DataErrors> {
    let inputs = base.names.len();
    let mut offsets: Vec<Option<Vec<i64>>> = vec![None; inputs];
    let mut errors = Vec::new();
    for lags in &options.lags {
        let window = match window(lags) {
            Ok(window) => window,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        match lagged(base, table, lags, inputs) {
            Ok(columns) => {
                offsets.resize(base.names.len(), None);
                for at in columns {
                    if let Some(slot) = offsets.get_mut(at) {
                        let merged = slot.get_or_insert_with(Vec::new);
                        merged.extend(&window);
                        merged.sort_unstable();
                        merged.dedup();
                    }
                }
            }
            Err(more) => errors.extend(more.0),
        }
    }
    DataErrors::check(errors)?;
    Ok(offsets.into_iter().map(|offsets| offsets.unwrap_or_else(|| vec![0])).enumerate().collect())
}

/// Multiples of `every` from −past to future.
fn window(lags: &Lags) -> Result<Vec<i64>, DataError> {
    const LONGEST: usize = 100_000;
    if lags.every == 0 || lags.past > LONGEST || lags.future > LONGEST {
        return Err(DataError::option("lags", format!("`every` is at least 1, `past` and `future` at most {LONGEST}")));
    }
    let (past, future, every) = (lags.past as i64, lags.future as i64, lags.every as i64);
    let window: Vec<i64> = (-past / every..=future / every).map(|step| step * every).collect();
    let window: Vec<i64> = window.into_iter().filter(|offset| lags.now || *offset != 0).collect();
    if window.is_empty() {
        return Err(DataError::option("lags", "the window is empty: give `past` or `future`, or let `now` be true"));
    }
    Ok(window)
}

/// Positions in `base` of the columns that a window is for.
fn lagged(base: &mut Base, table: &Table, lags: &Lags, inputs: usize) -> Result<Vec<usize>, DataErrors> {
    if lags.columns.is_empty() {
        return Ok((0..inputs).collect());
    }
    let mut found = Vec::new();
    for pattern in &lags.columns {
        match select(&base.names, std::slice::from_ref(pattern), "lags") {
            Ok(columns) => found.extend(columns),
            Err(errors) => {
                let Some(column) = table.column(pattern) else { return Err(DataErrors(errors)) };
                let before = base.names.len();
                base.push(table, &column.name, column.width(), false)?;
                found.extend(before..base.names.len());
            }
        }
    }
    Ok(found)
}
