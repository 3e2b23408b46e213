//! Tables: named columns of numbers or text, one value, vector or array a row, that know which file and row they are from.
//!
//! Depends on the error values only. Does not read files and does not know what a column is wanted for.

use std::sync::Arc;

use super::error::{DataError, Place, Violation, Violations};
use super::names::canonical;
use super::options::{Part, Value};

/// One value (or array of values) a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Name as the file spells it.
    pub name: String,
    /// Sizes of the array each row holds; empty for one value a row.
    pub dims: Vec<usize>,
    /// The values, row by row, each row's array in row-major order.
    pub cells: Cells,
    /// Indexes into `cells` of empty cells, ascending; numbers hold NaN there, text the empty string.
    pub missing: Vec<usize>,
    /// For a column stacked from others: their names, one an element.
    pub parts: Vec<String>,
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// Every cell was a number or empty.
    Numbers(Vec<f64>),
    /// Some cell was not a number.
    Text(Vec<String>),
}

impl Column {
    /// A column of numbers without empty cells.
    #[must_use]
    pub fn numbers(name: impl Into<String>, dims: Vec<usize>, values: Vec<f64>) -> Self {
        let cells = Cells::Numbers(values);
        Self { name: name.into(), dims, cells, missing: Vec::new(), parts: Vec::new() }
    }

    /// A column of text, one cell a row.
    #[must_use]
    pub fn text(name: impl Into<String>, values: Vec<String>) -> Self {
        let missing = values.iter().enumerate().filter(|(_, cell)| cell.is_empty()).map(|(index, _)| index).collect();
        Self { name: name.into(), dims: Vec::new(), cells: Cells::Text(values), missing, parts: Vec::new() }
    }

    /// A column with the same value in every row.
    #[must_use]
    pub fn constant(name: impl Into<String>, value: &Value, rows: usize) -> Self {
        match value {
            Value::Number(number) => Self::numbers(name, Vec::new(), vec![*number; rows]),
            Value::Text(text) => Self::text(name, vec![text.clone(); rows]),
        }
    }

    /// Values a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.dims.iter().product()
    }

    /// Name of an element of a row's array: the column it was stacked from, else `x[2]` or `x[1,0]`.
    #[must_use]
    pub fn element(&self, index: usize) -> String {
        if let Some(part) = self.parts.get(index) {
            return part.clone();
        }
        if self.dims.is_empty() {
            return self.name.clone();
        }
        let mut rest = index;
        let mut subscripts: Vec<String> = Vec::new();
        for &dim in self.dims.iter().rev() {
            subscripts.push((rest % dim.max(1)).to_string());
            rest /= dim.max(1);
        }
        subscripts.reverse();
        format!("{}[{}]", self.name, subscripts.join(","))
    }

    /// The cell as a message shows it.
    #[must_use]
    pub fn shown(&self, index: usize) -> String {
        if self.missing.binary_search(&index).is_ok() {
            return "an empty cell".to_owned();
        }
        match &self.cells {
            Cells::Numbers(values) => values.get(index).map_or_else(String::new, |&value| crate::diag::number(value)),
            Cells::Text(values) => format!("`{}`", shorten(values.get(index).map_or("", String::as_str))),
        }
    }

    /// Rows, given in any order and number, as a new column.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        let width = self.width();
        let indexes = rows.iter().flat_map(|row| row * width..(row + 1) * width);
        let cells = match &self.cells {
            Cells::Numbers(values) => {
                Cells::Numbers(indexes.map(|index| values.get(index).copied().unwrap_or(f64::NAN)).collect())
            }
            Cells::Text(values) => {
                Cells::Text(indexes.map(|index| values.get(index).cloned().unwrap_or_default()).collect())
            }
        };
        let missing = if self.missing.is_empty() {
            Vec::new()
        } else {
            let gone = |row: &usize, at: usize| self.missing.binary_search(&(row * width + at)).is_ok();
            let places = rows.iter().enumerate().flat_map(|(to, row)| (0..width).map(move |at| (to, row, at)));
            places.filter(|(_, row, at)| gone(row, *at)).map(|(to, _, at)| to * width + at).collect()
        };
        Self { name: self.name.clone(), dims: self.dims.clone(), cells, missing, parts: self.parts.clone() }
    }
}

/// At most forty characters of a cell.
fn shorten(text: &str) -> String {
    const SHOWN: usize = 40;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain("…".chars()).collect()
}

/// A stretch of rows that came from one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Path as the spec gives it.
    pub file: Arc<str>,
    /// First row of the table that is from it.
    pub start: usize,
    /// How many rows.
    pub rows: usize,
    /// The part that the spec binds the file to.
    pub part: Option<Part>,
    /// Line of each row, for text files.
    pub lines: Vec<u64>,
}

