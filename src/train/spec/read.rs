//! Typed access to a checked tree: values, or the table's defaults.
//!
//! `check` has seen the tree before, so whatever fails here is a disagreement between the table and the code that reads
//! it, and is reported as such.

use super::finding::{Finding, Place};
use super::quantity;
use super::schema::{Absent, Group, Ty};
use super::tree::{self, Node, Value};
use crate::diag::codes;

/// What reading a checked tree returns.
pub type Read<T> = Result<T, Box<Finding>>;

/// A mapping seen through its group.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    group: &'static Group,
    node: Option<&'a Node>,
}

impl<'a> View<'a> {
    /// `node` through `group`; without a node every key has its default.
    pub fn new(group: &'static Group, node: Option<&'a Node>) -> Self {
        View { group, node }
    }

    /// Where it stands.
    pub fn place(&self) -> Place {
        self.node.map_or(Place::default(), |node| node.place)
    }

    /// The value under a key, if it is given.
    pub fn given(&self, key: &str) -> Option<&'a Node> {
        let node = self.node?;
        match &node.value {
            Value::Map(_) => node.entry(key).map(|entry| &entry.node),
            Value::Null => None,
            _ => (self.group.short == Some(key)).then_some(node),
        }
    }

    /// Where the key stands when it is given, else the whole mapping.
    pub fn key_place(&self, key: &str) -> Place {
        self.node.and_then(|node| node.entry(key)).map_or(self.place(), |entry| entry.key_place)
    }

    fn disagree(&self, key: &str) -> Box<Finding> {
        let message = format!("lossc's table of keys and its reader disagree about `{key}` of {}", self.group.name);
        Box::new(Finding::new(codes::S0099, self.place(), message))
    }

    /// The value under a key or its default; `None` when it has neither.
    fn node(&self, key: &str) -> Read<Option<Node>> {
        let row = self.group.row(key).ok_or_else(|| self.disagree(key))?;
        match (self.given(key), row.absent) {
            (Some(node), _) => Ok(Some(node.clone())),
            (None, Absent::Default(text)) => tree::read(text, 0).map(Some).map_err(|_| self.disagree(key)),
            (None, Absent::Nothing) => Ok(None),
            (None, Absent::Required) => Err(self.disagree(key)),
        }
    }

    /// The value under a key through `read`, which returns `None` on a value of the wrong kind.
    fn optional<T>(&self, key: &str, read: impl Fn(&Node) -> Option<T>) -> Read<Option<T>> {
        self.node(key)?.map(|node| read(&node).ok_or_else(|| self.disagree(key))).transpose()
    }

    fn needed<T>(&self, key: &str, read: impl Fn(&Node) -> Option<T>) -> Read<T> {
        self.optional(key, read)?.ok_or_else(|| self.disagree(key))
    }

    /// Text, if given.
    pub fn text_opt(&self, key: &str) -> Read<Option<String>> {
        self.optional(key, text)
    }

    /// Text.
    pub fn text(&self, key: &str) -> Read<String> {
        self.needed(key, text)
    }

    /// A number.
    pub fn num(&self, key: &str) -> Read<f64> {
        self.needed(key, num)
    }

    /// A number, if given.
    pub fn num_opt(&self, key: &str) -> Read<Option<f64>> {
        self.optional(key, num)
    }

    /// A size or count.
    pub fn size(&self, key: &str) -> Read<usize> {
        self.needed(key, |node| whole(node).and_then(|i| usize::try_from(i).ok()))
    }

    /// A size or count, if given.
    pub fn size_opt(&self, key: &str) -> Read<Option<usize>> {
        self.optional(key, |node| whole(node).and_then(|i| usize::try_from(i).ok()))
    }

    /// A seed, if given.
    pub fn seed_opt(&self, key: &str) -> Read<Option<u64>> {
        self.optional(key, |node| whole(node).and_then(|i| u64::try_from(i).ok()))
    }

    /// True or false.
    pub fn flag(&self, key: &str) -> Read<bool> {
        self.needed(key, |node| match node.value {
            Value::Bool(b) => Some(b),
            _ => None,
        })
    }

    /// Seconds.
    pub fn seconds_opt(&self, key: &str) -> Read<Option<f64>> {
        self.optional(key, |node| quantity::parse(&text(node)?, quantity::TIME).ok())
    }

    /// Hz.
    pub fn hertz_opt(&self, key: &str) -> Read<Option<f64>> {
        self.optional(key, |node| quantity::parse(&text(node)?, quantity::FREQUENCY).ok())
    }

    /// One text or a list of them; empty when not given.
    pub fn texts(&self, key: &str) -> Read<Vec<String>> {
        Ok(self.optional(key, texts)?.unwrap_or_default())
    }

    /// A list of numbers; empty when not given.
    pub fn nums(&self, key: &str) -> Read<Vec<f64>> {
        Ok(self.optional(key, nums)?.unwrap_or_default())
    }

    /// A pair of numbers, if given.
    pub fn pair_opt(&self, key: &str) -> Read<Option<(f64, f64)>> {
        self.optional(key, |node| match nums(node)?.as_slice() {
            [a, b] => Some((*a, *b)),
            _ => None,
        })
    }

    /// The mapping under a key, with defaults when it is not given.
    pub fn section(&self, key: &str) -> Read<View<'a>> {
        match self.group.row(key).map(|row| &row.ty) {
            Some(Ty::Section(group)) => Ok(View::new(group, self.given(key))),
            _ => Err(self.disagree(key)),
        }
    }

    /// The mapping under a key, if given.
    pub fn section_opt(&self, key: &str) -> Read<Option<View<'a>>> {
        self.given(key).map(|_| self.section(key)).transpose()
    }

    /// The entries of a mapping with names of the user's own.
    pub fn names(&self, key: &str) -> Vec<(&'a str, &'a Node, Place)> {
        match self.given(key).map(|node| &node.value) {
            Some(Value::Map(entries)) => {
                entries.iter().map(|entry| (entry.key.as_str(), &entry.node, entry.key_place)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The chosen name of a [`Ty::Choice`] with its options.
    pub fn choice(&self, key: &str) -> Read<(&'static str, View<'a>)> {
        let row = self.group.row(key).ok_or_else(|| self.disagree(key))?;
        let Ty::Choice(group) = &row.ty else { return Err(self.disagree(key)) };
        match (self.given(key), row.absent) {
            (Some(node), _) => chosen(group, node).ok_or_else(|| self.disagree(key)),
            (None, Absent::Default(name)) => {
                let row = group.row(name).ok_or_else(|| self.disagree(key))?;
                let Ty::Section(options) = &row.ty else { return Err(self.disagree(key)) };
                Ok((row.key, View::new(options, None)))
            }
            (None, _) => Err(self.disagree(key)),
        }
    }
}

/// A choice's name and its options' view.
pub fn chosen<'a>(group: &'static Group, node: &'a Node) -> Option<(&'static str, View<'a>)> {
    let (row, options) = match &node.value {
        Value::Text(name) => (group.row(name)?, None),
        Value::Map(entries) => {
            let [entry] = entries.as_slice() else { return None };
            (group.row(&entry.key)?, Some(&entry.node))
        }
        _ => return None,
    };
    match &row.ty {
        Ty::Section(section) => Some((row.key, View::new(section, options))),
        // A choice that takes a list (`residual`) is read by whoever knows it; its view holds the list's node.
        _ => Some((row.key, View { group, node: options })),
    }
}

impl<'a> View<'a> {
    /// The node that the view is of.
    pub fn whole(&self) -> Option<&'a Node> {
        self.node
    }
}

/// A scalar as text.
pub fn text(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(text.clone()),
        Value::Int(i) => Some(i.to_string()),
        Value::Num(x) => Some(x.to_string()),
        _ => None,
    }
}

/// One text or a list of them.
pub fn texts(node: &Node) -> Option<Vec<String>> {
    match &node.value {
        Value::List(items) => items.iter().map(text).collect(),
        _ => text(node).map(|one| vec![one]),
    }
}

/// A number.
#[allow(clippy::cast_precision_loss)]
pub fn num(node: &Node) -> Option<f64> {
    match node.value {
        Value::Int(i) => Some(i as f64),
        Value::Num(x) => Some(x),
        _ => None,
    }
}

/// A list of numbers, or one.
pub fn nums(node: &Node) -> Option<Vec<f64>> {
    match &node.value {
        Value::List(items) => items.iter().map(num).collect(),
        _ => num(node).map(|one| vec![one]),
    }
}

fn whole(node: &Node) -> Option<i128> {
    match node.value {
        Value::Int(i) => Some(i),
        Value::Num(x) => quantity::whole(x),
        _ => None,
    }
}
