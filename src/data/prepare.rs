//! From options to a dataset that a training loop can read: inputs, bound data, parts.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::augment::PixelFit;
use super::bind::{Bound, Support, Wanted, bind};
use super::error::{DataError, DataErrors, Violation, Violations};
use super::events::{Counted, bin};
use super::group::Keys;
use super::images::{ImageSet, read_images};
use super::inputs::{Feature, Features, features, stretches};
use super::load::{FileHash, Intake};
use super::options::{DataOptions, OnInvalid, Part, Source, Standardize};
use super::read::read_files;
use super::select::select;
use super::split::{Parts, Rows, split};
use super::standardize::Standardizer;
use super::table::Table;

/// Data ready to train on. Rows are counted after those without a full window were dropped.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// Number of rows.
    pub rows: usize,
    /// What the network reads.
    pub inputs: Inputs,
    /// What the loss reads, with the sizes of its axes.
    pub bound: Bound,
    /// A weight a row.
    pub weights: Option<Vec<f64>>,
    /// Which rows train, validate and test.
    pub parts: Parts,
    /// What was learned from the training rows; a run keeps it, and prediction uses it again.
    pub fitted: Fitted,
    /// The class of each picture, when the spec names a label.
    pub classes: Option<Keys>,
    /// For events: what was counted.
    pub events: Option<Counted>,
    /// For events: the start of each row's bin in seconds.
    pub start_seconds: Option<Vec<f64>>,
    /// The row of the source that each row is.
    pub source_rows: Vec<usize>,
    /// The source itself, dropped rows included.
    pub table: Table,
    /// Every file that was read.
    pub files: Vec<FileHash>,
    /// What was done, for people.
    pub summary: Summary,
}

/// What the network reads.
#[derive(Debug, Clone, PartialEq)]
pub enum Inputs {
    /// One vector a row.
    Matrix(Matrix),
    /// One picture a row; [`super::augment::View`] turns them into what the network sees.
    Images(ImageSet),
}

/// Rows × width numbers, row-major.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matrix {
    /// Name of each input: `speed`, `speed(-2)`.
    pub names: Vec<String>,
    /// The values, standardised as the options say.
    pub values: Vec<f32>,
}

impl Matrix {
    /// Inputs a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// One row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        self.values.get(row * self.width()..(row + 1) * self.width()).unwrap_or(&[])
    }
}

/// What preparation learned from the training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    /// The inputs in order; empty for images.
    pub features: Vec<Feature>,
    /// Their shift and scale.
    pub standardizer: Standardizer,
    /// Shift and scale of pixels.
    pub pixels: Option<PixelFit>,
    /// The words of each category in the order of their codes.
    pub labels: BTreeMap<String, Vec<String>>,
    /// Sizes of the named axes.
    pub axes: BTreeMap<String, usize>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// Rows of the source.
    pub source_rows: usize,
    /// Rows dropped because their window leaves the recording.
    pub dropped: usize,
    /// Rows that train, validate and test.
    pub parts: [usize; 3],
    /// Rows of each that are left out ([`Prepared::leave_out`]).
    pub left_out: [usize; 3],
    /// Inputs a row, or pixels a picture.
    pub width: usize,
    /// For events: units, events inside the bins, events outside.
    pub events: Option<(usize, u64, u64)>,
    /// What a person should look at.
    pub warnings: Vec<String>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [train, valid, test] = self.parts;
        let rows = counted(self.source_rows - self.dropped, "row");
        write!(f, "{rows}: {train} train, {valid} valid, {test} test")?;
        if self.dropped > 0 {
            write!(f, "; {} dropped for want of neighbours", self.dropped)?;
        }
        if let Some(left_out) = self.left_out() {
            write!(f, "; left out, with observations of probability 0: {left_out}")?;
        }
        write!(f, "; {}", counted(self.width, "input"))?;
        if let Some((units, inside, outside)) = self.events {
            write!(f, "; {} of {}", counted(inside, "event"), counted(units, "unit"))?;
            if outside > 0 {
                write!(f, ", {outside} more outside the bins")?;
            }
        }
        self.warnings.iter().try_for_each(|warning| write!(f, "\nwarning: {warning}"))
    }
}

