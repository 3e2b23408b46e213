//! Everything about one part that metrics are made from.

use std::collections::BTreeMap;

use super::faces::Faces;
use super::predictive::{Values, View};
use crate::data::events::Counted;
use crate::data::options::Part;
use crate::data::{Intake, Prepared, Table, read_table};
use crate::syntax::names::canonical;
use crate::train::bridge::{Binding, LossKernel};
use crate::train::errors::{Result, TrainError};
use crate::train::feed::{Draft, Feed};
use crate::train::kernel::TrainLoss;
use crate::train::network::Network;
use crate::train::spec;
use crate::train::step::StepError;

/// One part with what the network says about it.
pub struct Scene<'a> {
    /// Which part.
    pub part: Part,
    /// For events: what was counted.
    pub events: Option<&'a Counted>,
    /// Its rows.
    pub rows: &'a [usize],
    /// The densities' views; empty where batches are tuples.
    pub views: Vec<View>,
    /// What was fitted on the training rows.
    pub train: &'a TrainFacts,
    /// The true expected counts of the rows that have them.
    pub oracle: Option<&'a Oracle>,
    /// What is known of each unit.
    pub units: Option<&'a UnitWords>,
    /// Embeddings, for recognition.
    pub faces: Option<Faces>,
    /// Central intervals whose coverage is measured.
    pub levels: &'a [f64],
}

/// Means and variances of the training observations, by observed name, a number an element.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrainFacts {
    /// Mean of each element.
    pub means: BTreeMap<String, Vec<f64>>,
    /// Variance of each element.
    pub variances: BTreeMap<String, Vec<f64>>,
}

impl TrainFacts {
    /// Those of the training rows.
    pub fn new(feed: &Feed) -> Self {
        let mut facts = TrainFacts::default();
        let rows = feed.rows(Part::Train);
        for column in &feed.data().bound.columns {
            let count = rows.len().max(1) as f64;
            let mut mean = vec![0.0; column.width()];
            for &row in rows {
                mean.iter_mut().zip(column.row(row)).for_each(|(sum, y)| *sum += y / count);
            }
            let mut variance = vec![0.0; column.width()];
            for &row in rows {
                let squares = column.row(row).iter().zip(&mean).map(|(y, mean)| (y - mean).powi(2));
                variance.iter_mut().zip(squares).for_each(|(sum, square)| *sum += square / count);
            }
            facts.means.insert(column.name.clone(), mean);
            facts.variances.insert(column.name.clone(), variance);
        }
        facts
    }
}

/// Values of heads, columns, parameters and constants for some rows, as the checked program names them.
///
/// # Errors
/// Rows of the wrong width.
pub fn head_values(
    feed: &Feed,
    network: &Network,
    binding: &Binding,
    loss: &TrainLoss,
    constants: &BTreeMap<String, Vec<f64>>,
    axes: &BTreeMap<String, usize>,
    rows: &[usize],
) -> Result<Values> {
    let mut by_name: BTreeMap<String, Vec<f64>> = constants.clone();
    let wide = |values: &[f32]| values.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
    let mut heads: Vec<Vec<f32>> = vec![Vec::new(); loss.heads().len()];
    for chunk in rows.chunks(4096) {
        let batch = feed.batch(&Draft::plain(chunk.to_vec()));
        let outputs = network.predict(&batch.x).map_err(StepError::from)?;
        let outputs: Vec<&[f32]> = outputs.iter().map(|prediction| prediction.values.as_slice()).collect();
        for (to, from) in heads.iter_mut().zip(binding.split(&outputs)) {
            to.extend_from_slice(from);
        }
    }
    for (name, values) in loss.heads().iter().zip(&heads) {
        by_name.insert(canonical(name), wide(values));
    }
    for (name, values) in loss.params().iter().zip(network.loss_params()) {
        by_name.insert(canonical(name), wide(values));
    }
    for column in &feed.data().bound.columns {
        let values = rows.iter().flat_map(|&row| column.row(row)).copied().collect();
        by_name.insert(canonical(&column.name), values);
    }
    Ok(Values { rows: rows.len(), by_name, axes: axes.clone() })
}

