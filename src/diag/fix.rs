//! Edits that need no decision, applied.

use super::{Diagnostic, Edit, Severity};

/// The text with the edits of all mistakes that have exactly one remedy, and how many they were; `None` when no mistake
/// has. What a value should be (the codes E02…) is a decision of the writer, and so is what a warning is about.
pub fn fixed(text: &str, diagnostics: &[Diagnostic]) -> Option<(String, usize)> {
    let mut edits: Vec<&Edit> = diagnostics.iter().filter_map(certain).collect();
    edits.sort_by_key(|edit| edit.span);
    let mut fixed = String::with_capacity(text.len());
    let (mut at, mut count) = (0, 0);
    for edit in edits {
        let range = edit.span.range();
        // Two edits of one place: the second waits for the next round.
        let (Some(before), true) = (text.get(at..range.start), at <= range.start) else { continue };
        fixed.push_str(before);
        fixed.push_str(&edit.text);
        at = range.end;
        count += 1;
    }
    fixed.push_str(text.get(at..)?);
    (count > 0).then_some((fixed, count))
}

fn certain(diagnostic: &Diagnostic) -> Option<&Edit> {
    let mut edits = diagnostic.helps.iter().filter_map(|help| help.edit.as_ref());
    let only = edits.next().filter(|_| edits.next().is_none())?;
    let decided = diagnostic.severity() == Severity::Error && !diagnostic.code.0.starts_with("E02");
    decided.then_some(only)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::diag::codes;
    use crate::source::Span;

    #[test]
    fn only_what_is_certain_is_edited() {
        let text = "posson(k | lamda) nomal";
        let one = |from, to, new: &str| {
            Diagnostic::new(codes::E0301, Span::new(from, to), "").fix("", Span::new(from, to), new)
        };
        let two = one(11, 16, "lambda").fix("", Span::new(11, 16), "other");
        let support = Diagnostic::new(codes::E0203, Span::new(7, 8), "").fix("", Span::new(7, 8), "exp(k)");
        let found = [one(18, 23, "normal"), one(0, 6, "poisson"), one(0, 3, "pois"), two, support];
        let (fixed, count) = fixed(text, &found).unwrap();
        assert_eq!((fixed.as_str(), count), ("poisson(k | lamda) normal", 2));
        assert_eq!(super::fixed(text, &found[3..]), None);
    }
}
