//! What is wrong in a spec, and where: one type for every stage that reads one.

use crate::diag::Code;

/// A range of bytes in one of the texts that a spec is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// Which text: 0 is the file, `n` the n-th `--set`.
    pub source: usize,
    /// Offset of the first byte.
    pub start: usize,
    /// Offset one past the last byte.
    pub end: usize,
}

/// One mistake, before it is tied to its text and becomes a [`crate::diag::Diagnostic`].
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Stable code; `crate::diag::codes` has its page.
    pub code: Code,
    /// Where.
    pub place: Place,
    /// What was found, what was expected.
    pub message: String,
    /// A few words under the caret.
    pub note: Option<String>,
    /// Other places that explain.
    pub labels: Vec<(Place, String)>,
    /// What to do; the replacement of the text at `place` when there is one.
    pub helps: Vec<(String, Option<String>)>,
}

impl Finding {
    /// A mistake with a place and nothing else yet.
    pub fn new(code: Code, place: Place, message: impl Into<String>) -> Self {
        Finding { code, place, message: message.into(), note: None, labels: Vec::new(), helps: Vec::new() }
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, message: impl Into<String>) -> Self {
        self.helps.push((message.into(), None));
        self
    }

    /// Adds advice that replaces the text at the finding's place.
    #[must_use]
    pub fn fix(mut self, message: impl Into<String>, text: impl Into<String>) -> Self {
        self.helps.push((message.into(), Some(text.into())));
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn label(mut self, place: Place, message: impl Into<String>) -> Self {
        self.labels.push((place, message.into()));
        self
    }
}
