//! The linear layer with its bias and activation, as one op: y = f(x·Wᵀ + b).

use std::sync::Arc;

use super::layers::Activation;
use super::math::{self, Bias};
use super::matmul::{Matrix, matmul};
use super::tape::{Pass, Value};

/// A dense layer; `weight` ([outputs, inputs]) and `bias` index the network's parameters.
#[derive(Debug, Clone)]
pub(super) struct Dense {
    pub(super) weight: usize,
    pub(super) bias: Option<usize>,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) activation: Option<Activation>,
}

impl Dense {
    pub(super) fn forward(&self, pass: &mut Pass<'_>, x: &Value) -> Value {
        let (rows, inputs, outputs) = (pass.rows, self.inputs, self.outputs);
        let (weight, bias) = (pass.parameter(self.weight), self.bias.map(|i| pass.parameter(i)));
        let w = weight.values().clone();
        let mut y = pass.pool.buffer(rows * outputs);
        matmul(&mut y, Matrix::new(&x.data, rows, inputs), Matrix::new(&w, outputs, inputs).t(), false);
        let mut kept = match self.activation {
            Some(a) if pass.tape.is_some() && math::keeps_derivative(a) => Some(pass.pool.buffer(y.len())),
            _ => None,
        };
        let shift = bias.map_or(Bias::None, |b| Bias::Columns(b.values()));
        math::forward(self.activation, &mut y, shift, kept.as_deref_mut());

        let y = Arc::new(y);
        let (result, x, activation) = (y.clone(), x.clone(), self.activation);
        let (weight, bias) = (weight.tensor.clone(), bias.map(|b| b.tensor.clone()));
        pass.push_shared(y, move |back, dy| {
            if let Some(activation) = activation {
                math::backward(activation, dy, &result, kept.as_deref());
            }
            let dz = Matrix::new(dy, rows, outputs);
            matmul(back.parameter(&weight)?, dz.t(), Matrix::new(&x.data, rows, inputs), true);
            if let Some(bias) = &bias {
                math::add_columns(back.parameter(bias)?, dy);
            }
            match &x.node {
                Some(node) => back.input(node, rows * inputs, |dx, accumulate| {
                    matmul(dx, dz, Matrix::new(&w, outputs, inputs), accumulate);
                }),
                None => Ok(()),
            }
        })
    }
}
