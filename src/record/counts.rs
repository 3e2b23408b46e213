//! From a split's full table of counts and predictions to [`CountDiagnostics`].
//!
//! Pure arithmetic: the probability functions of the Poisson and the negative binomial density as sums over
//! k, exact for the counts that occur (no log-gamma function is needed), scores a unit, dispersion.

use super::artifacts::{CountDiagnostics, CountFamily, MAX_NUMBERS, UnitScore, sample_rows, take_rows};
use super::{RecordError, Result};

/// Observed counts and their predictions over all rows of a split, in the order of time if there is one.
///
/// Arrays are row-major, `rows × unit_names.len()`.
#[derive(Debug, Clone, Copy)]
pub struct CountTable<'a> {
    /// The rows these are: `test`.
    pub split: &'a str,
    /// A name a unit.
    pub unit_names: &'a [String],
    /// What kind of unit each is, where that is known.
    pub kinds: Option<&'a [String]>,
    /// How long a row lasts, seconds, when rows are time bins.
    pub bin_seconds: Option<f64>,
    /// Which density was predicted.
    pub family: CountFamily,
    /// The counts, whole numbers ≥ 0.
    pub observed: &'a [f64],
    /// The predicted means.
    pub mean: &'a [f64],
    /// The predicted variances; `None` means equal to the means.
    pub variance: Option<&'a [f64]>,
    /// The constant rate of each unit (its mean count a row over the *training* rows).
    pub constant: &'a [f64],
    /// The true means, where they are known.
    pub truth: Option<&'a [f64]>,
    /// The model's nll a unit, nats a row; needed when the family is `Other`.
    pub unit_nll: Option<&'a [f64]>,
    /// Σ over observations of P(K = k), for k = 0, 1, …; needed for the picture when the family is `Other`.
    pub expected: Option<&'a [f64]>,
    /// Rows in a window for the Fano factor of the residuals (1 s at 50 ms: 20).
    pub window: Option<usize>,
}

/// What one pass over a unit's rows adds up.
#[derive(Default)]
struct Sums {
    events: f64,
    nll: f64,
    constant: f64,
    oracle: f64,
}

impl CountTable<'_> {
    /// Scores, dispersion and the expected distribution over all rows; arrays of a sample of rows.
    ///
    /// # Errors
    /// [`RecordError::Shape`] names the first array whose length is not `rows × units`.
    pub fn diagnose(&self, seed: u64) -> Result<CountDiagnostics> {
        self.check()?;
        let width = self.unit_names.len();
        let rows = self.observed.len().checked_div(width).unwrap_or(0);
        let (histogram, expected) = self.distribution();
        let chosen = sample_rows(rows, MAX_NUMBERS / width.max(1), seed);
        Ok(CountDiagnostics {
            split: self.split.to_owned(),
            unit_names: self.unit_names.to_vec(),
            bin_seconds: self.bin_seconds,
            family: self.family,
            observed: take_rows(self.observed, width, &chosen, |k| k as u32),
            mean: take_rows(self.mean, width, &chosen, |m| m as f32),
            variance: take_rows(self.variance.unwrap_or(self.mean), width, &chosen, |v| v as f32),
            histogram,
            expected,
            units: self.unit_names.iter().enumerate().map(|(unit, name)| self.score(unit, name, rows)).collect(),
        })
    }

    fn check(&self) -> Result<()> {
        let expected = self.observed.len();
        let width = self.unit_names.len();
        let whole = [("mean", Some(self.mean)), ("variance", self.variance), ("true mean", self.truth)];
        for (what, array) in whole {
            check_length(what, array, expected)?;
        }
        for (what, array) in [("constant rate a unit", Some(self.constant)), ("nll a unit", self.unit_nll)] {
            check_length(what, array, width)?;
        }
        let rows = expected.checked_div(width).unwrap_or(0);
        check_length("observed", Some(self.observed), rows * width)
    }

    /// How many observations have each count, and how many the predictions expect.
    fn distribution(&self) -> (Vec<u64>, Vec<f64>) {
        let largest = self.observed.iter().copied().fold(0.0, f64::max).min(100_000.0) as usize;
        let mut histogram = vec![0u64; largest + 1];
        for k in self.observed {
            if let Some(cell) = histogram.get_mut(*k as usize) {
                *cell += 1;
            }
        }
        let expected = match (self.expected, self.family) {
            (Some(given), _) => given.iter().copied().take(largest + 1).collect(),
            (None, CountFamily::Other) => Vec::new(),
            (None, _) => {
                let mut sums = vec![0.0; largest + 1];
                for (mean, variance) in self.mean.iter().zip(self.variance.unwrap_or(self.mean)) {
                    add_probabilities(*mean, *variance, &mut sums);
                }
                sums
            }
        };
        (histogram, expected)
    }

    fn score(&self, unit: usize, name: &str, rows: usize) -> UnitScore {
        let width = self.unit_names.len();
        let column = |array| column(array, unit, width);
        let constant = self.constant.get(unit).copied().unwrap_or(f64::NAN);
        let mut sums = Sums::default();
        let truth = self.truth.unwrap_or(self.mean);
        let variance = self.variance.unwrap_or(self.mean);
        for (((k, mean), variance), truth) in
            column(self.observed).zip(column(self.mean)).zip(column(variance)).zip(column(truth))
        {
            sums.events += k;
            sums.nll -= log_probability(k, mean, variance);
            sums.constant -= log_probability(k, constant, constant);
            sums.oracle -= log_probability(k, truth, truth);
        }
        let n = rows as f64;
        let (observed, mean): (Vec<f64>, Vec<f64>) = (column(self.observed).collect(), column(self.mean).collect());
        let one_event = dispersion(&observed, &mean, |_, expected| expected >= 1.0);
        let (dispersion_of_rows, dispersion_error) = one_event.unwrap_or((f64::NAN, f64::NAN));
        let given = self.unit_nll.and_then(|nll| nll.get(unit)).copied();
        let computed = if self.family == CountFamily::Other { f64::NAN } else { sums.nll / n };
        UnitScore {
            name: name.to_owned(),
            kind: self.kinds.and_then(|kinds| kinds.get(unit)).cloned(),
            rows: rows as u64,
            events: sums.events as u64,
            nll: given.unwrap_or(computed),
            nll_constant: sums.constant / n,
            nll_oracle: self.truth.map(|_| sums.oracle / n),
            dispersion: dispersion_of_rows,
            dispersion_error,
            window_fano: self.window.and_then(|length| dispersion(&observed, &mean, |rows, _| rows >= length.max(1))),
        }
    }
}

