//! Where training starts: raw values of the loss's parameters, and the best prediction that reads no inputs.
//!
//! A head with `init: mean` starts with weights 0 and, as its bias, the constant that fits the training data best. The
//! constant is found by minimising the compiled loss itself, so it needs no closed form: a rate behind a softplus, a mean
//! with its spread, logits. Its loss is the baseline "no inputs".

use std::collections::BTreeMap;

use super::bridge::{LossGrads, LossKernel, LossValue};
use super::errors::{Result, TrainError};
use super::feed::{Draft, Feed};
use super::kernel::TrainLoss;
use super::network::ParamInit;
use crate::compile::Program;
use crate::data::options::Part;
use crate::ir::graph::InputRole;

/// The best constant prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// For each predicted name of the loss, one number a unit.
    pub heads: Vec<Vec<f32>>,
    /// For each parameter of the loss, its raw values.
    pub params: Vec<Vec<f32>>,
}

/// Iterations of the search; sign-based steps need about forty.
const ITERATIONS: usize = 120;
/// Training rows that the search looks at.
const ROWS: usize = 16_384;

/// The raw initial values of the loss's parameters, in the kernel's order.
///
/// # Errors
/// An axis without a size; a value of the wrong length, or one that no raw value reaches.
pub fn parameters(program: &Program, axes: &BTreeMap<String, usize>) -> Result<Vec<ParamInit>> {
    let sizes = program.sizes(1, axes)?;
    let mut found = Vec::new();
    for (at, input) in program.loss.graph.inputs().iter().enumerate() {
        let Some(info) = program.name(crate::ir::graph::InputId(at as u32)) else { continue };
        if info.role != InputRole::Param {
            continue;
        }
        let dims: Vec<usize> = input.axes.iter().filter_map(|axis| sizes.get(axis.index()).copied()).collect();
        let natural = program.value_of(info, &dims, None, None)?;
        let block: usize = dims.iter().rev().take(info.vector.rank()).product();
        let raw = natural.chunks(block.max(1)).flat_map(|block| info.link.inverse(block));
        let values: Vec<f32> = raw.map(|x| x as f32).collect();
        if values.iter().any(|x| !x.is_finite()) {
            return Err(TrainError::Refused(format!(
                "`{}` starts at an end of its set, which training can approach but never leave: start it inside",
                info.name
            )));
        }
        found.push(ParamInit { name: info.name.clone(), dims, values });
    }
    Ok(found)
}

/// The constant heads (and parameters) that minimise the loss on the training rows, by iRprop− (Igel & Hüsken 2003):
/// each coordinate's step grows while its derivative keeps its sign and halves when it changes.
///
/// # Errors
/// The loss refuses the data.
pub fn constant(feed: &Feed, loss: &TrainLoss, widths: &[(String, usize)], params: &[ParamInit]) -> Result<Start> {
    let train = feed.rows(Part::Train);
    let every = train.len().div_ceil(ROWS).max(1);
    let batch = feed.batch(&Draft::plain(train.iter().step_by(every).copied().collect()));
    let sizes: Vec<usize> = widths.iter().map(|(_, width)| *width).collect();
    let mut x: Vec<Vec<f32>> = sizes.iter().map(|&width| vec![0.0; width]).collect();
    x.extend(params.iter().map(|param| param.values.clone()));
    let mut best = (f64::INFINITY, x.clone());
    let mut step: Vec<Vec<f32>> = x.iter().map(|values| vec![0.1; values.len()]).collect();
    let mut sign: Vec<Vec<f32>> = x.iter().map(|values| vec![0.0; values.len()]).collect();
    for _ in 0..ITERATIONS {
        let (value, grads) = value_at(&x, sizes.len(), batch.rows, loss, &batch.data())?;
        if value.total < best.0 {
            best = (value.total, x.clone());
        }
        for (((x, step), sign), grad) in x.iter_mut().zip(&mut step).zip(&mut sign).zip(&grads) {
            for (((x, step), sign), grad) in x.iter_mut().zip(step).zip(sign).zip(grad) {
                advance(x, step, sign, *grad);
            }
        }
    }
    let (_, mut found) = best;
    let params = found.split_off(sizes.len());
    Ok(Start { heads: found, params })
}

fn advance(x: &mut f32, step: &mut f32, sign: &mut f32, grad: f32) {
    let now = if grad > 0.0 {
        1.0
    } else if grad < 0.0 {
        -1.0
    } else {
        0.0
    };
    let agreement = *sign * now;
    if agreement > 0.0 {
        *step = (*step * 1.2).min(5.0);
    } else if agreement < 0.0 {
        *step = (*step * 0.5).max(1e-6);
    }
    *sign = if agreement < 0.0 { 0.0 } else { now };
    if agreement >= 0.0 {
        *x -= now * *step;
    }
}

/// The loss and its gradients summed over the rows, with every row's heads at the same values.
fn value_at(
    x: &[Vec<f32>],
    heads: usize,
    rows: usize,
    loss: &TrainLoss,
    batch: &super::bridge::BatchData<'_>,
) -> Result<(LossValue, Vec<Vec<f32>>)> {
    let (constant, params) = x.split_at(heads);
    let wide: Vec<Vec<f32>> = constant.iter().map(|values| values.repeat(rows)).collect();
    let wide: Vec<&[f32]> = wide.iter().map(Vec::as_slice).collect();
    let params: Vec<&[f32]> = params.iter().map(Vec::as_slice).collect();
    let room = |of: &[&[f32]]| of.iter().map(|values| vec![0.0; values.len()]).collect();
    let mut grads = LossGrads { heads: room(&wide), params: room(&params) };
    let value = loss.evaluate(&wide, &params, batch, &mut grads).map_err(super::step::StepError::from)?;
    let mut sums: Vec<Vec<f32>> = Vec::with_capacity(x.len());
    for (values, constant) in grads.heads.iter().zip(constant) {
        let mut sum = vec![0.0f64; constant.len()];
        for row in values.chunks(constant.len().max(1)) {
            sum.iter_mut().zip(row).for_each(|(sum, g)| *sum += f64::from(*g));
        }
        sums.push(sum.iter().map(|&s| s as f32).collect());
    }
    sums.extend(grads.params);
    Ok((value, sums))
}

/// The loss of the constant prediction on a batch, with each row's loss.
///
/// # Errors
/// The loss refuses the data.
pub fn baseline(start: &Start, loss: &TrainLoss, batch: &super::feed::Batch, threads: usize) -> Result<LossValue> {
    let wide: Vec<Vec<f32>> = start.heads.iter().map(|values| values.repeat(batch.rows)).collect();
    let wide: Vec<&[f32]> = wide.iter().map(Vec::as_slice).collect();
    let params: Vec<&[f32]> = start.params.iter().map(Vec::as_slice).collect();
    let (value, _) = loss.value(&wide, &params, &batch.data(), false, threads).map_err(super::step::StepError::from)?;
    Ok(value)
}
