//! What the tests of training share: a loss written by hand, a reference network in f64, and
//! numbers that look random and never change.

use super::bridge::{BatchData, Binding, Column, Coupling, LossError, LossGrads, LossKernel, LossValue};
use super::network::{Head, HeadInit, InputShape, Layer, Network, ParamInit, WeightInit};
use super::optimiser::{OptimiserConfig, Schedule};
use super::step::{Trainer, TrainerConfig};

/// ½ Σ (y + b − t)² over units, mean over rows (or their weighted mean); `b` is a learned scalar if
/// there is one. With [`Coupling::Whole`] it is the same loss, evaluated on the whole batch.
pub(super) struct Squares {
    heads: Vec<String>,
    params: Vec<String>,
    terms: Vec<String>,
    coupling: Coupling,
}

impl Squares {
    pub(super) fn new(coupling: Coupling, params: &[&str]) -> Self {
        Self {
            heads: vec!["y".into()],
            params: params.iter().map(|&p| p.into()).collect(),
            terms: vec!["fit".into()],
            coupling,
        }
    }
}

impl LossKernel for Squares {
    fn heads(&self) -> &[String] {
        &self.heads
    }
    fn params(&self) -> &[String] {
        &self.params
    }
    fn terms(&self) -> &[String] {
        &self.terms
    }
    fn coupling(&self) -> Coupling {
        self.coupling
    }
    fn evaluate(
        &self,
        heads: &[&[f32]],
        params: &[&[f32]],
        batch: &BatchData<'_>,
        grads: &mut LossGrads,
    ) -> Result<LossValue, LossError> {
        let y = heads[0];
        let Some(t) = batch.columns.first() else {
            return Err(LossError::MissingColumn { name: "t".into() });
        };
        let units = y.len() / batch.rows;
        let shift = params.first().map_or(0.0, |b| b[0]);
        let mut total = 0.0;
        let mut slope = 0.0_f64;
        for (i, (&y, &t)) in y.iter().zip(t.values).enumerate() {
            let w = batch.weights.map_or(1.0, |w| f64::from(w[i / units])) / batch.weight();
            let error = f64::from(y) + f64::from(shift) - f64::from(t);
            total += 0.5 * w * error * error;
            slope += w * error;
            grads.heads[0][i] = (w * error) as f32;
        }
        if let Some(g) = grads.params.first_mut() {
            g[0] = slope as f32;
        }
        Ok(LossValue { total, terms: vec![total] })
    }
}

/// Numbers in (−1, 1), the same for the same salt: a Weyl sequence on the golden ratio.
pub(super) fn numbers(len: usize, salt: usize) -> Vec<f32> {
    (0..len)
        .map(|i| {
            let x = (i + 1 + 1000 * salt) as f64 * 0.618_033_988_749_894_9;
            let y = (x.fract() * 7919.0).fract();
            (2.0 * y - 1.0) as f32
        })
        .collect()
}

pub(super) fn dense(units: usize) -> Layer {
    Layer::Dense { units, bias: true, init: WeightInit::Uniform }
}

pub(super) fn head(name: &str, units: usize) -> Head {
    Head { name: name.into(), units, init: HeadInit::Default }
}

pub(super) fn batch<'a>(t: &'a [f32], rows: usize) -> BatchData<'a> {
    let columns = vec![Column { name: "t", width: t.len() / rows, values: t }];
    BatchData { rows, columns, weights: None }
}

pub(super) const SGD: OptimiserConfig =
    OptimiserConfig::Sgd { lr: 1.0, momentum: 0.0, nesterov: false, weight_decay: 0.0 };

pub(super) fn config(optimiser: OptimiserConfig) -> TrainerConfig {
    TrainerConfig { optimiser, schedule: Schedule::Constant, clip_norm: None, ema: None, seed: 3, threads: 1 }
}

/// A trainer of one head `y` with `loss`; every loss parameter starts at 0.25.
pub(super) fn trainer(
    input: InputShape,
    trunk: &[Layer],
    units: usize,
    loss: &dyn LossKernel,
    config: TrainerConfig,
) -> Trainer {
    let params: Vec<ParamInit> =
        loss.params().iter().map(|name| ParamInit { name: name.clone(), dims: vec![], values: vec![0.25] }).collect();
    let network = Network::new(input, trunk, &[head("y", units)], &params, 11).unwrap();
    let binding = Binding::by_name(&network, loss).unwrap();
    Trainer::new(network, binding, config).unwrap()
}
