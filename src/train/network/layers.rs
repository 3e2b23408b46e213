//! What a network is made of, as plain values: layers, activations, heads, and the shapes that
//! flow between them.
//!
//! The spec's parser builds these; [`infer`] checks that they fit together before a single
//! parameter is allocated, so that no later stage meets a shape that does not fit (dfdx panics on
//! those, even in its `try_` functions). Depends on nothing; holds no parameters and computes
//! nothing.

use std::fmt;

pub use super::faults::{ShapeError, ShapeErrors, ShapeFault};

/// The shape of one row: what a network is fed, and what flows between its layers. The batch axis
/// is implicit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputShape {
    /// A vector of that many numbers.
    Flat(usize),
    /// A picture, stored channel by channel, each channel row by row.
    Image {
        /// Channels (1 for grey, 3 for colour).
        channels: usize,
        /// Rows of pixels.
        height: usize,
        /// Columns of pixels.
        width: usize,
    },
}

impl InputShape {
    /// How many numbers a row of this shape holds.
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            Self::Flat(n) => n,
            Self::Image { channels, height, width } => channels.saturating_mul(height).saturating_mul(width),
        }
    }

    /// Whether a row of this shape holds nothing at all.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for InputShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flat(n) => write!(f, "a vector of {n}"),
            Self::Image { channels, height, width } => write!(f, "an image of {channels}×{height}×{width}"),
        }
    }
}

/// An elementwise non-linearity. NaN stays NaN in every one of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// max(x, 0); derivative 0 at 0.
    Relu,
    /// x·Φ(x) in its tanh form (Hendrycks & Gimpel, "Gaussian error linear units", 2016).
    Gelu,
    /// x·sigmoid(x).
    Silu,
    /// tanh x.
    Tanh,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// log(1 + eˣ), computed without overflow.
    Softplus,
    /// x above 0, eˣ − 1 below.
    Elu,
    /// x above 0, that slope times x below.
    LeakyRelu(f32),
}

/// Numbers that a layer may have a row, and weights that it may have: 4 GiB of them.
pub(super) const LIMIT: usize = 1 << 30;

/// How the weights of a layer start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WeightInit {
    /// Uniform on ±1/√fan_in, weights and biases alike: what PyTorch's `Linear` and `Conv2d` do.
    #[default]
    Uniform,
    /// Normal with variance 2/fan_in, biases 0 (He et al., "Delving deep into rectifiers", 2015).
    He,
    /// Uniform on ±√(6/(fan_in + fan_out)), biases 0 (Glorot & Bengio, 2010).
    Xavier,
    /// All zero.
    Zero,
}

/// One layer of a trunk.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// A linear map of a vector to `units` numbers. An [`Activation`] straight behind it is fused.
    Dense {
        /// Outputs.
        units: usize,
        /// Whether a bias is added.
        bias: bool,
        /// How the weights start.
        init: WeightInit,
    },
    /// A square convolution over an image (cross-correlation, as everywhere in this field), with
    /// bias. An [`Activation`] straight behind it is fused.
    Conv {
        /// Output channels.
        channels: usize,
        /// Side of the kernel, in pixels.
        kernel: usize,
        /// Pixels between two applications; 1 is dense.
        stride: usize,
        /// Zeros added on each side.
        padding: usize,
    },
    /// The largest value of each window; pixels beyond the last whole window are left out.
    MaxPool {
        /// Side of the window, in pixels.
        size: usize,
        /// Pixels between two windows.
        stride: usize,
    },
    /// An image as a vector.
    Flatten,
    /// In training, zeroes each number with this probability and scales the rest by 1/(1 − p).
    Dropout(f32),
    /// Each row to mean 0 and variance 1 (ε = 1e-5), then a learned scale and shift per number
    /// (Ba, Kiros & Hinton, 2016).
    LayerNorm,
    /// x + layers(x); the layers must keep the shape.
    Residual(Vec<Layer>),
    /// Each row divided by its Euclidean length; a row of zeros stays zeros, with gradient 0.
    L2Normalize,
    /// An elementwise non-linearity.
    Activation(Activation),
}

impl Layer {
    /// The layer's name in a spec.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dense { .. } => "dense",
            Self::Conv { .. } => "conv",
            Self::MaxPool { .. } => "max_pool",
            Self::Flatten => "flatten",
            Self::Dropout(_) => "dropout",
            Self::LayerNorm => "layer_norm",
            Self::Residual(_) => "residual",
            Self::L2Normalize => "l2_normalize",
            Self::Activation(a) => a.name(),
        }
    }
}

