//! The training loop: epochs of batches, validation, early stopping, checkpoints, and how it ends.
//!
//! A run is a function of its spec and data: which rows meet, dropout and augmentation depend on the seed, the epoch and
//! the step alone, so a run resumed from a checkpoint goes on to the same bits as one that was never interrupted.
//! Depends on the trainer, the feed and the notebook; knows neither specs' texts nor the command line.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::bridge::{LossKernel, LossValue};
use super::checkpoint;
use super::errors::{Result, TrainError};
use super::feed::{Draft, Feed};
use super::locate::{NonFinite, Place};
use super::measure::Meter;
use super::network::Weights;
use super::progress::{Display, EpochLine};
use super::spec::{Length, TrainOptions};
use super::step::{StepError, StepReport, Trainer};
use crate::data::options::Part;
use crate::record::RunHandle;

/// How training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All steps were taken.
    Complete,
    /// Validation stopped getting better.
    EarlyStop,
    /// Somebody pressed Ctrl-C.
    Interrupted,
    /// The time was up.
    TimeLimit,
}

/// The loop's own state at the end of an epoch: what a checkpoint keeps besides the trainer's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Epochs completed.
    pub epoch: u64,
    /// The lowest validation loss so far.
    pub best: Option<f64>,
    /// The step at which it was measured.
    pub best_step: u64,
    /// Validations since.
    pub stale: u64,
    /// Whether early stopping has ended the run.
    pub stopped: bool,
}

/// A training under way.
pub struct Fit<'a> {
    /// What it trains.
    pub trainer: Trainer,
    /// What it measures with.
    pub meter: Meter<'a>,
    /// How long, and so on.
    pub options: &'a TrainOptions,
    /// Where it is recorded.
    pub run: &'a mut RunHandle,
    /// Where checkpoints go.
    pub checkpoint: PathBuf,
    /// What a person sees.
    pub display: Display,
    /// Becomes true when it should stop.
    pub interrupt: &'a AtomicBool,
    /// How far it is.
    pub state: State,
    /// The weights of the lowest validation loss.
    pub best: Option<Weights>,
}

/// How many steps and epochs a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Steps of a whole epoch.
    pub per_epoch: u64,
    /// Steps in all.
    pub steps: u64,
    /// Epochs begun, in all.
    pub epochs: u64,
}

impl Plan {
    /// The plan of `length` over `feed`.
    ///
    /// # Errors
    /// Classes that cannot be drawn from.
    pub fn new(feed: &Feed, length: Length) -> Result<Self> {
        let per_epoch = (feed.training(1)?.len() as u64).max(1);
        Ok(match length {
            Length::Epochs(epochs) => Plan { per_epoch, steps: epochs * per_epoch, epochs },
            Length::Steps(steps) => Plan { per_epoch, steps, epochs: steps.div_ceil(per_epoch) },
        })
    }
}

/// Sums over an epoch's batches.
#[derive(Debug, Default)]
struct Sums {
    weight: f64,
    loss: f64,
    terms: Vec<f64>,
}

impl Sums {
    fn add(&mut self, weight: f64, report: &StepReport) {
        self.weight += weight;
        self.loss += weight * report.loss;
        self.terms.resize(report.terms.len(), 0.0);
        self.terms.iter_mut().zip(&report.terms).for_each(|(sum, term)| *sum += weight * term);
    }

    fn means(&self) -> (f64, Vec<f64>) {
        (self.loss / self.weight, self.terms.iter().map(|sum| sum / self.weight).collect())
    }
}

