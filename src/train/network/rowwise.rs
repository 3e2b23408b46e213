//! Layers that look at one row at a time: layer_norm, l2_normalize, a bare activation, and the sum
//! that closes a residual block.

use super::layers::Activation;
use super::math::{self, Bias};
use super::tape::{Pass, Value};
use std::sync::Arc;

/// Added to the variance in layer_norm, as everywhere in this field.
const EPSILON: f64 = 1e-5;

/// Layer normalisation over `width` numbers; `gain` and `shift` index the network's parameters.
#[derive(Debug, Clone, Copy)]
pub(super) struct LayerNorm {
    pub(super) gain: usize,
    pub(super) shift: usize,
    pub(super) width: usize,
}

impl LayerNorm {
    pub(super) fn forward(&self, pass: &mut Pass<'_>, x: &Value) -> Value {
        let (gain, shift, width) = (pass.parameter(self.gain), pass.parameter(self.shift), self.width);
        let mut unit = pass.pool.copy(&x.data);
        let mut inverse = pass.pool.buffer(pass.rows);
        for (row, inverse) in unit.chunks_exact_mut(width).zip(inverse.iter_mut()) {
            *inverse = standardise(row);
        }
        let mut y = pass.pool.copy(&unit);
        for row in y.chunks_exact_mut(width) {
            for ((v, g), b) in row.iter_mut().zip(gain.values().iter()).zip(shift.values().iter()) {
                *v = *v * g + b;
            }
        }
        let node = x.node.clone();
        let gains = gain.values().clone();
        let (gain, shift) = (gain.tensor.clone(), shift.tensor.clone());
        pass.push(y, move |back, dy| {
            math::add_columns(back.parameter(&shift)?, dy);
            let d_gain = back.parameter(&gain)?;
            for (row, unit) in dy.chunks_exact(width).zip(unit.chunks_exact(width)) {
                for ((d, g), u) in d_gain.iter_mut().zip(row).zip(unit) {
                    *d += g * u;
                }
            }
            let Some(node) = &node else { return Ok(()) };
            for ((row, unit), &inverse) in dy.chunks_exact_mut(width).zip(unit.chunks_exact(width)).zip(inverse.iter())
            {
                standardise_backward(row, unit, &gains, inverse);
            }
            back.add(node, dy)
        })
    }
}

/// Standardises a row in place; returns 1/√(variance + ε).
fn standardise(row: &mut [f32]) -> f32 {
    let n = row.len() as f64;
    let mean = row.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let variance = row.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
    let inverse = 1.0 / (variance + EPSILON).sqrt();
    for v in row {
        *v = ((f64::from(*v) - mean) * inverse) as f32;
    }
    inverse as f32
}

/// With û the standardised row and h = dy·gain: dx = (h − mean h − û·mean(h·û)) / √(variance + ε).
fn standardise_backward(row: &mut [f32], unit: &[f32], gains: &[f32], inverse: f32) {
    let n = row.len() as f64;
    let (mut sum, mut dot) = (0.0_f64, 0.0_f64);
    for ((d, &u), &g) in row.iter_mut().zip(unit).zip(gains) {
        *d *= g;
        sum += f64::from(*d);
        dot += f64::from(*d) * f64::from(u);
    }
    let (mean, tilt) = ((sum / n) as f32, (dot / n) as f32);
    for (d, &u) in row.iter_mut().zip(unit) {
        *d = (*d - mean - u * tilt) * inverse;
    }
}

/// Each row over its Euclidean length.
pub(super) fn l2_normalize(pass: &mut Pass<'_>, x: &Value, width: usize) -> Value {
    let mut y = pass.pool.copy(&x.data);
    let mut inverse = pass.pool.buffer(pass.rows);
    for (row, inverse) in y.chunks_exact_mut(width).zip(inverse.iter_mut()) {
        let length = row.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt();
        // Below the smallest normal number 1/length overflows: such a row counts as zeros. Written
        // so that NaN is not taken for a small length.
        *inverse = if length < f64::from(f32::MIN_POSITIVE) { 0.0 } else { (1.0 / length) as f32 };
        row.iter_mut().for_each(|v| *v *= *inverse);
    }
    let (y, node) = (Arc::new(y), x.node.clone());
    let unit = y.clone();
    pass.push_shared(y, move |back, dy| {
        let Some(node) = &node else { return Ok(()) };
        for ((row, unit), &inverse) in dy.chunks_exact_mut(width).zip(unit.chunks_exact(width)).zip(inverse.iter()) {
            let along: f64 = row.iter().zip(unit).map(|(&d, &u)| f64::from(d) * f64::from(u)).sum();
            for (d, &u) in row.iter_mut().zip(unit) {
                *d = (*d - u * along as f32) * inverse;
            }
        }
        back.add(node, dy)
    })
}

/// An activation on its own, where none could be fused.
pub(super) fn activate(pass: &mut Pass<'_>, x: &Value, activation: Activation) -> Value {
    let mut y = pass.pool.copy(&x.data);
    let mut kept = match pass.tape {
        Some(_) if math::keeps_derivative(activation) => Some(pass.pool.buffer(y.len())),
        _ => None,
    };
    math::forward(Some(activation), &mut y, Bias::None, kept.as_deref_mut());
    let (y, node) = (Arc::new(y), x.node.clone());
    let result = y.clone();
    pass.push_shared(y, move |back, dy| {
        let Some(node) = &node else { return Ok(()) };
        math::backward(activation, dy, &result, kept.as_deref());
        back.add(node, dy)
    })
}

/// x + y, where y was made from x.
pub(super) fn add(pass: &mut Pass<'_>, x: &Value, y: &Value) -> Value {
    let mut sum = pass.pool.copy(&x.data);
    math::add(&mut sum, &y.data);
    let nodes = [x.node.clone(), y.node.clone()];
    pass.push(sum, move |back, dy| {
        for node in nodes.iter().flatten() {
            back.add(node, dy)?;
        }
        Ok(())
    })
}
