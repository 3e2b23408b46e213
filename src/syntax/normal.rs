//! Normalisation: NFC plus the variant letters and blanks, with a way back to the original byte offsets.
//!
//! Everything after this step sees one spelling of each character, while spans still point into the file as it
//! stands. The map holds entries only where normalisation changed something. Depends on `source` for spans.

use std::borrow::Cow;

use unicode_normalization::char::{canonical_combining_class, decompose_compatible};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::source::Span;

/// A text after normalisation.
#[derive(Clone, Debug)]
pub struct Normal<'a> {
    /// The normalised text; borrowed when nothing had to change.
    pub text: Cow<'a, str>,
    changes: Vec<Change>,
}

/// A stretch that normalisation replaced.
#[derive(Clone, Copy, Debug)]
struct Change {
    normal: (usize, usize),
    original: (usize, usize),
}

/// Normalises a text. Linear in its length.
pub fn normalize(text: &str) -> Normal<'_> {
    if text.is_ascii() || (is_nfc_quick(text.chars()) == IsNormalized::Yes && !text.chars().any(is_variant)) {
        return Normal { text: Cow::Borrowed(text), changes: Vec::new() };
    }
    let mut normal = String::with_capacity(text.len());
    let mut changes = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().skip(1).map(|(at, c)| (at, starts_segment(c))).chain([(text.len(), true)]);
    for end in chars.by_ref().filter_map(|(at, starts)| starts.then_some(at)) {
        let segment = text.get(start..end).unwrap_or("");
        push_segment(segment, start, &mut normal, &mut changes);
        start = end;
    }
    let text = if changes.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(normal) };
    Normal { text, changes }
}

/// True for a character that nothing before it can combine with.
fn starts_segment(c: char) -> bool {
    c.is_ascii() || (canonical_combining_class(c) == 0 && is_nfc_quick(std::iter::once(c)) == IsNormalized::Yes)
}

fn push_segment(segment: &str, start: usize, normal: &mut String, changes: &mut Vec<Change>) {
    if segment.is_ascii() {
        normal.push_str(segment);
        return;
    }
    let before = normal.len();
    segment.nfc().for_each(|c| push_variant(c, normal));
    if normal.get(before..) != Some(segment) {
        changes.push(Change { normal: (before, normal.len()), original: (start, start + segment.len()) });
    }
}

fn push_variant(c: char, out: &mut String) {
    if is_mathematical(c) {
        decompose_compatible(c, |plain| out.push(variant(plain)));
    } else {
        out.push(variant(c));
    }
}

/// Bold, italic and other mathematical letters, which come out of PDFs.
fn is_mathematical(c: char) -> bool {
    ('\u{1D400}'..='\u{1D7CB}').contains(&c)
}

fn is_variant(c: char) -> bool {
    !c.is_ascii() && (is_mathematical(c) || variant(c) != c)
}

/// The letter or sign that a variant stands for.
fn variant(c: char) -> char {
    match c {
        '\u{B5}' => 'μ',
        'ϕ' => 'φ',
        'ϵ' => 'ε',
        'ϑ' => 'θ',
        'ϱ' => 'ρ',
        'ϖ' => 'π',
        'ϰ' => 'κ',
        'ς' => 'σ',
        '⋅' | '∙' => '·',
        '∗' => '*',
        '∕' => '/',
        '∥' => '‖',
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => ' ',
        other => other,
    }
}

impl Normal<'_> {
    /// The span in the original text of a range of the normalised one. A range that cuts a changed stretch is
    /// widened to the whole stretch.
    pub fn to_source(&self, start: usize, end: usize) -> Span {
        let first = self.original(start, false);
        Span::new(first, self.original(end, true).max(first))
    }

    fn original(&self, offset: usize, is_end: bool) -> usize {
        let after = self.changes.partition_point(|change| change.normal.0 < offset + usize::from(!is_end));
        let Some(change) = after.checked_sub(1).and_then(|at| self.changes.get(at)) else { return offset };
        if offset >= change.normal.1 {
            return offset - change.normal.1 + change.original.1;
        }
        if is_end { change.original.1 } else { change.original.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_point_into_the_text_before_normalisation() {
        // y + combining hat (3 bytes) composes to ŷ (2 bytes); the micro sign becomes mu.
        let text = "y\u{302} + \u{B5}·x";
        let normal = normalize(text);
        assert_eq!(normal.text, "ŷ + μ·x");
        let at = normal.text.find('x').unwrap_or(0);
        assert_eq!(text.get(normal.to_source(at, at + 1).range()), Some("x"));
        assert_eq!(text.get(normal.to_source(0, 2).range()), Some("y\u{302}"));
        let mu = normal.text.find('μ').unwrap_or(0);
        assert_eq!(text.get(normal.to_source(mu, mu + 2).range()), Some("\u{B5}"));
    }

    #[test]
    fn normal_text_is_borrowed() {
        assert!(matches!(normalize("λ = x̂").text, Cow::Borrowed(_)));
        assert_eq!(normalize("𝜆 ϵ ϕ ⋅").text, "λ ε φ ·");
    }
}
