//! Networks sized at run time over dfdx.
//!
//! dfdx's own layers take their sizes as const generics. Here a network is built from values
//! ([`Layer`], [`Head`]): each block (linear or convolution, bias, activation) is one op on dfdx's
//! tape, and parameters are dfdx tensors that its optimiser kernels update. Depends on dfdx and
//! `gemm`; knows nothing of losses (see [`crate::train::bridge`]) or of files.

pub(crate) mod buffer;
mod conv;
mod dense;
mod dropout;
mod faults;
pub mod layers;
pub(crate) mod math;
mod matmul;
pub(crate) mod params;
mod plan;
mod rowwise;
pub(crate) mod tape;

pub use layers::{Activation, Head, HeadInit, InputShape, Layer, ShapeError, ShapeErrors, ShapeFault, WeightInit};
pub use params::ParamInit;

use std::sync::Arc;

use dfdx::prelude::Cpu;

use buffer::Pool;
pub(crate) use dropout::Masks;
use params::{Builder, Parameter};
use plan::{Op, Planner};
use tape::{Pass, Value};

/// Rows that [`Network::predict`] runs at once.
const PREDICT_ROWS: usize = 512;

/// A network: one trunk, a linear layer a predicted name, and the parameters of the loss, which
/// train with it.
#[derive(Debug)]
pub struct Network {
    input: InputShape,
    ops: Vec<Op>,
    heads: Vec<HeadPlan>,
    loss_params: Vec<usize>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) device: Cpu,
    /// Multiplications a row.
    pub(crate) work: usize,
    pub(crate) pool: Pool,
}

#[derive(Debug)]
struct HeadPlan {
    name: String,
    units: usize,
    dense: Option<dense::Dense>,
}

/// All parameters' values, in the network's order: what is kept as the best and what is averaged.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights(pub(crate) Vec<Arc<Vec<f32>>>);

/// A row-major table of predictions of one head.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The head's name.
    pub name: String,
    /// Numbers a row.
    pub units: usize,
    /// Rows × units.
    pub values: Vec<f32>,
}

/// Rows of the wrong width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the network takes {width} numbers a row, and {found} numbers are no whole number of rows")]
pub struct InputError {
    /// Numbers a row.
    pub width: usize,
    /// Numbers given.
    pub found: usize,
}

impl Network {
    /// Builds a network and draws its initial weights from `seed`.
    ///
    /// # Errors
    /// All layers and heads that do not fit.
    pub fn new(
        input: InputShape,
        trunk: &[Layer],
        heads: &[Head],
        params: &[ParamInit],
        seed: u64,
    ) -> Result<Self, ShapeErrors> {
        let out = layers::infer(input, trunk)?;
        layers::check_heads(out, heads)?;
        layers::check_params(params)?;
        let device = Cpu::seed_from_u64(seed);
        let mut builder = Builder { device: &device, seed, parameters: Vec::new() };
        let mut planner = Planner { builder: &mut builder, dropouts: 0, work: 0 };
        let mut shape = input;
        let ops = planner.trunk("network", trunk, &mut shape);
        let heads = heads
            .iter()
            .map(|head| HeadPlan { name: head.name.clone(), units: head.units, dense: planner.head(head, out.len()) })
            .collect();
        let work = planner.work;
        let loss_params = params
            .iter()
            .map(|p| builder.fixed(format!("loss.{}", p.name), p.dims.clone(), p.values.clone()))
            .collect();
        let parameters = builder.parameters;
        Ok(Self { input, ops, heads, loss_params, parameters, device, work, pool: Pool::default() })
    }

    /// Numbers a row of the input.
    #[must_use]
    pub fn input_width(&self) -> usize {
        self.input.len()
    }

    /// The heads' names and units, in order.
    pub fn heads(&self) -> impl ExactSizeIterator<Item = (&str, usize)> {
        self.heads.iter().map(|h| (h.name.as_str(), h.units))
    }

    /// Every learned tensor: name, sizes, values row by row. Weights are [out, in] and
    /// [out, in, k, k], as in PyTorch; the loss's parameters are raw and named `loss.NAME`.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = (&str, &[usize], &[f32])> {
        self.parameters.iter().map(|p| (p.name.as_str(), p.dims.as_slice(), p.values().as_slice()))
    }

    /// Raw values of the loss's parameters, in the order they were given.
    pub fn loss_params(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.loss_parameters().map(|p| p.values().as_slice())
    }

    pub(crate) fn loss_parameters(&self) -> impl ExactSizeIterator<Item = &Parameter> {
        // Proven: the indices were handed out by the builder that filled the list.
        #[allow(clippy::indexing_slicing)]
        self.loss_params.iter().map(|&i| &self.parameters[i])
    }

    /// The current values; cheap, they are shared until an update replaces them.
    #[must_use]
    pub fn weights(&self) -> Weights {
        Weights(self.parameters.iter().map(|p| p.values().clone()).collect())
    }

    /// Sets all values. `weights` must come from this network or one built alike.
    ///
    /// # Errors
    /// If a tensor differs in number or length; nothing is changed then.
    pub fn set_weights(&mut self, weights: &Weights) -> Result<(), WeightsError> {
        let fits = self.parameters.len() == weights.0.len()
            && self.parameters.iter().zip(&weights.0).all(|(p, w)| p.len() == w.len());
        if !fits {
            return Err(WeightsError);
        }
        for (parameter, values) in self.parameters.iter_mut().zip(&weights.0) {
            parameter.set(values);
        }
        Ok(())
    }

    /// Every head's output for `x` (rows × input width), without dropout.
    ///
    /// # Errors
    /// If `x` is no whole number of rows.
    pub fn predict(&self, x: &[f32]) -> Result<Vec<Prediction>, InputError> {
        let width = self.input_width();
        if !x.len().is_multiple_of(width) {
            return Err(InputError { width, found: x.len() });
        }
        let mut out: Vec<Prediction> =
            self.heads().map(|(name, units)| Prediction { name: name.to_owned(), units, values: Vec::new() }).collect();
        for rows in x.chunks(PREDICT_ROWS * width) {
            let mut pass = self.pass(&self.pool, rows.len() / width);
            let values = self.forward(&mut pass, self.pool.copy(rows));
            for (prediction, value) in out.iter_mut().zip(values) {
                prediction.values.extend_from_slice(&value.data);
            }
        }
        Ok(out)
    }

    /// A pass over `rows` rows, without a tape and without dropout.
    pub(crate) fn pass<'a>(&'a self, pool: &'a Pool, rows: usize) -> Pass<'a> {
        Pass { parameters: &self.parameters, device: &self.device, pool, rows, dropout: None, tape: None }
    }

    /// Each head's output.
    pub(crate) fn forward(&self, pass: &mut Pass<'_>, x: buffer::Buffer) -> Vec<Value> {
        let x = Value { data: Arc::new(x), node: None };
        let trunk = plan::run(&self.ops, pass, &x);
        let mut head = |h: &HeadPlan| h.dense.as_ref().map_or(trunk.clone(), |d| d.forward(pass, &trunk));
        self.heads.iter().map(&mut head).collect()
    }
}

/// Weights of another network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these weights belong to a network of other layers")]
pub struct WeightsError;
