//! The compiled loss as one op on dfdx's tape.
//!
//! A [`LossKernel`] takes the heads of a network, the loss's parameters and the data, and gives the
//! loss and all its gradients in one call. [`record`] runs it where a forward pass ends and puts the
//! gradients on the tape, so that dfdx's `backward` carries them on through the network. Depends on
//! the network's values; knows neither optimisers nor how the kernel was made.

use std::ops::Range;
use std::sync::Arc;

use dfdx::prelude::{Cpu, OwnedTape, PutTape, Rank0, SplitTape, Tape, Tensor, TensorFrom, Trace};

use super::network::math;
use super::network::tape::{Grads, Pass, Value};
use super::network::{Network, buffer::Pool};

/// A compiled loss, as training needs it.
pub trait LossKernel: Sync {
    /// The predicted names, in the order in which [`LossKernel::evaluate`] takes them.
    fn heads(&self) -> &[String];

    /// The learned parameters, in the order in which [`LossKernel::evaluate`] takes them.
    fn params(&self) -> &[String];

    /// The terms' labels, in the order of [`LossValue::terms`].
    fn terms(&self) -> &[String];

    /// How rows combine; decides whether a batch may be evaluated in parts.
    fn coupling(&self) -> Coupling;

    /// The loss of a batch and its gradients.
    ///
    /// `heads[i]` has rows × units numbers, row by row; `params[i]` the raw values of a parameter.
    /// Every number of `grads` is written; its slices come with the lengths of `heads` and `params`.
    ///
    /// # Errors
    /// If data or sizes do not fit the program.
    fn evaluate(
        &self,
        heads: &[&[f32]],
        params: &[&[f32]],
        batch: &BatchData<'_>,
        grads: &mut LossGrads,
    ) -> Result<LossValue, LossError>;
}

/// How the rows of a batch make up the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coupling {
    /// The (weighted) mean of a loss a row, plus terms without rows: the loss of a batch is the
    /// weighted mean of the losses of its parts.
    Mean,
    /// Anything else: a sum over rows, or terms that compare rows of the batch. Evaluated whole.
    Whole,
}

/// The data of a batch, by name.
#[derive(Debug, Clone, Default)]
pub struct BatchData<'a> {
    /// Rows of every column.
    pub rows: usize,
    /// The observed names.
    pub columns: Vec<Column<'a>>,
    /// A weight a row, if the spec names a weight column.
    pub weights: Option<&'a [f32]>,
}

/// One observed name of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    /// As the loss spells it.
    pub name: &'a str,
    /// Numbers a row.
    pub width: usize,
    /// Rows × width, row by row.
    pub values: &'a [f32],
}

impl<'a> BatchData<'a> {
    /// Some of the rows. Rows that are not there are left out.
    #[must_use]
    pub fn slice(&self, rows: Range<usize>) -> BatchData<'a> {
        let part = |values: &'a [f32], width: usize| {
            let end = (rows.end * width).min(values.len());
            values.get((rows.start * width).min(end)..end).unwrap_or_default()
        };
        BatchData {
            rows: rows.len(),
            columns: self
                .columns
                .iter()
                .map(|c| Column { name: c.name, width: c.width, values: part(c.values, c.width) })
                .collect(),
            weights: self.weights.map(|w| part(w, 1)),
        }
    }

    /// The weight of the batch in a mean over rows.
    #[must_use]
    pub fn weight(&self) -> f64 {
        match self.weights {
            Some(weights) => weights.iter().map(|&w| f64::from(w)).sum(),
            None => self.rows as f64,
        }
    }
}

/// The loss of a batch.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LossValue {
    /// The reduced loss.
    pub total: f64,
    /// Each term's part of it.
    pub terms: Vec<f64>,
}

/// Derivatives of the reduced loss.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LossGrads {
    /// By predicted name: rows × units.
    pub heads: Vec<Vec<f32>>,
    /// By parameter: with respect to its raw value.
    pub params: Vec<Vec<f32>>,
}

