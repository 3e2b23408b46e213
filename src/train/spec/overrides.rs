//! `--set key.path=V`: changes to the tree before it is checked.

use super::finding::{Finding, Place};
use super::tree::{self, Entry, Node, Value};
use crate::diag::codes;

/// Sets what `set` (the `source`-th `--set`) says in `tree`. Mappings that the path needs are made.
///
/// # Errors
/// A text that is no override, a value that is not YAML, a list index that the list does not have.
pub fn apply(tree: &mut Node, set: &str, source: usize) -> Result<(), Vec<Finding>> {
    let whole = Place { source, start: 0, end: set.len() };
    let bad = |message: String| {
        let finding = Finding::new(codes::S0012, whole, message);
        vec![finding.help("write a path of keys, `=` and a value: `--set train.epochs=5`")]
    };
    let Some((path, text)) = set.split_once('=') else {
        return Err(bad(format!("`{set}` has no `=`")));
    };
    if path.split('.').any(|step| step.trim().is_empty()) {
        return Err(bad(format!("`{path}` is no path of keys")));
    }
    if text.trim().is_empty() {
        return Err(bad(format!("`{path}` is given no value")));
    }
    let mut value = tree::read(text, source).map_err(|mut findings| {
        findings.iter_mut().for_each(|finding| shift_place(&mut finding.place, path.len() + 1));
        findings
    })?;
    shift(&mut value, path.len() + 1);
    // A spec has one program: setting it one way takes the other's place.
    match path.trim() {
        "program" => drop_key(tree, "loss"),
        "loss" => drop_key(tree, "program"),
        _ => {}
    }
    put(tree, path, value, source).map_err(|finding| vec![*finding])
}

fn drop_key(tree: &mut Node, key: &str) {
    if let Value::Map(entries) = &mut tree.value {
        entries.retain(|entry| entry.key != key);
    }
}

fn put(tree: &mut Node, path: &str, value: Node, source: usize) -> Result<(), Box<Finding>> {
    let mut at = tree;
    let mut start = 0;
    for step in path.split('.') {
        let place = Place { source, start, end: start + step.len() };
        start = place.end + 1;
        at = child(at, step.trim(), place)?;
    }
    *at = value;
    Ok(())
}

/// The child of `node` under `step`: made if it is not there, and `node` made a mapping if it is no list.
fn child<'a>(node: &'a mut Node, step: &str, place: Place) -> Result<&'a mut Node, Box<Finding>> {
    let refuse = |message: String| Box::new(Finding::new(codes::S0012, place, message));
    if !matches!(node.value, Value::Map(_) | Value::List(_)) {
        node.value = Value::Map(Vec::new());
    }
    match &mut node.value {
        Value::List(items) => {
            let message = format!("`{step}` is no place of this list, which has {} entries from 0 on", items.len());
            let found = step.parse::<usize>().ok().and_then(|i| items.get_mut(i));
            found.ok_or_else(|| refuse(message))
        }
        Value::Map(entries) => {
            let at = entries.iter().position(|entry| entry.key == step).unwrap_or_else(|| {
                let node = Node { place, value: Value::Null };
                entries.push(Entry { key: step.to_owned(), key_place: place, node });
                entries.len() - 1
            });
            entries.get_mut(at).map(|entry| &mut entry.node).ok_or_else(|| refuse(format!("`{step}` has no place")))
        }
        _ => Err(refuse(format!("`{step}` has no place"))),
    }
}

fn shift_place(place: &mut Place, by: usize) {
    place.start += by;
    place.end += by;
}

fn shift(node: &mut Node, by: usize) {
    shift_place(&mut node.place, by);
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| shift(item, by)),
        Value::Map(entries) => entries.iter_mut().for_each(|entry| {
            shift_place(&mut entry.key_place, by);
            shift(&mut entry.node, by);
        }),
        _ => {}
    }
}
