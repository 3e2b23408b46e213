//! A tree against the table: unknown keys, wrong types, ranges, words, units, what is missing. Everything at once.

use super::finding::{Finding, Place};
use super::quantity;
use super::schema::{Absent, Group, Ty, one_of};
use super::table::ROOT;
use super::tree::{Entry, Node, Value};
use crate::diag::{codes, nearest};
use crate::ir::support::Interval;

/// Everything in `tree` that the table does not allow.
pub fn check(tree: &Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    section(tree, &ROOT, "", &mut findings);
    findings
}

fn value(node: &Node, ty: &Ty, path: &str, out: &mut Vec<Finding>) {
    match ty {
        Ty::Text | Ty::Path | Ty::Scalar => text(node, ty, path, out),
        Ty::Bool => expect(matches!(node.value, Value::Bool(_)), node, ty, path, out),
        Ty::Int(lo, hi) => int(node, *lo, *hi, path, out),
        Ty::Num(interval) => num(node, interval, path, out),
        Ty::Time => measured(node, ty, path, quantity::TIME, out),
        Ty::Moment => measured(node, ty, path, quantity::TIME, out),
        Ty::Frequency => measured(node, ty, path, quantity::FREQUENCY, out),
        Ty::Word(words) => word(node, words, path, out),
        Ty::Section(group) => section(node, group, path, out),
        Ty::Choice(group) => choice(node, group, path, out),
        Ty::List(item) => list(node, item, None, path, out),
        Ty::Tuple(n, item) => list(node, item, Some(*n), path, out),
        Ty::Names(item) => names(node, item, path, out),
        Ty::Any(types) => any(node, ty, types, path, out),
    }
}

/// What stands there, for "found …".
fn found(node: &Node) -> String {
    match &node.value {
        Value::Text(text) if text.chars().count() <= 40 => format!("the text `{text}`"),
        Value::Bool(b) => format!("`{b}`"),
        Value::Int(i) => format!("{i}"),
        Value::Num(x) => format!("{x}"),
        _ => node.kind().to_owned(),
    }
}

fn wrong_type(node: &Node, ty: &Ty, path: &str) -> Finding {
    let subject = if path.is_empty() { "this".to_owned() } else { format!("`{path}`") };
    Finding::new(codes::S0002, node.place, format!("{subject} is {}, and found {}", ty.words(), found(node)))
}

fn expect(fits: bool, node: &Node, ty: &Ty, path: &str, out: &mut Vec<Finding>) {
    if !fits {
        out.push(wrong_type(node, ty, path));
    }
}

fn text(node: &Node, ty: &Ty, path: &str, out: &mut Vec<Finding>) {
    let fits = match (&node.value, ty) {
        (Value::Text(text), Ty::Text | Ty::Path) => !text.trim().is_empty(),
        (Value::Text(_) | Value::Bool(_), Ty::Scalar) | (Value::Int(_), _) => true,
        (Value::Num(x), Ty::Scalar | Ty::Text) => x.is_finite(),
        _ => false,
    };
    expect(fits, node, ty, path, out);
}

fn int(node: &Node, lo: i128, hi: i128, path: &str, out: &mut Vec<Finding>) {
    let ty = Ty::Int(lo, hi);
    let whole = match &node.value {
        Value::Int(i) => Some(*i),
        Value::Num(x) => quantity::whole(*x),
        _ => None,
    };
    match whole {
        Some(i) if (lo..=hi).contains(&i) => {}
        Some(i) => {
            out.push(Finding::new(codes::S0003, node.place, format!("`{path}` is {}, and found {i}", ty.words())))
        }
        None => out.push(wrong_type(node, &ty, path)),
    }
}

fn num(node: &Node, interval: &Interval, path: &str, out: &mut Vec<Finding>) {
    let x = match &node.value {
        Value::Num(x) => *x,
        #[allow(clippy::cast_precision_loss)]
        Value::Int(i) => *i as f64,
        _ => return out.push(wrong_type(node, &Ty::Num(*interval), path)),
    };
    if !interval.contains(x) {
        out.push(Finding::new(
            codes::S0003,
            node.place,
            format!("`{path}` is {}, and found {}", interval.words(), crate::diag::number(x)),
        ));
    }
}

