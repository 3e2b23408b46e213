//! The f64 reference interpreter: slow, obvious, what every kernel is compared with.
//!
//! A node's value is a dense array over its free index variables. Rows are taken in tiles when nothing but sums crosses
//! them, so that memory stays bounded however long the batch is. Sums over rows are pairwise. Depends on `ir` alone; it
//! does not differentiate, simplify or check supports.

mod array;
mod plan;

use crate::ir::graph::{Graph, Index, InputId, NodeId, ROW};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::program::{Bindings, LossGraph, Outputs};

pub use array::Array;

/// Why a program could not be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InterpretError {
    /// An input's slice has another length than its axes say.
    #[error("input `{name}` holds {found} numbers, but its axes ask for {expected}")]
    WrongLength {
        /// The input.
        name: String,
        /// Product of its axes' sizes.
        expected: usize,
        /// Length of the slice.
        found: usize,
    },
    /// Not one slice an input, or not one size an axis.
    #[error("{found} {what} are bound, but the program has {expected}")]
    WrongCount {
        /// `inputs`, `axis sizes` or `row weights`.
        what: &'static str,
        /// As the program has it.
        expected: usize,
        /// As given.
        found: usize,
    },
    /// An intermediate array would not fit.
    #[error(
        "node %{node} has {elements} elements, more than the interpreter's limit of {limit}; use fewer rows a batch, or the native engine"
    )]
    TooLarge {
        /// The node.
        node: u32,
        /// Its elements.
        elements: u128,
        /// [`ELEMENT_LIMIT`].
        limit: usize,
    },
    /// A term depends on more than the row.
    #[error("term `{label}` has axes left over; this is an error in lossc itself")]
    LeftoverAxes {
        /// The term.
        label: String,
    },
}

/// Largest number of elements of one intermediate array (2³¹ bytes).
pub const ELEMENT_LIMIT: usize = 1 << 28;

/// Evaluates a loss: each term summed over the rows with the seed, the rows' losses and the gradients when asked for.
///
/// # Errors
/// The bindings do not fit the inputs, or an intermediate array is too large.
pub fn evaluate(
    loss: &LossGraph,
    bindings: &Bindings<'_, f64>,
    want_gradients: bool,
    want_per_row: bool,
) -> Result<Outputs<f64>, InterpretError> {
    let mut graph = loss.graph.clone();
    let seed = graph.load(loss.seed, &[Index::Var(ROW)]);
    let mut roots = Vec::new();
    let mut rows_loss = None;
    for term in &loss.terms {
        let root = match graph.free(term.node) {
            [] => term.node,
            [ROW] => {
                rows_loss = Some(match rows_loss {
                    None => term.node,
                    Some(sum) => graph.apply(Op::Add, &[sum, term.node]),
                });
                let weighted = graph.apply(Op::Mul, &[seed, term.node]);
                graph.reduce(ReduceOp::Sum, ROW, weighted, None)
            }
            _ => return Err(InterpretError::LeftoverAxes { label: term.label.clone() }),
        };
        roots.push(root);
    }
    let gradients = if want_gradients { loss.gradients.as_slice() } else { &[] };
    roots.extend(gradients.iter().map(|(_, node)| *node));
    let per_row = rows_loss.filter(|_| want_per_row);
    roots.extend(per_row);
    let mut arrays = plan::run(&graph, Some(loss.seed), &roots, bindings)?.into_iter();
    let terms = arrays.by_ref().take(loss.terms.len()).map(|array| array.scalar()).collect();
    let mut outputs = Outputs { terms, per_row: Vec::new(), gradients: Vec::new() };
    for (input, _) in gradients {
        if let Some(array) = arrays.next() {
            outputs.gradients.push(over_input(&mut graph, *input, &array, bindings));
        }
    }
    if per_row.is_some() {
        outputs.per_row = arrays.next().map(|array| array.data).unwrap_or_default();
    }
    Ok(outputs)
}

/// Values of any nodes, each a dense array over its free variables (ascending, row-major).
///
/// # Errors
/// As [`evaluate`].
pub fn values(graph: &Graph, roots: &[NodeId], bindings: &Bindings<'_, f64>) -> Result<Vec<Array>, InterpretError> {
    let seed = graph.inputs().iter().position(|input| input.role == crate::ir::graph::InputRole::Seed);
    plan::run(graph, seed.map(|seed| InputId(seed as u32)), roots, bindings)
}

/// A gradient, broadcast over all of its input's axes and in their order.
fn over_input(graph: &mut Graph, input: InputId, array: &Array, bindings: &Bindings<'_, f64>) -> Vec<f64> {
    let vars = graph.own_vars(input);
    let dims: Vec<usize> =
        graph.input(input).axes.iter().map(|axis| bindings.sizes.get(axis.index()).copied().unwrap_or(0)).collect();
    array.broadcast(&vars, &dims)
}

#[cfg(test)]
mod tests;
