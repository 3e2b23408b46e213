//! The layers once more, in f64, one number at a time and by their definitions: what the fused ops
//! are compared with.

use super::network::{Activation, InputShape, Layer, layers::infer};

/// Runs `trunk` and a linear head on one row. `params` are taken in the network's order.
pub(super) fn forward(input: InputShape, trunk: &[Layer], params: &[Vec<f64>], row: &[f64]) -> Vec<f64> {
    let mut params = params.iter();
    let out = run(input, trunk, &mut params, row.to_vec());
    let (w, b) = (params.next().unwrap(), params.next().unwrap());
    affine(&out, w, Some(b), b.len())
}

type Params<'a> = std::slice::Iter<'a, Vec<f64>>;

fn run(mut shape: InputShape, layers: &[Layer], params: &mut Params<'_>, mut x: Vec<f64>) -> Vec<f64> {
    for layer in layers {
        x = apply(shape, layer, params, x);
        shape = infer(shape, std::slice::from_ref(layer)).unwrap();
    }
    x
}

fn affine(x: &[f64], w: &[f64], b: Option<&Vec<f64>>, units: usize) -> Vec<f64> {
    (0..units)
        .map(|o| {
            let dot: f64 = x.iter().enumerate().map(|(i, v)| v * w[o * x.len() + i]).sum();
            dot + b.map_or(0.0, |b| b[o])
        })
        .collect()
}

fn apply(shape: InputShape, layer: &Layer, params: &mut Params<'_>, x: Vec<f64>) -> Vec<f64> {
    match layer {
        Layer::Dense { units, bias, .. } => {
            let w = params.next().unwrap();
            let b = bias.then(|| params.next().unwrap());
            affine(&x, w, b, *units)
        }
        Layer::Conv { channels, kernel, stride, padding } => {
            let (w, b) = (params.next().unwrap(), params.next().unwrap());
            conv(shape, *channels, *kernel, *stride, *padding, w, b, &x)
        }
        Layer::MaxPool { size, stride } => max_pool(shape, *size, *stride, &x),
        Layer::Flatten | Layer::Dropout(_) => x,
        Layer::LayerNorm => {
            let (g, b) = (params.next().unwrap(), params.next().unwrap());
            let n = x.len() as f64;
            let mean = x.iter().sum::<f64>() / n;
            let var = x.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
            x.iter().zip(g.iter().zip(b)).map(|(v, (g, b))| (v - mean) / (var + 1e-5).sqrt() * g + b).collect()
        }
        Layer::Residual(inner) => {
            let y = run(shape, inner, params, x.clone());
            x.iter().zip(y).map(|(a, b)| a + b).collect()
        }
        Layer::L2Normalize => {
            let length = x.iter().map(|v| v * v).sum::<f64>().sqrt();
            x.iter().map(|v| if length == 0.0 { 0.0 } else { v / length }).collect()
        }
        Layer::Activation(a) => x.iter().map(|&v| activation(*a, v)).collect(),
    }
}

pub(super) fn activation(a: Activation, x: f64) -> f64 {
    match a {
        Activation::Relu => x.max(0.0),
        Activation::Gelu => {
            let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
            0.5 * x * (1.0 + u.tanh())
        }
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::Tanh => x.tanh(),
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Activation::Softplus => x.exp().ln_1p(),
        Activation::Elu => {
            if x > 0.0 {
                x
            } else {
                x.exp_m1()
            }
        }
        Activation::LeakyRelu(s) => {
            if x > 0.0 {
                x
            } else {
                f64::from(s) * x
            }
        }
    }
}

#[allow(clippy::too_many_arguments)]
fn conv(
    shape: InputShape,
    outputs: usize,
    k: usize,
    stride: usize,
    padding: usize,
    w: &[f64],
    b: &[f64],
    x: &[f64],
) -> Vec<f64> {
    let InputShape::Image { channels, height, width } = shape else { unreachable!() };
    let mut out = Vec::new();
    for o in 0..outputs {
        for oy in 0..(height + 2 * padding - k) / stride + 1 {
            for ox in 0..(width + 2 * padding - k) / stride + 1 {
                let mut sum = b[o];
                for c in 0..channels {
                    for ky in 0..k {
                        for kx in 0..k {
                            let (y, x_) = (
                                (oy * stride + ky) as isize - padding as isize,
                                (ox * stride + kx) as isize - padding as isize,
                            );
                            if y >= 0 && x_ >= 0 && (y as usize) < height && (x_ as usize) < width {
                                sum += w[((o * channels + c) * k + ky) * k + kx]
                                    * x[(c * height + y as usize) * width + x_ as usize];
                            }
                        }
                    }
                }
                out.push(sum);
            }
        }
    }
    out
}

fn max_pool(shape: InputShape, size: usize, stride: usize, x: &[f64]) -> Vec<f64> {
    let InputShape::Image { channels, height, width } = shape else { unreachable!() };
    let mut out = Vec::new();
    for c in 0..channels {
        for oy in 0..(height - size) / stride + 1 {
            for ox in 0..(width - size) / stride + 1 {
                let window =
                    (0..size * size).map(|i| x[(c * height + oy * stride + i / size) * width + ox * stride + i % size]);
                out.push(window.fold(f64::NEG_INFINITY, f64::max));
            }
        }
    }
    out
}
