//! When two spellings are one name.

/// The form in which names are compared: the language's ASCII spelling, so that a column `lambda` is the program's `λ`.
pub use crate::syntax::names::canonical;

/// The candidate nearest to what was written, if any is near enough to be a slip of the finger.
#[must_use]
pub(crate) fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a String>) -> Option<String> {
    let allowed = (written.chars().count() / 3).clamp(1, 3);
    let scored = candidates.into_iter().map(|candidate| (distance(written, candidate), candidate));
    scored.filter(|(edits, _)| *edits <= allowed).min_by_key(|(edits, _)| *edits).map(|(_, name)| name.clone())
}

/// Letters inserted, deleted or replaced (Levenshtein) over at most the first 64 characters, case ignored.
fn distance(one: &str, two: &str) -> usize {
    let letters = |text: &str| text.chars().take(64).flat_map(char::to_lowercase).collect::<Vec<_>>();
    let (one, two) = (letters(one), letters(two));
    let mut above: Vec<usize> = (0..=two.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut left = row + 1;
        let mut here = vec![left];
        for ((other, &diagonal), &up) in two.iter().zip(&above).zip(above.iter().skip(1)) {
            left = (diagonal + usize::from(letter != other)).min(up + 1).min(left + 1);
            here.push(left);
        }
        above = here;
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_a_slip_away_or_none() {
        let names = ["speed".to_owned(), "steer".to_owned(), "rpm".to_owned()];
        assert_eq!(nearest("sped", &names).as_deref(), Some("speed"));
        assert_eq!(nearest("Steer", &names).as_deref(), Some("steer"));
        assert_eq!(nearest("throttle", &names), None);
    }

    #[test]
    fn the_distance_of_kitten_and_sitting_is_three() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
