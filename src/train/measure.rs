//! The loss on a whole part, without learning.

use super::bridge::{Binding, Coupling, LossKernel, LossValue};
use super::errors::Result;
use super::feed::{Batch, Feed};
use super::kernel::TrainLoss;
use super::network::{Network, Weights};
use super::setup::TermKind;
use super::step::StepError;
use crate::data::options::Part;

/// Rows measured at once where rows do not meet.
const ROWS_AT_ONCE: usize = 8192;

/// What measuring needs.
#[derive(Debug, Clone, Copy)]
pub struct Meter<'a> {
    /// Batches.
    pub feed: &'a Feed,
    /// The loss.
    pub loss: &'a TrainLoss,
    /// Which head is which prediction.
    pub binding: &'a Binding,
    /// What the terms are.
    pub terms: &'a [TermKind],
    /// Threads of the kernel.
    pub threads: usize,
}

impl Meter<'_> {
    /// The batches on which a part is measured.
    ///
    /// # Errors
    /// Classes that cannot be drawn from.
    pub fn drafts(&self, part: Part) -> Result<Vec<super::feed::Draft>> {
        // Rows that meet in the loss meet in training's numbers.
        let rows = if self.loss.coupling() == Coupling::Mean { ROWS_AT_ONCE } else { self.feed.batch_rows() };
        self.feed.measuring(part, rows)
    }

    /// The loss of a part under the network's weights; `None` for a part without rows.
    ///
    /// # Errors
    /// The loss refuses the data.
    pub fn part(&self, network: &Network, part: Part) -> Result<Option<LossValue>> {
        let params: Vec<&[f32]> = network.loss_params().collect();
        self.average(part, |batch| {
            let outputs = network.predict(&batch.x).map_err(StepError::from)?;
            let outputs: Vec<&[f32]> = outputs.iter().map(|prediction| prediction.values.as_slice()).collect();
            let heads = self.binding.split(&outputs);
            let value = self.loss.value(&heads, &params, &batch.data(), false, self.threads);
            Ok(value.map_err(StepError::from)?.0)
        })
    }

    /// The mean by weight of the values of a part's batches. A term without rows has the same value in each.
    ///
    /// # Errors
    /// Those of `value`.
    pub fn average(&self, part: Part, value: impl Fn(&Batch) -> Result<LossValue>) -> Result<Option<LossValue>> {
        let mut sums = vec![0.0; self.terms.len()];
        let mut weight = 0.0;
        for draft in self.drafts(part)? {
            let batch = self.feed.batch(&draft);
            let share = batch.data().weight();
            let value = value(&batch)?;
            sums.iter_mut().zip(&value.terms).for_each(|(sum, term)| *sum += share * term);
            weight += share;
        }
        if weight == 0.0 {
            return Ok(None);
        }
        let terms: Vec<f64> = sums.iter().map(|sum| sum / weight).collect();
        Ok(Some(LossValue { total: terms.iter().sum(), terms }))
    }

    /// As [`Meter::part`], under other weights, which are put back afterwards.
    ///
    /// # Errors
    /// As [`Meter::part`].
    pub fn part_under(&self, network: &mut Network, weights: &Weights, part: Part) -> Result<Option<LossValue>> {
        let own = network.weights();
        let swap = |network: &mut Network, weights: &Weights| {
            network.set_weights(weights).map_err(|error| super::errors::TrainError::Internal(error.to_string()))
        };
        swap(network, weights)?;
        let value = self.part(network, part);
        swap(network, &own)?;
        value
    }
}