/// Why a loss could not be evaluated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LossError {
    /// A name of the program that the batch does not have.
    #[error("the loss needs the data `{name}`, which the batch does not have")]
    MissingColumn {
        /// The name.
        name: String,
    },
    /// A name whose size does not fit.
    #[error("`{name}` has {found} numbers where the loss needs {expected}")]
    Size {
        /// The name.
        name: String,
        /// What was given.
        found: usize,
        /// What the program needs.
        expected: usize,
    },
    /// A value outside its support, or anything else the kernel refuses.
    #[error("{0}")]
    Refused(String),
}

/// Which output of the network is which predicted name.
///
/// Usually each predicted name is a head. With tuples one network sees, say, the anchors, the
/// positives and the negatives, stacked in this order as three parts of one batch, and each
/// predicted name is one part of its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Parts of the input; 1 without tuples.
    pub parts: usize,
    /// For each predicted name of the kernel, in its order: the head's index, and the part.
    pub outputs: Vec<(usize, usize)>,
}

/// Why heads and predicted names do not pair up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// A predicted name without a head.
    #[error("the loss predicts `{name}`, and the network has no head of that name")]
    NoHead {
        /// The predicted name.
        name: String,
    },
    /// A head that no predicted name uses.
    #[error("the network has a head `{name}` that the loss does not predict")]
    Unused {
        /// The head's name.
        name: String,
    },
    /// An index of a head or part that is not there.
    #[error("`{name}` is bound to part {part} of head {head}, and there are {parts} parts of {heads} heads")]
    OutOfRange {
        /// The predicted name.
        name: String,
        /// The head's index.
        head: usize,
        /// The part.
        part: usize,
        /// Heads of the network.
        heads: usize,
        /// Parts of the input.
        parts: usize,
    },
    /// The loss's parameters are not those of the network.
    #[error("the loss learns {expected} parameters, and the network was built with {found}")]
    Params {
        /// Parameters of the kernel.
        expected: usize,
        /// Loss parameters of the network.
        found: usize,
    },
}

impl Binding {
    /// Pairs each predicted name with the head of that name.
    ///
    /// # Errors
    /// All names without a head and all heads without a name.
    pub fn by_name(network: &Network, kernel: &dyn LossKernel) -> Result<Self, Vec<BindingError>> {
        let mut errors = Vec::new();
        let mut outputs = Vec::new();
        for name in kernel.heads() {
            match network.heads().position(|(head, _)| head == name) {
                Some(head) => outputs.push((head, 0)),
                None => errors.push(BindingError::NoHead { name: name.clone() }),
            }
        }
        for (name, _) in network.heads() {
            if !kernel.heads().iter().any(|h| h == name) {
                errors.push(BindingError::Unused { name: name.to_owned() });
            }
        }
        if errors.is_empty() { Ok(Self { parts: 1, outputs }) } else { Err(errors) }
    }

    /// Pairs the kernel's predicted names, in the order of `parts`, with the parts of the
    /// network's only head.
    ///
    /// # Errors
    /// All predicted names that are not among `parts`.
    pub fn tuples(parts: &[String], kernel: &dyn LossKernel) -> Result<Self, Vec<BindingError>> {
        let mut errors = Vec::new();
        let mut outputs = Vec::new();
        for name in kernel.heads() {
            match parts.iter().position(|part| part == name) {
                Some(part) => outputs.push((0, part)),
                None => errors.push(BindingError::NoHead { name: name.clone() }),
            }
        }
        if errors.is_empty() { Ok(Self { parts: parts.len(), outputs }) } else { Err(errors) }
    }

