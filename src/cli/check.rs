//! `lossc check`: what a program means, or everything that is wrong with it.

use serde_json::{Value, json};

use super::output::Fault;
use super::program::{Beside, ProgramArgs};
use super::{Format, Outcome, output};
use crate::diag::fix::fixed;
use crate::diag::has_errors;
use crate::ir::graph::{AxisId, InputRole, ROWS};
use crate::sema::{self, Analysis, NameInfo, Options, Reduction, TermKind, VectorKind};
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
    let analysis = sema::analyze(source, &Beside, &Options::default());
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
        let found = sema::analyze(&now, &Beside, &Options::default()).diagnostics;
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
    let names: Vec<Value> = analysis.hir.names.iter().map(|info| {
        json!({
            "name": info.name,
            "role": role(info),
            "support": support(analysis, info),
            "axes": axes(analysis, info).iter().map(|axis| match axis.parse::<u64>() { Ok(size) => json!(size), Err(_) => json!(axis) }).collect::<Vec<Value>>(),
        })
    }).collect();
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

fn role(info: &NameInfo) -> &'static str {
    match info.role {
        InputRole::Data => "data",
        InputRole::Predict => "predict",
        InputRole::Param => "param",
        InputRole::Const => "const",
        InputRole::Free | InputRole::Seed => "free",
    }
}

fn support(analysis: &Analysis, info: &NameInfo) -> String {
    if info.vector != VectorKind::Plain {
        return info.vector.name().to_string();
    }
    if let Some(axis) = info.indexes {
        let size = analysis.hir.graph.axis(axis).size;
        return size.map_or_else(|| "category".to_string(), |size| format!("category({size})"));
    }
    let support = analysis.hir.graph.input(info.input).support;
    match (info.category, support.hi.is_finite()) {
        (true, true) => format!("category({})", support.hi + 1.0),
        (true, false) => "category".to_string(),
        (false, _) => support.to_string(),
    }
}

fn axes(analysis: &Analysis, info: &NameInfo) -> Vec<String> {
    let graph = &analysis.hir.graph;
    let text = |&axis: &AxisId| match (&graph.axis(axis).name, graph.axis(axis).size) {
        (Some(name), _) => name.clone(),
        (None, Some(size)) => size.to_string(),
        (None, None) => "?".to_string(),
    };
    let axes = graph.input(info.input).axes.iter();
    axes.filter(|axis| **axis != ROWS || analysis.hir.whole_batch).map(text).collect()
}

fn summary(source: &Source, analysis: &Analysis) -> String {
    let mut lines = vec![format!("{}: the program compiles", source.name)];
    let width = analysis.hir.names.iter().map(|info| info.name.chars().count()).max().unwrap_or(0);
    for info in &analysis.hir.names {
        let axes = axes(analysis, info);
        let axes = if axes.is_empty() { String::new() } else { format!("[{}]", axes.join(", ")) };
        let pad = " ".repeat(width - info.name.chars().count());
        lines.push(format!("  {:7} {}{pad} : {}{axes}", role(info), info.name, support(analysis, info)));
    }
    for term in &analysis.hir.terms {
        lines.push(format!("  term    {}: {}", term.label, kind(&term.kind)));
    }
    lines.push(format!("  rows are put together by their {}", reduction(analysis.hir.reduction)));
    lines.join("\n")
}
