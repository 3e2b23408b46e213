//! `lossc report`: a run's page, or a comparison of several.

use std::path::PathBuf;

use serde_json::json;

use super::output::Fault;
use super::{Format, Outcome, output};
use crate::record::{Notebook, Record};
use crate::report;
use crate::train::run::REPORT;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The runs: identifiers, last digits, names, or `latest`.
    #[arg(value_name = "RUN", required = true)]
    run: Vec<String>,
    /// Where the page goes; by default the run's folder, or `comparison.html` in the folder of the runs. A file that is
    /// there already is replaced only if it is a page of lossc.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replaces whatever file is at FILE.
    #[arg(long)]
    force: bool,
    /// Folder of the runs.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Writes the page and prints its path.
pub fn run(args: &Args) -> Outcome {
    match write(args) {
        Ok(path) => {
            let shown = path.display().to_string();
            output::line(&if args.format == Format::Json { json!({"report": shown}).to_string() } else { shown });
            Outcome::Done
        }
        Err(error) => output::fault(error, args.format),
    }
}

fn write(args: &Args) -> Result<PathBuf, Fault> {
    let read = |run: &String| Notebook::existing(&args.runs, run)?.show(run);
    let records: Vec<Record> = args.run.iter().map(read).collect::<Result<_, _>>()?;
    let default = match records.as_slice() {
        [one] => one.run.dir.join(REPORT),
        _ => args.runs.join("comparison.html"),
    };
    if let Some(path) = &args.output {
        output::may_replace(path, args.force, "page of lossc", |line| line == report::FIRST_LINE)?;
    }
    let path = args.output.clone().unwrap_or(default);
    report::write(&records, &path)?;
    Ok(path)
}
