//! LaTeX to MathML Core, which browsers show without a script.

use super::{ReportError, Result};
use math_core::{LatexToMathML, MathCoreConfig, MathDisplay};

/// A formula of its own line, as a `<math display="block">` element.
///
/// # Errors
/// [`ReportError::Formula`] quotes the formula and what is wrong with it.
pub fn block(latex: &str) -> Result<String> {
    convert(latex, MathDisplay::Block)
}

/// A formula within a sentence, as a `<math>` element.
///
/// # Errors
/// [`ReportError::Formula`] quotes the formula and what is wrong with it.
pub fn inline(latex: &str) -> Result<String> {
    convert(latex, MathDisplay::Inline)
}

fn convert(latex: &str, display: MathDisplay) -> Result<String> {
    let wrong = |message: String| ReportError::Formula { latex: latex.to_owned(), message };
    let config = MathCoreConfig { annotation: true, ..MathCoreConfig::default() };
    let converter = LatexToMathML::new(config).map_err(|(error, ..)| wrong(error.to_string()))?;
    let converted = converter.convert_with_local_state(latex, display);
    converted.map(|result| result.mathml).map_err(|error| wrong(error.to_string()))
}
