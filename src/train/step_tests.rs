//! Steps end to end: learning, sharding, tuples, weights, clipping, averages, NaN.

use dfdx::prelude::{Axis, Backward, BroadcastTo, Cpu, MeanTo, PermuteTo, Tensor, TensorFromVec, Trace, TryMatMul};

use super::bridge::{BatchData, Binding, Coupling, LossError, LossGrads, LossKernel, LossValue};
use super::locate::Place;
use super::network::{Activation, InputShape, Layer, Network};
use super::optimiser::OptimiserConfig;
use super::step::{StepError, Trainer, TrainerConfig};
use super::test_support::{SGD, Squares, batch, config, dense, head, numbers, trainer};

const ADAM: OptimiserConfig = OptimiserConfig::Adam { lr: 0.02, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.0 };

fn relu() -> Layer {
    Layer::Activation(Activation::Relu)
}

#[test]
fn a_network_learns_xor() {
    let x = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0];
    let t = [0.0, 1.0, 1.0, 0.0];
    let loss = Squares::new(Coupling::Mean, &[]);
    let trunk = [dense(8), Layer::Activation(Activation::Tanh)];
    let mut trainer = trainer(InputShape::Flat(2), &trunk, 1, &loss, config(ADAM));
    for _ in 0..400 {
        trainer.step(&x, &batch(&t, 4), &loss).unwrap();
    }
    let y = trainer.network().predict(&x).unwrap().remove(0).values;
    assert!(y.iter().zip(t).all(|(y, t)| (y - t).abs() < 0.05), "{y:?}");
}

#[test]
fn a_network_learns_a_sine() {
    let x: Vec<f32> = (0..128).map(|i| i as f32 / 20.0 - 3.2).collect();
    let t: Vec<f32> = x.iter().map(|x| x.sin()).collect();
    let loss = Squares::new(Coupling::Mean, &[]);
    let trunk = [dense(32), Layer::Activation(Activation::Gelu), Layer::Residual(vec![Layer::LayerNorm, dense(32)])];
    let mut trainer = trainer(InputShape::Flat(1), &trunk, 1, &loss, TrainerConfig { ema: Some(0.99), ..config(ADAM) });
    for _ in 0..600 {
        trainer.step(&x, &batch(&t, 128), &loss).unwrap();
    }
    let half_square = |network: &Network| {
        let y = network.predict(&x).unwrap().remove(0).values;
        y.iter().zip(&t).map(|(y, t)| 0.5 * (y - t).powi(2)).sum::<f32>() / 128.0
    };
    let value = half_square(trainer.network());
    // The sine's own ½·variance is 0.25.
    assert!(value < 2e-3, "{value}");
    let averaged = trainer.ema().unwrap().clone();
    trainer.network_mut().set_weights(&averaged).unwrap();
    let value = half_square(trainer.network());
    assert!(value < 2e-3, "averaged: {value}");
}

