//! A training from a spec to a finished run in the notebook, new or resumed.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::bridge::LossKernel;
use super::checkpoint;
use super::errors::{Result, TrainError};
use super::finale::{Figures, Reference, finale};
use super::fit::{Ending, Fit, Plan, State};
use super::measure::Meter;
use super::network::{Network, Weights};
use super::progress::{Display, Progress};
use super::setup::{Setup, read_file, term_kinds};
use super::spec::Spec;
use super::step::{Trainer, TrainerConfig};
use crate::data::options::Part;
use crate::data::{FileHash, Fitted};
use crate::diag::render::{Style, render};
use crate::explain;
use crate::record::{
    Baselines, DataFile, NewRun, Notebook, Parameters, Record, Run, RunHandle, Scores, Status, versions,
};
use crate::report;
use crate::source::Source;

/// File in a run's folder from which `--resume` goes on.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// File with what preparation learned from the training rows.
pub const FITTED: &str = "fitted.json";
/// The run's page.
pub const REPORT: &str = "report.html";
/// File with what the spec's text alone does not say.
pub const ORIGIN: &str = "origin.json";

/// What is to be trained, and how it is shown.
pub struct Request<'a> {
    /// The spec's file; may be left out when resuming.
    pub spec: Option<PathBuf>,
    /// `--set` overrides.
    pub sets: Vec<String>,
    /// Folder of the runs.
    pub runs: PathBuf,
    /// The run to resume.
    pub resume: Option<String>,
    /// Threads.
    pub threads: usize,
    /// What a person sees.
    pub progress: Progress,
    /// Becomes true when training should stop.
    pub interrupt: &'a AtomicBool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The run's summary.
    pub run: Run,
    /// Its figures; empty when it had ended before.
    pub figures: Figures,
    /// How it ended.
    pub ending: Ending,
}

/// Where a run came from: what its spec's text does not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The spec's name, as messages show it.
    pub spec: String,
    /// Absolute path of the folder that the spec's paths start from.
    pub folder: PathBuf,
    /// The overrides.
    pub sets: Vec<String>,
    /// Threads.
    pub threads: usize,
    /// Training rows: what the program's `rows` is.
    pub train_rows: usize,
}

/// Trains.
///
/// # Errors
/// Everything that is wrong with spec, program and data; a step that failed; a store that cannot be written.
pub fn train(request: Request<'_>) -> Result<Outcome> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(request.threads.max(1)).build();
    let pool = pool.map_err(|error| TrainError::Internal(error.to_string()))?;
    let runs = request.runs.clone();
    let outcome = pool.install(|| match request.resume.clone() {
        Some(wanted) => resumed(request, &wanted),
        None => fresh(request),
    })?;
    let record = Notebook::open(runs)?.show(&outcome.run.id)?;
    report::write(&[record], &outcome.run.dir.join(REPORT))?;
    Ok(outcome)
}

fn fresh(request: Request<'_>) -> Result<Outcome> {
    let path = request.spec.clone().ok_or_else(|| TrainError::Refused("name a spec, or a run to resume".into()))?;
    let bytes = read_file(&path)?;
    let name = path.to_string_lossy();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let read = Spec::read(&name, &bytes, &request.sets).map_err(TrainError::from);
    let (setup, network) = read.and_then(|spec| Setup::new(spec, folder)).map_err(|error| match error {
        TrainError::Spec(errors) => errors.with_missing(|file| !folder.join(file).exists()).into(),
        other => other,
    })?;
    let origin = Origin {
        spec: name.clone().into_owned(),
        folder: std::path::absolute(folder).map_err(|source| TrainError::Read { path: folder.to_owned(), source })?,
        sets: request.sets.clone(),
        threads: request.threads,
        train_rows: setup.feed.rows(Part::Train).len(),
    };
    let reference = Reference::read(&setup)?;
    let learner = Learner::new(&setup, network, request.threads)?;
    let notebook = Notebook::open(&request.runs)?;
    let files = vec![(ORIGIN, to_json(&origin)?), (FITTED, to_json(&setup.feed.data().fitted)?)];
    let run = notebook.begin(&NewRun { files, ..new_run(&setup, &path, &request)? })?;
    Session { setup, reference, run, request, learner }.run()
}

