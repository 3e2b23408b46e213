//! When two spellings are one name.

/// The form in which names are compared: the language's ASCII spelling, so that a column `lambda` is the program's `λ`.
pub use crate::syntax::names::canonical;

/// The name nearest to what was written, if any is near enough to be a slip of the finger.
#[must_use]
pub(crate) fn nearest(written: &str, names: &[String]) -> Option<String> {
    crate::diag::nearest(written, names.iter().map(String::as_str)).map(str::to_owned)
}
