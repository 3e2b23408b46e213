//! What can be wrong with the shapes of a network, and how it is said.

use std::fmt;

use super::layers::{InputShape, LIMIT};

/// What does not fit, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct ShapeError {
    /// The layer's index in `network`, then in the residual block inside it, and so on. Empty for
    /// the input and for heads.
    pub path: Vec<usize>,
    /// The layer's name in the spec, `input`, or the head's name.
    pub layer: String,
    /// What is wrong.
    pub fault: ShapeFault,
}

/// The ways in which layers fail to fit.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ShapeFault {
    /// A size of zero.
    #[error("`{what}` is 0, and must be at least 1")]
    Zero {
        /// The setting's name.
        what: &'static str,
    },
    /// More numbers than any machine this is for can hold.
    #[error("needs {numbers} {what}, and at most {LIMIT} are supported")]
    TooLarge {
        /// Weights, or numbers a row.
        what: &'static str,
        /// How many.
        numbers: usize,
    },
    /// An image where a vector is needed.
    #[error("gets {got}, and needs a vector: put `flatten` before it")]
    NeedsFlat {
        /// What arrives.
        got: InputShape,
    },
    /// A vector where an image is needed.
    #[error("gets {got}, and needs an image: only `conv` and `max_pool` may come before it")]
    NeedsImage {
        /// What arrives.
        got: InputShape,
    },
    /// A window larger than the (padded) picture.
    #[error("has a window of {window}×{window}, and gets only {height}×{width} pixels")]
    WindowTooLarge {
        /// Side of the window.
        window: usize,
        /// Height including padding.
        height: usize,
        /// Width including padding.
        width: usize,
    },
    /// A dropout probability outside [0, 1).
    #[error("drops with probability {p}, which must be at least 0 and below 1")]
    Probability {
        /// What was given.
        p: f32,
    },
    /// A leaky slope that is not a finite number.
    #[error("has the slope {slope}, which must be a finite number")]
    Slope {
        /// What was given.
        slope: f32,
    },
    /// A residual block that changes the shape.
    #[error("gets {got} and its layers make {made} of it: they must keep the shape")]
    Residual {
        /// What arrives.
        got: InputShape,
        /// What the block's layers return.
        made: InputShape,
    },
    /// Initial values of the wrong length.
    #[error("has {units} units and {given} initial values: give one a unit")]
    InitLength {
        /// The head's units.
        units: usize,
        /// Initial values given.
        given: usize,
    },
    /// A head without a layer on a trunk of another width.
    #[error("takes the network's output as it is, which has {got} numbers a row, and needs {units}")]
    IdentityWidth {
        /// The trunk's width.
        got: usize,
        /// The head's units.
        units: usize,
    },
    /// Two heads of one name.
    #[error("is given twice")]
    Duplicate,
    /// No head at all.
    #[error("there is no head: the loss predicts nothing that a network could learn")]
    NoHeads,
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.layer)?;
        if !self.path.is_empty() {
            let path: Vec<String> = self.path.iter().map(usize::to_string).collect();
            write!(f, " (network[{}])", path.join("]["))?;
        }
        write!(f, ": {}", self.fault)
    }
}

/// Everything that does not fit, in the order of the network; never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct ShapeErrors(pub Vec<ShapeError>);

impl fmt::Display for ShapeErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, e) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{e}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ShapeErrors {}
