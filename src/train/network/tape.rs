//! Values on dfdx's tape.
//!
//! The numbers of an activation live in a pooled [`Buffer`]; what dfdx's tape knows of it is a
//! [`Node`], a tensor without numbers whose id keys the gradient. The gradient's storage is filled
//! by the first op that contributes to it and emptied by the op that made the value, so nothing is
//! zeroed and nothing allocated in between. Parameters are ordinary dfdx tensors.

use std::sync::Arc;

use dfdx::prelude::{Cpu, CpuError, Gradients, NoneTape, OwnedTape, SplitTape, Tape, Tensor, TensorFromVec, Trace};

use super::buffer::{Buffer, Pool};
use super::math;
use super::params::Parameter;

/// The gradients of one backward pass.
pub(crate) type Grads = Gradients<f32, Cpu>;
/// What stands for a value on the tape.
pub(crate) type Node = Tensor<(usize,), f32, Cpu, NoneTape>;

/// A matrix of activations: `rows` rows, row by row.
#[derive(Clone)]
pub(crate) struct Value {
    pub(crate) data: Arc<Buffer>,
    /// None for what needs no gradient: the data, and everything in a pass without a tape.
    pub(crate) node: Option<Node>,
}

/// One pass forward over one shard of a batch.
pub(crate) struct Pass<'a> {
    pub(crate) parameters: &'a [Parameter],
    pub(crate) device: &'a Cpu,
    pub(crate) pool: &'a Pool,
    /// Rows of this shard.
    pub(crate) rows: usize,
    /// What dropout's masks depend on; None leaves dropout out.
    pub(crate) dropout: Option<super::dropout::Masks<'a>>,
    pub(crate) tape: Option<OwnedTape<f32, Cpu>>,
}

impl<'a> Pass<'a> {
    /// A parameter of the network.
    pub(crate) fn parameter(&self, index: usize) -> &'a Parameter {
        // Proven: the indices were handed out by the builder that filled the list.
        #[allow(clippy::indexing_slicing)]
        &self.parameters[index]
    }

    /// Starts recording into `gradients`.
    pub(crate) fn record(&mut self, gradients: Grads) {
        let (_, tape) = self.node().traced(gradients).split_tape();
        self.tape = Some(tape);
    }

    /// A new node.
    pub(crate) fn node(&self) -> Node {
        // Cannot fail: nothing has the length 0.
        self.device.tensor_from_vec(Vec::new(), (0,))
    }

    /// The value of `data`, made by an op whose gradient is `backward`: given the gradients, the
    /// gradient with respect to `data` (to be used up), and where to take scratch memory from.
    /// `backward` is not called if nothing depends on the value.
    pub(crate) fn push<F>(&mut self, data: Buffer, backward: F) -> Value
    where
        F: 'static + FnOnce(&mut Backward<'_>, &mut [f32]) -> Result<(), CpuError>,
    {
        self.push_shared(Arc::new(data), backward)
    }

    /// [`Pass::push`] for data that `backward` looks at too.
    pub(crate) fn push_shared<F>(&mut self, data: Arc<Buffer>, backward: F) -> Value
    where
        F: 'static + FnOnce(&mut Backward<'_>, &mut [f32]) -> Result<(), CpuError>,
    {
        if self.tape.is_none() {
            return Value { data, node: None };
        }
        let node = self.node();
        let own = node.clone();
        let pool = self.pool.clone();
        if let Some(tape) = &mut self.tape {
            tape.add_backward_op(move |grads| {
                let mut gradient = std::mem::take(&mut **grads.get_or_alloc_mut(&own)?);
                if gradient.is_empty() {
                    return Ok(());
                }
                let result = backward(&mut Backward { grads, pool: &pool }, &mut gradient);
                pool.put(gradient);
                result
            });
        }
        Value { data, node: Some(node) }
    }
}

/// What an op's gradient works on.
pub(crate) struct Backward<'a> {
    pub(crate) grads: &'a mut Grads,
    pub(crate) pool: &'a Pool,
}

impl Backward<'_> {
    /// The gradient of a parameter, to add to.
    pub(crate) fn parameter(&mut self, tensor: &Tensor<(usize, usize), f32, Cpu>) -> Result<&mut [f32], CpuError> {
        Ok(self.grads.get_or_alloc_mut(tensor)?)
    }

    /// Lets `write` contribute to the gradient of `node`, which has `len` numbers: it gets them and
    /// whether to add to what is there. False means that they hold nothing yet and that all of them
    /// must be written.
    pub(crate) fn input(
        &mut self,
        node: &Node,
        len: usize,
        write: impl FnOnce(&mut [f32], bool),
    ) -> Result<(), CpuError> {
        let held: &mut Vec<f32> = self.grads.get_or_alloc_mut(node)?;
        let accumulate = !held.is_empty();
        if !accumulate {
            *held = self.pool.stale(len);
        }
        write(held, accumulate);
        Ok(())
    }

    /// Adds `gradient` to the gradient of `node`.
    pub(crate) fn add(&mut self, node: &Node, gradient: &[f32]) -> Result<(), CpuError> {
        self.input(node, gradient.len(), |to, accumulate| {
            if accumulate {
                math::add(to, gradient);
            } else {
                to.copy_from_slice(gradient);
            }
        })
    }
}
