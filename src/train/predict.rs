//! A trained network applied to a table: its heads, and everything that the program makes of them.

use std::collections::BTreeMap;
use std::path::Path;

use super::checkpoint;
use super::errors::{Result, TrainError};
use super::feed::{Draft, Feed};
use super::metrics::head_values;
use super::metrics::predictive::{Quantity, moments, quantities};
use super::network::Network;
use super::run::{recorded_fit, recorded_spec};
use super::setup::{self, Compiled, Parts};
use super::spec::Spec;
use super::step::StepError;
use crate::data::names::element_names;
use crate::data::options::{DataOptions, FileEntry, Files, ImageSource, Source as DataSource, Value};
use crate::data::select::select;
use crate::data::{DataErrors, Folder, Intake, Prepared, Table, Wanted, prepare, read_table};
use crate::evaluate::wanted;
use crate::ir::graph::InputRole;
use crate::record::Record;
use crate::source::Source;
use crate::syntax::names::canonical;

/// Predictions for the rows of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// For each row, its number in the table, from 1 (rows without a full window of lags are left out).
    pub rows: Vec<usize>,
    /// What is predicted, each with a value a row.
    pub quantities: Vec<Quantity>,
    /// Parameters of the loss and what depends on nothing else.
    pub constants: Vec<Quantity>,
}

/// Applies the network of a recorded run to the table at `path`.
///
/// The table has the columns that the run's inputs were made of, one row a row: bins, for a run on events. Whatever the
/// predictions need besides the inputs (an exposure, say) is a column too, or a value of `with` for all rows. A column that
/// the spec itself added to all of its files with one value has that value.
///
/// # Errors
/// A run without weights; a table without the columns, or with other inputs than the network's.
pub fn predict(record: &Record, path: &str, with: &[(String, Value)]) -> Result<Predictions> {
    let (spec, origin) = recorded_spec(record)?;
    let fitted = recorded_fit(record)?;
    let source = Source::new(record.program_name.as_str(), record.program_text.as_str());
    let compiled = setup::compile(&spec, &origin.folder, source, Some(origin.train_rows))?;
    let mut options = spec.settings.data.clone();
    let loader = Folder::new(".");
    let intake = Intake::new(&loader);
    let wanted = redirect(&mut options, path, with, &intake, &compiled)?;
    let mut axes: BTreeMap<String, usize> = fitted.axes.clone();
    axes.extend(spec.settings.axes.iter().map(|(name, size)| (canonical(name), *size)));
    let prepared = prepare(&intake, &options, &wanted, &axes, spec.settings.seed, Some(&fitted))?;
    let rows: Vec<usize> = (0..prepared.rows).collect();
    let numbers = prepared.source_rows.iter().map(|row| row + 1).collect();
    apply(record, &spec, &compiled, prepared, &options, axes, &rows, numbers)
}

#[allow(clippy::too_many_arguments)] // The parts of a run, each used once.
fn apply(
    record: &Record,
    spec: &Spec,
    compiled: &Compiled,
    prepared: Prepared,
    options: &DataOptions,
    mut axes: BTreeMap<String, usize>,
    rows: &[usize],
    numbers: Vec<usize>,
) -> Result<Predictions> {
    let feed = Feed::new(prepared, options, 1, spec.settings.seed)?;
    let Parts { mut network, binding, loss, .. } = Parts::build(spec, compiled, &feed, &mut axes, false)?;
    let weights = record.run.dir.join("weights.safetensors");
    if !weights.is_file() {
        let message = format!("the run `{}` has no weights yet: let it end, or resume it", record.run.id);
        return Err(TrainError::Refused(message));
    }
    let weights = checkpoint::load_weights(&network, &weights)?;
    network.set_weights(&weights).map_err(|error| TrainError::Internal(error.to_string()))?;
    if binding.parts > 1 {
        let quantities = embeddings(&feed, &network, rows)?;
        return Ok(Predictions { rows: numbers, quantities, constants: Vec::new() });
    }
    let values = head_values(&feed, &network, &binding, &loss, &compiled.constants, &axes, rows)?;
    let mut all = quantities(&compiled.program, &values)?;
    all.extend(moments(&compiled.program, &values)?);
    let (quantities, constants) = all.into_iter().partition(|quantity| quantity.by_row);
    Ok(Predictions { rows: numbers, quantities, constants })
}

/// The network's own outputs, where several of them make one row of the loss.
fn embeddings(feed: &Feed, network: &Network, rows: &[usize]) -> Result<Vec<Quantity>> {
    let mut found: Vec<Quantity> = network
        .heads()
        .map(|(name, units)| Quantity { name: name.into(), dims: vec![units], by_row: true, values: Vec::new() })
        .collect();
    for chunk in rows.chunks(512) {
        let batch = feed.batch(&Draft::plain(chunk.to_vec()));
        let outputs = network.predict(&batch.x).map_err(StepError::from)?;
        for (quantity, output) in found.iter_mut().zip(outputs) {
            quantity.values.extend(output.values.iter().map(|&x| f64::from(x)));
        }
    }
    Ok(found)
}

