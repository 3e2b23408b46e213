//! From layers to ops: shapes filled in, parameters allocated, activations fused.

use super::conv::{Conv, Windows, max_pool};
use super::dense::Dense;
use super::dropout::Dropout;
use super::layers::{Activation, Head, HeadInit, InputShape, Layer, WeightInit, infer};
use super::params::Builder;
use super::rowwise::{self, LayerNorm};
use super::tape::{Pass, Value};

/// One step of a forward pass.
#[derive(Debug, Clone)]
pub(super) enum Op {
    Dense(Dense),
    Conv(Conv),
    MaxPool(Windows),
    Dropout(Dropout),
    LayerNorm(LayerNorm),
    Residual(Vec<Op>),
    L2Normalize(usize),
    Activation(Activation),
}

impl Op {
    pub(super) fn forward(&self, pass: &mut Pass<'_>, x: &Value) -> Value {
        match self {
            Self::Dense(layer) => layer.forward(pass, x),
            Self::Conv(layer) => layer.forward(pass, x),
            Self::MaxPool(windows) => max_pool(pass, x, *windows),
            Self::Dropout(layer) => layer.forward(pass, x),
            Self::LayerNorm(layer) => layer.forward(pass, x),
            Self::L2Normalize(width) => rowwise::l2_normalize(pass, x, *width),
            Self::Activation(activation) => rowwise::activate(pass, x, *activation),
            Self::Residual(inner) => {
                let y = run(inner, pass, x);
                rowwise::add(pass, x, &y)
            }
        }
    }
}

/// Runs ops one after another.
pub(super) fn run(ops: &[Op], pass: &mut Pass<'_>, x: &Value) -> Value {
    let mut value = x.clone();
    for op in ops {
        value = op.forward(pass, &value);
    }
    value
}

/// Turns layers into ops. `shape` is what arrives and becomes what leaves; `infer` has passed.
pub(super) struct Planner<'a, 'b> {
    pub(super) builder: &'a mut Builder<'b>,
    pub(super) dropouts: u64,
    /// Multiplications a row, forward: what decides whether splitting a batch pays.
    pub(super) work: usize,
}

impl Planner<'_, '_> {
    pub(super) fn trunk(&mut self, prefix: &str, layers: &[Layer], shape: &mut InputShape) -> Vec<Op> {
        let mut ops = Vec::new();
        let mut rest = layers.iter().enumerate();
        while let Some((i, layer)) = rest.next() {
            let mut follower = rest.clone();
            let fused = match (layer, follower.next()) {
                (Layer::Dense { .. } | Layer::Conv { .. }, Some((_, Layer::Activation(a)))) => {
                    rest = follower;
                    Some(*a)
                }
                _ => None,
            };
            ops.extend(self.layer(&format!("{prefix}.{i}"), layer, fused, shape));
        }
        ops
    }

    fn layer(
        &mut self,
        name: &str,
        layer: &Layer,
        activation: Option<Activation>,
        shape: &mut InputShape,
    ) -> Option<Op> {
        let before = *shape;
        // Cannot fail: the whole trunk was inferred before.
        if let Ok(after) = infer(before, std::slice::from_ref(layer)) {
            *shape = after;
        }
        match layer {
            Layer::Dense { units, bias, init } => {
                Some(Op::Dense(self.dense(name, before.len(), *units, *bias, *init, activation)))
            }
            Layer::Conv { channels, kernel, stride, padding } => {
                let windows = windows_over(before, *kernel, *stride, *padding)?;
                let dims = [*channels, windows.channels, *kernel, *kernel];
                let (weight, bias) = self.builder.affine(name, &dims, true, WeightInit::Uniform);
                self.work += shape.len() * windows.channels * kernel * kernel;
                Some(Op::Conv(Conv { weight, bias: bias?, windows, outputs: *channels, activation }))
            }
            Layer::MaxPool { size, stride } => windows_over(before, *size, *stride, 0).map(Op::MaxPool),
            Layer::Flatten => None,
            Layer::Dropout(p) => {
                self.dropouts += 1;
                Some(Op::Dropout(Dropout { p: *p, layer: self.dropouts, width: before.len() }))
            }
            Layer::LayerNorm => {
                let width = before.len();
                let gain = self.builder.fixed(format!("{name}.weight"), vec![width], vec![1.0; width]);
                let shift = self.builder.fixed(format!("{name}.bias"), vec![width], vec![0.0; width]);
                Some(Op::LayerNorm(LayerNorm { gain, shift, width }))
            }
            Layer::Residual(inner) => {
                let mut inside = before;
                Some(Op::Residual(self.trunk(name, inner, &mut inside)))
            }
            Layer::L2Normalize => Some(Op::L2Normalize(before.len())),
            Layer::Activation(a) => Some(Op::Activation(*a)),
        }
    }

    fn dense(
        &mut self,
        name: &str,
        inputs: usize,
        outputs: usize,
        bias: bool,
        init: WeightInit,
        activation: Option<Activation>,
    ) -> Dense {
        let (weight, bias) = self.builder.affine(name, &[outputs, inputs], bias, init);
        self.work += inputs * outputs;
        Dense { weight, bias, inputs, outputs, activation }
    }

    /// The head's own layer; None if it takes the trunk's output as it is.
    pub(super) fn head(&mut self, head: &Head, inputs: usize) -> Option<Dense> {
        let name = format!("heads.{}", head.name);
        let (init, bias) = match &head.init {
            HeadInit::Identity => return None,
            HeadInit::Default => (WeightInit::Uniform, None),
            HeadInit::Zero => (WeightInit::Zero, None),
            HeadInit::Mean(bias) => (WeightInit::Zero, Some(bias)),
            HeadInit::Bias(bias) => (WeightInit::Uniform, Some(bias)),
        };
        let mut dense = self.dense(&name, inputs, head.units, bias.is_none(), init, None);
        if let Some(bias) = bias {
            dense.bias = Some(self.builder.fixed(format!("{name}.bias"), vec![head.units], bias.clone()));
        }
        Some(dense)
    }
}

fn windows_over(shape: InputShape, size: usize, stride: usize, padding: usize) -> Option<Windows> {
    match shape {
        InputShape::Image { channels, height, width } => {
            Some(Windows { channels, height, width, size, stride, padding })
        }
        InputShape::Flat(_) => None,
    }
}
