//! Updates against PyTorch's (tests/data/train/make.py), and schedules against their formulas.

use dfdx::optim::{Adam, AdamConfig, Optimizer};
use dfdx::prelude::{Cpu, Rank1, Tensor, TensorFrom};

use super::network::tape::Grads;
use super::network::{InputShape, Network};
use super::optimiser::{Optimiser, OptimiserConfig, Schedule};
use super::test_support::head;

#[derive(serde::Deserialize)]
struct Reference {
    a: [f64; 4],
    b: [f64; 4],
    c: [f64; 4],
    start: Vec<f32>,
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    config: OptimiserConfig,
    path: Vec<Vec<f64>>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../../tests/data/train/optimisers.json")).unwrap()
}

/// A network whose first parameter is four weights that start at `start`.
fn four_weights(start: &[f32]) -> Network {
    let mut network = Network::new(InputShape::Flat(4), &[], &[head("y", 1)], &[], 1).unwrap();
    network.parameters[0].set(start);
    network
}

#[test]
fn every_rule_follows_the_reference() {
    let reference = reference();
    assert_eq!(reference.cases.len(), 8);
    for case in &reference.cases {
        let mut network = four_weights(&reference.start);
        let mut optimiser = Optimiser::new(case.config, &network).unwrap();
        for (step, want) in case.path.iter().enumerate() {
            let mut grads = Grads::leaky();
            let p = network.parameters[0].values().clone();
            let gradient: &mut Vec<f32> = grads.get_or_alloc_mut(&network.parameters[0].tensor).unwrap();
            for i in 0..4 {
                let p = f64::from(p[i]);
                gradient[i] = (reference.a[i] * (p - reference.c[i]).powi(3) + reference.b[i] * p) as f32;
            }
            optimiser.update(&mut network, &mut grads, case.config.lr()).unwrap();
            for (got, want) in network.parameters[0].values().iter().zip(want) {
                // f32 against f64 over a dozen steps.
                assert!((f64::from(*got) - want).abs() < 5e-6, "{:?} step {step}: {got}, not {want}", case.config);
            }
        }
    }
}

#[test]
fn the_arithmetic_is_that_of_dfdx_to_the_bit() {
    let config = OptimiserConfig::AdamW { lr: 0.03, betas: [0.9, 0.99], eps: 1e-7, weight_decay: 0.1 };
    let start = [1.0_f32, -0.5, 0.75, -1.5];
    let mut network = four_weights(&start);
    let mut ours = Optimiser::new(config, &network).unwrap();

    let device = Cpu::default();
    let mut tensor: Tensor<Rank1<4>, f32, Cpu> = device.tensor(start);
    let weight_decay = Some(dfdx::optim::WeightDecay::Decoupled(0.1));
    let mut theirs = Adam::new(&tensor, AdamConfig { lr: 0.03, betas: [0.9, 0.99], eps: 1e-7, weight_decay });
    for step in 0..5 {
        let gradient: Vec<f32> = (0..4).map(|i| ((step * 4 + i) as f32 * 0.7).sin()).collect();
        let mut grads = Grads::leaky();
        grads.get_or_alloc_mut(&network.parameters[0].tensor).unwrap().copy_from_slice(&gradient);
        ours.update(&mut network, &mut grads, 0.03).unwrap();

        let mut grads = Grads::leaky();
        grads.get_or_alloc_mut(&tensor).unwrap().copy_from_slice(&gradient);
        theirs.update(&mut tensor, &grads).unwrap();
        assert_eq!(network.parameters[0].values().as_slice(), tensor.as_vec());
    }
}

#[test]
fn only_weights_decay() {
    let config = OptimiserConfig::AdamW { lr: 0.1, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.5 };
    let mut network = four_weights(&[1.0; 4]);
    network.parameters[1].set(&[1.0]);
    let mut optimiser = Optimiser::new(config, &network).unwrap();
    optimiser.update(&mut network, &mut Grads::leaky(), 0.1).unwrap();
    // Without a gradient a weight shrinks by lr · weight_decay and a bias stays.
    assert_eq!(network.parameters[0].values().as_slice(), [0.95; 4]);
    assert_eq!(network.parameters[1].values().as_slice(), [1.0]);
}

#[test]
fn schedules_rise_and_fall() {
    let cosine = Schedule::Cosine { warmup: 4, total: 14, floor: 0.1 };
    let factors: Vec<f64> = [0, 3, 4, 9, 14, 100].map(|s| cosine.factor(s)).to_vec();
    // ¼, 1, then 0.1 + 0.9·½(1 + cos(π·i/10)) for i = 0, 5, 10, and on.
    for (got, want) in factors.iter().zip([0.25, 1.0, 1.0, 0.55, 0.1, 0.1]) {
        assert!((got - want).abs() < 1e-12, "{factors:?}");
    }
    assert!((Schedule::Warmup(10).factor(4) - 0.5).abs() < 1e-12);
    assert!((Schedule::Warmup(10).factor(40) - 1.0).abs() < 1e-12);
    assert!((Schedule::Warmup(0).factor(0) - 1.0).abs() < 1e-12);
    let short = Schedule::Cosine { warmup: 5, total: 5, floor: 0.0 };
    assert!(short.factor(4) == 1.0 && short.factor(5) == 1.0 && short.factor(6) == 0.0);
}