/// Points the options at the table, takes away what only training needs, and says which data the table has.
fn redirect(
    options: &mut DataOptions,
    path: &str,
    with: &[(String, Value)],
    intake: &Intake<'_>,
    compiled: &Compiled,
) -> Result<Vec<Wanted>> {
    options.split = None;
    options.weight = None;
    options.tuples = None;
    options.sampler = None;
    match &mut options.source {
        DataSource::Images(images) => {
            images.labels = None;
            match &mut images.source {
                ImageSource::Array(files) | ImageSource::Sheet { files, .. } => *files = Files::one(path),
                ImageSource::Folder { path: folder, .. } => *folder = path.to_owned(),
            }
            return Ok(Vec::new());
        }
        DataSource::Table(_) | DataSource::Events(_) => {}
    }
    let mut table = read_table(intake, path)?;
    let with = constants(options, &table, with)?;
    for (name, value) in &with {
        table.add_constant(name, value).map_err(DataErrors::from)?;
    }
    // Events are what is predicted: bins with covariates come as a table, logarithms not yet taken.
    options.source = DataSource::Table(Files::All(vec![FileEntry { path: path.to_owned(), with }]));
    let names = compiled.program.hir.names.iter().filter(|info| info.role == InputRole::Data);
    let here: Vec<Wanted> = names
        .filter(|info| has(&table, options, &info.key))
        .map(|info| wanted(&compiled.program, info, true))
        .collect();
    options.bind.retain(|bind| here.iter().any(|want| canonical(&want.name) == canonical(&bind.name)));
    Ok(here)
}

/// The columns to add to a table: those given, and those that the spec added to all of its files alike.
fn constants(options: &DataOptions, table: &Table, given: &[(String, Value)]) -> Result<Vec<(String, Value)>> {
    let files = match &options.source {
        DataSource::Table(files) => files.entries(),
        DataSource::Events(events) => events.covariates.as_ref().map_or_else(Vec::new, |known| known.tables.entries()),
        DataSource::Images(_) => Vec::new(),
    };
    let mut with = given.to_vec();
    for (name, value) in files.iter().flat_map(|(_, file)| &file.with) {
        let is = |other: &str| canonical(other) == canonical(name);
        if table.position(name).is_some() || with.iter().any(|(known, _)| is(known)) {
            continue;
        }
        let own = |file: &FileEntry| file.with.iter().find(|(other, _)| is(other)).map(|(_, value)| value.clone());
        if files.iter().all(|(_, file)| own(file).as_ref() == Some(value)) {
            with.push((name.clone(), value.clone()));
        } else if options.inputs.iter().any(|input| is(input)) {
            let message = format!(
                "the table has no column `{name}`, and the run's files had different values of it: say `--with {name}=VALUE`"
            );
            return Err(TrainError::Refused(message));
        }
    }
    Ok(with)
}

fn has(table: &Table, options: &DataOptions, key: &str) -> bool {
    match options.bind.iter().find(|bind| canonical(&bind.name) == *key) {
        Some(bind) => select(&table.names(), &bind.columns, "bind").is_ok(),
        None => table.names().iter().any(|name| {
            let base = name.split_once('[').map_or(name.as_str(), |(base, _)| base);
            canonical(base) == key
        }),
    }
}

impl Predictions {
    /// As CSV: the row's number, then a column an element.
    ///
    /// # Errors
    /// What the writer refuses.
    pub fn write(&self, out: impl std::io::Write) -> std::io::Result<()> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(self.fields())?;
        for (at, row) in self.rows.iter().enumerate() {
            let mut record = vec![row.to_string()];
            for quantity in &self.quantities {
                let width: usize = quantity.dims.iter().product();
                let values = quantity.values.get(at * width..(at + 1) * width).unwrap_or_default();
                record.extend(values.iter().map(|x| format!("{x:?}")));
            }
            writer.write_record(&record)?;
        }
        writer.flush()
    }

    /// The first line of what [`Predictions::write`] writes, without its line break.
    ///
    /// # Errors
    /// What the writer refuses.
    pub fn header(&self) -> Result<String> {
        let empty = Predictions { rows: Vec::new(), ..self.clone() };
        let mut line = Vec::new();
        empty.write(&mut line).map_err(|error| TrainError::Internal(error.to_string()))?;
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    fn fields(&self) -> Vec<String> {
        [vec!["row".to_owned()], self.columns()].concat()
    }

    /// The names of the columns behind the row's number.
    pub fn columns(&self) -> Vec<String> {
        self.quantities.iter().flat_map(|quantity| element_names(&quantity.name, &quantity.dims)).collect()
    }
}

/// Endings that promise something else than CSV text.
const OTHER_FORMATS: &[&str] = &["npz", "npy", "gz", "tsv", "json", "jsonl", "parquet", "arrow", "xlsx"];

/// Writes predictions to a file, whole or not at all; `-` is standard output.
///
/// # Errors
/// The file cannot be written.
pub fn write_to(predictions: &Predictions, path: &str) -> Result<()> {
    let failed = |source| TrainError::Read { path: Path::new(path).to_owned(), source };
    if path == "-" {
        return predictions.write(std::io::stdout().lock()).map_err(failed);
    }
    if let Some(other) =
        Path::new(path).extension().and_then(|end| end.to_str()).filter(|end| OTHER_FORMATS.contains(end))
    {
        let message =
            format!("{path}: predictions are written as CSV, and `.{other}` is another format: name it `.csv`");
        return Err(TrainError::Refused(message));
    }
    let mut bytes = Vec::new();
    predictions.write(&mut bytes).map_err(failed)?;
    Ok(checkpoint::write_bytes(Path::new(path), &bytes)?)
}