/// True expected counts by the start of the bin.
#[derive(Debug, Clone, PartialEq)]
pub struct Oracle {
    pub(super) width: usize,
    /// Microseconds of the bin's start → expected counts.
    pub(super) by_time: BTreeMap<i64, Vec<f64>>,
    /// Start of each row of the data, in microseconds.
    pub(super) times: Vec<i64>,
}

fn micros(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}

impl Oracle {
    /// Reads the tables of `options` and matches them to the rows of `data`.
    ///
    /// # Errors
    /// Tables or columns that are not there; times that match no row.
    pub fn read(intake: &Intake<'_>, options: &spec::Oracle, data: &Prepared) -> Result<Oracle> {
        let scale = match (options.per_second, &data.events) {
            (true, Some(events)) => events.bin_seconds,
            (true, None) => return Err(TrainError::Refused("`evaluate.oracle.per: second` needs data in bins".into())),
            (false, _) => 1.0,
        };
        let mut by_time = BTreeMap::new();
        let mut width = 0;
        for file in &options.files {
            let table = read_table(intake, &file.path)?;
            let times = numbers(&table, std::slice::from_ref(&options.time), "evaluate: oracle: time")?;
            let values = numbers(&table, &options.columns, "evaluate: oracle: columns")?;
            width = values.len();
            for row in 0..table.rows {
                let time = times.first().and_then(|t| t.get(row)).copied().unwrap_or(f64::NAN);
                let expected = values.iter().map(|v| scale * v.get(row).copied().unwrap_or(f64::NAN)).collect();
                by_time.insert(micros(time), expected);
            }
        }
        let times: Vec<i64> = match &data.start_seconds {
            Some(starts) => starts.iter().map(|&t| micros(t)).collect(),
            None => {
                let column = numbers(&data.table, std::slice::from_ref(&options.time), "evaluate: oracle: time")?;
                let column = column.into_iter().next().unwrap_or_default();
                data.source_rows.iter().map(|&row| column.get(row).map_or(i64::MIN, |&t| micros(t))).collect()
            }
        };
        if !times.iter().any(|time| by_time.contains_key(time)) {
            let message = "no row of `evaluate.oracle` starts at the time of a row of the data";
            return Err(TrainError::Refused(message.into()));
        }
        Ok(Oracle { width, by_time, times })
    }

    /// The expected counts of a row.
    pub fn row(&self, row: usize) -> Option<&[f64]> {
        self.by_time.get(self.times.get(row)?).map(Vec::as_slice)
    }

    /// Units.
    pub fn width(&self) -> usize {
        self.width
    }
}

/// Columns of a table as numbers.
fn numbers(table: &Table, patterns: &[String], wanted_by: &str) -> Result<Vec<Vec<f64>>> {
    use crate::data::{DataErrors, Violations, select};
    let chosen = select::select(&table.names(), patterns, wanted_by).map_err(DataErrors)?;
    let mut errors = Vec::new();
    let mut found = Vec::new();
    for at in chosen {
        let Some(column) = table.columns.get(at) else { continue };
        let mut bad = Violations::new(column.name.clone(), "a number");
        let numeric = table.numeric(column, &mut bad);
        bad.finish(&mut errors);
        if let crate::data::Cells::Numbers(values) = numeric.cells {
            found.push(values);
        }
    }
    DataErrors::check(errors)?;
    Ok(found)
}

/// A word on each unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitWords(pub Vec<String>);

impl UnitWords {
    /// Reads the table of units.
    ///
    /// # Errors
    /// A table or column that is not there.
    pub fn read(intake: &Intake<'_>, options: &spec::UnitTable) -> Result<UnitWords> {
        let mut words = Vec::new();
        for file in &options.files {
            let table = read_table(intake, &file.path)?;
            let keys = crate::data::Keys::of_column(&table, &options.label, "evaluate: units: label")
                .map_err(crate::data::DataErrors::from)?;
            words.extend(keys.of_row.iter().map(|&key| keys.labels.get(key).cloned().unwrap_or_default()));
        }
        Ok(UnitWords(words))
    }
}
