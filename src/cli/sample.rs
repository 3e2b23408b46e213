//! `lossc sample`: draws of what a program observes.

use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::output::Fault;
use super::program::{ProgramArgs, setting, settings};
use super::{Format, Outcome, output};
use crate::data::Table;
use crate::evaluate::EvaluateError;
use crate::files::Beside;
use crate::record::Number;
use crate::sample::{Drawn, Request, Sampler, sampler};
use crate::source::Source;

/// How draws are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Written {
    /// A table, for people and for `lossc eval` and `lossc train`.
    #[default]
    #[value(alias = "human")]
    Csv,
    /// One object; its draws are objects too.
    Json,
}

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    program: ProgramArgs,
    /// The table of everything that is not drawn: CSV (.gz), NPY or NPZ; `-` is standard input.
    #[arg(long, value_name = "TABLE", conflicts_with = "rows")]
    data: Option<String>,
    /// Rows to draw, where no table says how many.
    #[arg(long, alias = "n", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1 << 27))]
    rows: u64,
    /// Value of a constant, parameter or free name, or size of an axis.
    #[arg(long, value_name = "N=V", value_parser = setting)]
    set: Vec<(String, f64)>,
    /// Draws of each row.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    draws: u64,
    /// The same seed gives the same draws.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Where the draws go; standard output by default. A file that is there already is replaced only if it holds draws of
    /// these columns.
    #[arg(short, long, value_name = "OUT")]
    output: Option<String>,
    /// Replaces whatever file is at OUT; never the table itself.
    #[arg(long)]
    force: bool,
    /// How the draws are written.
    #[arg(long, value_enum, default_value_t)]
    format: Written,
}

/// Draws.
pub fn run(args: &Args) -> Outcome {
    let format = if args.format == Written::Json { Format::Json } else { Format::Human };
    let source = match args.program.one("sample", args.data.as_deref()) {
        Ok(source) => source,
        Err(unreadable) => return output::fault(unreadable, format),
    };
    match drawn(args, &source) {
        Ok(()) => Outcome::Done,
        Err(Stopped::ReaderLeft) => Outcome::Done,
        Err(Stopped::Evaluate(EvaluateError::Program(found))) => output::fault(Fault::text(source, found), format),
        Err(Stopped::Evaluate(error)) => output::fault(Fault::plain(error), format),
        Err(Stopped::Fault(fault)) => output::fault(fault, format),
    }
}

/// Why there are no more draws.
enum Stopped {
    Evaluate(EvaluateError),
    Fault(Fault),
    /// `lossc sample … | head`
    ReaderLeft,
}

impl From<EvaluateError> for Stopped {
    fn from(error: EvaluateError) -> Self {
        Stopped::Evaluate(error)
    }
}

impl From<std::io::Error> for Stopped {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Stopped::ReaderLeft,
            _ => Stopped::Fault(Fault::Plain(format!("cannot write the draws: {error}"))),
        }
    }
}

fn drawn(args: &Args, source: &Source) -> Result<(), Stopped> {
    let table = match &args.data {
        Some(path) => super::eval::table(path)?,
        None => Table::new("--rows", args.rows as usize, Vec::new(), Vec::new()),
    };
    let request = Request { set: settings(&args.set), draws: args.draws as usize, seed: args.seed };
    let (sampler, warnings) = sampler(source, &Beside::default(), &table, &request)?;
    output::diagnostics(source, &warnings);
    let columns = columns(&sampler);
    match &args.output {
        None => write(args, &sampler, &columns, std::io::stdout().lock()),
        Some(path) => to_file(args, &sampler, &columns, path),
    }
}

/// `row` and `draw`, unless the program has names like that, then those of the program.
fn columns(sampler: &Sampler) -> Vec<String> {
    let own = sampler.columns();
    let number = |name: &&str| !own.iter().any(|own| own == name);
    let numbers = ["row", "draw"].into_iter().filter(number).map(str::to_owned);
    numbers.chain(own.iter().cloned()).collect()
}

fn to_file(args: &Args, sampler: &Sampler, columns: &[String], path: &str) -> Result<(), Stopped> {
    let out = Path::new(path);
    let same =
        |table: &String| matches!((Path::new(table).canonicalize(), out.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if args.data.as_ref().is_some_and(same) {
        let message = format!("{path} is the table itself: draws go to a file of their own");
        return Err(Stopped::Fault(Fault::Plain(message)));
    }
    let mut header = Vec::new();
    head(args, sampler, columns, &mut header)?;
    let header = String::from_utf8_lossy(&header).trim_end().to_owned();
    output::may_replace(out, args.force, "draws of these columns", |line| line == header).map_err(Stopped::Fault)?;
    let beside = out.with_extension("partial");
    let file = std::fs::File::create(&beside)?;
    let written = write(args, sampler, columns, file).and_then(|()| Ok(std::fs::rename(&beside, out)?));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}

/// Line by line, so that no number of draws has to fit in memory.
fn write(args: &Args, sampler: &Sampler, columns: &[String], out: impl Write) -> Result<(), Stopped> {
    let mut out = BufWriter::new(out);
    let mut first = true;
    sampler.run::<Stopped>(|drawn| {
        // Nothing is written before there is a draw.
        if first {
            head(args, sampler, columns, &mut out)?;
        }
        match args.format {
            Written::Csv => csv(columns, &drawn, &mut out)?,
            Written::Json => {
                let fields = record(columns, &drawn);
                write!(out, "{}{}", if first { "\n" } else { ",\n" }, Value::Object(fields))?;
            }
        }
        first = false;
        Ok(())
    })?;
    if args.format == Written::Json {
        writeln!(out, "\n]}}")?;
    }
    out.flush()?;
    Ok(())
}

fn head(args: &Args, sampler: &Sampler, columns: &[String], out: &mut impl Write) -> Result<(), Stopped> {
    if args.format == Written::Json {
        let (rows, draws, seed) = (sampler.rows(), args.draws, args.seed);
        let head = json!({"rows": rows, "draws": draws, "seed": seed, "columns": columns}).to_string();
        write!(out, "{},\"samples\":[", head.trim_end_matches('}'))?;
        return Ok(());
    }
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(columns).map_err(std::io::Error::from)?;
    writer.flush()?;
    Ok(())
}

/// The numbers of a line, `row` and `draw` first where they are columns.
fn numbers(columns: &[String], drawn: &Drawn) -> Vec<f64> {
    let known = [drawn.row as f64, drawn.draw as f64];
    let extra = columns.len() - drawn.values.len();
    let places = columns.iter().take(extra).map(|name| known.get(usize::from(name == "draw")).copied().unwrap_or(0.0));
    places.chain(drawn.values.iter().copied()).collect()
}

fn csv(columns: &[String], drawn: &Drawn, out: &mut impl Write) -> Result<(), Stopped> {
    let line: Vec<String> = numbers(columns, drawn).iter().map(|&x| crate::diag::number(x)).collect();
    writeln!(out, "{}", line.join(","))?;
    Ok(())
}

fn record(columns: &[String], drawn: &Drawn) -> Map<String, Value> {
    columns.iter().cloned().zip(numbers(columns, drawn).into_iter().map(|x| json!(Number(x)))).collect()
}