/// Columns of equal length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// The columns, in the file's order.
    pub columns: Vec<Column>,
    /// Their number of rows.
    pub rows: usize,
    /// The files the rows came from, in order.
    pub segments: Vec<Segment>,
}

impl Table {
    /// A table from one file.
    #[must_use]
    pub fn new(file: &str, rows: usize, columns: Vec<Column>, lines: Vec<u64>) -> Self {
        let segment = Segment { file: file.into(), start: 0, rows, part: None, lines };
        Self { columns, rows, segments: vec![segment] }
    }

    /// Names of the columns in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// Position of the column of that name, in either spelling.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        let exact = self.columns.iter().position(|column| column.name == name);
        exact.or_else(|| {
            let wanted = canonical(name);
            self.columns.iter().position(|column| canonical(&column.name) == wanted)
        })
    }

    /// The column of that name, in either spelling.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.position(name).and_then(|at| self.columns.get(at))
    }

    /// Which segment a row is in.
    #[must_use]
    pub fn segment_of(&self, row: usize) -> usize {
        self.segments.partition_point(|segment| segment.start <= row).saturating_sub(1)
    }

    /// File and row of a row of the table.
    #[must_use]
    pub fn place(&self, row: usize) -> Place {
        match self.segments.get(self.segment_of(row)) {
            Some(segment) => {
                let within = row.saturating_sub(segment.start);
                let line = segment.lines.get(within).copied();
                Place { file: segment.file.to_string(), row: within as u64 + 1, line }
            }
            None => Place { file: String::new(), row: row as u64 + 1, line: None },
        }
    }

    /// The violation that the cell at `index` of a column is.
    #[must_use]
    pub fn violation(&self, column: &Column, index: usize) -> Violation {
        let width = column.width().max(1);
        let place = self.place(index / width);
        Violation { place, column: column.element(index % width), value: column.shown(index), needs: None }
    }

    /// Adds a column of one value; a column of that name must not be there yet.
    ///
    /// # Errors
    /// [`DataError::DuplicateColumn`].
    pub fn add_constant(&mut self, name: &str, value: &Value) -> Result<(), DataError> {
        if self.position(name).is_some() {
            let file = self.segments.first().map_or_else(String::new, |segment| segment.file.to_string());
            return Err(DataError::DuplicateColumn { file, column: name.to_owned() });
        }
        self.columns.push(Column::constant(name, value, self.rows));
        Ok(())
    }

    /// Binds all rows to a part.
    pub fn set_part(&mut self, part: Option<Part>) {
        for segment in &mut self.segments {
            segment.part = part;
        }
    }

    /// Appends the rows of another table, whose columns must be the same ones in any order.
    ///
    /// # Errors
    /// [`DataError::Shape`] for a column that only one of them has, or that differs in size.
    pub fn append(&mut self, other: Self) -> Result<(), Vec<DataError>> {
        if self.segments.is_empty() && self.columns.is_empty() {
            *self = other;
            return Ok(());
        }
        let mut errors = self.differences(&other);
        if !errors.is_empty() {
            return Err(errors);
        }
        let order: Vec<Option<usize>> = self.columns.iter().map(|column| other.position(&column.name)).collect();
        let mut rest: Vec<Option<Column>> = other.columns.into_iter().map(Some).collect();
        for (column, from) in self.columns.iter_mut().zip(order) {
            let more = from.and_then(|at| rest.get_mut(at)).and_then(Option::take);
            match more {
                Some(more) => join(column, more),
                None => errors.push(DataError::shape(&column.name, "the column is not in every file")),
            }
        }
        let start = self.rows;
        self.segments.extend(other.segments.into_iter().map(|mut segment| {
            segment.start += start;
            segment
        }));
        self.rows += other.rows;
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn differences(&self, other: &Self) -> Vec<DataError> {
        let file = |table: &Self| table.segments.first().map_or_else(String::new, |segment| segment.file.to_string());
        let mut errors = Vec::new();
        for (one, two) in [(self, other), (other, self)] {
            for column in one.columns.iter().filter(|column| two.position(&column.name).is_none()) {
                let reason = format!(
                    "{} has this column and {} has not; files that follow each other need the same columns",
                    file(one),
                    file(two)
                );
                errors.push(DataError::shape(&column.name, reason));
            }
        }
        for column in &self.columns {
            if let Some(twin) = other.column(&column.name).filter(|twin| twin.dims != column.dims) {
                let reason = format!(
                    "{} values a row in {} but {} in {}",
                    shape(&column.dims),
                    file(self),
                    shape(&twin.dims),
                    file(other)
                );
                errors.push(DataError::shape(&column.name, reason));
            }
        }
        errors
    }

    /// Several columns as one with an array a row; a single column stays as it is.
    ///
    /// # Errors
    /// [`DataError::Values`] where a text column is to become an element, [`DataError::Shape`] when nothing is given.
    pub fn stack(&self, name: &str, positions: &[usize], dims: Option<Vec<usize>>) -> Result<Column, DataError> {
        let columns: Vec<&Column> = positions.iter().filter_map(|&at| self.columns.get(at)).collect();
        if let ([only], None) = (columns.as_slice(), &dims) {
            return Ok((*only).clone());
        }
        let mut bad = Violations::new(name, "a number");
        let mut numeric = Vec::new();
        for column in &columns {
            numeric.push(self.numeric(column, &mut bad));
        }
        if bad.count > 0 {
            return Err(DataError::Values(bad));
        }
        let width: usize = numeric.iter().map(Column::width).sum();
        let mut values = Vec::with_capacity(self.rows * width);
        let mut missing = Vec::new();
        for row in 0..self.rows {
            for column in &numeric {
                let Cells::Numbers(cells) = &column.cells else { continue };
                for index in row * column.width()..(row + 1) * column.width() {
                    if column.missing.binary_search(&index).is_ok() {
                        missing.push(values.len());
                    }
                    values.push(cells.get(index).copied().unwrap_or(f64::NAN));
                }
            }
        }
        let parts = columns.iter().flat_map(|column| (0..column.width()).map(|at| column.element(at))).collect();
        let dims = dims.unwrap_or_else(|| vec![width]);
        Ok(Column { name: name.to_owned(), dims, cells: Cells::Numbers(values), missing, parts })
    }

    /// The column as numbers. Text becomes numbers when every cell is `true`, `false`, `0` or `1`, or every cell is a list
    /// of numbers of one shape; cells that are neither are noted in `bad` and become NaN: those that are no truth value
    /// where most of the others are, else those that are no number.
    pub fn numeric(&self, column: &Column, bad: &mut Violations) -> Column {
        let Cells::Text(cells) = &column.cells else { return column.clone() };
        if let Some(lists) = super::lists::parse(column, cells) {
            return lists;
        }
        // Truth values or numbers, whichever leaves fewer cells to blame.
        let failing = |read: fn(&str) -> Option<f64>| {
            cells.iter().filter(|cell| !cell.is_empty() && read(cell).is_none()).count()
        };
        let logical = failing(truth) <= failing(parsed);
        let before = bad.count;
        let mut values = Vec::with_capacity(cells.len());
        for (index, cell) in cells.iter().enumerate() {
            let value = if logical { truth(cell) } else { parsed(cell) };
            if value.is_none() && !cell.is_empty() {
                bad.add(|| self.violation(column, index));
            }
            values.push(value.unwrap_or(f64::NAN));
        }
        let unread = bad.count - before;
        if unread > 0 && unread == cells.iter().filter(|cell| !cell.is_empty()).count() {
            bad.alike();
        }
        Column { cells: Cells::Numbers(values), ..column.clone() }
    }
}

