//! One training step: forward, loss, backward, Adam, on a batch that stays the same.

use std::collections::BTreeMap;

use lossc::train::bridge::{BatchData, Binding, Column, LossKernel};
use lossc::train::kernel::TrainLoss;
use lossc::train::network::{Activation, Head, HeadInit, InputShape, Layer, Network, WeightInit};
use lossc::train::optimiser::{OptimiserConfig, Schedule};
use lossc::train::step::{Trainer, TrainerConfig};

use crate::programs::{axes, compile};
use crate::{Case, Exchange, Result};

/// Steps of a check, and their learning rate.
const CHECK: (usize, f64) = (5, 1e-3);
/// The learning rate while timing: so small that every step does the work of the first one.
const TIMED: f64 = 1e-7;

/// A network, its batch and its loss.
pub struct Step {
    plan: Plan,
    exchange: Exchange,
    loss: TrainLoss,
    x: Vec<f32>,
    data: Vec<(String, Vec<f32>)>,
    trainer: Trainer,
}

/// What a case is made of.
struct Plan {
    program: &'static str,
    input: InputShape,
    trunk: Vec<Layer>,
    heads: Vec<(&'static str, usize)>,
    /// The names that are one network's outputs for different rows, if it is so.
    tuple: Vec<String>,
    /// Rows of the loss.
    rows: usize,
    /// Observed names with their width.
    data: Vec<(&'static str, usize)>,
    axes: BTreeMap<String, usize>,
}

fn dense(units: usize) -> Layer {
    Layer::Dense { units, bias: true, init: WeightInit::Uniform }
}

fn convolution(channels: usize) -> [Layer; 3] {
    let layer = Layer::Conv { channels, kernel: 3, stride: 1, padding: 0 };
    [layer, Layer::Activation(Activation::Relu), Layer::MaxPool { size: 2, stride: 2 }]
}

fn plan(case: &str) -> Result<Plan> {
    let relu = Layer::Activation(Activation::Relu);
    Ok(match case {
        "mlp_poisson" => Plan {
            program: "poisson_units",
            input: InputShape::Flat(120),
            trunk: vec![dense(256), relu.clone(), dense(256), relu],
            heads: vec![("η", 100)],
            tuple: Vec::new(),
            rows: 256,
            data: vec![("k", 100)],
            axes: axes(None),
        },
        "mlp_normal" => Plan {
            program: "normal_softplus",
            input: InputShape::Flat(64),
            trunk: vec![dense(128), relu.clone(), dense(128), relu],
            heads: vec![("μ", 1), ("s", 1)],
            tuple: Vec::new(),
            rows: 64,
            data: vec![("x", 1)],
            axes: axes(None),
        },
        "cnn_triplet" => Plan {
            program: "triplet",
            input: InputShape::Image { channels: 1, height: 64, width: 64 },
            trunk: [convolution(16).as_slice(), &convolution(32), &[Layer::Flatten]].concat(),
            heads: vec![("embedding", 64)],
            tuple: ["a", "p", "n"].map(String::from).to_vec(),
            rows: 32,
            data: Vec::new(),
            axes: axes(Some(64)),
        },
        _ => return Err(format!("there is no network `{case}`").into()),
    })
}

impl Plan {
    fn trainer(&self, loss: &TrainLoss, lr: f64) -> Result<Trainer> {
        let heads: Vec<Head> = self
            .heads
            .iter()
            .map(|&(name, units)| Head { name: name.into(), units, init: HeadInit::Default })
            .collect();
        let network = Network::new(self.input, &self.trunk, &heads, &[], 1)?;
        let binding =
            if self.tuple.is_empty() { Binding::by_name(&network, loss) } else { Binding::tuples(&self.tuple, loss) };
        let optimiser = OptimiserConfig::Adam { lr, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.0 };
        let schedule = Schedule::Constant;
        let config = TrainerConfig { optimiser, schedule, clip_norm: None, ema: None, seed: 1, threads: 1 };
        Ok(Trainer::new(network, binding.map_err(|errors| format!("{errors:?}"))?, config)?)
    }
}

impl Step {
    /// Builds the network `case`, writes its initial weights for the peers, and reads the batch.
    pub fn new(case: &str, exchange: Exchange) -> Result<Self> {
        let plan = plan(case)?;
        let program = compile(plan.program)?;
        let constants = program.hir.names.iter().filter_map(|info| Some((info.key.clone(), info.value.clone()?)));
        let loss = TrainLoss::new(&program, &plan.axes, &constants.collect())?;
        let trainer = plan.trainer(&loss, TIMED)?;
        for (name, _, values) in trainer.network().tensors() {
            exchange.write(&format!("start.{name}"), values)?;
        }
        let x = exchange.read("inputs")?;
        let mut data = Vec::new();
        for &(name, _) in &plan.data {
            data.push((name.to_owned(), exchange.read(name)?));
        }
        Ok(Self { plan, exchange, loss, x, data, trainer })
    }
}

/// One step of `trainer`; gives the loss before it.
fn step(
    plan: &Plan,
    loss: &dyn LossKernel,
    x: &[f32],
    data: &[(String, Vec<f32>)],
    trainer: &mut Trainer,
) -> Result<f64> {
    let columns =
        data.iter().zip(&plan.data).map(|((name, values), &(_, width))| Column { name, width, values }).collect();
    let batch = BatchData { rows: plan.rows, columns, weights: None };
    Ok(trainer.step(x, &batch, loss)?.loss)
}

impl Case for Step {
    fn check(&mut self) -> Result<f64> {
        let (steps, lr) = CHECK;
        let mut trainer = self.plan.trainer(&self.loss, lr)?;
        let mut last = f64::NAN;
        for _ in 0..steps {
            last = step(&self.plan, &self.loss, &self.x, &self.data, &mut trainer)?;
        }
        for (name, _, values) in trainer.network().tensors() {
            self.exchange.write(&format!("lossc.{name}"), values)?;
        }
        Ok(last)
    }

    fn call(&mut self) -> Result<()> {
        step(&self.plan, &self.loss, &self.x, &self.data, &mut self.trainer)?;
        Ok(())
    }
}
