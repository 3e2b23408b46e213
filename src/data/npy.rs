//! NPY and NPZ arrays of any real numeric type, bool or text, in either byte order and memory order.
//!
//! The header is read here rather than by a library because it must not be believed: sizes are multiplied with overflow
//! checked and compared with the bytes that are there before anything is allocated. Archives are opened with `npyz`.
//! Format: numpy/lib/format.py, "NEP 1".

use std::io::{Cursor, Read};

use super::error::{DataError, DataErrors};
use super::load::{Limits, unpack};
use super::table::{Cells, Column, Table};

/// An array as it was stored, in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Sizes of all axes.
    pub shape: Vec<usize>,
    /// The elements.
    pub cells: Cells,
    /// Largest value of the integer type it was stored as (255 for `u1`, 1 for bool), for images.
    pub full_scale: Option<f64>,
}

/// Longest header that is read. Numpy's own limit is 10 000 characters.
const LONGEST_HEADER: usize = 65_536;

/// Reads one NPY file.
///
/// # Errors
/// [`DataError::Format`] for anything that is not a whole NPY file of a supported type.
pub fn read_array(file: &str, bytes: &[u8]) -> Result<Array, DataError> {
    let bad = |reason: String| DataError::format(file, reason);
    let (header, data) = split_header(bytes).map_err(|reason| bad(reason.to_owned()))?;
    let Header { descr, fortran, shape } = Header::parse(header).map_err(bad)?;
    let kind = Kind::parse(&descr).ok_or_else(|| {
        bad(format!("elements of type `{descr}` are not supported; numbers, bool and text are (structured arrays: save one array a field in an NPZ)"))
    })?;
    let count = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    let needed = count.and_then(|count| count.checked_mul(kind.size));
    let (Some(count), Some(needed)) = (count, needed) else {
        return Err(bad(format!("claims {shape:?} elements, more than can exist")));
    };
    let Some(data) = data.get(..needed).filter(|_| data.len() == needed) else {
        return Err(bad(format!(
            "claims {count} elements of {} bytes, but {} bytes follow the header",
            kind.size,
            data.len()
        )));
    };
    let mut array = Array { cells: kind.decode(data), full_scale: kind.full_scale(), shape };
    if fortran && array.shape.len() > 1 {
        array.cells = row_major(&array.shape, array.cells);
    }
    Ok(array)
}

/// Magic, version and length, then the header's text and the data.
fn split_header(bytes: &[u8]) -> Result<(&str, &[u8]), &'static str> {
    const NOT: &str = "not an NPY file (its first bytes are not \\x93NUMPY)";
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or(NOT)?;
    let (length, rest) = match rest {
        [1, 0, low, high, rest @ ..] => (usize::from(u16::from_le_bytes([*low, *high])), rest),
        [2 | 3, 0, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return Err("an NPY version other than 1.0, 2.0 and 3.0"),
    };
    if length > LONGEST_HEADER || length > rest.len() {
        return Err("the NPY header is longer than the file or than 65536 bytes");
    }
    let (header, data) = rest.split_at(length);
    Ok((std::str::from_utf8(header).map_err(|_| "the NPY header is not text")?, data))
}

struct Header {
    descr: String,
    fortran: bool,
    shape: Vec<usize>,
}

impl Header {
    /// `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`, keys in any order.
    fn parse(text: &str) -> Result<Self, String> {
        let unclear =
            || format!("the NPY header is not understood: {}", text.trim().chars().take(120).collect::<String>());
        let after = |key: &str| {
            let at = text.find(&format!("'{key}'"))? + key.len() + 2;
            text.get(at..)?.trim_start().strip_prefix(':').map(str::trim_start)
        };
        let descr = after("descr").ok_or_else(unclear)?;
        let descr = match descr.strip_prefix('\'').and_then(|rest| rest.split_once('\'')) {
            Some((descr, _)) => descr.to_owned(),
            None => descr.chars().take(40).collect(),
        };
        let order = after("fortran_order").ok_or_else(unclear)?;
        let fortran = if order.starts_with("True") {
            true
        } else if order.starts_with("False") {
            false
        } else {
            return Err(unclear());
        };
        let sizes = after("shape").and_then(|rest| rest.strip_prefix('(')).and_then(|rest| rest.split_once(')'));
        let (sizes, _) = sizes.ok_or_else(unclear)?;
        let sizes = sizes.split(',').map(str::trim).filter(|size| !size.is_empty());
        let shape =
            sizes.map(|size| size.trim_end_matches('L').parse().map_err(|_| unclear())).collect::<Result<_, _>>()?;
        Ok(Self { descr, fortran, shape })
    }
}

/// Element type: byte order, letter, bytes an element.
#[derive(Clone, Copy)]
struct Kind {
    big: bool,
    letter: u8,
    size: usize,
}

impl Kind {
    fn parse(descr: &str) -> Option<Self> {
        let (order, rest) = match descr.as_bytes() {
            [order @ (b'<' | b'>' | b'|' | b'='), rest @ ..] => (*order, rest),
            rest => (b'=', rest),
        };
        let (&letter, digits) = rest.split_first()?;
        let size: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
        let (size, known) = match letter {
            b'f' => (size, matches!(size, 2 | 4 | 8)),
            b'i' | b'u' => (size, matches!(size, 1 | 2 | 4 | 8)),
            b'b' => (size, size == 1),
            b'U' => (size.checked_mul(4)?, size > 0),
            b'S' => (size, size > 0),
            _ => (size, false),
        };
        let big = order == b'>' || (order == b'=' && cfg!(target_endian = "big"));
        known.then_some(Self { big, letter, size })
    }