/// What the fused ops do, with dfdx's own ops.
#[test]
fn fused_layers_agree_with_dfdx_op_by_op() {
    let (rows, inputs, hidden, outputs) = (16, 5, 7, 3);
    let loss = Squares::new(Coupling::Mean, &[]);
    let trunk = [dense(hidden), Layer::Activation(Activation::Tanh)];
    let mut trainer = trainer(InputShape::Flat(inputs), &trunk, outputs, &loss, config(SGD));
    let (x, t) = (numbers(rows * inputs, 1), numbers(rows * outputs, 2));

    let device = Cpu::default();
    let before = trainer.network().weights();
    let tensor = |i: usize, shape: (usize, usize)| device.tensor_from_vec(before.0[i].to_vec(), shape);
    let (w1, w2) = (tensor(0, (hidden, inputs)), tensor(2, (outputs, hidden)));
    let b1: Tensor<(usize,), f32, Cpu> = device.tensor_from_vec(before.0[1].to_vec(), (hidden,));
    let b2: Tensor<(usize,), f32, Cpu> = device.tensor_from_vec(before.0[3].to_vec(), (outputs,));
    let x_tensor = device.tensor_from_vec(x.clone(), (rows, inputs));
    let t_tensor = device.tensor_from_vec(t.clone(), (rows, outputs));
    let h = x_tensor.leaky_trace().matmul(w1.clone().permute::<_, dfdx::prelude::Axes2<1, 0>>());
    let h = (h + b1.clone().broadcast_like::<_, Axis<0>>(&(rows, hidden))).tanh();
    let y = h.matmul(w2.clone().permute::<_, dfdx::prelude::Axes2<1, 0>>());
    let y = y + b2.clone().broadcast_like::<_, Axis<0>>(&(rows, outputs));
    let value = (y - t_tensor).square().mean() * (0.5 * outputs as f32);
    let total = value.as_vec()[0];
    let grads = value.backward();

    let report = trainer.step(&x, &batch(&t, rows), &loss).unwrap();
    assert!((report.loss - f64::from(total)).abs() < 1e-6, "{} and {total}", report.loss);
    let wants = [grads.get(&w1).as_vec(), grads.get(&b1).as_vec(), grads.get(&w2).as_vec(), grads.get(&b2).as_vec()];
    let after = trainer.network().weights();
    for (i, want) in wants.iter().enumerate() {
        for ((b, a), want) in before.0[i].iter().zip(after.0[i].iter()).zip(want) {
            assert!((b - a - want).abs() < 1e-6, "parameter {i}: {} and {want}", b - a);
        }
    }
}

/// Wide enough that a batch of 100 is cut in two.
fn wide(loss: &dyn LossKernel, threads: usize) -> Trainer {
    let trunk = [dense(200), relu(), Layer::Dropout(0.2), dense(200), Layer::Activation(Activation::Silu)];
    trainer(InputShape::Flat(20), &trunk, 4, loss, TrainerConfig { threads, ..config(ADAM) })
}

#[test]
fn threads_change_no_bit_and_whole_batches_agree_with_parts() {
    let (x, t) = (numbers(100 * 20, 1), numbers(100 * 4, 2));
    let weights: Vec<f32> = numbers(100, 3).iter().map(|w| w + 1.0).collect();
    let data = BatchData { weights: Some(&weights), ..batch(&t, 100) };
    let mut results = Vec::new();
    for coupling in [Coupling::Mean, Coupling::Whole] {
        let loss = Squares::new(coupling, &["b"]);
        let mut runs = [1, 2].map(|threads| {
            let mut trainer = wide(&loss, threads);
            let reports: Vec<_> = (0..5).map(|_| trainer.step(&x, &data, &loss).unwrap()).collect();
            (reports, trainer.network().weights())
        });
        assert_eq!(runs[0], runs[1], "{coupling:?}");
        results.push(std::mem::take(&mut runs[0].0));
    }
    for (a, b) in results[0].iter().zip(&results[1]) {
        assert!((a.loss - b.loss).abs() < 1e-5 && (a.grad_norm - b.grad_norm).abs() < 1e-5, "{a:?} {b:?}");
    }
}

#[test]
fn a_weight_of_two_is_a_row_twice() {
    let loss = Squares::new(Coupling::Mean, &[]);
    let (x, t) = (numbers(3 * 2, 1), numbers(3, 2));
    let step = |x: &[f32], data: &BatchData<'_>| {
        let mut trainer = trainer(InputShape::Flat(2), &[dense(3), relu()], 1, &loss, config(SGD));
        trainer.step(x, data, &loss).unwrap()
    };
    let weighted = step(&x, &BatchData { weights: Some(&[1.0, 2.0, 0.0]), ..batch(&t, 3) });
    let twice = step(&[&x[..2], &x[2..4], &x[2..4]].concat(), &batch(&[t[0], t[1], t[1]], 3));
    assert!((weighted.loss - twice.loss).abs() < 1e-7 && (weighted.grad_norm - twice.grad_norm).abs() < 1e-6);
    let mut trainer = trainer(InputShape::Flat(2), &[], 1, &loss, config(SGD));
    let nothing = BatchData { weights: Some(&[0.0; 3]), ..batch(&t, 3) };
    assert!(matches!(trainer.step(&x, &nothing, &loss), Err(StepError::NoWeight)));
}