impl Summary {
    /// How many rows are left out of which parts, if any are.
    #[must_use]
    pub fn left_out(&self) -> Option<String> {
        let some = self.left_out.iter().zip(["train", "valid", "test"]).filter(|(count, _)| **count > 0);
        let some: Vec<String> = some.map(|(count, part)| format!("{count} {part}")).collect();
        (!some.is_empty()).then(|| some.join(", "))
    }
}

impl Prepared {
    /// Takes rows out of the parts that train, validate and test. They stay rows: the split was drawn with them, and inputs
    /// are standardised with them.
    ///
    /// # Errors
    /// No row is left to train on.
    pub fn leave_out(&mut self, rows: &BTreeSet<usize>) -> Result<(), DataErrors> {
        let parts = [&mut self.parts.train, &mut self.parts.valid, &mut self.parts.test];
        for (at, part) in parts.into_iter().enumerate() {
            let before = part.len();
            part.retain(|row| !rows.contains(row));
            let summary = &mut self.summary;
            let counts = summary.parts.get_mut(at).into_iter().zip(summary.left_out.get_mut(at));
            counts.for_each(|(kept, left_out)| (*kept, *left_out) = (part.len(), before - part.len()));
        }
        if self.parts.train.is_empty() {
            let reason = "no row is left to train on: each has an observation of probability 0";
            return Err(DataError::option("on_invalid", reason).into());
        }
        Ok(())
    }
}

/// "1 input", "2 inputs".
fn counted(count: impl fmt::Display, what: &str) -> String {
    let count = count.to_string();
    format!("{count} {what}{}", if count == "1" { "" } else { "s" })
}

/// Rows of the source before anything is chosen.
struct Raw {
    table: Table,
    images: Option<ImageSet>,
    events: Option<Counted>,
    start_seconds: Option<Vec<f64>>,
}

impl Raw {
    fn read(intake: &Intake<'_>, options: &DataOptions) -> Result<Self, DataErrors> {
        let none = Self { table: Table::default(), images: None, events: None, start_seconds: None };
        match &options.source {
            Source::Table(files) => Ok(Self { table: read_files(intake, files)?, ..none }),
            Source::Events(events) => {
                let binned = bin(intake, events, &options.log)?;
                let (events, start_seconds) = (Some(binned.events), Some(binned.start_seconds));
                Ok(Self { table: binned.table, events, start_seconds, ..none })
            }
            Source::Images(images) => {
                if !options.inputs.is_empty() {
                    return Err(DataError::option("inputs", "pictures are the inputs; leave this out").into());
                }
                let (set, table) = read_images(intake, images)?;
                Ok(Self { table, images: Some(set), ..none })
            }
        }
    }
}

/// Reads, binds, lays out, splits and standardises.
///
/// `wanted` is what the loss needs from the data, `axes` the sizes that are already known, `seed` the run's. With `fitted`
/// from an earlier run, inputs must be the same ones, and are shifted, scaled and coded as they were then.
///
/// # Errors
/// All mistakes of the options and the data that can be found together.
pub fn prepare(
    intake: &Intake<'_>,
    options: &DataOptions,
    wanted: &[Wanted],
    axes: &BTreeMap<String, usize>,
    seed: u64,
    fitted: Option<&Fitted>,
) -> Result<Prepared, DataErrors> {
    let raw = Raw::read(intake, options)?;
    if raw.table.rows == 0 {
        return Err(DataError::option("data", "there is not a single row").into());
    }
    let mut errors = Vec::new();
    let wanted = with_labels(wanted, fitted);
    let bound = keep(bind(&raw.table, &wanted, &options.bind, axes, options.on_invalid), &mut errors);
    let weights = keep(weights(&raw.table, options), &mut errors);
    let stretch = stretches(&raw.table, options)?;
    let laid = keep(features(&raw.table, options, &stretch), &mut errors);
    let (Some(bound), Some(weights), Some(laid)) = (bound, weights, laid) else { return Err(DataErrors(errors)) };
    let rows = Rows { table: &raw.table, stretch: &stretch, seconds: raw.start_seconds.as_deref(), kept: &laid.kept };
    let parts = split(&rows, options.split.as_ref(), seed)?;
    let classes = classes(&raw.table, options)?;
    assemble(intake, options, Assembly { raw, bound, weights, laid, parts, classes }, fitted)
}

