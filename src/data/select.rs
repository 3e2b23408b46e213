//! Column patterns: names, globs (`"d_*"`), ranges (`n00..n30`).
//!
//! Works on names only.

use super::error::DataError;
use super::names::{canonical, nearest};

/// Positions of the columns that the patterns name, in the order of the patterns, each column once.
///
/// # Errors
/// [`DataError::NoColumn`] for each pattern that names nothing, with the nearest name; `wanted_by` says who asks.
pub fn select(names: &[String], patterns: &[String], wanted_by: &str) -> Result<Vec<usize>, Vec<DataError>> {
    let mut chosen = Vec::new();
    let mut errors = Vec::new();
    for pattern in patterns {
        match expand(names, pattern, wanted_by) {
            Ok(found) => chosen.extend(found),
            Err(error) => errors.push(error),
        }
    }
    let mut seen = std::collections::HashSet::new();
    chosen.retain(|at| seen.insert(*at));
    if errors.is_empty() { Ok(chosen) } else { Err(errors) }
}

/// Whether a pattern may stand for several columns.
#[must_use]
pub fn is_wild(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

fn expand(names: &[String], pattern: &str, wanted_by: &str) -> Result<Vec<usize>, DataError> {
    if let Some(at) = position(names, pattern) {
        return Ok(vec![at]);
    }
    let indexed = indexed(names, pattern);
    if !indexed.is_empty() {
        return Ok(indexed.into_iter().map(|(_, at)| at).collect());
    }
    if is_wild(pattern) {
        return globbed(names, pattern, wanted_by);
    }
    if let Some((first, last)) = pattern.split_once("..") {
        return range(names, first.trim(), last.trim(), wanted_by);
    }
    Err(unknown(names, pattern, wanted_by))
}

fn unknown(names: &[String], pattern: &str, wanted_by: &str) -> DataError {
    DataError::NoColumn {
        wanted_by: wanted_by.to_owned(),
        pattern: format!("`{pattern}`"),
        nearest: nearest(pattern, names),
        known: names.to_vec(),
    }
}

/// Position of a name, in either spelling.
pub(crate) fn position(names: &[String], name: &str) -> Option<usize> {
    let wanted = canonical(name);
    let exact = names.iter().position(|candidate| candidate == name);
    exact.or_else(|| names.iter().position(|candidate| canonical(candidate) == wanted))
}

/// The columns `x[0] x[1] …` or `x[0,0] x[0,1] …` of a name, with their subscripts, in the order of the subscripts.
pub(crate) fn indexed(names: &[String], name: &str) -> Vec<(Vec<usize>, usize)> {
    let wanted = canonical(name);
    let mut found: Vec<(Vec<usize>, usize)> = Vec::new();
    for (at, candidate) in names.iter().enumerate() {
        let Some((base, subscripts)) = candidate.split_once('[') else { continue };
        let Some(inner) = subscripts.strip_suffix(']') else { continue };
        let numbers: Option<Vec<usize>> =
            inner.replace("][", ",").split(',').map(|number| number.trim().parse().ok()).collect();
        if let Some(numbers) = numbers.filter(|_| canonical(base.trim()) == wanted) {
            found.push((numbers, at));
        }
    }
    found.sort();
    found
}

fn globbed(names: &[String], pattern: &str, wanted_by: &str) -> Result<Vec<usize>, DataError> {
    // Brackets are subscripts in column names, never classes of letters.
    let escaped: String = pattern.chars().map(|c| if c == '[' { "[[]".to_owned() } else { c.to_string() }).collect();
    let glob = glob::Pattern::new(&escaped)
        .map_err(|error| DataError::option(wanted_by, format!("`{pattern}` is not a pattern: {error}")))?;
    let found: Vec<usize> = names.iter().enumerate().filter(|(_, name)| glob.matches(name)).map(|(at, _)| at).collect();
    if found.is_empty() { Err(unknown(names, pattern, wanted_by)) } else { Ok(found) }
}

/// `n00..n30` counts when both ends are one name with two numbers; otherwise the range runs over the order of the columns.
fn range(names: &[String], first: &str, last: &str, wanted_by: &str) -> Result<Vec<usize>, DataError> {
    if let (Some(one), Some(two)) = (numbered(first), numbered(last))
        && (one.prefix, one.suffix) == (two.prefix, two.suffix)
    {
        if one.number > two.number {
            let reason = format!("`{first}..{last}` runs backwards; write `{last}..{first}`");
            return Err(DataError::option(wanted_by, reason));
        }
        let limit = one.number.saturating_add(names.len() as u64);
        return (one.number..=two.number.min(limit))
            .map(|number| numbered_column(names, &one, number, wanted_by))
            .collect();
    }
    let end = |name: &str| position(names, name).ok_or_else(|| unknown(names, name, wanted_by));
    let (from, to) = (end(first)?, end(last)?);
    if from > to {
        let reason = format!("`{first}` stands after `{last}` in the table; write `{last}..{first}`");
        return Err(DataError::option(wanted_by, reason));
    }
    Ok((from..=to).collect())
}

struct Numbered<'a> {
    prefix: &'a str,
    number: u64,
    width: usize,
    suffix: &'a str,
}

