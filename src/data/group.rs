//! Rows that belong together: the values of a column as keys.

use super::error::{DataError, Violations};
use super::options::Value;
use super::select::select;
use super::table::{Cells, Table};

/// A key a row, as positions in a sorted list of labels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keys {
    /// Which label each row has.
    pub of_row: Vec<usize>,
    /// The distinct values as words, numbers sorted as numbers.
    pub labels: Vec<String>,
}

impl Keys {
    /// One key for all rows.
    #[must_use]
    pub fn one(rows: usize) -> Self {
        Self { of_row: vec![0; rows], labels: vec![String::new()] }
    }

    /// Sorted distinct words and each row's place among them.
    #[must_use]
    pub fn of_words(words: &[String]) -> Self {
        let mut labels: Vec<String> = words.to_vec();
        let number = |word: &String| word.parse::<f64>().ok();
        if labels.iter().all(|word| number(word).is_some()) {
            labels.sort_by(|a, b| number(a).unwrap_or(0.0).total_cmp(&number(b).unwrap_or(0.0)));
        } else {
            labels.sort();
        }
        labels.dedup();
        let places: std::collections::HashMap<&String, usize> =
            labels.iter().enumerate().map(|(at, label)| (label, at)).collect();
        let of_row = words.iter().map(|word| places.get(word).copied().unwrap_or(0)).collect();
        Self { of_row, labels }
    }

    /// The values of a column.
    ///
    /// # Errors
    /// No such column; empty cells.
    pub fn of_column(table: &Table, column: &str, wanted_by: &str) -> Result<Self, DataError> {
        Ok(Self::of_words(&words(table, column, wanted_by)?))
    }
}

/// A constant of the spec as the word its cell would give.
#[must_use]
pub fn word(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.parse::<f64>().map_or_else(|_| text.clone(), |number| number.to_string()),
    }
}

/// A column's cells as words; numbers in their shortest form, so that `3`, `3.0` and `03` are one.
pub(crate) fn words(table: &Table, column: &str, wanted_by: &str) -> Result<Vec<String>, DataError> {
    let found = select(&table.names(), &[column.to_owned()], wanted_by);
    let at = found.map_err(|mut errors| errors.remove(0))?;
    let column = at.first().and_then(|&at| table.columns.get(at));
    let Some(column) = column.filter(|column| column.dims.is_empty()) else {
        return Err(DataError::shape(column.map_or("", |column| &column.name), "needs one value a row"));
    };
    let mut bad = Violations::new(&column.name, format!("a value a row, for {wanted_by}"));
    for &index in &column.missing {
        bad.add(|| table.violation(column, index));
    }
    if bad.count > 0 {
        return Err(DataError::Values(bad));
    }
    Ok(match &column.cells {
        Cells::Numbers(values) => values.iter().map(ToString::to_string).collect(),
        Cells::Text(cells) => cells.clone(),
    })
}

/// A column of finite numbers, one a row.
pub(crate) fn finite(table: &Table, column: &str, wanted_by: &str) -> Result<Vec<f64>, DataError> {
    let found = select(&table.names(), &[column.to_owned()], wanted_by);
    let at = found.map_err(|mut errors| errors.remove(0))?;
    let stacked = table.stack(column, &at, None)?;
    let mut bad = Violations::new(column, format!("a finite number, for {wanted_by}"));
    let numeric = table.numeric(&stacked, &mut bad);
    let Cells::Numbers(values) = numeric.cells else { return Ok(Vec::new()) };
    if bad.count == 0 {
        for (index, _) in values.iter().enumerate().filter(|(_, value)| !value.is_finite()) {
            bad.add(|| table.violation(&stacked, index));
        }
    }
    if bad.count > 0 {
        return Err(DataError::Values(bad));
    }
    if !stacked.dims.is_empty() {
        return Err(DataError::shape(column, format!("{wanted_by} needs one value a row")));
    }
    Ok(values)
}

/// `floor(x)`, where an x within a few roundings of an integer is that integer: 0.15 s is the start of the fourth bin of
/// 50 ms although 0.15 / 0.05 rounds below 3.
pub(crate) fn whole(x: f64) -> f64 {
    let near = x.round();
    if (x - near).abs() <= 8.0 * f64::EPSILON * x.abs().max(1.0) { near } else { x.floor() }
}