impl Activation {
    /// The activation's name in a spec.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Gelu => "gelu",
            Self::Silu => "silu",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Softplus => "softplus",
            Self::Elu => "elu",
            Self::LeakyRelu(_) => "leaky_relu",
        }
    }
}

/// How a head starts.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum HeadInit {
    /// Weights and bias uniform on ±1/√fan_in.
    #[default]
    Default,
    /// Weights and bias 0: every row starts with the same prediction.
    Zero,
    /// Weights 0 and this bias, one number a unit: every row starts with, say, the mean of the
    /// data on the head's raw scale.
    Mean(Vec<f32>),
    /// Weights uniform on ±1/√fan_in and this bias, one number a unit.
    Bias(Vec<f32>),
    /// No linear layer: the trunk's output is the prediction. Its width must equal `units`.
    Identity,
}

/// A predicted name of the loss: by default one linear layer on the trunk's output.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// The predicted name, as the loss spells it.
    pub name: String,
    /// Numbers a row.
    pub units: usize,
    /// How it starts.
    pub init: HeadInit,
}

/// The shape that `trunk` makes of `input`.
///
/// # Errors
/// Every layer that does not fit. Behind a layer whose output shape cannot be known nothing more is
/// checked, so that one mistake gives one message.
pub fn infer(input: InputShape, trunk: &[Layer]) -> Result<InputShape, ShapeErrors> {
    let mut errors = Vec::new();
    let fault = match input.len() {
        0 => Some(ShapeFault::Zero { what: "inputs" }),
        numbers if numbers > LIMIT => Some(ShapeFault::TooLarge { what: "numbers a row", numbers }),
        _ => None,
    };
    if let Some(fault) = fault {
        return Err(ShapeErrors(vec![ShapeError { path: Vec::new(), layer: "input".into(), fault }]));
    }
    let out = infer_into(input, trunk, &mut Vec::new(), &mut errors);
    match (out, errors.is_empty()) {
        (Some(shape), true) => Ok(shape),
        _ => Err(ShapeErrors(errors)),
    }
}

