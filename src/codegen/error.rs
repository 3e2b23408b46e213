//! What can go wrong with a compiled loss.

use thiserror::Error;

/// A loss that could not be compiled.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CodegenError {
    /// Fewer or more sizes than the loss has axes.
    #[error(
        "the loss has {expected} axes, but {found} sizes were given; give one size an axis (that of the rows is not read)"
    )]
    Sizes {
        /// Axes of the graph.
        expected: usize,
        /// Sizes given.
        found: usize,
    },
    /// This machine cannot run generated code.
    #[error("this machine cannot run generated code: {0}; evaluate with the interpreter")]
    Machine(String),
    /// The code generator refused its input.
    #[error("internal compiler error in the code generator: {0}")]
    Internal(String),
}

/// An evaluation that was refused; nothing has been computed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EvalError {
    /// A batch without rows.
    #[error("the batch has no rows; a loss needs at least one")]
    NoRows,
    /// No thread to run on.
    #[error("0 threads were given; give at least 1")]
    NoThreads,
    /// Not one slice an input.
    #[error("the loss has {expected} inputs, but {found} arrays were bound")]
    Inputs {
        /// Inputs of the graph.
        expected: usize,
        /// Arrays bound.
        found: usize,
    },
    /// An array of the wrong length.
    #[error("`{name}` has {found} values, but its axes ask for {expected}")]
    Length {
        /// The input.
        name: String,
        /// Elements over its axes.
        expected: usize,
        /// Elements bound.
        found: usize,
    },
    /// An axis with another size than the kernel was compiled for.
    #[error("axis {axis} has size {found}, but the kernel was compiled for {expected}; compile it again")]
    AxisSize {
        /// Name or number of the axis.
        axis: String,
        /// Size compiled for.
        expected: usize,
        /// Size bound.
        found: usize,
    },
    /// Row weights that do not match the rows.
    #[error("{found} row weights were given for {expected} rows; give one a row, or none")]
    Seed {
        /// Rows.
        expected: usize,
        /// Weights.
        found: usize,
    },
    /// Intermediate values that would not fit in memory.
    #[error("this batch needs {needed} bytes for intermediate values, more than the bound of {bound}; use fewer rows")]
    Memory {
        /// Bytes needed.
        needed: usize,
        /// Bytes allowed.
        bound: usize,
    },
    /// The kernel variant asked for first now could not be compiled.
    #[error(transparent)]
    Codegen(#[from] CodegenError),
}
