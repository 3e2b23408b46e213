//! Where a NaN or an infinity comes from.
//!
//! Layers pass NaN on instead of hiding it, so a step finds out from its loss and gradient for free;
//! only then is the batch run again here, slowly, to name the row and the term.

use std::fmt;

use super::bridge::{Binding, Coupling, LossValue, room, slices};
use super::network::{Masks, Network, math};
use super::step::Job;

/// The first thing in a step that is not finite.
#[derive(Debug, Clone, PartialEq)]
pub struct NonFinite {
    /// Steps made before.
    pub step: u64,
    /// The batch's loss.
    pub loss: f64,
    /// Where.
    pub place: Place,
}

/// What is not finite.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// A number of the input; its row counts parts one after another.
    Input {
        /// Row of the batch, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// The number.
        value: f32,
    },
    /// A parameter, before the step.
    Parameter {
        /// Its name.
        name: String,
    },
    /// A predicted number.
    Prediction {
        /// The predicted name.
        name: String,
        /// Row of the batch, from 0.
        row: usize,
        /// The number.
        value: f32,
    },
    /// A term of the loss.
    Term {
        /// Its label.
        label: String,
        /// Row of the batch, from 0, where one row alone gives it.
        row: Option<usize>,
        /// The term's value.
        value: f64,
    },
    /// The loss is finite, its derivative is not.
    Derivative {
        /// The predicted name or parameter.
        name: String,
        /// Row of the batch, from 0; none for a parameter.
        row: Option<usize>,
        /// The derivative.
        value: f32,
    },
    /// All of these are finite: the gradient overflows on its way through the network.
    Gradient,
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}: the loss is {}", self.step, self.loss)?;
        match &self.place {
            Place::Input { row, column, value } => {
                write!(f, ": the input is {value} in row {row} of the batch, column {column}")
            }
            Place::Parameter { name } => write!(f, ": `{name}` is not finite"),
            Place::Prediction { name, row, value } => {
                write!(f, ": the network predicts {name} = {value} in row {row} of the batch")?;
                f.write_str("; a lower learning rate or `clip_norm` may help")
            }
            Place::Term { label, row: Some(row), value } => {
                write!(f, ": the term `{label}` is {value} in row {row} of the batch")
            }
            Place::Term { label, row: None, value } => {
                write!(f, ": the term `{label}` is {value}, and no row of the batch alone makes it so")
            }
            Place::Derivative { name, row: Some(row), value } => {
                write!(f, ": its derivative with respect to {name} is {value} in row {row} of the batch")
            }
            Place::Derivative { name, row: None, value } => {
                write!(f, ": its derivative with respect to {name} is {value}")
            }
            Place::Gradient => {
                f.write_str(": the gradient overflows inside the network; a lower learning rate may help")
            }
        }
    }
}

impl std::error::Error for NonFinite {}

/// Runs the batch of a failed step again and names the first culprit.
pub(super) fn find(
    network: &Network,
    binding: &Binding,
    job: &Job<'_>,
    (seed, step): (u64, u64),
    steps: u64,
    value: &LossValue,
) -> NonFinite {
    let place = before_the_network(network, job).unwrap_or_else(|| {
        let rows: Vec<u64> = (0..(job.batch.rows * binding.parts) as u64).collect();
        let mut pass = network.pass(&network.pool, rows.len());
        pass.dropout = Some(Masks { seed, step, rows: &rows });
        let outputs = network.forward(&mut pass, network.pool.copy(job.x));
        let outputs = slices(&outputs);
        in_the_loss(network, &binding.split(&outputs), job, value)
    });
    NonFinite { step: steps, loss: value.total, place }
}

fn before_the_network(network: &Network, job: &Job<'_>) -> Option<Place> {
    let width = network.input_width();
    if let Some((i, &value)) = job.x.iter().enumerate().find(|(_, v)| !v.is_finite()) {
        return Some(Place::Input { row: i / width, column: i % width, value });
    }
    let (name, ..) = network.tensors().find(|(_, _, values)| !math::sum_of_squares(values).is_finite())?;
    Some(Place::Parameter { name: name.to_owned() })
}

fn in_the_loss(network: &Network, heads: &[&[f32]], job: &Job<'_>, value: &LossValue) -> Place {
    let rows = job.batch.rows;
    for (name, head) in job.loss.heads().iter().zip(heads) {
        if let Some((i, &value)) = head.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            return Place::Prediction { name: name.clone(), row: i * rows / head.len(), value };
        }
    }
    let params: Vec<&[f32]> = network.loss_params().collect();
    if !value.total.is_finite() {
        return in_a_term(network, heads, &params, job, value);
    }
    let mut grads = room(&network.pool, heads, &params);
    if job.loss.evaluate(heads, &params, job.batch, &mut grads).is_err() {
        return Place::Gradient;
    }
    for (name, gradient) in job.loss.heads().iter().zip(&grads.heads) {
        if let Some((i, &value)) = gradient.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            let row = Some(i * rows / gradient.len());
            return Place::Derivative { name: name.clone(), row, value };
        }
    }
    for (name, gradient) in job.loss.params().iter().zip(&grads.params) {
        if let Some(&value) = gradient.iter().find(|v| !v.is_finite()) {
            return Place::Derivative { name: name.clone(), row: None, value };
        }
    }
    Place::Gradient
}

fn in_a_term(network: &Network, heads: &[&[f32]], params: &[&[f32]], job: &Job<'_>, value: &LossValue) -> Place {
    let rows = if job.loss.coupling() == Coupling::Mean { job.batch.rows } else { 0 };
    for row in 0..rows {
        let one: Vec<&[f32]> = heads
            .iter()
            .map(|head| {
                let units = head.len() / job.batch.rows;
                head.get(row * units..(row + 1) * units).unwrap_or_default()
            })
            .collect();
        let mut grads = room(&network.pool, &one, params);
        let batch = job.batch.slice(row..row + 1);
        if batch.weight() == 0.0 {
            continue;
        }
        if let Ok(alone) = job.loss.evaluate(&one, params, &batch, &mut grads)
            && let Some((label, value)) = first_term(job, &alone)
        {
            return Place::Term { label, row: Some(row), value };
        }
    }
    let (label, value) = first_term(job, value).unwrap_or_else(|| ("loss".to_owned(), value.total));
    Place::Term { label, row: None, value }
}

fn first_term(job: &Job<'_>, value: &LossValue) -> Option<(String, f64)> {
    let (label, value) = job.loss.terms().iter().zip(&value.terms).find(|(_, v)| !v.is_finite())?;
    Some((label.clone(), *value))
}
