//! `lossc train`: a network from a spec.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value, json};

use super::output::{self, Loudness};
use super::{Format, Outcome};
use crate::record::Number;
use crate::train::progress::Progress;
use crate::train::run::{self, REPORT, Request};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The spec (YAML).
    #[arg(value_name = "SPEC", required_unless_present = "resume")]
    spec: Option<PathBuf>,
    /// Changes a value of the spec: `--set train.epochs=5`.
    #[arg(long = "set", value_name = "KEY.PATH=V")]
    sets: Vec<String>,
    /// Folder of the runs.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: PathBuf,
    /// Goes on with a run that was interrupted: its identifier, its last digits, its name, or `latest`.
    #[arg(long, value_name = "RUN")]
    resume: Option<String>,
    /// Threads; by default all cores.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Becomes true at the first Ctrl-C.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Trains.
pub fn run(args: &Args) -> Outcome {
    let handler = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            // The second one means it; the checkpoint is there.
            std::process::exit(130);
        }
    });
    if let Err(error) = handler {
        output::note(&format!("warning: Ctrl-C will not end the training cleanly: {error}"));
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let outcome = run::train(Request {
        spec: args.spec.clone(),
        sets: args.sets.clone(),
        runs: args.runs.clone(),
        resume: args.resume.clone(),
        threads: args.threads.map_or(cores, usize::from),
        progress: Progress::new(output::loudness() == Loudness::Quiet),
        interrupt: &INTERRUPTED,
    });
    match outcome {
        Ok(outcome) => {
            print(&outcome, args.format);
            Outcome::Done
        }
        Err(error) => output::fault(error, args.format),
    }
}

fn print(outcome: &run::Outcome, format: Format) {
    match format {
        Format::Json => output::line(&json(outcome).to_string()),
        Format::Human => output::line(&human(outcome)),
    }
    if let Some(message) = outcome.ending.message() {
        output::note(message);
    }
}

fn json(outcome: &run::Outcome) -> Value {
    let mut line = json!(outcome.run);
    let params: Map<String, Value> = outcome
        .figures
        .params
        .iter()
        .map(|(name, values)| {
            let dims = if values.len() == 1 { &[][..] } else { &[values.len()] };
            (name.clone(), output::array(values, dims))
        })
        .collect();
    let mut baselines = Map::new();
    for baseline in &outcome.figures.baselines {
        let split = baselines.entry(baseline.split.clone()).or_insert_with(|| json!({}));
        if let Some(split) = split.as_object_mut() {
            let model = split.entry(baseline.name.clone()).or_insert_with(|| json!({}));
            if let Some(model) = model.as_object_mut() {
                model.insert(baseline.metric.clone(), json!(Number(baseline.value)));
            }
        }
    }
    if let Some(line) = line.as_object_mut() {
        line.insert("params".into(), Value::Object(params));
        line.insert("baselines".into(), Value::Object(baselines));
        line.insert("report".into(), json!(outcome.run.dir.join(REPORT).display().to_string()));
    }
    line
}

fn human(outcome: &run::Outcome) -> String {
    let run = &outcome.run;
    let many = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (steps, epochs) = (many(run.steps, "step"), many(run.epochs, "epoch"));
    let mut text = format!("{}: {}, {steps}, {epochs}, {:.1} s\n", run.id, run.status, run.seconds);
    for (split, figures) in outcome.figures.scores.splits() {
        let figures: Vec<String> = figures.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
        text += &format!("  {split:6} {}\n", figures.join("  "));
    }
    for baseline in &outcome.figures.baselines {
        text += &format!("  {:6} {} {:.4} ({})\n", baseline.split, baseline.metric, baseline.value, baseline.name);
    }
    text += &output::parameters(&outcome.figures.params);
    text + &format!("report: {}", run.dir.join(REPORT).display())
}