fn keep<T>(result: Result<T, DataErrors>, errors: &mut Vec<DataError>) -> Option<T> {
    result.map_err(|more| errors.extend(more.0)).ok()
}

/// Training computes in `f32`.
const SCALE: &str = "scale the column";

fn with_labels(wanted: &[Wanted], fitted: Option<&Fitted>) -> Vec<Wanted> {
    let mut wanted = wanted.to_vec();
    for want in &mut wanted {
        want.narrow = Some(SCALE);
        if let Some(labels) = fitted.and_then(|fitted| fitted.labels.get(&want.name)) {
            want.labels = Some(labels.clone());
        }
    }
    wanted
}

fn weights(table: &Table, options: &DataOptions) -> Result<Option<Vec<f64>>, DataErrors> {
    let Some(column) = &options.weight else { return Ok(None) };
    let at = select(&table.names(), std::slice::from_ref(column), "weight").map_err(DataErrors)?;
    let name = at.first().and_then(|&at| table.columns.get(at)).map_or(column.clone(), |column| column.name.clone());
    let wanted = [Wanted { observation: false, narrow: Some(SCALE), ..Wanted::scalar(name, Support::nonneg()) }];
    let bound = bind(table, &wanted, &[], &BTreeMap::new(), OnInvalid::Error)?;
    Ok(bound.columns.into_iter().next().map(|column| column.values))
}

fn classes(table: &Table, options: &DataOptions) -> Result<Option<Keys>, DataErrors> {
    let Source::Images(images) = &options.source else { return Ok(None) };
    match &images.label {
        Some(label) => Ok(Some(Keys::of_column(table, label, "images: label")?)),
        None if options.tuples.is_some() || options.sampler.is_some() => {
            Err(DataError::option("images: label", "tuples and samplers need the column of the classes").into())
        }
        None => Ok(None),
    }
}

/// Everything that is about to become a dataset.
struct Assembly {
    raw: Raw,
    bound: Bound,
    weights: Option<Vec<f64>>,
    laid: Features,
    parts: Parts,
    classes: Option<Keys>,
}

fn assemble(
    intake: &Intake<'_>,
    options: &DataOptions,
    assembly: Assembly,
    earlier: Option<&Fitted>,
) -> Result<Prepared, DataErrors> {
    let Assembly { raw, bound, weights, laid, parts, classes } = assembly;
    let fitted = match earlier {
        Some(earlier) => same_features(earlier, &laid)?.clone(),
        None => fit(options, &raw, &bound, &laid, &parts)?,
    };
    let Raw { table, images, events, start_seconds } = raw;
    let kept = laid.kept.clone();
    let rows = kept.len();
    let summary = Summary {
        source_rows: table.rows,
        dropped: table.rows - rows,
        parts: [Part::Train, Part::Valid, Part::Test].map(|part| parts.of(part).len()),
        left_out: [0; 3],
        width: images.as_ref().map_or(laid.features.len(), ImageSet::size),
        events: events.as_ref().map(|events| (events.of_unit.len(), events.inside, events.outside)),
        warnings: laid.warnings.clone(),
    };
    let inputs = match images {
        Some(images) => Inputs::Images(images),
        None => Inputs::Matrix(matrix(intake, &table, &laid, &fitted.standardizer)?),
    };
    let pick = |values: &Vec<f64>| kept.iter().map(|&row| values.get(row).copied().unwrap_or(f64::NAN)).collect();
    let columns = bound.columns.iter().map(|column| column.take(&kept)).collect();
    Ok(Prepared {
        rows,
        inputs,
        bound: Bound { columns, axes: bound.axes, rows },
        weights: weights.as_ref().map(pick),
        parts,
        fitted,
        classes,
        events,
        start_seconds: start_seconds.as_ref().map(pick),
        source_rows: kept,
        table,
        files: intake.hashes(),
        summary,
    })
}

