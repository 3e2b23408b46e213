//! What a run keeps for its pictures: typed, small, complete enough that a report needs nothing else.
//!
//! The training fills these at its end (on the test rows, or on the validation rows when there are no test
//! rows); [`crate::report`] chooses the picture by [`Artifact::KIND`]. Arrays are subsampled by whole rows to at
//! most [`MAX_NUMBERS`] numbers, with a seed, so that a record stays below a few megabytes; figures
//! that are quoted (per-unit scores) are computed over all rows before that.

use super::number;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The most numbers that one array of an artifact keeps.
pub const MAX_NUMBERS: usize = 100_000;

/// Something a run keeps under a name, as JSON.
pub trait Artifact: Serialize + DeserializeOwned {
    /// The kind's name in the store; it never changes once released.
    const KIND: &'static str;
}

/// Which density of counts made the predictions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountFamily {
    /// Variance equal to the mean.
    Poisson,
    /// Variance μ + μ²/size (or any other parametrisation of it): mean and variance say everything.
    NegBinomial,
    /// Any other density; what mean and variance don't say must be given ([`CountDiagnostics::expected`]).
    Other,
}

/// Observed counts against the density that was predicted for them.
///
/// Arrays over observations are row-major, `rows × unit_names.len()`. Built by [`super::CountTable::diagnose`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountDiagnostics {
    /// The rows these are: `test`, `valid`, `train`.
    pub split: String,
    /// A name for each counted unit (neuron, species, counter), in column order.
    pub unit_names: Vec<String>,
    /// How long one row lasts, seconds; then rates are shown in events a second.
    pub bin_seconds: Option<f64>,
    /// Which density was predicted.
    pub family: CountFamily,
    /// The counts.
    pub observed: Vec<u32>,
    /// The predicted mean of each, > 0.
    #[serde(with = "number::list")]
    pub mean: Vec<f32>,
    /// The predicted variance of each, > 0; the mean itself for Poisson.
    #[serde(with = "number::list")]
    pub variance: Vec<f32>,
    /// `histogram[k]`: how many observations of all rows have count `k`.
    pub histogram: Vec<u64>,
    /// `expected[k]`: the sum over all rows of the predicted P(K = k), for the `k` of `histogram`;
    /// empty when the family is `Other` and the trainer did not give it.
    #[serde(with = "number::list")]
    pub expected: Vec<f64>,
    /// Scores a unit, over all rows.
    pub units: Vec<UnitScore>,
}

/// How well one unit's counts are predicted, over all rows of the split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitScore {
    /// The unit's name.
    pub name: String,
    /// What kind of unit it is, where that is known.
    #[serde(default)]
    pub kind: Option<String>,
    /// Rows.
    pub rows: u64,
    /// Events: the sum of its counts.
    pub events: u64,
    /// Mean negative log likelihood of the model, nats a row.
    #[serde(with = "number")]
    pub nll: f64,
    /// That of a Poisson density with a constant rate, fitted on the training rows.
    #[serde(with = "number")]
    pub nll_constant: f64,
    /// That of a Poisson density with the true rate, where it is known.
    pub nll_oracle: Option<f64>,
    /// Dispersion of successive rows, pooled until one event is expected: 1 if the counts are Poisson about the predicted
    /// mean, above it they scatter more. NaN where less than one event was expected in all.
    #[serde(with = "number")]
    pub dispersion: f64,
    /// Its standard error if the counts are Poisson.
    #[serde(with = "number")]
    pub dispersion_error: f64,
    /// The same in longer windows of equal length, with its standard error.
    pub window_fano: Option<(f64, f64)>,
}

impl UnitScore {
    /// Bits per event gained over the constant rate; `None` without events.
    pub fn bits_per_event(&self) -> Option<f64> {
        self.bits(self.nll)
    }

    /// Bits per event that the true rate gains over the constant rate.
    pub fn oracle_bits_per_event(&self) -> Option<f64> {
        self.nll_oracle.and_then(|nll| self.bits(nll))
    }

