//! CSV text to a table: one header row, commas (tabs in a `.tsv`), quotes as RFC 4180 has them.
//!
//! A column in which every cell is a number or empty is numbers, any other is text; whether that is a mistake is decided
//! where the column is used.

use std::collections::HashMap;

use csv::{ByteRecord, ReaderBuilder};

use super::error::{DataError, DataErrors, Place};
use super::load::Limits;
use super::names::canonical;
use super::table::{Cells, Column, Table, parsed};

/// Reads unpacked CSV bytes.
///
/// # Errors
/// No header, a header of numbers, a name twice, rows with too few or too many cells, more cells than the limit.
pub fn read(file: &str, bytes: &[u8], limits: Limits) -> Result<Table, DataErrors> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let delimiter = if file.trim_end_matches(".gz").ends_with(".tsv") { b'\t' } else { b',' };
    if let Some(line) = unclosed_quote(bytes, delimiter) {
        let reason = "a quote opens here that nothing closes; a quote within a cell is written twice".to_owned();
        return Err(DataError::Format { file: file.to_owned(), line: Some(line), reason }.into());
    }
    let names = header(file, bytes, delimiter)?;
    let mut columns: Vec<Building> = names.iter().map(|_| Building::default()).collect();
    let mut lines = Vec::new();
    let mut ragged = Vec::new();
    let mut reader = ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(bytes);
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| broken(file, &error))? {
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != names.len() {
            let place = Place { file: file.to_owned(), row: lines.len() as u64 + 1, line: Some(line) };
            ragged.push(DataError::Ragged { place, found: record.len(), expected: names.len() });
            if ragged.len() >= 10 {
                break;
            }
        }
        lines.push(line);
        if lines.len() as u64 * names.len() as u64 > limits.cells {
            return Err(DataError::TooLarge { file: file.to_owned(), limit: limits.cells * 8 }.into());
        }
        for (column, cell) in columns.iter_mut().zip(record.iter()) {
            column.push(cell);
        }
    }
    DataErrors::check(ragged)?;
    if columns.iter().any(|column| column.text.is_some()) {
        reread_text(file, bytes, delimiter, &mut columns)?;
    }
    let columns = names.into_iter().zip(columns).map(|(name, column)| column.finish(name)).collect();
    Ok(Table::new(file, lines.len(), columns, lines))
}

fn header(file: &str, bytes: &[u8], delimiter: u8) -> Result<Vec<String>, DataErrors> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(bytes);
    let mut record = ByteRecord::new();
    if !reader.read_byte_record(&mut record).map_err(|error| broken(file, &error))? {
        return Err(DataError::format(file, "empty; the first row must hold the columns' names").into());
    }
    if record.iter().any(|cell| std::str::from_utf8(cell).is_err()) {
        return Err(DataError::format(file, "the first row, with the columns' names, is not UTF-8 text").into());
    }
    let names: Vec<String> = record.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
    if let ([name], Some(sign)) = (names.as_slice(), names.iter().find_map(|name| name.find([';', '\t']))) {
        let sign = if name.as_bytes().get(sign) == Some(&b';') { "semicolons" } else { "tabs" };
        let reason = format!("{sign} part the columns in the first row; a .csv has commas (a .tsv tabs)");
        return Err(DataError::format(file, reason).into());
    }
    if names.iter().all(|name| name.parse::<f64>().is_ok()) {
        return Err(DataError::format(file, "the first row holds numbers; it must hold the columns' names").into());
    }
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    let mut twice: Vec<DataError> = Vec::new();
    for (one, two) in sorted.iter().zip(sorted.iter().skip(1)) {
        let error = DataError::DuplicateColumn { file: file.to_owned(), column: (*one).clone() };
        if one == two && twice.last() != Some(&error) {
            twice.push(error);
        }
    }
    let mut known: HashMap<String, &String> = HashMap::new();
    for name in &names {
        let first = *known.entry(canonical(name)).or_insert(name);
        if first != name {
            twice.push(DataError::Spellings { file: file.to_owned(), one: first.clone(), two: name.clone() });
        }
    }
    DataErrors::check(twice)?;
    Ok(names)
}

/// The line on which a quote opens that nothing closes.
fn unclosed_quote(bytes: &[u8], delimiter: u8) -> Option<u64> {
    let (mut line, mut opened, mut cell_begins) = (1, None, true);
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match (opened, byte) {
            // Two quotes are one, and the cell goes on.
            (Some(_), b'"') if rest.peek() == Some(&b'"') => _ = rest.next(),
            (Some(_), b'"') => opened = None,
            (None, b'"') if cell_begins => opened = Some(line),
            _ => {}
        }
        line += u64::from(byte == b'\n');
        cell_begins = opened.is_none() && (byte == delimiter || byte == b'\n' || byte == b'\r');
    }
    opened
}

fn broken(file: &str, error: &csv::Error) -> DataErrors {
    let line = error.position().map(csv::Position::line);
    DataError::Format { file: file.to_owned(), line, reason: format!("not CSV: {error}") }.into()
}

/// Second pass: the columns that turned out to be text, cell by cell as written.
fn reread_text(file: &str, bytes: &[u8], delimiter: u8, columns: &mut [Building]) -> Result<(), DataErrors> {
    let mut reader = ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(bytes);
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| broken(file, &error))? {
        for (column, cell) in columns.iter_mut().zip(record.iter()) {
            if let Some(text) = &mut column.text {
                text.push(String::from_utf8_lossy(cell.trim_ascii()).into_owned());
            }
        }
    }
    Ok(())
}

/// A column while it is read: numbers until a cell is none.
#[derive(Default)]
struct Building {
    numbers: Vec<f64>,
    missing: Vec<usize>,
    rows: usize,
    text: Option<Vec<String>>,
}

impl Building {
    fn push(&mut self, cell: &[u8]) {
        let cell = cell.trim_ascii();
        if cell.is_empty() {
            self.missing.push(self.rows);
        }
        self.rows += 1;
        if self.text.is_some() {
            return;
        }
        if cell.is_empty() {
            self.numbers.push(f64::NAN);
            return;
        }
        match std::str::from_utf8(cell).ok().and_then(parsed) {
            Some(number) => self.numbers.push(number),
            None => {
                self.numbers = Vec::new();
                self.text = Some(Vec::new());
            }
        }
    }

    fn finish(self, name: String) -> Column {
        let cells = self.text.map_or(Cells::Numbers(self.numbers), Cells::Text);
        Column { name, dims: Vec::new(), cells, missing: self.missing, parts: Vec::new() }
    }
}
