//! Training from a cell, and what there is to see of a run.

use super::shown::say;
use super::{Loss, Shown};
use crate::diag::render::Style;
use crate::record::{Notebook, Record, Run};
use crate::report::display::Card;
use crate::report::{self, ReportError, cards};
use crate::train::errors::TrainError;
use crate::train::progress::Progress;
use crate::train::run::{self, REPORT, Request};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// The folder of the runs, beside the notebook, unless another one is named.
const RUNS: &str = "runs";
/// The file of a comparison, in the folder of the first run's runs.
const COMPARISON: &str = "comparison.html";

/// A training that has not begun: what is trained, and where it is recorded.
#[must_use = "nothing is trained before `.start()`"]
#[derive(Debug, Clone)]
pub struct Training {
    spec: PathBuf,
    sets: Vec<String>,
    runs: PathBuf,
    threads: Option<usize>,
    wrong: Option<String>,
}

/// Trains what a spec (YAML) says, once it is started: `train("spikes.yaml").set("train.epochs=5").start()`. Paths
/// start from the notebook's folder.
pub fn train(spec: impl AsRef<Path>) -> Training {
    Training { spec: spec.as_ref().to_owned(), sets: Vec::new(), runs: RUNS.into(), threads: None, wrong: None }
}

impl Training {
    /// Changes a value of the spec: `set("train.epochs=5")`, as the command's `--set`.
    pub fn set(mut self, change: &str) -> Training {
        self.sets.push(change.to_owned());
        self
    }

    /// Takes a loss of the notebook in place of the program that the spec names.
    pub fn loss(mut self, loss: &Loss) -> Training {
        if loss.is_ok() {
            // A JSON string is a YAML string.
            self.sets.push(format!("program={}", serde_json::Value::from(loss.text())));
        } else {
            self.wrong = Some("error: the loss does not compile, so nothing can be trained with it".into());
        }
        self
    }

    /// Records the run in this folder; `runs` beside the notebook by default.
    pub fn runs(mut self, folder: impl AsRef<Path>) -> Training {
        self.runs = folder.as_ref().to_owned();
        self
    }

    /// Uses so many threads; all cores by default.
    pub fn threads(mut self, threads: usize) -> Training {
        self.threads = Some(threads);
        self
    }

    /// Trains. The cell prints a line for each epoch as it ends; what is wrong is printed too.
    pub fn start(self) -> TrainedRun {
        let Training { spec, sets, runs, threads, wrong } = self;
        if let Some(message) = wrong {
            return TrainedRun::said(Err(message));
        }
        TrainedRun::said(trained(Some(spec), sets, &runs, None, threads, Progress::Output))
    }
}

/// The run of that name in a folder of runs: its identifier, its last digits, or `latest`.
pub fn open(runs: impl AsRef<Path>, run: &str) -> TrainedRun {
    let found = Notebook::existing(runs.as_ref(), run).and_then(|notebook| notebook.find(run));
    let place = found.map_err(|error| sentence(&error)).and_then(|run| place(runs.as_ref(), run.id));
    TrainedRun::said(place)
}

/// The runs of a folder, newest first.
pub fn runs(folder: impl AsRef<Path>) -> Shown {
    let folder = folder.as_ref();
    let found = Notebook::open_existing(folder).and_then(|notebook| notebook.map_or(Ok(Vec::new()), |n| n.list()));
    Shown::of(found.map(|runs: Vec<Run>| cards::list(&runs)))
}

/// Runs side by side: what was set differently, their figures, what each unit gains, their learning curves. The first
/// one is what the others are compared with. Also written as a page.
pub fn compare(runs: &[&TrainedRun]) -> Shown {
    match compared(runs) {
        Ok(card) => Shown::card(card),
        Err(message) => Shown::fault(message),
    }
}

fn compared(runs: &[&TrainedRun]) -> Result<Card, String> {
    let [first, _, ..] = runs else {
        return Err("error: a comparison needs two runs: compare(&[&a, &b])".into());
    };
    let path = first.place()?.runs.join(COMPARISON);
    let records = runs.iter().map(|run| run.record()).collect::<Result<Vec<Record>, String>>()?;
    report::write(&records, &path).map_err(|error| sentence(&error))?;
    let card = cards::comparison(&records.iter().collect::<Vec<_>>()).map_err(|error| sentence(&error))?;
    Ok(linked(card, "the comparison as a page", &path))
}