fn check_length(what: &str, array: Option<&[f64]>, expected: usize) -> Result<()> {
    match array {
        Some(array) if array.len() != expected => {
            Err(RecordError::Shape { what: what.to_owned(), found: array.len(), expected })
        }
        _ => Ok(()),
    }
}

fn column(array: &[f64], unit: usize, width: usize) -> impl Iterator<Item = f64> + '_ {
    array.iter().skip(unit).step_by(width.max(1)).copied()
}

/// Dispersion of counts about their predicted means, and its standard error if they are Poisson, over pools of successive
/// rows: with a pool's count K and mean M, 1 + Σ((K − M)² − K) ÷ ΣM and √(2ΣM²) ÷ ΣM. `is_whole` says when a pool of so many
/// rows and so large a mean is complete; `None` without a whole pool.
///
/// The score test of Poisson counts against extra variation (Dean and Lawless, J. Am. Stat. Assoc. 84 (1989) 467, eq. 3) as a
/// ratio. Unlike Pearson's Σ(k − μ)²/μ it gives no row a weight of 1/μ, which for counts that are nearly all 0 leaves the
/// sum to the few rows with the smallest means; and a mean that is wrong by a factor enters only by its square.
fn dispersion(observed: &[f64], mean: &[f64], is_whole: impl Fn(usize, f64) -> bool) -> Option<(f64, f64)> {
    let (mut excess, mut means, mut squares) = (0.0, 0.0, 0.0);
    let (mut rows, mut count, mut expected) = (0, 0.0, 0.0);
    for (k, m) in observed.iter().zip(mean) {
        (rows, count, expected) = (rows + 1, count + k, expected + m);
        if is_whole(rows, expected) {
            excess += (count - expected).powi(2) - count;
            means += expected;
            squares += expected * expected;
            (rows, count, expected) = (0, 0.0, 0.0);
        }
    }
    (means > 0.0 && means.is_finite()).then(|| (1.0 + excess / means, (2.0 * squares).sqrt() / means))
}

/// ln P(K = k) of the count density with this mean and variance: Poisson where the variance does not exceed
/// the mean by more than rounding, else negative binomial with size μ²/(σ²−μ)
/// (Hilbe, Negative Binomial Regression, 2011, eq. 8.9). Exact sums over k; no special function.
pub(super) fn log_probability(k: f64, mean: f64, variance: f64) -> f64 {
    let whole = k.max(0.0) as u64;
    let excess = variance - mean;
    let log_factorial: f64 = (2..=whole).map(|j| (j as f64).ln()).sum();
    if excess <= 1e-9 * mean {
        let events = if whole == 0 { 0.0 } else { k * mean.ln() };
        return events - mean - log_factorial;
    }
    let size = mean * mean / excess;
    let rising: f64 = (0..whole).map(|j| (size + j as f64).ln()).sum();
    let events = if whole == 0 { 0.0 } else { k * (mean / (size + mean)).ln() };
    rising - log_factorial - size * (mean / size).ln_1p() + events
}

/// Adds P(K = k) for k = 0 … sums.len()−1 by the recurrence of the density (the same as `log_probability`).
fn add_probabilities(mean: f64, variance: f64, sums: &mut [f64]) {
    let excess = variance - mean;
    let poisson = excess <= 1e-9 * mean;
    let size = mean * mean / excess;
    let ratio = mean / (size + mean);
    let mut log_p = log_probability(0.0, mean, variance);
    for (k, sum) in sums.iter_mut().enumerate() {
        *sum += log_p.exp();
        let k = k as f64;
        log_p += if poisson { (mean / (k + 1.0)).ln() } else { ((size + k) / (k + 1.0) * ratio).ln() };
    }
}
