//! Shift and scale of the inputs, fitted on training rows only.

use serde::{Deserialize, Serialize};

/// z = (x − mean) / scale for each input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standardizer {
    /// Mean of each input over the training rows; 0 for one that is left as it is.
    pub mean: Vec<f64>,
    /// Standard deviation (divided by n) of each input over the training rows; 1 for one that is constant there or is left
    /// as it is.
    pub scale: Vec<f64>,
}

impl Standardizer {
    /// One that changes nothing.
    #[must_use]
    pub fn identity(width: usize) -> Self {
        Self { mean: vec![0.0; width], scale: vec![1.0; width] }
    }

    /// Fits the mean and deviation of each chosen input; `value(row, input)` reads the data. Two passes, in f64.
    #[must_use]
    pub fn fit(train: &[usize], chosen: &[bool], value: impl Fn(usize, usize) -> f64) -> Self {
        let mut fitted = Self::identity(chosen.len());
        let rows = train.len().max(1) as f64;
        let slots = fitted.mean.iter_mut().zip(&mut fitted.scale).enumerate();
        for (input, (mean, scale)) in slots.filter(|(input, _)| chosen.get(*input) == Some(&true)) {
            *mean = train.iter().map(|&row| value(row, input)).sum::<f64>() / rows;
            let variance = train.iter().map(|&row| (value(row, input) - *mean).powi(2)).sum::<f64>() / rows;
            // A constant column has a variance of rounding errors: it is left unscaled, and so becomes 0.
            let sd = variance.sqrt();
            *scale = if sd > 1e-12 * mean.abs() { sd } else { 1.0 };
        }
        fitted
    }

    /// One input's value, standardised.
    #[must_use]
    pub fn apply(&self, input: usize, value: f64) -> f64 {
        match (self.mean.get(input), self.scale.get(input)) {
            (Some(mean), Some(scale)) => (value - mean) / scale,
            _ => value,
        }
    }
}