/// A run in the record: ended, or interrupted. Holds its place alone; what it shows is read from the record.
#[derive(Debug, Clone)]
pub struct TrainedRun(Result<At, String>);

#[derive(Debug, Clone)]
struct At {
    /// The folder of the runs, absolute.
    runs: PathBuf,
    id: String,
}

impl TrainedRun {
    /// A run, or a mistake that is said at once.
    fn said(found: Result<At, String>) -> TrainedRun {
        if let Err(message) = &found {
            say(message);
        }
        TrainedRun(found)
    }

    fn place(&self) -> Result<&At, String> {
        self.0.as_ref().map_err(Clone::clone)
    }

    fn record(&self) -> Result<Record, String> {
        let at = self.place()?;
        Notebook::existing(&at.runs, &at.id)
            .and_then(|notebook| notebook.show(&at.id))
            .map_err(|error| sentence(&error))
    }

    fn shown(&self, card: impl Fn(&Record) -> Result<Card, ReportError>) -> Shown {
        match self.record().and_then(|record| card(&record).map_err(|error| sentence(&error))) {
            Ok(card) => Shown::card(card),
            Err(message) => Shown::fault(message),
        }
    }

    /// Whether there is a run.
    pub fn is_ok(&self) -> bool {
        self.0.is_ok()
    }

    /// Its identifier; empty when there is no run.
    pub fn id(&self) -> &str {
        self.0.as_ref().map_or("", |at| &at.id)
    }

    /// One final figure: `figure("test", "nll")`. `None` when the run has none of that name.
    pub fn figure(&self, split: &str, metric: &str) -> Option<f64> {
        self.record().ok()?.run.scores.get(split, metric)
    }

    /// How it went, the final figures beside the baselines', and the report's place.
    pub fn figures(&self) -> Shown {
        self.shown(|record| Ok(linked(cards::summary(record)?, "the report", &record.run.dir.join(REPORT))))
    }

    /// The learning curves: a picture a metric, a curve a split.
    pub fn curves(&self) -> Shown {
        self.shown(cards::learning_curves)
    }

    /// The pictures that say whether the data are what the loss takes them for.
    pub fn pictures(&self) -> Shown {
        self.shown(cards::pictures)
    }

    /// Where the run's page is; `None` when there is no run.
    pub fn report(&self) -> Option<PathBuf> {
        self.0.as_ref().ok().map(|at| at.runs.join(&at.id).join(REPORT))
    }

    /// Goes on with a run that was interrupted, to the weights that it would have had without the interruption.
    pub fn resume(&self) -> TrainedRun {
        let go_on = |at: &At| trained(None, Vec::new(), &at.runs, Some(at.id.clone()), None, Progress::Output);
        TrainedRun::said(self.place().and_then(go_on))
    }

    /// Shows [`TrainedRun::figures`], when a run is the last expression of a cell.
    pub fn evcxr_display(&self) {
        self.figures().evcxr_display();
    }
}

/// Trains, and says where the run is; or what is wrong, as the command says it.
fn trained(
    spec: Option<PathBuf>,
    sets: Vec<String>,
    runs: &Path,
    resume: Option<String>,
    threads: Option<usize>,
    progress: Progress,
) -> Result<At, String> {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // Nothing sets it: an interrupt of the kernel ends the process, and the checkpoint is there.
    let interrupt = AtomicBool::new(false);
    let threads = threads.unwrap_or_else(cores);
    let request = Request { spec, sets, runs: runs.to_owned(), resume, threads, progress, interrupt: &interrupt };
    let outcome = run::train(request).map_err(|error: TrainError| error.rendered(Style::default()))?;
    let (run, ending) = (outcome.run, outcome.ending.message());
    println!("{}: {}, {:.1} s{}", run.id, run.status, run.seconds, ending.map_or(String::new(), |m| format!(" ({m})")));
    place(runs, run.id)
}

fn place(runs: &Path, id: String) -> Result<At, String> {
    let runs = std::path::absolute(runs).map_err(|error| sentence(&format!("{}: {error}", runs.display())))?;
    Ok(At { runs, id })
}

/// A card with a link to a page, as the notebook's server finds it: relative to the notebook's folder.
fn linked(card: Card, text: &str, page: &Path) -> Card {
    let here = std::env::current_dir().unwrap_or_default();
    let shown = page.strip_prefix(&here).unwrap_or(page).display().to_string();
    card.link(&format!("{text}: {shown}"), &shown)
}

fn sentence(error: &impl Display) -> String {
    format!("error: {error}")
}
