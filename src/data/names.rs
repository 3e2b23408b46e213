//! When two spellings are one name, and the names of an array's columns.

/// The form in which names are compared: the language's ASCII spelling, so that a column `lambda` is the program's `λ`.
pub use crate::syntax::names::canonical;

/// The name nearest to what was written, if any is near enough to be a slip of the finger.
#[must_use]
pub(crate) fn nearest(written: &str, names: &[String]) -> Option<String> {
    crate::diag::nearest(written, names.iter().map(String::as_str)).map(str::to_owned)
}

/// The columns of an array: `x`, or `x[0]`, `x[1]`, … and `x[0,0]` for more axes.
#[must_use]
pub(crate) fn element_names(name: &str, dims: &[usize]) -> Vec<String> {
    let mut names = vec![String::new()];
    for &dim in dims {
        let longer = |prefix: &String| {
            let join = |i: usize| if prefix.is_empty() { i.to_string() } else { format!("{prefix},{i}") };
            (0..dim).map(join).collect::<Vec<_>>()
        };
        names = names.iter().flat_map(longer).collect();
    }
    names.iter().map(|index| if index.is_empty() { name.to_owned() } else { format!("{name}[{index}]") }).collect()
}
