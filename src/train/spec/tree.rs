//! A YAML text as a tree in which every key and value knows where it stands.
//!
//! `saphyr-parser` gives the positions, `serde_yaml` the values; the two trees are laid over each other, and a text that
//! they read differently is refused. What hostile text can cost is bounded before either builds anything: bytes,
//! nesting, nodes (aliases count as what they stand for). Knows YAML, and nothing of specs.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScanError, Span as Mark};
use serde_yaml::Value as Yaml;

use super::finding::{Finding, Place};
use crate::diag::{Code, codes};

/// Longest text that is read, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// Deepest nesting of lists and mappings.
pub const MAX_DEPTH: usize = 32;
/// Most keys and values, each alias counted as all that it stands for.
pub const MAX_NODES: usize = 20_000;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where the value stands.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// A YAML value with YAML 1.2's plain types.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without a fraction.
    Int(i128),
    /// Any other number.
    Num(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the text.
    Map(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key as text.
    pub key: String,
    /// Where the key stands.
    pub key_place: Place,
    /// Its value.
    pub node: Node,
}

impl Node {
    /// The entry under `key` when this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// What kind of value this is, in words for a person.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Int(_) => "a whole number",
            Value::Num(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// Number of nodes in this tree, keys not counted.
    fn size(&self) -> usize {
        1 + match &self.value {
            Value::List(items) => items.iter().map(Node::size).sum(),
            Value::Map(entries) => entries.iter().map(|entry| entry.node.size()).sum(),
            _ => 0,
        }
    }
}

/// What the second reader says; of a number too large for it, in words.
fn unreadable(error: &str, place: Place) -> Finding {
    let number = error.split_once("integer `").and_then(|(before, rest)| Some((before, rest.split_once("` as ")?.0)));
    let Some((before, number)) = number else {
        return Finding::new(codes::S0009, place, format!("this is not YAML: {error}"));
    };
    let key = before.split_once(": invalid").map_or_else(String::new, |(key, _)| format!(" of `{key}`"));
    let message = format!("the number{key} is too large: {number} is more than {}", u64::MAX);
    Finding::new(codes::S0003, Place { end: place.start + number.len(), ..place }, message)
}

/// The tree of a YAML text; `source` says which text, in the places that it gives.
///
/// # Errors
/// What is wrong with the text as YAML. Duplicate keys are all reported; after any other mistake in the syntax nothing
/// further can be read.
pub fn read(text: &str, source: usize) -> Result<Node, Vec<Finding>> {
    let whole = Place { source, start: 0, end: 0 };
    if text.len() > MAX_BYTES {
        let message = format!("this text has {} bytes; a spec has at most {MAX_BYTES}", text.len());
        return Err(vec![Finding::new(codes::S0010, whole, message)]);
    }
    check_characters(text, source).map_err(|finding| vec![*finding])?;
    let mut builder = Builder::new(text, source);
    let mut tree = builder.run().map_err(|finding| vec![*finding])?;
    if !builder.duplicates.is_empty() {
        return Err(builder.duplicates);
    }
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let values: Yaml = serde_yaml::from_str(body).map_err(|error| {
        let at = error.location().map_or(0, |location| location.index() + text.len() - body.len());
        vec![unreadable(&error.to_string(), Place { source, start: at.min(text.len()), end: at.min(text.len()) })]
    })?;
    lay_over(&mut tree, &values).map_err(|place| {
        let message = "two readers of YAML disagree on what this means";
        vec![Finding::new(codes::S0013, place, message).help("put the text in quotes")]
    })?;
    Ok(tree)
}

/// Refuses NUL and the other control characters that no editor shows.
fn check_characters(text: &str, source: usize) -> Result<(), Box<Finding>> {
    let hidden = |c: char| (c.is_control() && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}');
    match text.char_indices().find(|&(_, c)| hidden(c)) {
        None => Ok(()),
        Some((at, c)) => {
            let place = Place { source, start: at, end: at + c.len_utf8() };
            let message = format!("the control character U+{:04X} does not belong in a spec", u32::from(c));
            Err(Box::new(Finding::new(codes::S0011, place, message).help("delete it; a spec is plain text in UTF-8")))
        }
    }
}

/// Gives every scalar of `node` the value that serde_yaml read; the place where they differ in shape is the error.
fn lay_over(node: &mut Node, yaml: &Yaml) -> Result<(), Place> {
    match (&mut node.value, yaml) {
        (Value::List(items), Yaml::Sequence(values)) if items.len() == values.len() => {
            items.iter_mut().zip(values).try_for_each(|(item, value)| lay_over(item, value))
        }
        (Value::Map(entries), Yaml::Mapping(values)) if entries.len() == values.len() => {
            entries.iter_mut().zip(values).try_for_each(|(entry, (_, value))| lay_over(&mut entry.node, value))
        }
        (slot @ Value::Text(_), scalar) => {
            *slot = match scalar {
                Yaml::Null => Value::Null,
                Yaml::Bool(b) => Value::Bool(*b),
                Yaml::String(s) => Value::Text(s.clone()),
                Yaml::Number(n) => number(n).ok_or(node.place)?,
                Yaml::Sequence(_) | Yaml::Mapping(_) | Yaml::Tagged(_) => return Err(node.place),
            };
            Ok(())
        }
        (Value::Null, Yaml::Null) => Ok(()),
        _ => Err(node.place),
    }
}

fn number(n: &serde_yaml::Number) -> Option<Value> {
    n.as_i64()
        .map(|i| Value::Int(i.into()))
        .or_else(|| n.as_u64().map(|u| Value::Int(u.into())))
        .or_else(|| n.as_f64().map(Value::Num))
}

/// A list or mapping that is still open.
struct Open {
    node: Node,
    anchor: usize,
    /// The key whose value comes next.
    key: Option<(String, Place)>,
}

struct Builder<'t> {
    text: &'t str,
    source: usize,
    /// Byte offset of every character, and one past the last; empty when all are ASCII.
    offsets: Vec<usize>,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    root: Option<Node>,
    duplicates: Vec<Finding>,
}

type Step<T> = Result<T, Box<Finding>>;

impl<'t> Builder<'t> {
    fn new(text: &'t str, source: usize) -> Self {
        let offsets = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(at, _)| at).chain([text.len()]).collect()
        };
        Builder {
            text,
            source,
            offsets,
            open: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            root: None,
            duplicates: Vec::new(),
        }
    }

    fn run(&mut self) -> Step<Node> {
        let mut parser = Parser::new_from_str(self.text);
        while let Some(event) = parser.next_event() {
            let (event, mark) = event.map_err(|error| Box::new(self.syntax(&error)))?;
            let place = self.place(&mark);
            match event {
                Event::DocumentStart(_) if self.root.is_some() => {
                    return Err(self.refuse(
                        codes::S0009,
                        place,
                        "a spec is one YAML document; a second one starts here",
                    ));
                }
                Event::Alias(id) => self.alias(id, place)?,
                Event::Scalar(text, _, anchor, tag) => {
                    self.no_tag(tag.is_some(), place)?;
                    self.scalar(text.into_owned(), anchor, place)?;
                }
                Event::SequenceStart(anchor, tag) => {
                    self.no_tag(tag.is_some(), place)?;
                    self.start(Value::List(Vec::new()), anchor, place)?;
                }
                Event::MappingStart(anchor, tag) => {
                    self.no_tag(tag.is_some(), place)?;
                    self.start(Value::Map(Vec::new()), anchor, place)?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.finish(place)?,
                _ => {}
            }
        }
        let end = Place { source: self.source, start: 0, end: 0 };
        Ok(self.root.take().unwrap_or(Node { place: end, value: Value::Null }))
    }

    fn byte(&self, character: usize) -> usize {
        let at = if self.offsets.is_empty() { Some(character) } else { self.offsets.get(character).copied() };
        at.unwrap_or(self.text.len()).min(self.text.len())
    }

    fn place(&self, mark: &Mark) -> Place {
        let start = self.byte(mark.start.index());
        Place { source: self.source, start, end: self.byte(mark.end.index()).max(start) }
    }

    fn refuse(&self, code: Code, place: Place, message: impl Into<String>) -> Box<Finding> {
        Box::new(Finding::new(code, place, message))
    }

    /// The parser's own error; a tab in the indentation is told apart, since its message never says so.
    fn syntax(&self, error: &ScanError) -> Finding {
        let at = self.byte(error.marker().index());
        if error.info().contains("recursion limit") {
            let place = Place { source: self.source, start: at, end: at };
            let message = format!("lists and mappings are nested deeper than {MAX_DEPTH} here");
            return Finding::new(codes::S0010, place, message);
        }
        let line_start = self.text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
        let line = self.text.get(line_start..).unwrap_or("");
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        match line.get(..indent).and_then(|white| white.find('\t')) {
            Some(tab) => {
                let start = line_start + tab;
                let place = Place { source: self.source, start, end: start + 1 };
                Finding::new(codes::S0009, place, "a tab indents this line; YAML indents with spaces only")
                    .help("replace the tab by spaces")
            }
            None => {
                let place = Place { source: self.source, start: at, end: at };
                Finding::new(codes::S0009, place, format!("this is not YAML: {}", error.info()))
            }
        }
    }

    fn no_tag(&self, tagged: bool, place: Place) -> Step<()> {
        if tagged {
            return Err(Box::new(
                Finding::new(codes::S0009, place, "a spec has no tags (`!name`)").help("put the text in quotes"),
            ));
        }
        Ok(())
    }

    fn count(&mut self, nodes: usize, place: Place) -> Step<()> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            let message = format!("a spec has at most {MAX_NODES} values, aliases counted in full; this one has more");
            return Err(self.refuse(codes::S0010, place, message));
        }
        Ok(())
    }

    fn scalar(&mut self, text: String, anchor: usize, place: Place) -> Step<()> {
        let awaits_key =
            self.open.last().is_some_and(|top| matches!(top.node.value, Value::Map(_)) && top.key.is_none());
        if awaits_key {
            return self.key(text, place);
        }
        self.count(1, place)?;
        self.add(Node { place, value: Value::Text(text) }, anchor)
    }

    fn key(&mut self, key: String, place: Place) -> Step<()> {
        let Some(top) = self.open.last_mut() else { return Ok(()) };
        if key == "<<" {
            let message = "merge keys (`<<`) are not part of a spec";
            return Err(self.refuse(codes::S0009, place, message));
        }
        if let Some(first) = top.node.entry(&key) {
            let finding = Finding::new(codes::S0008, place, format!("`{key}` is given twice in one mapping"))
                .label(first.key_place, "first given here");
            self.duplicates.push(finding);
        }
        top.key = Some((key, place));
        Ok(())
    }

    fn start(&mut self, value: Value, anchor: usize, place: Place) -> Step<()> {
        let key_expected =
            self.open.last().is_some_and(|top| matches!(top.node.value, Value::Map(_)) && top.key.is_none());
        if key_expected {
            return Err(self.refuse(codes::S0009, place, "a key is a word, not a list or a mapping"));
        }
        if self.open.len() >= MAX_DEPTH {
            let message = format!("lists and mappings are nested deeper than {MAX_DEPTH} here");
            return Err(self.refuse(codes::S0010, place, message));
        }
        self.count(1, place)?;
        self.open.push(Open { node: Node { place, value }, anchor, key: None });
        Ok(())
    }

    fn finish(&mut self, place: Place) -> Step<()> {
        let Some(mut done) = self.open.pop() else { return Ok(()) };
        let last = match &done.node.value {
            Value::List(items) => items.last().map(|item| item.place.end),
            Value::Map(entries) => entries.last().map(|entry| entry.node.place.end),
            _ => None,
        };
        // A block ends where its last value does; a flow list or mapping ends behind its bracket.
        let bracket = self.text.get(place.start..place.end).is_some_and(|text| text.ends_with([']', '}']));
        done.node.place.end = if bracket { place.end } else { last.unwrap_or(place.end) };
        self.add(done.node, done.anchor)
    }

    fn alias(&mut self, id: usize, place: Place) -> Step<()> {
        let awaits_key =
            self.open.last().is_some_and(|top| matches!(top.node.value, Value::Map(_)) && top.key.is_none());
        let found = self.anchors.get(&id).filter(|_| !awaits_key);
        let Some((node, depth)) = found else {
            return Err(self.refuse(codes::S0009, place, "this alias stands inside what it stands for, or for a key"));
        };
        let (node, depth) = (node.clone(), *depth);
        if self.open.len() + depth > MAX_DEPTH {
            let message = format!("lists and mappings are nested deeper than {MAX_DEPTH} behind this alias");
            return Err(self.refuse(codes::S0010, place, message));
        }
        self.count(node.size(), place)?;
        self.add(node, 0)
    }

    fn add(&mut self, node: Node, anchor: usize) -> Step<()> {
        if anchor != 0 {
            let depth = depth(&node);
            self.anchors.insert(anchor, (node.clone(), depth));
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { node: Node { value: Value::List(items), .. }, .. }) => items.push(node),
            Some(Open { node: Node { value: Value::Map(entries), .. }, key, .. }) => {
                if let Some((key, key_place)) = key.take() {
                    entries.push(Entry { key, key_place, node });
                }
            }
            Some(_) => {}
        }
        Ok(())
    }
}

/// Nesting of lists and mappings; 0 for a scalar.
fn depth(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Map(entries) => 1 + entries.iter().map(|entry| depth(&entry.node)).max().unwrap_or(0),
        _ => 0,
    }
}
