//! Helpers of the tests in this folder: short names for building graphs, and gradients by central differences.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use crate::interpret::evaluate;
use crate::ir::graph::{Axis, AxisId, Graph, Index, Input, InputId, InputRole, NodeId, ROW, ROWS, VarId};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::program::{Bindings, LossGraph, TermRoot};
use crate::ir::support::Interval;
use crate::passes::differentiate::differentiate;

/// A graph being built, with its seed.
pub struct Build {
    pub g: Graph,
    pub seed: InputId,
}

impl Build {
    pub fn new() -> Build {
        let mut g = Graph::new();
        let seed = g.add_input(Input {
            name: "seed".into(),
            role: InputRole::Seed,
            axes: vec![ROWS],
            support: Interval::NONNEG,
        });
        Build { g, seed }
    }

    pub fn axis(&mut self, name: &str) -> AxisId {
        self.g.add_axis(Axis { name: Some(name.into()), size: None })
    }

    pub fn input(&mut self, name: &str, axes: &[AxisId], support: Interval) -> InputId {
        self.g.add_input(Input { name: name.into(), role: InputRole::Predict, axes: axes.to_vec(), support })
    }

    /// An input with one number a row, loaded.
    pub fn row(&mut self, name: &str, support: Interval) -> NodeId {
        let input = self.input(name, &[ROWS], support);
        self.g.load(input, &[Index::Var(ROW)])
    }

    pub fn fresh(&mut self, axis: AxisId) -> VarId {
        self.g.fresh_var(axis)
    }

    pub fn c(&mut self, value: f64) -> NodeId {
        self.g.constant(value)
    }

    pub fn op(&mut self, op: Op, args: &[NodeId]) -> NodeId {
        self.g.apply(op, args)
    }

    pub fn reduce(&mut self, op: ReduceOp, var: VarId, body: NodeId) -> NodeId {
        self.g.reduce(op, var, body, None)
    }

    /// The loss of these terms with its gradient, nothing simplified.
    pub fn loss(mut self, terms: &[NodeId], wrt: &[InputId]) -> LossGraph {
        let gradients = differentiate(&mut self.g, terms, wrt, self.seed);
        let terms = terms.iter().map(|&node| TermRoot { label: "term".into(), node }).collect();
        LossGraph { graph: self.g, terms, seed: self.seed, gradients }
    }
}

/// Values of the inputs, owned.
#[derive(Clone, Debug)]
pub struct Values {
    pub rows: usize,
    pub sizes: Vec<usize>,
    pub inputs: Vec<Vec<f64>>,
    pub seed: Vec<f64>,
}

impl Values {
    pub fn bindings(&self) -> Bindings<'_, f64> {
        Bindings {
            rows: self.rows,
            inputs: self.inputs.iter().map(Vec::as_slice).collect(),
            sizes: self.sizes.clone(),
            seed: &self.seed,
        }
    }
}

pub fn total(loss: &LossGraph, values: &Values) -> f64 {
    evaluate(loss, &values.bindings(), false, false).unwrap().terms.iter().sum()
}

/// Compares every gradient with central differences; `tolerance` is relative to the largest of 1 and the gradient.
pub fn check_gradient(loss: &LossGraph, values: &Values, tolerance: f64) {
    let outputs = evaluate(loss, &values.bindings(), true, false).unwrap();
    for ((input, _), gradient) in loss.gradients.iter().zip(&outputs.gradients) {
        for (at, derived) in gradient.iter().enumerate() {
            let x = values.inputs[input.index()][at];
            let h = 1e-5 * x.abs().max(1e-2);
            let moved = |x: f64| {
                let mut values = values.clone();
                values.inputs[input.index()][at] = x;
                total(loss, &values)
            };
            // Fourth order: (8(f₊ − f₋) − (f₊₊ − f₋₋))/12h.
            let near = moved(x + h) - moved(x - h);
            let far = moved(x + 2.0 * h) - moved(x - 2.0 * h);
            let expected = (8.0 * near - far) / (12.0 * h);
            let found = *derived;
            assert!(
                (found - expected).abs() <= tolerance * expected.abs().max(1.0),
                "∂/∂{}[{at}]: {found}, by differences {expected}",
                loss.graph.input(*input).name
            );
        }
    }
}
