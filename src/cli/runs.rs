//! `lossc runs`: the lab notebook's runs, listed, shown, compared, removed.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Format, Outcome, output};
use crate::record::{
    Change, Notebook, Parameters, Record, RecordError, Run, figures_that_differ, settings_that_differ,
};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
    /// Folder of the runs.
    #[arg(long, value_name = "DIR", default_value = "runs", global = true)]
    runs: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value_t, global = true)]
    format: Format,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// All runs, newest first.
    List,
    /// A run: its spec, program, versions, data and figures.
    Show {
        /// Its identifier, its last digits, its name, or `latest`.
        run: String,
    },
    /// What differs between two runs: spec, program, data, versions, figures.
    Diff {
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
    /// Forgets runs and deletes their folders.
    Rm {
        /// Their identifiers.
        #[arg(required = true)]
        run: Vec<String>,
    },
}

/// Does what is asked.
pub fn run(args: &Args) -> Outcome {
    match act(args) {
        Ok(text) => {
            output::line(&text);
            Outcome::Done
        }
        Err(error) => output::fault(error, args.format),
    }
}

fn act(args: &Args) -> Result<String, RecordError> {
    let json = args.format == Format::Json;
    let existing = |wanted: &str| Notebook::existing(&args.runs, wanted);
    match &args.action {
        Action::List => {
            let runs = Notebook::open_existing(&args.runs)?.map_or(Ok(Vec::new()), |notebook| notebook.list())?;
            Ok(if json { json!(runs).to_string() } else { table(&runs, &args.runs) })
        }
        Action::Show { run } => {
            let record = existing(run)?.show(run)?;
            let parameters = record.artifact::<Parameters>("parameters")?.unwrap_or_default().0;
            Ok(if json { record_json(&record).to_string() } else { shown(&record, &parameters) })
        }
        Action::Diff { first, second } => {
            let notebook = existing(first)?;
            let (a, b) = (notebook.show(first)?, notebook.show(second)?);
            let changes = differences(&a, &b);
            Ok(if json {
                json!({"first": a.run.id, "second": b.run.id, "changes": changes.iter().map(change_json).collect::<Vec<_>>()}).to_string()
            } else {
                changes_text(&a, &b, &changes)
            })
        }
        Action::Rm { run } => {
            let removed: Result<Vec<Run>, RecordError> =
                run.iter().map(|run| existing(run)?.writable()?.remove(run)).collect();
            let ids: Vec<String> = removed?.into_iter().map(|run| run.id).collect();
            Ok(if json { json!({"removed": ids}).to_string() } else { format!("removed {}", ids.join(", ")) })
        }
    }
}

fn table(runs: &[Run], folder: &Path) -> String {
    if runs.is_empty() {
        return format!("no runs in {}", folder.display());
    }
    let wide = runs.iter().map(|run| run.id.chars().count()).max().unwrap_or(0);
    let line = |run: &Run| {
        let figures = ["test", "valid", "train"].iter().find_map(|split| {
            let metrics = run.scores.splits().find(|(name, _)| name == split)?.1;
            let shown: Vec<String> = metrics.iter().take(4).map(|(name, x)| format!("{name} {x:.4}")).collect();
            Some(format!("{split}: {}", shown.join("  ")))
        });
        let id = format!("{:wide$}", run.id);
        format!("{id}  {:11}  {:>7.1} s  {}", run.status.word(), run.seconds, figures.unwrap_or_default())
    };
    runs.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn record_json(record: &Record) -> Value {
    let mut value = json!(record.run);
    if let Some(map) = value.as_object_mut() {
        map.insert("spec".into(), json!(record.spec_text));
        map.insert("program".into(), json!(record.program_text));
        map.insert("seed".into(), json!(record.seed));
        map.insert("data".into(), json!(record.data));
        map.insert("versions".into(), json!(record.versions));
    }
    value
}

fn shown(record: &Record, parameters: &[(String, Vec<f64>)]) -> String {
    let run = &record.run;
    let mut text = format!(
        "{}\n  {}, started {}, {:.1} s, {} steps, {} epochs\n  {}\n",
        run.id,
        run.status,
        run.started,
        run.seconds,
        run.steps,
        run.epochs,
        run.dir.display()
    );
    if let Some(message) = &run.message {
        text += &format!("  {message}\n");
    }
    for (split, figures) in run.scores.splits() {
        let figures: Vec<String> = figures.iter().map(|(name, x)| format!("{name} {x:.4}")).collect();
        text += &format!("  {split:6} {}\n", figures.join("  "));
    }
    text += &output::parameters(parameters);
    for (name, version) in &record.versions {
        text += &format!("  {name}: {version}\n");
    }
    for file in &record.data {
        text += &format!("  {} ({} bytes, sha256 {})\n", file.path, file.bytes, file.sha256);
    }
    let indent = |body: &str| body.trim_end().lines().map(|line| format!("    {line}\n")).collect::<String>();
    text += &format!("program:\n{}spec:\n{}", indent(&record.program_text), indent(&record.spec_text));
    text.trim_end().to_owned()
}

fn differences(a: &Record, b: &Record) -> Vec<Change> {
    let mut changes = settings_that_differ(a, b);
    changes.extend(figures_that_differ(a, b));
    changes
}

fn change_json(change: &Change) -> Value {
    json!({"what": change.what, "first": change.first, "second": change.second})
}

fn changes_text(a: &Record, b: &Record, changes: &[Change]) -> String {
    if changes.is_empty() {
        return format!("{} and {} are the same", a.run.id, b.run.id);
    }
    let mut text = format!("- {}\n+ {}\n", a.run.id, b.run.id);
    for change in changes {
        text += &format!("{}\n", change.what);
        for (sign, side) in [("-", &change.first), ("+", &change.second)] {
            for line in side.lines() {
                text += &format!("  {sign} {line}\n");
            }
        }
    }
    text.trim_end().to_owned()
}
