//! Why a training cannot start, or stopped.

use std::path::PathBuf;

use super::bridge::BindingError;
use super::checkpoint::CheckpointError;
use super::kernel::KernelError;
use super::network::ShapeErrors;
use super::spec::SpecErrors;
use super::step::StepError;
use crate::compile::{UnknownSize, WrongValue};
use crate::data::DataErrors;
use crate::diag::Diagnostic;
use crate::diag::render::{Style, render};
use crate::interpret::InterpretError;
use crate::passes::PassError;
use crate::record::RecordError;
use crate::report::ReportError;
use crate::source::Source;

/// What went wrong, with everything needed to say so.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A file that cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The spec has mistakes.
    #[error(transparent)]
    Spec(#[from] Box<SpecErrors>),
    /// The program has mistakes.
    #[error("{} has {} mistake(s)", .source_text.name, .diagnostics.len())]
    Program {
        /// Its text.
        source_text: Source,
        /// The mistakes.
        diagnostics: Vec<Diagnostic>,
    },
    /// The data has mistakes.
    #[error(transparent)]
    Data(#[from] DataErrors),
    /// Layers or heads that do not fit.
    #[error("the network does not fit together:\n{0}")]
    Shape(#[from] ShapeErrors),
    /// Predicted names and heads that do not pair up.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Binding(Vec<BindingError>),
    /// The loss cannot be compiled.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// An axis without a size.
    #[error(transparent)]
    Size(#[from] UnknownSize),
    /// A value that its name cannot have.
    #[error(transparent)]
    Value(#[from] WrongValue),
    /// A step failed; says where.
    #[error("{0}")]
    Step(String),
    /// A checkpoint cannot be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The notebook cannot be written or read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The report cannot be made.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// Nothing can be predicted or measured like this.
    #[error("{0}")]
    Refused(String),
    /// The interpreter's limits.
    #[error(transparent)]
    Interpret(#[from] InterpretError),
    /// An error of lossc itself.
    #[error("internal error: {0}")]
    Internal(String),
}

impl TrainError {
    /// What a person reads: mistakes in a text with the place that they stand at, anything else as one sentence. Ends
    /// with a line break.
    pub fn rendered(&self, style: Style) -> String {
        match self {
            TrainError::Spec(errors) => errors.rendered(style),
            TrainError::Program { source_text, diagnostics } => render(source_text, diagnostics, style),
            other => format!("error: {other}\n"),
        }
    }
}

impl From<SpecErrors> for TrainError {
    fn from(errors: SpecErrors) -> Self {
        TrainError::Spec(Box::new(errors))
    }
}

impl From<PassError> for TrainError {
    fn from(error: PassError) -> Self {
        TrainError::Internal(error.to_string())
    }
}

impl From<StepError> for TrainError {
    fn from(error: StepError) -> Self {
        TrainError::Step(error.to_string())
    }
}

/// What every function of the training's outer parts returns.
pub type Result<T> = std::result::Result<T, TrainError>;