    fn bits(&self, nll: f64) -> Option<f64> {
        (self.events > 0)
            .then(|| (self.nll_constant - nll) * self.rows as f64 / (self.events as f64 * std::f64::consts::LN_2))
    }
}

impl Artifact for CountDiagnostics {
    const KIND: &'static str = "count_diagnostics";
}

/// Continuous observations against the mean and the standard deviation that were predicted for them.
///
/// Arrays are row-major, `rows × names.len()`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationDiagnostics {
    /// The rows these are.
    pub split: String,
    /// The observed quantities, in column order.
    pub names: Vec<String>,
    /// What was observed.
    #[serde(with = "number::list")]
    pub observed: Vec<f32>,
    /// The predicted mean.
    #[serde(with = "number::list")]
    pub mean: Vec<f32>,
    /// The predicted standard deviation, > 0.
    #[serde(with = "number::list")]
    pub sd: Vec<f32>,
    /// The predicted distribution function at the observation, in [0, 1]; empty when it is not known, and a normal one
    /// with that mean and standard deviation stands for it.
    #[serde(with = "number::list")]
    pub cdf: Vec<f32>,
}

impl Artifact for CalibrationDiagnostics {
    const KIND: &'static str = "calibration_diagnostics";
}

/// Distances between embeddings of the same and of different classes, and how often the nearest was right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DistanceDiagnostics {
    /// The rows these are.
    pub split: String,
    /// What the pairs are of: "identities".
    pub classes: String,
    /// Distances of pairs of one class, ≥ 0.
    #[serde(with = "number::list")]
    pub same: Vec<f32>,
    /// Distances of pairs of two classes, ≥ 0.
    #[serde(with = "number::list")]
    pub different: Vec<f32>,
    /// How often the right class is among the `rank` nearest of the gallery.
    pub ranks: Vec<RankRate>,
    /// How many probes were compared.
    pub probes: u64,
    /// With how many gallery pictures.
    pub gallery: u64,
}

/// One row of the table of ranks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankRate {
    /// 1: the nearest.
    pub rank: u64,
    /// The share of probes, in [0, 1].
    pub rate: f64,
}

impl Artifact for DistanceDiagnostics {
    const KIND: &'static str = "distance_diagnostics";
}

/// What the final metrics are to be compared with; shown as extra rows of their table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Baselines(pub Vec<Baseline>);

/// One figure of another model on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// What it is: "constant rate", "lagged GLM".
    pub name: String,
    /// On which rows.
    pub split: String,
    /// Which metric, named as in the final metrics.
    pub metric: String,
    /// Its value.
    #[serde(with = "number")]
    pub value: f64,
}

impl Artifact for Baselines {
    const KIND: &'static str = "baselines";
}

/// The loss's parameters at the end, on their natural scale: name, values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Parameters(pub Vec<(String, Vec<f64>)>);

impl Artifact for Parameters {
    const KIND: &'static str = "parameters";
}

/// Indices of at most `most` of `rows` rows, ascending, drawn without replacement from a stream of `seed`
/// (selection sampling, Knuth TAOCP 2, 3.4.2 S; the stream is SplitMix64).
pub(super) fn sample_rows(rows: usize, most: usize, seed: u64) -> Vec<usize> {
    let mut state = seed;
    let mut chosen = Vec::with_capacity(rows.min(most));
    for row in 0..rows {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let uniform = ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64;
        if uniform * ((rows - row) as f64) < most.saturating_sub(chosen.len()) as f64 {
            chosen.push(row);
        }
    }
    chosen
}

/// The chosen rows of a row-major array.
pub(super) fn take_rows<T: Copy, U>(
    array: &[T],
    width: usize,
    rows: &[usize],
    convert: impl Fn(T) -> U + Copy,
) -> Vec<U> {
    rows.iter().flat_map(|row| array.iter().skip(row * width).take(width).map(move |x| convert(*x))).collect()
}
