//! Which rows train, validate and test.

use rand::seq::SliceRandom;

use super::error::{DataError, DataErrors};
use super::group::{Keys, whole, word, words};
use super::options::{Part, Share, Split, SplitBy};
use super::random::{Purpose, stream};
use super::table::Table;

/// Rows of each part, ascending; no row is in two.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parts {
    /// Rows that train.
    pub train: Vec<usize>,
    /// Rows that validate.
    pub valid: Vec<usize>,
    /// Rows that test.
    pub test: Vec<usize>,
}

impl Parts {
    /// One part by its name.
    #[must_use]
    pub fn of(&self, part: Part) -> &[usize] {
        match part {
            Part::Train => &self.train,
            Part::Valid => &self.valid,
            Part::Test => &self.test,
        }
    }
}

/// What a split looks at.
pub struct Rows<'a> {
    /// All rows of the source, dropped ones included.
    pub table: &'a Table,
    /// The stretch of neighbouring rows that each row is in, ascending.
    pub stretch: &'a [usize],
    /// Time of each row in seconds, for events.
    pub seconds: Option<&'a [f64]>,
    /// Rows in use, ascending.
    pub kept: &'a [usize],
}

/// Assigns every kept row to a part. The result holds positions in `kept`.
///
/// # Errors
/// Unknown columns, values or numbers; fractions that are not in (0, 1) or leave nothing; parts stated twice; a split that
/// leaves no training row.
pub fn split(rows: &Rows<'_>, options: Option<&Split>, seed: u64) -> Result<Parts, DataErrors> {
    let by_file: Vec<Option<Part>> = rows
        .kept
        .iter()
        .map(|&row| rows.table.segments.get(rows.table.segment_of(row)).and_then(|segment| segment.part))
        .collect();
    let mut parts: Vec<Part> = by_file.iter().map(|part| part.unwrap_or(Part::Train)).collect();
    if let Some(options) = options {
        refuse_twice(options, &by_file)?;
        let open: Vec<usize> = (0..parts.len()).filter(|&at| parts.get(at) == Some(&Part::Train)).collect();
        let keys = keys(rows, &options.by, &open)?;
        let chosen = choose(options, &keys, seed)?;
        for (&at, key) in open.iter().zip(&keys.of_row) {
            if let (Some(part), Some(chosen)) = (parts.get_mut(at), chosen.get(*key)) {
                *part = *chosen;
            }
        }
    }
    let of = |wanted: Part| parts.iter().enumerate().filter(|(_, part)| **part == wanted).map(|(at, _)| at).collect();
    let parts = Parts { train: of(Part::Train), valid: of(Part::Valid), test: of(Part::Test) };
    if parts.train.is_empty() {
        return Err(DataError::option("split", "no row is left to train on").into());
    }
    Ok(parts)
}

fn refuse_twice(options: &Split, by_file: &[Option<Part>]) -> Result<(), DataErrors> {
    let mut errors = Vec::new();
    for (part, share, name) in [(Part::Valid, &options.valid, "valid"), (Part::Test, &options.test, "test")] {
        if *share != Share::None && by_file.contains(&Some(part)) {
            let reason = format!("the files already say which rows are `{name}`; leave it out here");
            errors.push(DataError::option(format!("split: {name}"), reason));
        }
    }
    DataErrors::check(errors)
}

/// The key of each open row: itself, its block, its group, its stretch of time.
fn keys(rows: &Rows<'_>, by: &SplitBy, open: &[usize]) -> Result<Keys, DataErrors> {
    let row_of = |at: &usize| rows.kept.get(*at).copied().unwrap_or(0);
    match by {
        SplitBy::Rows => {
            let labels = open.iter().map(|at| row_of(at).to_string()).collect();
            Ok(Keys { of_row: (0..open.len()).collect(), labels })
        }
        SplitBy::Blocks { rows: 0 } => Err(DataError::option("split: blocks", "a block needs at least one row").into()),
        SplitBy::Blocks { rows: size } => {
            let blocks = blocks(rows.stretch, *size);
            let block = |at| blocks.get(row_of(at)).copied().unwrap_or(0).to_string();
            Ok(Keys::of_words(&open.iter().map(block).collect::<Vec<_>>()))
        }
        SplitBy::Column { column } => {
            let words = words(rows.table, column, "split")?;
            let word = |at| words.get(row_of(at)).cloned().unwrap_or_default();
            Ok(Keys::of_words(&open.iter().map(word).collect::<Vec<_>>()))
        }
        SplitBy::Time { column, every_seconds } => {
            if !(*every_seconds > 0.0 && every_seconds.is_finite()) {
                return Err(DataError::option("split: every", "must be a positive time").into());
            }
            let own = match (column, rows.seconds) {
                (Some(column), _) => super::group::finite(rows.table, column, "split: time")?,
                (None, Some(seconds)) => seconds.to_vec(),
                (None, None) => {
                    return Err(DataError::option("split: time", "a table needs the column of its times").into());
                }
            };
            let number = |at| whole(own.get(row_of(at)).copied().unwrap_or(0.0) / every_seconds).to_string();
            Ok(Keys::of_words(&open.iter().map(number).collect::<Vec<_>>()))
        }
    }
}

/// Number of the block of each row, counted on over the stretches.
fn blocks(stretch: &[usize], size: usize) -> Vec<usize> {
    let mut block = 0;
    let mut filled = 0;
    let mut last = stretch.first().copied();
    stretch
        .iter()
        .map(|&here| {
            if last != Some(here) || filled == size {
                block += 1;
                filled = 0;
            }
            last = Some(here);
            filled += 1;
            block
        })
        .collect()
}

/// The part of each key.
fn choose(options: &Split, keys: &Keys, seed: u64) -> Result<Vec<Part>, DataErrors> {
    let mut parts = vec![Part::Train; keys.labels.len()];
    let mut errors = Vec::new();
    for (part, share, name) in [(Part::Test, &options.test, "test"), (Part::Valid, &options.valid, "valid")] {
        if let Share::Values(values) = share {
            for value in values.iter().map(word) {
                match keys.labels.iter().position(|label| *label == value).and_then(|at| parts.get_mut(at)) {
                    Some(here) if *here == Part::Train => *here = part,
                    Some(_) => {
                        errors.push(DataError::option(format!("split: {name}"), format!("{value} is named twice")))
                    }
                    None => {
                        let reason =
                            format!("nothing has the value {value}; there are {}", super::error::list(&keys.labels));
                        errors.push(DataError::option(format!("split: {name}"), reason));
                    }
                }
            }
        }
    }
    let mut order: Vec<usize> = (0..keys.labels.len()).collect();
    order.shuffle(&mut stream(options.seed.unwrap_or(seed), Purpose::Split, 0));
    for (part, share, name) in [(Part::Test, &options.test, "test"), (Part::Valid, &options.valid, "valid")] {
        let Share::Fraction(fraction) = share else { continue };
        if !(*fraction > 0.0 && *fraction < 1.0) {
            errors.push(DataError::option(format!("split: {name}"), format!("{fraction} is not between 0 and 1")));
            continue;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let wanted = (fraction * keys.labels.len() as f64).round().max(1.0) as usize;
        let mut left = wanted;
        for &key in &order {
            if let Some(here) = parts.get_mut(key).filter(|here| left > 0 && **here == Part::Train) {
                *here = part;
                left -= 1;
            }
        }
    }
    DataErrors::check(errors)?;
    Ok(parts)
}