/// Checks that `heads` fit a trunk that returns `trunk`.
///
/// # Errors
/// Every head that does not fit.
pub fn check_heads(trunk: InputShape, heads: &[Head]) -> Result<(), ShapeErrors> {
    let mut errors = Vec::new();
    let mut report = |layer: &str, fault: ShapeFault| {
        errors.push(ShapeError { path: Vec::new(), layer: layer.to_owned(), fault });
    };
    if heads.is_empty() {
        report("heads", ShapeFault::NoHeads);
    }
    if let InputShape::Image { .. } = trunk {
        report("heads", ShapeFault::NeedsFlat { got: trunk });
    }
    for (i, head) in heads.iter().enumerate() {
        if heads.iter().take(i).any(|h| h.name == head.name) {
            report(&head.name, ShapeFault::Duplicate);
        }
        let weights = trunk.len().saturating_mul(head.units);
        if weights > LIMIT {
            report(&head.name, ShapeFault::TooLarge { what: "weights", numbers: weights });
        }
        if head.units == 0 {
            report(&head.name, ShapeFault::Zero { what: "units" });
        }
        match &head.init {
            HeadInit::Mean(b) | HeadInit::Bias(b) if b.len() != head.units => {
                report(&head.name, ShapeFault::InitLength { units: head.units, given: b.len() });
            }
            HeadInit::Identity if trunk.len() != head.units => {
                report(&head.name, ShapeFault::IdentityWidth { got: trunk.len(), units: head.units })
            }
            _ => {}
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(ShapeErrors(errors)) }
}

/// Checks that each of the loss's parameters has as many values as its sizes multiply to.
///
/// # Errors
/// Every parameter that does not.
pub(super) fn check_params(params: &[super::ParamInit]) -> Result<(), ShapeErrors> {
    let errors: Vec<ShapeError> = params
        .iter()
        .filter(|p| p.dims.iter().product::<usize>() != p.values.len())
        .map(|p| ShapeError {
            path: Vec::new(),
            layer: p.name.clone(),
            fault: ShapeFault::InitLength { units: p.dims.iter().product(), given: p.values.len() },
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(ShapeErrors(errors)) }
}

fn infer_into(
    input: InputShape,
    layers: &[Layer],
    path: &mut Vec<usize>,
    errors: &mut Vec<ShapeError>,
) -> Option<InputShape> {
    let mut shape = input;
    for (i, layer) in layers.iter().enumerate() {
        path.push(i);
        let next = match layer {
            Layer::Residual(inner) => residual(shape, inner, path, errors),
            other => output_of(shape, other).unwrap_or_else(|(fault, next)| {
                errors.push(ShapeError { path: path.clone(), layer: other.name().to_owned(), fault });
                next
            }),
        };
        let next = next.and_then(|after| match too_large(shape, layer, after) {
            Some(fault) => {
                errors.push(ShapeError { path: path.clone(), layer: layer.name().to_owned(), fault });
                None
            }
            None => Some(after),
        });
        path.pop();
        shape = next?;
    }
    Some(shape)
}

/// Whether a layer between these shapes is too much to allocate.
fn too_large(before: InputShape, layer: &Layer, after: InputShape) -> Option<ShapeFault> {
    let weights = match (layer, before) {
        (Layer::Dense { units, .. }, _) => before.len().saturating_mul(*units),
        (Layer::Conv { channels: outputs, kernel, .. }, InputShape::Image { channels, .. }) => {
            outputs.saturating_mul(channels).saturating_mul(*kernel).saturating_mul(*kernel)
        }
        _ => 0,
    };
    [("weights", weights), ("numbers a row", after.len())]
        .into_iter()
        .find(|(_, numbers)| *numbers > LIMIT)
        .map(|(what, numbers)| ShapeFault::TooLarge { what, numbers })
}

fn residual(
    shape: InputShape,
    inner: &[Layer],
    path: &mut Vec<usize>,
    errors: &mut Vec<ShapeError>,
) -> Option<InputShape> {
    let made = infer_into(shape, inner, path, errors)?;
    if made != shape {
        errors.push(ShapeError {
            path: path.clone(),
            layer: "residual".into(),
            fault: ShapeFault::Residual { got: shape, made },
        });
    }
    Some(shape)
}

/// A fault, with the output shape where it can be known all the same.
type Fault = (ShapeFault, Option<InputShape>);

/// The output shape of one layer other than a residual block.
fn output_of(shape: InputShape, layer: &Layer) -> Result<Option<InputShape>, Fault> {
    match layer {
        Layer::Dense { units, .. } => dense_output(shape, *units).map(Some),
        Layer::Conv { channels, kernel, stride, padding } => {
            if *channels == 0 {
                return Err((ShapeFault::Zero { what: "channels" }, None));
            }
            windows(shape, *kernel, *stride, *padding, Some(*channels)).map(Some)
        }
        Layer::MaxPool { size, stride } => windows(shape, *size, *stride, 0, None).map(Some),
        Layer::Flatten => Ok(Some(InputShape::Flat(shape.len()))),
        Layer::Dropout(p) if !(0.0..1.0).contains(p) => Err((ShapeFault::Probability { p: *p }, Some(shape))),
        Layer::Activation(Activation::LeakyRelu(s)) if !s.is_finite() => {
            Err((ShapeFault::Slope { slope: *s }, Some(shape)))
        }
        Layer::L2Normalize => match shape {
            InputShape::Flat(_) => Ok(Some(shape)),
            InputShape::Image { .. } => Err((ShapeFault::NeedsFlat { got: shape }, None)),
        },
        Layer::Dropout(_) | Layer::LayerNorm | Layer::Activation(_) | Layer::Residual(_) => Ok(Some(shape)),
    }
}

fn dense_output(shape: InputShape, units: usize) -> Result<InputShape, Fault> {
    match shape {
        _ if units == 0 => Err((ShapeFault::Zero { what: "units" }, None)),
        InputShape::Flat(_) => Ok(InputShape::Flat(units)),
        InputShape::Image { .. } => Err((ShapeFault::NeedsFlat { got: shape }, Some(InputShape::Flat(units)))),
    }
}

/// The output of sliding a `window` over an image; `channels` if the layer changes their number.
fn windows(
    shape: InputShape,
    window: usize,
    stride: usize,
    padding: usize,
    channels: Option<usize>,
) -> Result<InputShape, Fault> {
    let InputShape::Image { channels: arriving, height, width } = shape else {
        return Err((ShapeFault::NeedsImage { got: shape }, None));
    };
    if window == 0 {
        return Err((ShapeFault::Zero { what: "size" }, None));
    }
    if stride == 0 {
        return Err((ShapeFault::Zero { what: "stride" }, None));
    }
    let around = padding.saturating_mul(2);
    let (height, width) = (height.saturating_add(around), width.saturating_add(around));
    if window > height || window > width {
        let fault = ShapeFault::WindowTooLarge { window, height, width };
        return Err((fault, None));
    }
    Ok(InputShape::Image {
        channels: channels.unwrap_or(arriving),
        height: (height - window) / stride + 1,
        width: (width - window) / stride + 1,
    })
}

#[cfg(test)]
#[path = "layers_tests.rs"]
mod tests;