fn measured(node: &Node, ty: &Ty, path: &str, units: quantity::Units, out: &mut Vec<Finding>) {
    let text = match &node.value {
        Value::Text(text) => text.clone(),
        Value::Int(i) => i.to_string(),
        Value::Num(x) => x.to_string(),
        _ => return out.push(wrong_type(node, ty, path)),
    };
    let finding = match quantity::parse(&text, units) {
        Ok(x) if x > 0.0 || matches!(ty, Ty::Moment) => return,
        Ok(_) => Finding::new(codes::S0003, node.place, format!("`{path}` is above 0, and found `{text}`")),
        Err(quantity::Fault::NoUnit) => units.iter().take(3).fold(
            Finding::new(codes::S0005, node.place, format!("`{path}` is {}, and `{text}` has no unit", ty.words())),
            |finding, (unit, _)| finding.fix(format!("`{text} {unit}`"), format!("{text} {unit}")),
        ),
        Err(quantity::Fault::UnknownUnit(unit)) => {
            let known = one_of(units.iter().map(|(name, _)| *name));
            Finding::new(codes::S0005, node.place, format!("`{unit}` is no unit of `{path}`; it takes {known}"))
        }
        Err(quantity::Fault::NoNumber) => wrong_type(node, ty, path),
    };
    out.push(finding);
}

fn word(node: &Node, words: &[&str], path: &str, out: &mut Vec<Finding>) {
    let Value::Text(text) = &node.value else {
        return out.push(Finding::new(
            codes::S0002,
            node.place,
            format!("`{path}` is {}, and found {}", one_of(words.iter().copied()), found(node)),
        ));
    };
    if !words.contains(&text.as_str()) {
        let allowed = one_of(words.iter().copied());
        let finding =
            Finding::new(codes::S0004, node.place, format!("`{text}` is unknown here; `{path}` is {allowed}"));
        out.push(suggest(finding, text, words.iter().copied()));
    }
}

