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

/// Letters inserted, deleted, replaced or exchanged with their neighbour (optimal string alignment) over at most the first
/// 64 characters, case ignored.
fn distance(one: &str, two: &str) -> usize {
    let letters = |text: &str| text.chars().take(64).flat_map(char::to_lowercase).collect::<Vec<_>>();
    let (one, two) = (letters(one), letters(two));
    let mut rows: Vec<Vec<usize>> = vec![(0..=two.len()).collect()];
    let cell = |rows: &[Vec<usize>], i: usize, j: usize| {
        rows.get(i).and_then(|row| row.get(j)).copied().unwrap_or(usize::MAX / 2)
    };
    for (i, letter) in one.iter().enumerate() {
        let mut here = vec![i + 1];
        for (j, other) in two.iter().enumerate() {
            let left = here.last().copied().unwrap_or(0) + 1;
            let mut best = left.min(cell(&rows, i, j + 1) + 1).min(cell(&rows, i, j) + usize::from(letter != other));
            let swapped = i > 0 && j > 0 && one.get(i - 1) == Some(other) && two.get(j - 1) == Some(letter);
            if swapped {
                best = best.min(cell(&rows, i - 1, j - 1) + 1);
            }
            here.push(best);
        }
        rows.push(here);
    }
    cell(&rows, one.len(), two.len())
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
        assert_eq!(distance("flod", "fold"), 1);
    }
}