/// mean over rows of ½(a − p)² − ¼(a − n)², with a, p, n of one unit.
struct Triplet([String; 3]);

impl LossKernel for Triplet {
    fn heads(&self) -> &[String] {
        &self.0
    }
    fn params(&self) -> &[String] {
        &[]
    }
    fn terms(&self) -> &[String] {
        &self.0[..1]
    }
    fn coupling(&self) -> Coupling {
        Coupling::Mean
    }
    fn evaluate(
        &self,
        heads: &[&[f32]],
        _: &[&[f32]],
        batch: &BatchData<'_>,
        grads: &mut LossGrads,
    ) -> Result<LossValue, LossError> {
        let rows = batch.rows as f32;
        let mut total = 0.0;
        for (i, &anchor) in heads[0].iter().enumerate() {
            let (near, far) = (anchor - heads[1][i], anchor - heads[2][i]);
            total += f64::from((0.5 * near * near - 0.25 * far * far) / rows);
            grads.heads[0][i] = (near - 0.5 * far) / rows;
            grads.heads[1][i] = -near / rows;
            grads.heads[2][i] = 0.5 * far / rows;
        }
        Ok(LossValue { total, terms: vec![total] })
    }
}

#[test]
fn one_network_sees_all_parts_of_a_tuple() {
    // The linear network y = w·x + b, by hand: near = w·(xa − xp), far = w·(xa − xn), and b drops out.
    let names = ["a", "p", "n"].map(String::from);
    let loss = Triplet(names.clone());
    let network = Network::new(InputShape::Flat(1), &[], &[head("z", 1)], &[], 5).unwrap();
    let w = f64::from(network.weights().0[0][0]);
    let binding = Binding::tuples(&names, &loss).unwrap();
    let mut trainer = Trainer::new(network, binding, config(SGD)).unwrap();
    let x = [0.5_f32, -1.0, 0.25, 0.5, 2.0, -0.5];
    let report = trainer.step(&x, &BatchData { rows: 2, ..BatchData::default() }, &loss).unwrap();
    let (near, far) = ([0.25, -1.5], [-1.5, -0.5]);
    let curve = |i: usize| near[i] * near[i] - 0.5 * far[i] * far[i];
    let slope = w * (curve(0) + curve(1)) / 2.0;
    assert!((report.loss - 0.5 * w * slope).abs() < 1e-6, "{} {}", report.loss, 0.5 * w * slope);
    assert!((report.grad_norm - slope.abs()).abs() < 1e-6, "{} {slope}", report.grad_norm);
    let short = trainer.step(&x[..4], &BatchData { rows: 2, ..BatchData::default() }, &loss);
    assert!(matches!(short, Err(StepError::Rows { inputs: 4, parts: 3, rows: 2 })));
}

#[test]
fn clipping_shortens_the_gradient_and_keeps_its_direction() {
    let loss = Squares::new(Coupling::Mean, &[]);
    let (x, t) = (numbers(8, 1), vec![50.0; 4]);
    let moved = |clip_norm| {
        let mut trainer = trainer(InputShape::Flat(2), &[], 1, &loss, TrainerConfig { clip_norm, ..config(SGD) });
        let before = trainer.network().weights();
        let report = trainer.step(&x, &batch(&t, 4), &loss).unwrap();
        let after = trainer.network().weights();
        let change: Vec<f64> = (0..2)
            .flat_map(|p| before.0[p].iter().zip(after.0[p].iter()).map(|(b, a)| f64::from(b - a)).collect::<Vec<_>>())
            .collect();
        (report.grad_norm, change)
    };
    let ((norm, free), (same, clipped)) = (moved(None), moved(Some(0.5)));
    assert!(norm > 10.0 && norm == same);
    for (f, c) in free.iter().zip(&clipped) {
        assert!((f * 0.5 / norm - c).abs() < 1e-6, "{f} {c}");
    }
}