/// A name that ends in digits, or in digits and a closing bracket.
fn numbered(name: &str) -> Option<Numbered<'_>> {
    let (body, suffix) = name.strip_suffix(']').map_or((name, ""), |body| (body, "]"));
    let prefix = body.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = body.get(prefix.len()..)?;
    Some(Numbered { prefix, number: digits.parse().ok()?, width: digits.len(), suffix })
}

fn numbered_column(names: &[String], like: &Numbered<'_>, number: u64, wanted_by: &str) -> Result<usize, DataError> {
    let Numbered { prefix, width, suffix, .. } = like;
    let padded = format!("{prefix}{number:0width$}{suffix}");
    let found = position(names, &padded).or_else(|| position(names, &format!("{prefix}{number}{suffix}")));
    found.ok_or_else(|| unknown(names, &padded, wanted_by))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn names(list: &str) -> Vec<String> {
        list.split(' ').map(str::to_owned).collect()
    }

    fn chosen(list: &str, patterns: &[&str]) -> Vec<usize> {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        select(&names(list), &patterns, "inputs").unwrap()
    }

    #[test]
    fn names_globs_and_ranges_choose_in_order_and_once() {
        assert_eq!(chosen("t d_a d_b x", &["x", "d_*", "d_a"]), [3, 1, 2]);
        assert_eq!(chosen("n02 n00 n01 n03", &["n00..n02"]), [1, 2, 0]);
        assert_eq!(chosen("n9 n10 n8", &["n8..n10"]), [2, 0, 1]);
        assert_eq!(chosen("speed lean rpm gear", &["lean..gear"]), [1, 2, 3]);
        assert_eq!(chosen("y x[1] x[0] x[10]", &["x"]), [2, 1, 3]);
        assert_eq!(chosen("x[0] x[1] xa", &["x[*"]), [0, 1]);
    }

    #[test]
    fn what_names_nothing_suggests_what_is_near() {
        let error = select(&names("speed lean"), &["sped".to_owned(), "q*".to_owned()], "inputs").unwrap_err();
        assert_eq!(error.len(), 2);
        assert_eq!(error[0].to_string(), "inputs: no column `sped` (did you mean `speed`?); there are `speed`, `lean`");
        assert_eq!(error[1].to_string(), "inputs: no column `q*`; there are `speed`, `lean`");
    }

    #[test]
    fn a_gap_in_a_range_is_named() {
        let error = select(&names("n0 n2"), &["n0..n2".to_owned()], "bind: k").unwrap_err();
        assert!(error[0].to_string().starts_with("bind: k: no column `n1`"), "{}", error[0]);
    }

    #[test]
    fn a_backward_or_endless_range_is_refused_at_once() {
        assert!(select(&names("n0 n2"), &["n2..n0".to_owned()], "inputs").is_err());
        assert!(select(&names("n0 n2"), &["n0..n18446744073709551615".to_owned()], "inputs").is_err());
    }
}