fn new_run(setup: &Setup, path: &Path, request: &Request<'_>) -> Result<NewRun> {
    let settings = &setup.spec.settings;
    let stem = path.file_stem().map_or_else(|| "run".into(), |stem| stem.to_string_lossy().into_owned());
    let source = &setup.compiled.source;
    let file = Path::new(&source.name).file_name().map(|name| name.to_string_lossy().into_owned());
    let mut versions = versions();
    versions.extend(setup.feed.data().summary.left_out().map(|rows| ("rows left out".into(), rows)));
    versions.insert("threads".into(), request.threads.to_string());
    if !request.sets.is_empty() {
        versions.insert("--set".into(), request.sets.join(" "));
    }
    Ok(NewRun {
        name: settings.name.clone().unwrap_or(stem),
        spec_text: setup.spec.text().to_owned(),
        program_text: source.text.to_string(),
        program_name: file.filter(|name| name.ends_with(".loss")).unwrap_or_else(|| "program.loss".into()),
        derivation_html: derivation(setup)?,
        data: setup.feed.data().files.iter().map(data_file).collect(),
        versions,
        seed: settings.seed,
        started: jiff::Timestamp::now(),
        files: Vec::new(),
    })
}

/// The derivation of the program as it stands, without the links of training. A formula that is no MathML is shown as its
/// text.
fn derivation(setup: &Setup) -> Result<String> {
    let document = explain::derivation(&setup.plain_program()?, setup.compiled.source.text.trim())?;
    Ok(explain::render::html(&document, &|latex| report::mathml::block(latex).ok()))
}

fn data_file(file: &FileHash) -> DataFile {
    DataFile { path: file.path.clone(), sha256: file.sha256.clone(), bytes: file.bytes }
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value).map_err(|error| TrainError::Internal(error.to_string()))
}

/// Reads a file of a run's folder.
///
/// # Errors
/// It is not there, or damaged.
pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = read_file(path)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| TrainError::Refused(format!("{} does not read back: {error}", path.display())))
}

/// A recorded run's spec, as it was read then.
///
/// # Errors
/// The record is damaged.
pub fn recorded_spec(record: &Record) -> Result<(Spec, Origin)> {
    let origin: Origin = read_json(&record.run.dir.join(ORIGIN))?;
    let spec = Spec::read(&origin.spec, record.spec_text.as_bytes(), &origin.sets)?;
    Ok((spec, origin))
}

/// What preparation learned for a recorded run.
///
/// # Errors
/// The record is damaged.
pub fn recorded_fit(record: &Record) -> Result<Fitted> {
    read_json(&record.run.dir.join(FITTED))
}

fn resumed(request: Request<'_>, wanted: &str) -> Result<Outcome> {
    let notebook = Notebook::existing(&request.runs, wanted)?.writable()?;
    let record = notebook.show(wanted)?;
    if !request.sets.is_empty() {
        let message = "a resumed run keeps its settings: leave out `--set`, or start a new run";
        return Err(TrainError::Refused(message.into()));
    }
    if let Some(path) = &request.spec
        && read_file(path)? != record.spec_text.as_bytes()
    {
        let (path, run) = (path.display(), &record.run.id);
        let message = format!("{path} is not what `{run}` began with: leave it out to resume, or start a new run");
        return Err(TrainError::Refused(message));
    }
    if record.run.status == Status::Done {
        let baselines = record.artifact::<Baselines>("baselines")?.map_or_else(Vec::new, |found| found.0);
        let params = record.artifact::<Parameters>("parameters")?.map_or_else(Vec::new, |found| found.0);
        let figures = Figures { scores: record.run.scores.clone(), params, baselines };
        return Ok(Outcome { run: record.run, figures, ending: Ending::Complete });
    }
    let (spec, origin) = recorded_spec(&record)?;
    let source = Source::new(record.program_name.as_str(), record.program_text.as_str());
    let (setup, network) = Setup::with_program(spec, &origin.folder, source)?;
    let files: Vec<DataFile> = setup.feed.data().files.iter().map(data_file).collect();
    if let Some(changed) = files.iter().find(|file| !record.data.contains(file)) {
        let message = format!("{} has changed since `{}` began: start a new run", changed.path, record.run.id);
        return Err(TrainError::Refused(message));
    }
    let reference = Reference::read(&setup)?;
    let mut learner = Learner::new(&setup, network, request.threads)?;
    let path = record.run.dir.join(CHECKPOINT);
    if path.is_file() {
        learner.resume(&path)?;
    }
    let run = notebook.resume(&record.run.id, learner.trainer.steps())?;
    Session { setup, reference, run, request, learner }.run()
}