impl Fit<'_> {
    /// Trains from where the state is to the end of the plan, or until something stops it.
    ///
    /// # Errors
    /// A step that failed, with the place in the data; a store or checkpoint that cannot be written.
    pub fn run(&mut self, plan: Plan) -> Result<Ending> {
        let began = Instant::now();
        let over = |seconds: f64| began.elapsed().as_secs_f64() >= seconds;
        while self.state.epoch < plan.epochs && !self.state.stopped {
            let epoch = self.state.epoch + 1;
            let mut sums = Sums::default();
            let mut last = None;
            for draft in self.meter.feed.training(epoch)? {
                if self.trainer.steps() >= plan.steps {
                    break;
                }
                if self.interrupt.load(Ordering::Relaxed) {
                    return Ok(Ending::Interrupted);
                }
                if self.options.time_limit.is_some_and(over) {
                    return Ok(Ending::TimeLimit);
                }
                self.step(epoch, &draft, &mut sums)?;
                if self.options.validate_every.is_some_and(|every| self.trainer.steps().is_multiple_of(every)) {
                    last = self.validate(epoch)?;
                }
            }
            if self.options.validate_every.is_none() {
                last = self.validate(epoch)?;
            }
            self.state.epoch = epoch;
            self.end_epoch(&plan, &sums, last)?;
        }
        Ok(if self.state.stopped { Ending::EarlyStop } else { Ending::Complete })
    }

    fn step(&mut self, epoch: u64, draft: &Draft, sums: &mut Sums) -> Result<()> {
        let batch = self.meter.feed.batch(draft);
        let data = batch.data();
        let report = self.trainer.step(&batch.x, &data, self.meter.loss).map_err(|error| self.explain(error, draft))?;
        sums.add(data.weight(), &report);
        let labels: Vec<String> = self.meter.loss.terms().iter().map(|label| format!("term/{label}")).collect();
        let mut metrics = vec![("loss", report.loss), ("lr", report.lr), ("grad_norm", report.grad_norm)];
        if labels.len() > 1 {
            metrics.extend(labels.iter().map(String::as_str).zip(report.terms.iter().copied()));
        }
        self.run.log(self.trainer.steps(), epoch, "batch", &metrics)?;
        self.display.step(epoch, report.loss, &report.terms);
        Ok(())
    }

    /// Measures the validation rows, and keeps the weights when they are the best so far.
    fn validate(&mut self, epoch: u64) -> Result<Option<(f64, bool)>> {
        let ema = self.trainer.ema().cloned();
        let network = self.trainer.network_mut();
        let value = match &ema {
            Some(weights) => self.meter.part_under(network, weights, Part::Valid)?,
            None => self.meter.part(network, Part::Valid)?,
        };
        let Some(value) = value else { return Ok(None) };
        self.log_part(epoch, "valid", &value)?;
        let min_delta = self.options.early_stop.map_or(0.0, |stop| stop.min_delta);
        let better = value.total.is_finite() && self.state.best.is_none_or(|best| value.total < best - min_delta);
        if better {
            self.state.best = Some(value.total);
            self.state.best_step = self.trainer.steps();
            self.state.stale = 0;
            self.best = Some(ema.unwrap_or_else(|| self.trainer.network().weights()));
        } else {
            self.state.stale += 1;
        }
        self.state.stopped = self.options.early_stop.is_some_and(|stop| self.state.stale >= stop.patience);
        Ok(Some((value.total, better)))
    }

    fn log_part(&mut self, epoch: u64, split: &str, value: &LossValue) -> Result<()> {
        let labels: Vec<String> = self.meter.loss.terms().iter().map(|label| format!("term/{label}")).collect();
        let mut metrics = vec![("loss", value.total)];
        if labels.len() > 1 {
            metrics.extend(labels.iter().map(String::as_str).zip(value.terms.iter().copied()));
        }
        Ok(self.run.log(self.trainer.steps(), epoch, split, &metrics)?)
    }

    fn end_epoch(&mut self, plan: &Plan, sums: &Sums, last: Option<(f64, bool)>) -> Result<()> {
        let epoch = self.state.epoch;
        if sums.weight > 0.0 {
            let (train, terms) = sums.means();
            self.log_part(epoch, "train", &LossValue { total: train, terms: terms.clone() })?;
            let step = self.trainer.steps();
            let (valid, best) = (last.map(|(valid, _)| valid), last.is_some_and(|(_, best)| best));
            self.display.epoch(&EpochLine { epoch, epochs: plan.epochs, step, train, terms: &terms, valid, best });
        }
        let due = epoch.is_multiple_of(self.options.checkpoint_every) || epoch == plan.epochs || self.state.stopped;
        if due {
            self.save()?;
        }
        Ok(())
    }

    /// Writes a checkpoint, after the history that belongs to it.
    fn save(&mut self) -> Result<()> {
        self.run.commit()?;
        let state = serde_json::to_value(&self.state).map_err(|error| TrainError::Internal(error.to_string()))?;
        Ok(checkpoint::save(&self.trainer, self.best.as_ref(), state, &self.checkpoint)?)
    }

    /// The weights that the run keeps: the best on validation, else the averaged, else the last.
    pub fn chosen(&self) -> Weights {
        let last = || self.trainer.ema().cloned().unwrap_or_else(|| self.trainer.network().weights());
        self.best.clone().unwrap_or_else(last)
    }

    /// A step's error, with the row's place in the data where it has one.
    fn explain(&self, error: StepError, draft: &Draft) -> TrainError {
        let StepError::NonFinite(found) = &error else { return error.into() };
        let Some(row) = batch_row(found) else { return error.into() };
        let all: Vec<usize> = match found.place {
            Place::Input { .. } => draft.rows.iter().flatten().copied().collect(),
            _ => draft.rows.first().cloned().unwrap_or_default(),
        };
        let feed = self.meter.feed;
        let Some(source) = all.get(row).map(|&row| feed.source_row(row)) else { return error.into() };
        let place = feed.data().table.place(source);
        TrainError::Step(format!("{error}\n  that row is {place}"))
    }
}

fn batch_row(found: &NonFinite) -> Option<usize> {
    match found.place {
        Place::Input { row, .. } | Place::Prediction { row, .. } => Some(row),
        Place::Term { row, .. } | Place::Derivative { row, .. } => row,
        Place::Parameter { .. } | Place::Gradient => None,
    }
}

impl Ending {
    /// What to say about it; `None` for the ordinary end.
    pub fn message(self) -> Option<&'static str> {
        match self {
            Ending::Complete => None,
            Ending::EarlyStop => Some("validation stopped getting better"),
            Ending::Interrupted => Some("interrupted; `--resume` goes on from the last checkpoint"),
            Ending::TimeLimit => Some("the time limit was reached"),
        }
    }
}
