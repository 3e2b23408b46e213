//! A spec as plain, typed values.

use std::path::PathBuf;

use crate::data::options::{DataOptions, FileEntry, Value};
use crate::train::network::Layer;
use crate::train::optimiser::{self, OptimiserConfig};

/// Where the program comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Program {
    /// `loss:` a file, relative to the spec's folder.
    File(PathBuf),
    /// `program:` the text itself.
    Text(String),
}

/// How a head starts.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum HeadStart {
    /// Weights and bias uniform on ±1/√fan_in.
    #[default]
    Default,
    /// Weights and bias 0.
    Zero,
    /// Weights small and the bias at the mean of the training data, on the head's raw scale.
    Mean,
    /// The network's output as it is: no layer.
    Identity,
    /// This bias, one number a unit, or one for all.
    Bias(Vec<f64>),
}

/// How the learning rate changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Steps over which it rises linearly from 0.
    pub warmup: u64,
    /// Where half a cosine ends, as a fraction of the learning rate; `None`: it stays.
    pub cosine_to: Option<f64>,
}

impl Schedule {
    /// The schedule of a run of `total` steps.
    pub fn over(&self, total: u64) -> optimiser::Schedule {
        match (self.cosine_to, self.warmup) {
            (Some(floor), warmup) => optimiser::Schedule::Cosine { warmup, total, floor },
            (None, 0) => optimiser::Schedule::Constant,
            (None, warmup) => optimiser::Schedule::Warmup(warmup),
        }
    }
}

/// How long to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Passes over the training rows.
    Epochs(u64),
    /// Gradient steps.
    Steps(u64),
}

/// When to stop early.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EarlyStop {
    /// Validations without improvement until it stops.
    pub patience: u64,
    /// Smallest improvement of the validation loss that counts.
    pub min_delta: f64,
}

/// `train:`
#[derive(Debug, Clone, PartialEq)]
pub struct TrainOptions {
    /// How long.
    pub length: Length,
    /// Rows or tuples a step.
    pub batch: usize,
    /// Largest Euclidean length of the whole gradient.
    pub clip_norm: Option<f64>,
    /// Memory of a running mean of the weights.
    pub ema: Option<f64>,
    /// Early stopping on validation.
    pub early_stop: Option<EarlyStop>,
    /// Steps between validations; `None`: an epoch.
    pub validate_every: Option<u64>,
    /// Epochs between checkpoints.
    pub checkpoint_every: u64,
    /// Seconds after which training stops cleanly.
    pub time_limit: Option<f64>,
}

/// `evaluate:`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluate {
    /// True expected counts.
    pub oracle: Option<Oracle>,
    /// What is known of each unit.
    pub units: Option<UnitTable>,
    /// Identification of unseen classes.
    pub recognition: Option<Recognition>,
    /// Central intervals whose coverage is measured.
    pub levels: Vec<f64>,
}

/// True expected counts in a table with one row a bin.
#[derive(Debug, Clone, PartialEq)]
pub struct Oracle {
    /// The tables, which follow each other.
    pub files: Vec<FileEntry>,
    /// Column of the bin's start in seconds.
    pub time: String,
    /// One column a unit (patterns).
    pub columns: Vec<String>,
    /// Whether the values are rates in Hz; else expected counts a bin.
    pub per_second: bool,
}

/// A word on each unit.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitTable {
    /// Tables with one row a unit, in the order of the units.
    pub files: Vec<FileEntry>,
    /// Column of the word.
    pub label: String,
}

/// Which pictures are known and which are to be recognised.
#[derive(Debug, Clone, PartialEq)]
pub struct Recognition {
    /// A gallery picture has one of the values in each of the columns.
    pub gallery: Vec<(String, Vec<Value>)>,
    /// So has a probe; empty: all that are not gallery.
    pub probes: Vec<(String, Vec<Value>)>,
    /// Average the embeddings of a picture and its mirror image.
    pub mirror: bool,
}

/// Everything that a spec says, checked and with defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The program.
    pub program: Program,
    /// What runs are called; `None`: after the file.
    pub name: Option<String>,
    /// Free text.
    pub notes: Option<String>,
    /// Values of the program's constants.
    pub consts: Vec<(String, Vec<f64>)>,
    /// Sizes of axes.
    pub axes: Vec<(String, usize)>,
    /// Everything random is a function of this.
    pub seed: u64,
    /// `data:`
    pub data: DataOptions,
    /// The trunk.
    pub network: Vec<Layer>,
    /// How named heads start; others have the default.
    pub heads: Vec<(String, HeadStart)>,
    /// The optimiser.
    pub optimizer: OptimiserConfig,
    /// The schedule.
    pub schedule: Schedule,
    /// `train:`
    pub train: TrainOptions,
    /// What is measured, by the names of `metrics`.
    pub metrics: Vec<String>,
    /// `evaluate:`
    pub evaluate: Evaluate,
}
