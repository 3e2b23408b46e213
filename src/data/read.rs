//! Files of a spec as one table.

use super::error::{DataError, DataErrors};
use super::load::Intake;
use super::options::{FileEntry, Files};
use super::table::Table;
use super::{csv, npy};

/// Reads one table; the content says which format it is.
///
/// # Errors
/// Those of the loader and the format.
pub fn read_table(intake: &Intake<'_>, path: &str) -> Result<Table, DataErrors> {
    let bytes = intake.read(path)?;
    if let Some(what) = no_table(&bytes) {
        return Err(DataError::format(path, format!("{what}; a table is CSV text (.csv, .tsv), NPY or NPZ")).into());
    }
    if bytes.starts_with(b"\x93NUMPY") || [b"PK\x03\x04", b"PK\x05\x06"].iter().any(|start| bytes.starts_with(*start)) {
        return npy::read_table(path, &bytes, intake.limits);
    }
    if bytes.iter().take(4096).any(|&byte| byte == 0) {
        return Err(DataError::format(path, "neither CSV text (it holds zero bytes) nor NPY nor NPZ").into());
    }
    let name = path.trim_end_matches(".gz");
    if let Some(end) = ["npz", "npy"].iter().find(|end| name.ends_with(&format!(".{end}"))) {
        let reason = format!("it is text, and its name says {}; a table of text is named .csv", end.to_uppercase());
        return Err(DataError::format(path, reason).into());
    }
    csv::read(path, &bytes, intake.limits)
}

/// How the files of others begin that people take for tables.
const OTHERS: [(&[u8], &str); 8] = [
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook"),
    (b"\x89HDF", "an HDF5 file"),
    (b"<", "HTML or XML"),
    (b"{", "JSON"),
    (b"[", "JSON"),
];

/// The first member of an Excel workbook's archive.
const WORKBOOK: &[u8] = b"[Content_Types].xml";

/// What a file is that is no table of ours, by its first bytes; `[x]` may be the name of a column.
fn no_table(bytes: &[u8]) -> Option<&'static str> {
    let bytes = bytes.trim_ascii_start();
    let second = || bytes.get(1..).unwrap_or_default().trim_ascii_start().first().copied().unwrap_or(b'{');
    let begin = bytes.get(..512).unwrap_or(bytes);
    if bytes.starts_with(b"PK") && begin.windows(WORKBOOK.len()).any(|part| part == WORKBOOK) {
        return Some("an Excel workbook");
    }
    let is = |start: &[u8]| bytes.starts_with(start) && (start != b"[" || !second().is_ascii_alphabetic());
    OTHERS.iter().find(|(start, _)| is(start)).map(|(_, what)| *what)
}

/// Reads all files one after the other, with their constants and the parts they are bound to.
///
/// # Errors
/// Those of every file, and columns that are not in all of them.
pub fn read_files(intake: &Intake<'_>, files: &Files) -> Result<Table, DataErrors> {
    let mut whole = Table::default();
    let mut errors = Vec::new();
    for (part, entry) in files.entries() {
        match read_entry(intake, entry) {
            Ok(mut table) => {
                table.set_part(part);
                if let Err(differences) = whole.append(table) {
                    errors.extend(differences);
                }
            }
            Err(more) => errors.extend(more.0),
        }
    }
    DataErrors::check(errors)?;
    Ok(whole)
}

fn read_entry(intake: &Intake<'_>, entry: &FileEntry) -> Result<Table, DataErrors> {
    let mut table = read_table(intake, &entry.path)?;
    for (name, value) in &entry.with {
        table.add_constant(name, value)?;
    }
    Ok(table)
}