    fn full_scale(self) -> Option<f64> {
        let bits = i32::try_from(self.size * 8).ok()?;
        match self.letter {
            b'b' => Some(1.0),
            b'u' => Some(2_f64.powi(bits) - 1.0),
            b'i' => Some(2_f64.powi(bits - 1) - 1.0),
            _ => None,
        }
    }

    fn decode(self, data: &[u8]) -> Cells {
        let elements = data.chunks_exact(self.size);
        match self.letter {
            b'U' => Cells::Text(elements.map(|element| self.utf32(element)).collect()),
            b'S' => {
                Cells::Text(elements.map(|element| trimmed(String::from_utf8_lossy(element).into_owned())).collect())
            }
            _ => Cells::Numbers(elements.map(|element| self.number(element)).collect()),
        }
    }

    fn utf32(self, element: &[u8]) -> String {
        let letters = element.chunks_exact(4).map(|bytes| u32::try_from(self.bits(bytes)).unwrap_or(0xfffd));
        trimmed(letters.map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
    }

    /// The element's bytes as an unsigned integer.
    fn bits(self, element: &[u8]) -> u64 {
        let shift = |value: u64, byte: &u8| (value << 8) | u64::from(*byte);
        if self.big { element.iter().fold(0, shift) } else { element.iter().rev().fold(0, shift) }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_precision_loss)]
    fn number(self, element: &[u8]) -> f64 {
        let bits = self.bits(element);
        match (self.letter, self.size) {
            (b'f', 2) => half(bits as u16),
            (b'f', 4) => f64::from(f32::from_bits(bits as u32)),
            (b'f', _) => f64::from_bits(bits),
            (b'i', 1) => f64::from(bits as u8 as i8),
            (b'i', 2) => f64::from(bits as u16 as i16),
            (b'i', 4) => f64::from(bits as u32 as i32),
            (b'i', _) => bits as i64 as f64,
            (b'b', _) => f64::from(u8::from(bits != 0)),
            _ => bits as f64,
        }
    }
}

fn trimmed(text: String) -> String {
    text.trim_end_matches('\0').to_owned()
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    sign * match (bits >> 10) & 0x1f {
        0 => fraction * 2_f64.powi(-14),
        31 if bits & 0x3ff == 0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1.0 + fraction) * 2_f64.powi(i32::from(exponent) - 15),
    }
}

/// Column-major elements in row-major order.
fn row_major(shape: &[usize], cells: Cells) -> Cells {
    let count: usize = shape.iter().product();
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for &size in shape {
        strides.push(stride);
        stride *= size;
    }
    let from = |index: usize| {
        let mut rest = index;
        shape.iter().zip(&strides).rev().fold(0, |at, (&size, &stride)| {
            let here = rest % size.max(1);
            rest /= size.max(1);
            at + here * stride
        })
    };
    match cells {
        Cells::Numbers(values) => {
            Cells::Numbers((0..count).map(|index| values.get(from(index)).copied().unwrap_or(f64::NAN)).collect())
        }
        Cells::Text(values) => {
            Cells::Text((0..count).map(|index| values.get(from(index)).cloned().unwrap_or_default()).collect())
        }
    }
}

/// Reads an NPY file as a table of one column, named after the file, or an NPZ file as a table with a column an array.
///
/// # Errors
/// As [`read_array`]; arrays of an NPZ whose first axes differ.
pub fn read_table(file: &str, bytes: &[u8], limits: Limits) -> Result<Table, DataErrors> {
    let arrays = if bytes.starts_with(b"PK") {
        read_archive(file, bytes, limits)?
    } else {
        let name = file.rsplit(['/', '\\']).next().unwrap_or(file).split('.').next().unwrap_or(file);
        vec![(name.to_owned(), read_array(file, bytes)?)]
    };
    let mut rows: Option<(String, usize)> = None;
    let mut columns = Vec::new();
    let mut errors = Vec::new();
    for (name, array) in arrays {
        let Some((&size, dims)) = array.shape.split_first() else {
            errors.push(DataError::shape(&name, format!("{file}: a single value; a column needs one value a row")));
            continue;
        };
        let (first, expected) = rows.get_or_insert_with(|| (name.clone(), size));
        if *expected != size {
            errors.push(DataError::shape(&name, format!("{file}: {size} rows, but `{first}` has {expected}")));
        }
        let missing = Vec::new();
        columns.push(Column { name, dims: dims.to_vec(), cells: array.cells, missing, parts: Vec::new() });
    }
    DataErrors::check(errors)?;
    Ok(Table::new(file, rows.map_or(0, |(_, rows)| rows), columns, Vec::new()))
}

fn read_archive(file: &str, bytes: &[u8], limits: Limits) -> Result<Vec<(String, Array)>, DataErrors> {
    let broken = |error: &dyn std::fmt::Display| DataError::format(file, format!("not a whole NPZ file: {error}"));
    let mut archive = npyz::npz::NpzArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    let mut names: Vec<String> = archive.array_names().map(str::to_owned).collect();
    names.sort();
    if names.is_empty() {
        return Err(DataError::format(file, "an archive without a single array").into());
    }
    let mut left = limits.unpacked;
    let mut arrays = Vec::new();
    for name in names {
        let stored = npyz::npz::file_name_from_array_name(&name);
        let entry = archive.zip_archive().by_name(&stored).map_err(|error| broken(&error))?;
        let content = unpack(file, entry.take(left.saturating_add(1)), left)?;
        left = left.saturating_sub(content.len() as u64);
        arrays.push((name.clone(), read_array(&format!("{file}:{name}"), &content)?));
    }
    Ok(arrays)
}