/// Appends rows; one column of text makes both text.
fn join(column: &mut Column, more: Column) {
    let before = match &column.cells {
        Cells::Numbers(values) => values.len(),
        Cells::Text(values) => values.len(),
    };
    column.missing.extend(more.missing.iter().map(|index| index + before));
    match (&mut column.cells, more.cells) {
        (Cells::Numbers(values), Cells::Numbers(rest)) => values.extend(rest),
        (Cells::Text(values), rest) => values.extend(as_text(rest)),
        (cells @ Cells::Numbers(_), Cells::Text(rest)) => {
            let mut text = as_text(std::mem::replace(cells, Cells::Text(Vec::new())));
            text.extend(rest);
            *cells = Cells::Text(text);
        }
    }
}

fn as_text(cells: Cells) -> Vec<String> {
    match cells {
        Cells::Text(values) => values,
        Cells::Numbers(values) => {
            values.iter().map(|value| if value.is_nan() { String::new() } else { value.to_string() }).collect()
        }
    }
}

/// A number as a cell has it. One that no number holds, 1e400, is none: messages show the cell.
pub(crate) fn parsed(cell: &str) -> Option<f64> {
    let lost = |x: &f64| x.is_infinite() && cell.contains(|c: char| c.is_ascii_digit());
    cell.parse().ok().filter(|x| !lost(x))
}

/// 0, 1, true, false.
pub(crate) fn truth(cell: &str) -> Option<f64> {
    match cell {
        "0" | "false" | "False" | "FALSE" => Some(0.0),
        "1" | "true" | "True" | "TRUE" => Some(1.0),
        _ => None,
    }
}

/// A shape in words: `one`, `3`, `2×3`.
pub(crate) fn shape(dims: &[usize]) -> String {
    if dims.is_empty() {
        return "one".to_owned();
    }
    dims.iter().map(ToString::to_string).collect::<Vec<_>>().join("×")
}
