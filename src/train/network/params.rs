//! Parameters: dfdx tensors that an optimiser updates, with a mirror that the kernels read.
//!
//! dfdx shows a tensor's numbers to other crates only by copying them. Each parameter therefore
//! keeps a mirror, refreshed once an update, that every op of a step reads in place. Values start
//! from one seeded stream a parameter, so that adding a layer at the end leaves the others alone.

use std::sync::Arc;

use dfdx::prelude::{Cpu, Storage, Tensor, TensorFromVec};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::layers::WeightInit;

/// The storage of a dfdx tensor.
pub(crate) type Storage32 = <Cpu as Storage<f32>>::Vec;

/// A parameter that does not belong to a layer: the raw value of a `param` of the loss.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamInit {
    /// The loss's name for it.
    pub name: String,
    /// Its axes' sizes; empty for a scalar.
    pub dims: Vec<usize>,
    /// Raw initial values, row by row: as many as the sizes multiply to.
    pub values: Vec<f32>,
}

/// One learned tensor.
#[derive(Debug)]
pub(crate) struct Parameter {
    /// `network.2.weight`, `heads.η.bias`, `loss.φ`.
    pub(crate) name: String,
    /// Sizes as they are stored: PyTorch's order, so [out, in] and [out, in, k, k].
    pub(crate) dims: Vec<usize>,
    /// Whether weight decay applies: to weights, not to biases, gains or the loss's parameters.
    pub(crate) decays: bool,
    pub(crate) tensor: Tensor<(usize, usize), f32, Cpu>,
    mirror: Arc<Vec<f32>>,
}

impl Parameter {
    fn new(device: &Cpu, name: String, dims: Vec<usize>, decays: bool, values: Vec<f32>) -> Self {
        let shape = (values.len(), 1);
        Self {
            name,
            dims,
            decays,
            // Cannot fail: the shape is the length.
            tensor: device.tensor_from_vec(values.clone(), shape),
            mirror: Arc::new(values),
        }
    }

    pub(crate) fn values(&self) -> &Arc<Vec<f32>> {
        &self.mirror
    }

    pub(crate) fn len(&self) -> usize {
        self.mirror.len()
    }

    /// Reads the mirror anew after the tensor has changed.
    pub(crate) fn refresh(&mut self) {
        let mut mirror = std::mem::take(&mut self.mirror);
        // Alone unless a caller still holds a snapshot: then the snapshot keeps its values.
        self.tensor.copy_into(Arc::make_mut(&mut mirror).as_mut_slice());
        self.mirror = mirror;
    }

    /// Sets the tensor; `values` has its length.
    pub(crate) fn set(&mut self, values: &[f32]) {
        self.tensor.copy_from(values);
        self.refresh();
    }
}

/// Collects the parameters of a network while it is built.
pub(super) struct Builder<'a> {
    pub(super) device: &'a Cpu,
    pub(super) seed: u64,
    pub(super) parameters: Vec<Parameter>,
}

impl Builder<'_> {
    /// Adds a parameter with the given values; returns its index.
    pub(super) fn fixed(&mut self, name: String, dims: Vec<usize>, values: Vec<f32>) -> usize {
        self.push(name, dims, false, values)
    }

    /// Adds a weight of `dims` ([out, …]) and, if asked for, its bias; returns their indices.
    pub(super) fn affine(
        &mut self,
        name: &str,
        dims: &[usize],
        bias: bool,
        init: WeightInit,
    ) -> (usize, Option<usize>) {
        let outputs = dims.first().copied().unwrap_or(1);
        let fan_in: usize = dims.iter().skip(1).product();
        // Each output of a k×k kernel feeds k² positions.
        let fan_out: usize = outputs * dims.iter().skip(2).product::<usize>();
        let values = self.draw(outputs * fan_in, init, fan_in, fan_out);
        let weight = self.push(format!("{name}.weight"), dims.to_vec(), true, values);
        let bias = bias.then(|| {
            let values = match init {
                WeightInit::Uniform => self.draw(outputs, init, fan_in, fan_out),
                _ => vec![0.0; outputs],
            };
            self.push(format!("{name}.bias"), vec![outputs], false, values)
        });
        (weight, bias)
    }

    fn push(&mut self, name: String, dims: Vec<usize>, decays: bool, values: Vec<f32>) -> usize {
        self.parameters.push(Parameter::new(self.device, name, dims, decays, values));
        self.parameters.len() - 1
    }

    fn draw(&self, len: usize, init: WeightInit, fan_in: usize, fan_out: usize) -> Vec<f32> {
        let mut stream = ChaCha8Rng::seed_from_u64(self.seed);
        stream.set_stream(self.parameters.len() as u64);
        let mut uniform = |bound: f64| -> Vec<f32> {
            (0..len).map(|_| (bound * (2.0 * stream.random::<f64>() - 1.0)) as f32).collect()
        };
        match init {
            WeightInit::Zero => vec![0.0; len],
            WeightInit::Uniform => uniform(1.0 / (fan_in as f64).sqrt()),
            WeightInit::Xavier => uniform((6.0 / (fan_in + fan_out) as f64).sqrt()),
            WeightInit::He => {
                let scale = (2.0 / fan_in as f64).sqrt();
                (0..len).map(|_| (scale * normal(&mut stream)) as f32).collect()
            }
        }
    }
}

/// A standard normal number by Box & Muller (1958).
fn normal(stream: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - stream.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * stream.random::<f64>()).cos()
}