/// What trains, and how far it has come.
struct Learner {
    plan: Plan,
    trainer: Trainer,
    /// The weights before the first step.
    initial: Weights,
    state: State,
    /// The weights of the lowest validation loss.
    best: Option<Weights>,
}

impl Learner {
    /// Before the first step.
    fn new(setup: &Setup, network: Network, threads: usize) -> Result<Self> {
        let settings = &setup.spec.settings;
        let plan = Plan::new(&setup.feed, settings.train.length)?;
        let config = TrainerConfig {
            optimiser: settings.optimizer,
            schedule: settings.schedule.over(plan.steps),
            clip_norm: settings.train.clip_norm,
            ema: settings.train.ema,
            seed: settings.seed,
            threads,
        };
        let initial = network.weights();
        let trainer = Trainer::new(network, setup.binding.clone(), config)?;
        Ok(Learner { plan, trainer, initial, state: State::default(), best: None })
    }

    /// Goes on where a checkpoint was written.
    fn resume(&mut self, path: &Path) -> Result<()> {
        let restored = checkpoint::load(&mut self.trainer, path)?;
        self.state = serde_json::from_value(restored.extra)
            .map_err(|error| TrainError::Refused(format!("{}: {error}", path.display())))?;
        self.best = restored.best;
        Ok(())
    }
}

/// A run that has begun.
struct Session<'a> {
    setup: Setup,
    reference: Reference,
    run: RunHandle,
    request: Request<'a>,
    learner: Learner,
}

impl Session<'_> {
    fn run(self) -> Result<Outcome> {
        let Session { setup, reference, mut run, request, learner } = self;
        match drive(&setup, &reference, &mut run, request, learner) {
            Ok((ending, figures)) => {
                let status = match ending {
                    Ending::Complete | Ending::EarlyStop => Status::Done,
                    Ending::Interrupted | Ending::TimeLimit => Status::Interrupted,
                };
                let run = run.finish(status, &figures.scores, ending.message())?;
                Ok(Outcome { run, figures, ending })
            }
            Err(error) => {
                run.finish(Status::Failed, &Scores::new(), Some(&error.to_string()))?;
                Err(error)
            }
        }
    }
}

/// A warm-up that the run does not outlast.
fn long_warmup(spec: &Spec, steps: u64) -> Option<String> {
    let warmup = spec.settings.schedule.warmup;
    let key = if spec.settings.schedule.cosine_to.is_some() { "cosine" } else { "constant" };
    let place = spec.locate(&format!("schedule.{key}.warmup"));
    let text = spec.texts.get(place.source)?;
    let (line, column) = text.line_column(u32::try_from(place.start).unwrap_or(u32::MAX));
    let name = &text.name;
    (warmup > 0 && warmup >= steps).then(|| {
        format!("{name}:{line}:{column}: warning: `warmup` is {warmup} steps, and the run has {steps}: the learning rate never arrives")
    })
}

fn drive(
    setup: &Setup,
    reference: &Reference,
    run: &mut RunHandle,
    request: Request<'_>,
    learner: Learner,
) -> Result<(Ending, Figures)> {
    let terms = term_kinds(&setup.compiled.program, &setup.loss);
    let meter = Meter {
        feed: &setup.feed,
        loss: &setup.loss,
        binding: &setup.binding,
        terms: &terms,
        threads: request.threads,
    };
    let Learner { plan, trainer, initial, state, best } = learner;
    let display = Display::new(request.progress, setup.loss.terms(), plan.steps, trainer.steps());
    let warnings = &setup.compiled.warnings;
    if !warnings.is_empty() {
        display.say(render(&setup.compiled.source, warnings, Style::default()).trim_end());
    }
    display.say(&setup.feed.data().summary.to_string());
    if let Some(warning) = long_warmup(&setup.spec, plan.steps) {
        display.say(&warning);
    }
    let mut fit = Fit {
        trainer,
        meter,
        options: &setup.spec.settings.train,
        checkpoint: run.dir().join(CHECKPOINT),
        run,
        display,
        interrupt: request.interrupt,
        state,
        best,
    };
    let ending = fit.run(plan);
    fit.display.finish();
    let ending = ending?;
    let chosen = fit.chosen();
    let Fit { mut trainer, run, .. } = fit;
    let network = trainer.network_mut();
    network.set_weights(&chosen).map_err(|error| TrainError::Internal(error.to_string()))?;
    checkpoint::save_weights(network, &chosen, &run.weights_path())?;
    let figures = finale(setup, &meter, network, reference, &initial, run)?;
    Ok((ending, figures))
}
