//! `lossc eval`: the loss of a program on a table.

use serde_json::{Map, Value, json};

use super::output::Fault;
use super::program::{ProgramArgs, setting, settings};
use super::{Format, Outcome, output};
use crate::data::options::OnInvalid;
use crate::data::{Folder, Intake, STANDARD_INPUT, Table, WithInput, read_table};
use crate::diag::number;
use crate::evaluate::{Derivative, Dtype, Engine, EvaluateError, Evaluation, Request, evaluate};
use crate::files::Beside;
use crate::record::Number;
use crate::source::Source;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum EngineArg {
    #[default]
    Jit,
    Interpret,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum DtypeArg {
    F32,
    #[default]
    F64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum InvalidArg {
    #[default]
    Error,
    Inf,
}

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    program: ProgramArgs,
    /// The table: CSV (.gz), NPY or NPZ; `-` is standard input.
    #[arg(long, value_name = "TABLE")]
    data: String,
    /// Value of a constant (in the unit of its declaration) or free name, or size of an axis.
    #[arg(long, value_name = "N=V", value_parser = setting)]
    set: Vec<(String, f64)>,
    /// Gradients too.
    #[arg(long)]
    grad: bool,
    /// Diagonal second derivatives too.
    #[arg(long)]
    hess: bool,
    /// Each row's loss, and each row's own derivatives.
    #[arg(long)]
    per_row: bool,
    /// Names to differentiate by.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    wrt: Vec<String>,
    /// Floating-point type.
    #[arg(long, value_enum, default_value_t)]
    dtype: DtypeArg,
    /// What computes.
    #[arg(long, value_enum, default_value_t)]
    engine: EngineArg,
    /// What an observation outside its support is: an error, or impossible (loss +∞).
    #[arg(long, value_enum, default_value_t)]
    on_invalid: InvalidArg,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Evaluates one program.
pub fn run(args: &Args) -> Outcome {
    let source = match args.program.one("eval", Some(&args.data)) {
        Ok(source) => source,
        Err(unreadable) => return output::fault(unreadable, args.format),
    };
    match answer(args, &source) {
        Ok(evaluation) => {
            match args.format {
                Format::Json => output::line(&report(args, &evaluation).to_string()),
                Format::Human => output::line(&text(args, &evaluation)),
            }
            Outcome::Done
        }
        Err(EvaluateError::Program(found)) => output::fault(Fault::text(source, found), args.format),
        Err(error) => output::fault(Fault::plain(error), args.format),
    }
}

/// The table at a path, or on standard input.
pub(super) fn table(path: &str) -> Result<Table, EvaluateError> {
    let folder = Folder::new(".");
    if path != "-" {
        return Ok(read_table(&Intake::new(&folder), path)?);
    }
    let input = WithInput::new(folder, &mut std::io::stdin().lock())
        .map_err(|error| EvaluateError::Request(format!("{STANDARD_INPUT}: {error}")))?;
    Ok(read_table(&Intake::new(&input), STANDARD_INPUT)?)
}

fn answer(args: &Args, source: &Source) -> Result<Evaluation, EvaluateError> {
    let table = table(&args.data)?;
    let request = Request {
        engine: if args.engine == EngineArg::Jit { Engine::Jit } else { Engine::Interpret },
        dtype: if args.dtype == DtypeArg::F32 { Dtype::F32 } else { Dtype::F64 },
        grad: args.grad,
        hess: args.hess,
        per_row: args.per_row,
        wrt: args.wrt.clone(),
        on_invalid: if args.on_invalid == InvalidArg::Inf { OnInvalid::Inf } else { OnInvalid::Error },
        set: settings(&args.set),
    };
    if (request.engine, request.dtype) == (Engine::Interpret, Dtype::F32) {
        output::note("note: the interpreter computes in f64; --dtype f32 is for --engine jit");
    }
    let (evaluation, warnings) = evaluate(source, &Beside::default(), &table, &request)?;
    output::diagnostics(source, &warnings);
    evaluation.excluded.iter().for_each(|row| output::note(&format!("{row}; its loss is +∞")));
    Ok(evaluation)
}

fn report(args: &Args, evaluation: &Evaluation) -> Value {
    let terms: Map<String, Value> =
        evaluation.terms.iter().map(|(label, value)| (label.clone(), json!(Number(*value)))).collect();
    let mut report = json!({
        "loss": Number(evaluation.loss),
        "rows": evaluation.rows,
        "reduction": evaluation.reduction,
        "terms": terms,
    });
    let Some(fields) = report.as_object_mut() else { return report };
    if args.per_row {
        let values =
            evaluation.per_row.as_ref().map(|values| values.iter().map(|&value| Number(value)).collect::<Vec<_>>());
        fields.insert("per_row".into(), json!(values));
    }
    if args.grad {
        fields.insert("grad".into(), derivatives(&evaluation.grad));
    }
    if args.hess {
        fields.insert("hess".into(), derivatives(&evaluation.hess));
    }
    report
}

fn derivatives(list: &[Derivative]) -> Value {
    let one = |derivative: &Derivative| (derivative.name.clone(), output::array(&derivative.values, &derivative.dims));
    Value::Object(list.iter().map(one).collect())
}

fn text(args: &Args, evaluation: &Evaluation) -> String {
    let rows = evaluation.rows;
    let mut lines = vec![format!(
        "loss  {}   ({} of {} row{})",
        number(evaluation.loss),
        evaluation.reduction,
        rows,
        if rows == 1 { "" } else { "s" }
    )];
    if evaluation.terms.len() > 1 {
        lines.extend(evaluation.terms.iter().map(|(label, value)| format!("  {label}  {}", number(*value))));
    }
    if let (true, Some(per_row)) = (args.per_row, &evaluation.per_row) {
        lines.push("per row".into());
        lines.extend(per_row.iter().map(|value| format!("  {}", number(*value))));
    }
    for (title, list) in [("gradient", &evaluation.grad), ("second derivative", &evaluation.hess)] {
        for derivative in list {
            let name = &derivative.name;
            lines.push(format!("{title} by {name}  {}", output::array(&derivative.values, &derivative.dims)));
        }
    }
    lines.join("\n")
}