    /// Checks the binding against a network and a kernel.
    pub(crate) fn check(&self, network: &Network, kernel: &dyn LossKernel) -> Result<(), BindingError> {
        let heads = network.heads().len();
        for (i, name) in kernel.heads().iter().enumerate() {
            let Some(&(head, part)) = self.outputs.get(i) else {
                return Err(BindingError::NoHead { name: name.clone() });
            };
            if head >= heads || part >= self.parts {
                let (name, parts) = (name.clone(), self.parts);
                return Err(BindingError::OutOfRange { name, head, part, heads, parts });
            }
        }
        let (expected, found) = (kernel.params().len(), network.loss_params().len());
        if expected == found { Ok(()) } else { Err(BindingError::Params { expected, found }) }
    }

    /// The predicted names' values within the heads' outputs, in the kernel's order.
    pub(crate) fn split<'v>(&self, outputs: &[&'v [f32]]) -> Vec<&'v [f32]> {
        self.outputs
            .iter()
            .map(|&(head, part)| {
                let all = outputs.get(head).copied().unwrap_or_default();
                let len = all.len() / self.parts;
                all.get(part * len..(part + 1) * len).unwrap_or_default()
            })
            .collect()
    }
}

/// Room for the gradients of `heads` and `params`.
pub(crate) fn room(pool: &Pool, heads: &[&[f32]], params: &[&[f32]]) -> LossGrads {
    let take = |of: &[&[f32]]| of.iter().map(|v| pool.stale(v.len())).collect();
    LossGrads { heads: take(heads), params: take(params) }
}

/// A scalar with the tape that made it.
pub(crate) type Loss = Tensor<Rank0, f32, Cpu, OwnedTape<f32, Cpu>>;

/// Puts a loss and its gradients at the end of a pass: the op whose backward adds `scale` ·
/// `grads` to the gradients of the heads' `outputs` and of the loss's parameters.
///
/// Without parameters' gradients in `grads` (a later part of a batch whose loss is evaluated
/// whole), none are added.
pub(crate) fn record(
    pass: &mut Pass<'_>,
    network: &Network,
    binding: &Binding,
    outputs: &[Value],
    value: f64,
    grads: LossGrads,
    scale: f64,
) -> Loss {
    let loss = pass.device.tensor((value * scale) as f32);
    let (loss, empty) = loss.traced(Grads::leaky()).split_tape();
    let mut tape = pass.tape.take().unwrap_or(empty);
    let id = loss.clone();
    let binding = binding.clone();
    let outputs: Vec<(Option<_>, usize)> = outputs.iter().map(|v| (v.node.clone(), v.data.len())).collect();
    let params: Vec<_> = network.loss_parameters().map(|p| p.tensor.clone()).collect();
    let pool = pass.pool.clone();
    let scale = scale as f32;
    tape.add_backward_op(move |tape_grads| {
        let up = tape_grads.get_or_alloc_mut(&id)?.first().copied().unwrap_or(1.0) * scale;
        let mut back = super::network::tape::Backward { grads: tape_grads, pool: &pool };
        for ((head, part), mut gradient) in binding.outputs.iter().copied().zip(grads.heads) {
            math::scale(&mut gradient, up);
            if let Some((Some(node), len)) = outputs.get(head) {
                back.input(node, *len, |to, accumulate| {
                    if !accumulate {
                        to.fill(0.0);
                    }
                    let start = part * gradient.len();
                    if let Some(to) = to.get_mut(start..start + gradient.len()) {
                        math::add(to, &gradient);
                    }
                })?;
            }
            pool.put(gradient);
        }
        for (tensor, mut gradient) in params.iter().zip(grads.params) {
            math::scale(&mut gradient, up);
            math::add(back.parameter(tensor)?, &gradient);
            pool.put(gradient);
        }
        Ok(())
    });
    loss.put_tape(tape)
}

/// The heads' numbers.
pub(crate) fn slices(outputs: &[Value]) -> Vec<&[f32]> {
    outputs.iter().map(|v: &Value| -> &[f32] { &Arc::as_ref(&v.data)[..] }).collect()
}
