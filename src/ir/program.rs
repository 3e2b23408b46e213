//! A loss as a graph with its inputs and outputs: what passes, the interpreter and the code generator exchange.

use super::graph::{Graph, InputId, NodeId};

/// One labelled term of the loss: its contribution a row, or once.
#[derive(Clone, Debug, PartialEq)]
pub struct TermRoot {
    /// Label (`spikes`, or `term1` by position).
    pub label: String,
    /// The scalar contribution: depends on `ROW` alone, or on nothing.
    pub node: NodeId,
}

/// A loss, ready to be evaluated: the graph, the terms, and the gradients.
#[derive(Clone, Debug)]
pub struct LossGraph {
    /// The graph.
    pub graph: Graph,
    /// The terms in order. Those that depend on `ROW` are reduced over the batch, the others are added once.
    pub terms: Vec<TermRoot>,
    /// The input that holds each row's adjoint (1/rows under `mean`, 1 under `sum`, times the row's weight).
    pub seed: InputId,
    /// Gradient of the loss with respect to each element of an input. The node depends on the input's own axis
    /// variables ([`Graph::axis_var`], [`super::graph::ROW`] for the rows) and on nothing else.
    pub gradients: Vec<(InputId, NodeId)>,
}

/// Values of the inputs, by [`InputId`]: row-major arrays over each input's axes; the seed's entry is ignored.
#[derive(Clone, Debug)]
pub struct Bindings<'a, T> {
    /// Number of rows of the batch.
    pub rows: usize,
    /// One slice an input.
    pub inputs: Vec<&'a [T]>,
    /// Size of each axis, by `AxisId` (entry 0 is `rows`).
    pub sizes: Vec<usize>,
    /// Adjoint of each row's loss: empty for 1/rows each; else one weight a row, used as it is.
    pub seed: &'a [T],
}

/// What an evaluation gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outputs<T> {
    /// Σ seed·ℓ over rows for each term (the term itself for one without rows), in f64.
    pub terms: Vec<f64>,
    /// Each row's loss before the seed, when asked for.
    pub per_row: Vec<T>,
    /// Gradients in the order of [`LossGraph::gradients`], row-major over the input's axes; empty when not asked for.
    pub gradients: Vec<Vec<T>>,
}
