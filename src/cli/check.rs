//! `lossc check`: what a program means, or everything that is wrong with it.

use serde_json::{Value, json};

use super::output::Fault;
use super::program::ProgramArgs;
use super::{Format, Outcome, output};
use crate::diag::fix::fixed;
use crate::diag::has_errors;
use crate::files::Beside;
use crate::ir::graph::Axis;
use crate::sema::{self, Analysis, Options, Reduction, TermKind};
use crate::source::Source;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    program: ProgramArgs,
    /// Apply the edits that need no decision, in the files themselves (to stdout for `-` and `-e`).
    #[arg(long)]
    fix: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Checks every program named.
pub fn run(args: &Args) -> Outcome {
    if args.program.is_empty() {
        super::program::usage("check");
    }
    let mut outcome = Outcome::Done;
    for source in args.program.sources() {
        let found = match source {
            Ok(source) if args.fix => repaired(&source, args),
            Ok(source) => Ok(checked(&source, args.format)),
            Err(unreadable) => Err(unreadable),
        };
        outcome = outcome.max(found.unwrap_or_else(|fault| output::fault(fault, args.format)));
    }
    outcome
}

fn checked(source: &Source, format: Format) -> Outcome {
    let analysis = sema::analyze(source, &Beside::default(), &Options::default());
    match format {
        Format::Json => output::line(&report(source, &analysis).to_string()),
        Format::Human => {
            output::diagnostics(source, &analysis.diagnostics);
            if analysis.is_ok() {
                output::line(&summary(source, &analysis));
            }
        }
    }
    if analysis.is_ok() { Outcome::Done } else { Outcome::Fault }
}

/// Edits bring new mistakes to light at most this often.
const ROUNDS: usize = 20;

/// Applies what is certain, round by round, then checks what has come of it.
fn repaired(source: &Source, args: &Args) -> Result<Outcome, Fault> {
    let mut text = source.text.to_string();
    let mut edits = 0;
    for _ in 0..ROUNDS {
        let now = Source::new(source.name.as_str(), text.as_str());
        let found = sema::analyze(&now, &Beside::default(), &Options::default()).diagnostics;
        let Some((next, count)) = fixed(&text, &found) else { break };
        (text, edits) = (next, edits + count);
    }
    let is_file = args.program.files.contains(&source.name);
    if is_file && edits > 0 {
        super::program::replace(&source.name, &text)?;
    }
    if is_file {
        output::note(&format!("{}: {edits} {} applied", source.name, if edits == 1 { "edit" } else { "edits" }));
    } else if args.format == Format::Human {
        output::line(text.trim_end());
    }
    Ok(checked(&Source::new(source.name.as_str(), text.as_str()), args.format))
}

fn report(source: &Source, analysis: &Analysis) -> Value {
    let names: Vec<Value> = analysis
        .hir
        .names
        .iter()
        .map(|info| {
            let domain = analysis.hir.domain(info);
            json!({
                "name": info.name,
                "role": info.role.word(),
                "support": domain.set.to_string(),
                "axes": domain.axes.iter().map(axis).collect::<Vec<Value>>(),
            })
        })
        .collect();
    let terms: Vec<Value> = analysis
        .hir
        .terms
        .iter()
        .map(|term| json!({"label": term.labelled.then_some(&term.label), "kind": kind(&term.kind)}))
        .collect();
    let diagnostics: Vec<Value> =
        analysis.diagnostics.iter().map(|diagnostic| output::diagnostic(source, diagnostic)).collect();
    json!({
        "file": source.name,
        "ok": !has_errors(&analysis.diagnostics),
        "names": names,
        "terms": terms,
        "reduction": reduction(analysis.hir.reduction),
        "diagnostics": diagnostics,
    })
}

fn kind(kind: &TermKind) -> &'static str {
    match kind {
        TermKind::Density(_) => "density",
        TermKind::Cost => "cost",
    }
}

fn reduction(reduction: Reduction) -> &'static str {
    match reduction {
        Reduction::Mean => "mean",
        Reduction::Sum => "sum",
    }
}

/// A nameless axis is its size.
fn axis(axis: &Axis) -> Value {
    match axis {
        Axis { name: None, size: Some(size) } => json!(size),
        other => json!(other.to_string()),
    }
}

fn summary(source: &Source, analysis: &Analysis) -> String {
    let mut lines = vec![format!("{}: the program compiles", source.name)];
    let width = analysis.hir.names.iter().map(|info| info.name.chars().count()).max().unwrap_or(0);
    for info in &analysis.hir.names {
        let pad = " ".repeat(width - info.name.chars().count());
        lines.push(format!("  {:7} {}{pad} : {}", info.role.word(), info.name, analysis.hir.domain(info)));
    }
    for term in &analysis.hir.terms {
        lines.push(format!("  term    {}: {}", term.label, kind(&term.kind)));
    }
    lines.push(match analysis.hir.whole_batch {
        true => "  the loss is that of the whole batch".into(),
        false => format!("  rows are put together by their {}", reduction(analysis.hir.reduction)),
    });
    lines.join("\n")
}
