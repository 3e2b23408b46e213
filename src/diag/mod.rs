//! Diagnostics: what the compiler says to a person, as values.
//!
//! A [`Diagnostic`] has a stable [`Code`], a span in one source, and helps that may carry an [`Edit`]. The table
//! of codes with their pages is in `codes`; the one renderer is in `render`. Depends on `source` only.

pub mod codes;
pub mod fix;
pub mod render;

pub use codes::{Code, Severity};

use crate::source::Span;

/// A replacement of the text under `span` by `text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced (empty span: an insertion).
    pub span: Span,
    /// The new text.
    pub text: String,
}

/// A way out of a mistake; with an edit when the compiler can make the change itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Help {
    /// One sentence.
    pub message: String,
    /// The change that would do it.
    pub edit: Option<Edit>,
}

/// A secondary place that explains the first ("declared here").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is to be seen there.
    pub message: String,
}

/// One message about one mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code; `lossc explain CODE` prints its page.
    pub code: Code,
    /// The sentence: what was found, what was expected.
    pub message: String,
    /// Where.
    pub span: Span,
    /// A few words printed under the caret (for a support error: the derived support).
    pub note: Option<String>,
    /// Other places that explain.
    pub labels: Vec<Label>,
    /// What to do.
    pub helps: Vec<Help>,
}

impl Diagnostic {
    /// A diagnostic with a message and a place and nothing else yet.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Diagnostic { code, message: message.into(), span, note: None, labels: Vec::new(), helps: Vec::new() }
    }

    /// Adds the words under the caret.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Adds a secondary place.
    #[must_use]
    pub fn label(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label { span, message: message.into() });
        self
    }

    /// Adds advice without an edit.
    #[must_use]
    pub fn help(mut self, message: impl Into<String>) -> Self {
        self.helps.push(Help { message: message.into(), edit: None });
        self
    }

    /// Adds advice that the compiler can carry out: replace `span` by `text`.
    #[must_use]
    pub fn fix(mut self, message: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        self.helps.push(Help { message: message.into(), edit: Some(Edit { span, text: text.into() }) });
        self
    }

    /// Error or warning.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// The diagnostic for a file that is not UTF-8, to be rendered with `error.readable`.
pub fn not_utf8(error: &crate::source::NotUtf8) -> Diagnostic {
    let span = Span::new(error.offset, error.offset + 1);
    Diagnostic::new(codes::E0101, span, format!("this file is not UTF-8: {error}"))
        .help("save it as UTF-8; programs hold Greek letters, so the encoding is not guessed")
}

/// True when any of them is an error.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity() == Severity::Error)
}

/// A number as messages show it: all its digits, with an exponent where it has many zeros.
pub fn number(x: f64) -> String {
    if x != 0.0 && x.is_finite() && !(1e-5..1e16).contains(&x.abs()) { format!("{x:e}") } else { x.to_string() }
}

/// The candidate that a misspelled word most likely means: at most a third of its letters changed, swapped,
/// dropped or added. The first of equally near ones.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    if length > 64 {
        return None;
    }
    let allowed = (length / 3).max(1);
    let ranked = candidates.into_iter().map(|candidate| (edit_distance(word, candidate), candidate));
    let near = ranked.filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count());
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// The question at the end of a message about a word that nobody knows: `; did you mean …?`, or nothing.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

/// Damerau–Levenshtein distance with adjacent swaps (optimal string alignment), case ignored.
fn edit_distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().flat_map(char::to_lowercase).collect();
    let b: Vec<char> = b.chars().flat_map(char::to_lowercase).collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    for (i, &from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &to) in b.iter().enumerate() {
            let mut best = (at(&last, j) + usize::from(from != to)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(&to) && b.get(j - 1) == Some(&from);
            if swapped {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    at(&last, b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_found() {
        let names = ["poisson", "normal", "neg_binomial", "pareto"];
        assert_eq!(nearest("posson", names), Some("poisson"));
        assert_eq!(nearest("nromal", names), Some("normal"));
        assert_eq!(nearest("neg_binom", names), Some("neg_binomial"));
        assert_eq!(nearest("weibull", names), None);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("ab", "ba"), 1);
    }
}
