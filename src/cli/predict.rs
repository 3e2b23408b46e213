//! `lossc predict`: a trained network applied to a table.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::output::Fault;
use super::{Format, Outcome, output};
use crate::data::options::Value;
use crate::record::Notebook;
use crate::train::predict::{Predictions, predict, write_to};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run: its identifier, its last digits, its name, or `latest`.
    #[arg(value_name = "RUN")]
    run: String,
    /// The table (CSV, NPY, NPZ); pictures for a run on pictures.
    #[arg(long, value_name = "TABLE")]
    data: String,
    /// A column that the table lacks, with one value for all rows: `--with T=300`.
    #[arg(long = "with", value_name = "NAME=VALUE", value_parser = constant)]
    with: Vec<(String, Value)>,
    /// Where the predictions go, as CSV; `-` is standard output. A file that is there already is replaced only if it holds
    /// predictions of these columns.
    #[arg(short, long, value_name = "OUT")]
    output: String,
    /// Replaces whatever file is at OUT; never the table itself.
    #[arg(long)]
    force: bool,
    /// Folder of the runs.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `NAME=VALUE`, a number or a word.
fn constant(text: &str) -> std::result::Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not NAME=VALUE"))?;
    let value = value.trim();
    let value = value.parse().map_or_else(|_| Value::Text(value.to_owned()), Value::Number);
    Ok((name.trim().to_owned(), value))
}

/// Predicts.
pub fn run(args: &Args) -> Outcome {
    match predicted(args) {
        Ok(predictions) => {
            let columns = predictions.columns();
            if args.format == Format::Json && args.output != "-" {
                let line = json!({"file": args.output, "rows": predictions.rows.len(), "columns": columns});
                output::line(&line.to_string());
            } else {
                let (rows, columns) = (predictions.rows.len(), columns.len());
                output::note(&format!("{rows} rows of {columns} columns to {}", args.output));
            }
            Outcome::Done
        }
        Err(error) => output::fault(error, args.format),
    }
}

fn predicted(args: &Args) -> Result<Predictions, Fault> {
    let record = Notebook::existing(&args.runs, &args.run)?.show(&args.run)?;
    let out = Path::new(&args.output);
    if let (Ok(table), Ok(place)) = (Path::new(&args.data).canonicalize(), out.canonicalize())
        && table == place
    {
        let (table, out) = (&args.data, &args.output);
        return Err(Fault::plain(format!(
            "{out} is the table itself ({table}): predictions go to a file of their own"
        )));
    }
    let predictions = predict(&record, &args.data, &args.with)?;
    if args.output != "-" {
        let header = predictions.header()?;
        output::may_replace(out, args.force, "predictions of these columns", |line| line == header)?;
    }
    write_to(&predictions, &args.output)?;
    Ok(predictions)
}