#[test]
fn a_nan_is_traced_to_its_source() {
    let loss = Squares::new(Coupling::Mean, &[]);
    let (mut x, mut t) = (numbers(5 * 2, 1), numbers(5, 2));
    let mut trainer = trainer(InputShape::Flat(2), &[dense(3), relu()], 1, &loss, config(SGD));
    let before = trainer.network().weights();
    let place = |trainer: &mut Trainer, x: &[f32], t: &[f32]| match trainer.step(x, &batch(t, 5), &loss) {
        Err(StepError::NonFinite(found)) => (found.place.clone(), found.to_string()),
        other => panic!("{other:?}"),
    };
    t[3] = f32::INFINITY;
    let (found, message) = place(&mut trainer, &x, &t);
    assert!(matches!(&found, Place::Term { label, row: Some(3), .. } if label == "fit"), "{found:?}");
    assert_eq!(message, "step 0: the loss is inf: the term `fit` is inf in row 3 of the batch");
    // relu must not hide it.
    x[5] = f32::NAN;
    let (found, _) = place(&mut trainer, &x, &t);
    assert!(matches!(found, Place::Input { row: 2, column: 1, .. }), "{found:?}");
    x[5] = 3e38;
    x[4] = 3e38;
    t[3] = 0.0;
    trainer.network_mut().parameters[0].set(&[3.0; 6]);
    let (found, _) = place(&mut trainer, &x, &t);
    assert!(matches!(&found, Place::Prediction { name, row: 2, .. } if name == "y"), "{found:?}");
    trainer.network_mut().set_weights(&before).unwrap();
    trainer.network_mut().parameters[1].set(&[f32::NAN; 3]);
    let (found, _) = place(&mut trainer, &numbers(10, 1), &t);
    assert!(matches!(&found, Place::Parameter { name } if name == "network.0.bias"), "{found:?}");
}

#[test]
fn dropout_is_off_in_prediction_and_differs_from_step_to_step() {
    let loss = Squares::new(Coupling::Mean, &[]);
    let frozen = OptimiserConfig::Sgd { lr: 0.0, momentum: 0.0, nesterov: false, weight_decay: 0.0 };
    let trunk = [dense(50), relu(), Layer::Dropout(0.5)];
    let mut dropped = trainer(InputShape::Flat(2), &trunk, 1, &loss, config(frozen));
    let plain = trainer(InputShape::Flat(2), &trunk[..2], 1, &loss, config(frozen));
    let (x, t) = (numbers(20, 1), numbers(10, 2));
    assert_eq!(dropped.network().predict(&x), plain.network().predict(&x));
    let losses: Vec<f64> = (0..2).map(|_| dropped.step(&x, &batch(&t, 10), &loss).unwrap().loss).collect();
    assert_ne!(losses[0], losses[1]);
}

#[test]
fn mistakes_in_names_and_sizes_are_errors() {
    let loss = Squares::new(Coupling::Mean, &["b"]);
    let network = Network::new(InputShape::Flat(2), &[], &[head("z", 1)], &[], 1).unwrap();
    let errors = Binding::by_name(&network, &loss).unwrap_err();
    let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "the loss predicts `y`, and the network has no head of that name",
            "the network has a head `z` that the loss does not predict",
        ]
    );
    let mut trainer = Trainer::new(network, Binding { parts: 1, outputs: vec![(0, 0)] }, config(SGD)).unwrap();
    let t = [0.0; 2];
    assert!(matches!(trainer.step(&[0.0; 4], &batch(&t, 2), &loss), Err(StepError::Binding(_))));
    assert!(trainer.network().predict(&[0.0; 3]).is_err());
}
