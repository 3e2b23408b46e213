//! Every layer against the f64 reference: outputs, and gradients by central differences.

use super::bridge::Coupling;
use super::network::{Activation, InputShape, Layer};
use super::reference;
use super::test_support::{SGD, Squares, batch, config, dense, numbers, trainer};

const ROWS: usize = 3;
const UNITS: usize = 2;

fn conv(channels: usize, kernel: usize, stride: usize, padding: usize) -> Layer {
    Layer::Conv { channels, kernel, stride, padding }
}

/// One step of plain SGD with rate 1 moves each weight by its gradient; compares that with
/// (L(w + h) − L(w − h)) / 2h of the reference, and the loss with the reference's.
fn check(name: &str, input: InputShape, trunk: &[Layer]) {
    let loss = Squares::new(Coupling::Mean, &["b"]);
    let mut trainer = trainer(input, trunk, UNITS, &loss, config(SGD));
    let x = numbers(ROWS * input.len(), 1);
    let t = numbers(ROWS * UNITS, 2);
    let before: Vec<(String, Vec<f64>)> = trainer
        .network()
        .tensors()
        .map(|(name, _, values)| (name.to_owned(), values.iter().map(|&v| f64::from(v)).collect()))
        .collect();
    let report = trainer.step(&x, &batch(&t, ROWS), &loss).unwrap();
    let mut params: Vec<Vec<f64>> = before.iter().map(|(_, values)| values.clone()).collect();

    let want = objective(input, trunk, &params, &x, &t);
    assert!((report.loss - want).abs() < 2e-6 * want.abs().max(1.0), "{name}: loss {} and {want}", report.loss);
    for (p, (tensor, _, after)) in trainer.network().tensors().enumerate() {
        for i in 0..after.len() {
            let old = params[p][i];
            let h = 1e-5;
            params[p][i] = old + h;
            let up = objective(input, trunk, &params, &x, &t);
            params[p][i] = old - h;
            let down = objective(input, trunk, &params, &x, &t);
            params[p][i] = old;
            let (want, got) = ((up - down) / (2.0 * h), old - f64::from(after[i]));
            assert!((got - want).abs() < 2e-6 * want.abs().max(1.0), "{name}: {tensor}[{i}] has {got}, not {want}");
        }
    }
}

fn objective(input: InputShape, trunk: &[Layer], params: &[Vec<f64>], x: &[f32], t: &[f32]) -> f64 {
    let (shift, network) = params.split_last().unwrap();
    let mut total = 0.0;
    for (x, t) in x.chunks(input.len()).zip(t.chunks(UNITS)) {
        let row: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
        for (y, &t) in reference::forward(input, trunk, network, &row).iter().zip(t) {
            total += 0.5 * (y + shift[0] - f64::from(t)).powi(2);
        }
    }
    total / ROWS as f64
}

const FLAT: InputShape = InputShape::Flat(5);
const IMAGE: InputShape = InputShape::Image { channels: 2, height: 7, width: 6 };

#[test]
fn dense_with_every_activation() {
    for a in [
        Activation::Relu,
        Activation::Gelu,
        Activation::Silu,
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Softplus,
        Activation::Elu,
        Activation::LeakyRelu(0.1),
        Activation::LeakyRelu(-0.3),
    ] {
        check(a.name(), FLAT, &[dense(7), Layer::Activation(a), dense(6), Layer::Activation(a)]);
        // Not behind a layer it could be fused with.
        check(a.name(), FLAT, &[dense(4), Layer::LayerNorm, Layer::Activation(a), dense(3)]);
    }
}

#[test]
fn no_bias_and_no_activation() {
    let bare = Layer::Dense { units: 4, bias: false, init: super::network::WeightInit::He };
    check("bare", FLAT, &[bare, dense(3)]);
    check("no trunk", FLAT, &[]);
}

#[test]
fn layer_norm_and_residual() {
    let block = vec![Layer::LayerNorm, dense(6), Layer::Activation(Activation::Gelu), dense(5)];
    check("residual", FLAT, &[dense(5), Layer::Residual(block.clone()), Layer::Residual(block)]);
    check("nested", FLAT, &[dense(4), Layer::Residual(vec![dense(4), Layer::Residual(vec![dense(4)])])]);
    check("empty", FLAT, &[dense(4), Layer::Residual(vec![]), dense(3)]);
}

#[test]
fn l2_normalize_is_on_the_sphere() {
    check("l2", FLAT, &[dense(6), Layer::L2Normalize]);
    check("l2 inside", FLAT, &[dense(6), Layer::L2Normalize, dense(4), Layer::L2Normalize, dense(2)]);
}

#[test]
fn convolutions_of_all_geometries() {
    let relu = Layer::Activation(Activation::Relu);
    for (kernel, stride, padding) in [(3, 1, 0), (3, 1, 1), (3, 2, 1), (1, 1, 0), (2, 3, 2), (5, 2, 3), (6, 1, 0)] {
        let name = format!("conv {kernel} {stride} {padding}");
        let first = conv(3, kernel, stride, padding);
        let second = conv(2, 2, 1, 1);
        check(&name, IMAGE, &[first.clone(), relu.clone(), second.clone(), Layer::Flatten]);
        check(&name, IMAGE, &[second, Layer::Activation(Activation::Silu), first, Layer::Flatten, dense(3)]);
    }
}

#[test]
fn max_pooling_with_and_without_overlap() {
    for (size, stride) in [(2, 2), (3, 1), (3, 2), (2, 3), (1, 1)] {
        let trunk = [conv(3, 2, 1, 0), Layer::MaxPool { size, stride }, Layer::Flatten, dense(4)];
        check(&format!("pool {size} {stride}"), IMAGE, &trunk);
    }
}

#[test]
fn a_residual_block_of_convolutions() {
    let relu = Layer::Activation(Activation::Relu);
    let block = Layer::Residual(vec![conv(2, 3, 1, 1), relu, conv(2, 3, 1, 1)]);
    check("residual conv", IMAGE, &[conv(2, 3, 1, 1), block, Layer::LayerNorm, Layer::Flatten]);
}