/// Adds the nearest of `known` as an edit.
fn suggest<'a>(finding: Finding, found: &str, known: impl Iterator<Item = &'a str>) -> Finding {
    match nearest(found, known) {
        Some(near) => finding.fix(format!("did you mean `{near}`?"), near),
        None => finding,
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn section(node: &Node, group: &'static Group, path: &str, out: &mut Vec<Finding>) {
    let entries = match (&node.value, group.short_row()) {
        (Value::Map(entries), _) => entries.as_slice(),
        (Value::Null, None) => &[],
        (_, Some(row)) => return value(node, &row.ty, path, out),
        (_, None) => return out.push(wrong_type(node, &Ty::Section(group), path)),
    };
    for entry in entries {
        match group.row(&entry.key) {
            Some(row) if matches!(entry.node.value, Value::Null) && !matches!(row.ty, Ty::Section(_)) => {
                let message = format!("`{}` has no value; it is {}", join(path, row.key), row.ty.words());
                out.push(Finding::new(codes::S0006, entry.key_place, message).help("give it one, or delete the key"));
            }
            Some(row) => value(&entry.node, &row.ty, &join(path, row.key), out),
            None => out.push(unknown_key(entry, group, path)),
        }
    }
    let missing = group.rows.iter().filter(|row| row.absent == Absent::Required);
    for row in missing.filter(|row| !entries.iter().any(|entry| entry.key == row.key)) {
        let message = format!("{} needs `{}`: {}", group.name, row.key, row.doc);
        out.push(Finding::new(codes::S0006, node.place, message).help(format!("it is {}", row.ty.words())));
    }
}

fn unknown_key(entry: &Entry, group: &'static Group, path: &str) -> Finding {
    let allowed = one_of(group.rows.iter().map(|row| row.key));
    let at = if path.is_empty() { "a spec".to_owned() } else { format!("`{path}`") };
    let message = if group.rows.is_empty() {
        format!("{at} has no options, and found `{}`", entry.key)
    } else {
        format!("{at} has no key `{}`; it has {allowed}", entry.key)
    };
    let finding = Finding::new(codes::S0001, entry.key_place, message);
    if let Some(near) = nearest(&entry.key, group.rows.iter().map(|row| row.key)) {
        return finding.fix(format!("did you mean `{near}`?"), near);
    }
    match elsewhere(&entry.key) {
        Some(home) if home != join(path, &entry.key) => finding.help(format!("`{}` stands at `{home}`", entry.key)),
        _ => finding,
    }
}

fn choice(node: &Node, group: &'static Group, path: &str, out: &mut Vec<Finding>) {
    let names = || group.rows.iter().map(|row| row.key);
    match &node.value {
        Value::Text(name) => match group.row(name) {
            None => {
                let message = format!("`{name}` is unknown here; `{path}` is {}", one_of(names()));
                out.push(suggest(Finding::new(codes::S0004, node.place, message), name, names()));
            }
            Some(row) => {
                let Ty::Section(options) = &row.ty else {
                    return out.push(needs_value(node.place, name, &row.ty));
                };
                if let Some(needed) = options.rows.iter().find(|row| row.absent == Absent::Required) {
                    out.push(needs_value(node.place, name, &needed.ty));
                }
            }
        },
        Value::Map(entries) => match entries.as_slice() {
            [entry] => match group.row(&entry.key) {
                Some(row) => value(&entry.node, &row.ty, &join(path, row.key), out),
                None => {
                    let message = format!("`{}` is unknown here; `{path}` is {}", entry.key, one_of(names()));
                    out.push(suggest(Finding::new(codes::S0004, entry.key_place, message), &entry.key, names()));
                }
            },
            _ => {
                let message = format!("`{path}` is one of {}, and found {} keys", one_of(names()), entries.len());
                out.push(
                    Finding::new(codes::S0007, node.place, message).help("give one name, with its options behind it"),
                );
            }
        },
        _ => out.push(wrong_type(node, &Ty::Choice(group), path)),
    }
}

fn needs_value(place: Place, name: &str, ty: &Ty) -> Finding {
    Finding::new(codes::S0006, place, format!("`{name}` needs {}", ty.words())).help(format!("write `{{{name}: …}}`"))
}

fn list(node: &Node, item: &Ty, length: Option<usize>, path: &str, out: &mut Vec<Finding>) {
    let Value::List(items) = &node.value else {
        let message = format!("`{path}` is a list, each entry {}, and found {}", item.words(), found(node));
        return out.push(Finding::new(codes::S0002, node.place, message).help("put it in square brackets"));
    };
    if let Some(n) = length.filter(|&n| n != items.len()) {
        let message = format!("`{path}` has {n} entries, and found {}", items.len());
        out.push(Finding::new(codes::S0002, node.place, message));
    }
    for (i, entry) in items.iter().enumerate() {
        value(entry, item, &format!("{path}[{i}]"), out);
    }
}

fn names(node: &Node, item: &Ty, path: &str, out: &mut Vec<Finding>) {
    let Value::Map(entries) = &node.value else {
        let message = format!("`{path}` is a mapping from names to {}, and found {}", item.words(), found(node));
        return out.push(Finding::new(codes::S0002, node.place, message));
    };
    for entry in entries {
        value(&entry.node, item, &join(path, &entry.key), out);
    }
}

/// Of several types: any that fits; else the one whose shape comes nearest says what is wrong.
fn any(node: &Node, ty: &Ty, types: &'static [Ty], path: &str, out: &mut Vec<Finding>) {
    let mut best: Option<Vec<Finding>> = None;
    for candidate in types.iter().filter(|candidate| same_shape(node, candidate)) {
        let mut findings = Vec::new();
        value(node, candidate, path, &mut findings);
        if findings.is_empty() {
            return;
        }
        let better = best.as_ref().is_none_or(|found| findings.len() < found.len());
        if better {
            best = Some(findings);
        }
    }
    match best {
        Some(findings) => out.extend(findings),
        None => out.push(wrong_type(node, ty, path)),
    }
}

fn same_shape(node: &Node, ty: &Ty) -> bool {
    matches!(
        (&node.value, ty),
        (Value::List(_), Ty::List(_) | Ty::Tuple(..))
            | (Value::Map(_), Ty::Section(_) | Ty::Choice(_) | Ty::Names(_))
            | (
                Value::Text(_),
                Ty::Text | Ty::Path | Ty::Word(_) | Ty::Choice(_) | Ty::Time | Ty::Moment | Ty::Frequency
            )
            | (
                Value::Int(_) | Value::Num(_),
                Ty::Num(_) | Ty::Int(..) | Ty::Text | Ty::Time | Ty::Moment | Ty::Frequency,
            )
            | (Value::Bool(_), Ty::Bool)
            | (Value::Int(_) | Value::Num(_) | Value::Text(_) | Value::Bool(_), Ty::Scalar)
    )
}

/// Where in the table a key of this name stands, as a path: the first met, nearest to the top.
fn elsewhere(key: &str) -> Option<String> {
    let mut level: Vec<(String, &'static Group)> = vec![(String::new(), &ROOT)];
    for _ in 0..4 {
        if let Some((path, _)) = level.iter().find(|(_, group)| group.row(key).is_some()) {
            return Some(join(path, key));
        }
        level = level
            .iter()
            .flat_map(|(path, group)| group.rows.iter().map(move |row| (join(path, row.key), &row.ty)))
            .filter_map(|(path, ty)| group_of(ty).map(|group| (path, group)))
            .collect();
    }
    None
}

fn group_of(ty: &'static Ty) -> Option<&'static Group> {
    match ty {
        Ty::Section(group) | Ty::Choice(group) => Some(group),
        Ty::List(item) => group_of(item),
        Ty::Any(types) => types.iter().find_map(group_of),
        _ => None,
    }
}

/// What is wrong with `node` as a `ty`; for the test of the table's defaults.
#[cfg(test)]
pub fn value_for_tests(node: &Node, ty: &'static Ty) -> Vec<Finding> {
    let mut findings = Vec::new();
    value(node, ty, "here", &mut findings);
    findings
}