fn same_features<'a>(earlier: &'a Fitted, laid: &Features) -> Result<&'a Fitted, DataErrors> {
    if earlier.features == laid.features {
        return Ok(earlier);
    }
    let list = |features: &[Feature]| features.iter().map(ToString::to_string).collect::<Vec<_>>();
    let reason = format!(
        "the network was trained on {} ({}) but this data gives {} ({})",
        counted(earlier.features.len(), "input"),
        super::error::list(&list(&earlier.features)),
        laid.features.len(),
        super::error::list(&list(&laid.features)),
    );
    Err(DataError::option("inputs", reason).into())
}

fn fit(options: &DataOptions, raw: &Raw, bound: &Bound, laid: &Features, parts: &Parts) -> Result<Fitted, DataErrors> {
    let names: Vec<String> = laid.features.iter().map(|feature| feature.column.clone()).collect();
    let chosen: Vec<bool> = match &options.standardize {
        Standardize::None => vec![false; names.len()],
        Standardize::Inputs => vec![true; names.len()],
        Standardize::Columns(patterns) => {
            let mut unique = names.clone();
            unique.dedup();
            let found = select(&unique, patterns, "standardize").map_err(DataErrors)?;
            names.iter().map(|name| found.iter().any(|&at| unique.get(at) == Some(name))).collect()
        }
    };
    let train: Vec<usize> = parts.train.iter().filter_map(|&at| laid.kept.get(at).copied()).collect();
    let pixels = match (&raw.images, &options.source) {
        (Some(set), Source::Images(images)) => Some(PixelFit::fit(set, &train, images.normalize)),
        _ => None,
    };
    let labels =
        bound.columns.iter().filter_map(|column| Some((column.name.clone(), column.labels.clone()?))).collect();
    Ok(Fitted {
        features: laid.features.clone(),
        standardizer: Standardizer::fit(&train, &chosen, |row, input| laid.value(row, input)),
        pixels,
        labels,
        axes: bound.axes.clone(),
    })
}

fn matrix(
    intake: &Intake<'_>,
    table: &Table,
    laid: &Features,
    standardizer: &Standardizer,
) -> Result<Matrix, DataErrors> {
    let width = laid.features.len();
    let cells = (laid.kept.len() as u64).saturating_mul(width as u64);
    if cells > intake.limits.cells {
        let reason = format!(
            "{} rows of {width} inputs are more than the {} numbers that fit",
            laid.kept.len(),
            intake.limits.cells
        );
        return Err(DataError::option("lags", reason).into());
    }
    let mut values = Vec::with_capacity(laid.kept.len() * width);
    for &row in &laid.kept {
        values.extend((0..width).map(|input| standardizer.apply(input, laid.value(row, input)) as f32));
    }
    representable(table, laid, standardizer, &values)?;
    Ok(Matrix { names: laid.features.iter().map(ToString::to_string).collect(), values })
}

/// Inputs that are finite as the network sees them: standardised, and rounded to `f32`.
fn representable(
    table: &Table,
    laid: &Features,
    standardizer: &Standardizer,
    values: &[f32],
) -> Result<(), DataErrors> {
    let mut bad = Violations::new("inputs", format!("a number that f32 holds: {SCALE}"));
    // Through the windows of its neighbours a value is seen several times.
    let mut seen = HashSet::new();
    for (row, narrow) in laid.kept.iter().zip(values.chunks(laid.features.len().max(1))) {
        for (input, (feature, narrow)) in laid.features.iter().zip(narrow).enumerate() {
            let value = laid.value(*row, input);
            // A deviation that overflowed makes 0 of everything; the values at fault are those beyond f32 themselves.
            let overflowed = standardizer.scale.get(input).is_some_and(|scale| !scale.is_finite());
            let lost = !narrow.is_finite() || (overflowed && !(value as f32).is_finite());
            let at = usize::try_from(*row as i64 + feature.offset).unwrap_or(*row);
            if lost && seen.insert((at, &feature.column)) {
                let (column, value) = (feature.column.clone(), value.to_string());
                bad.add(|| Violation { place: table.place(at), column, value, needs: None });
            }
        }
    }
    if bad.count > 0 { Err(DataError::Values(bad).into()) } else { Ok(()) }
}
