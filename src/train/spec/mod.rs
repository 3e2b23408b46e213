//! The spec: one YAML text that says everything about a training.
//!
//! [`Spec::read`] takes the text and the `--set` overrides to a validated [`Spec`], or to every mistake at once with its
//! place, as diagnostics. The stages: `tree` (YAML with positions) → overrides → `check` (against `table`, the one list
//! of keys) → `build` (typed [`Settings`], and the `rules` between keys). Reads no files: the caller brings the text.

mod build;
mod build_data;
mod check;
mod finding;
mod overrides;
mod quantity;
mod read;
mod rules;
pub mod schema;
pub mod table;
pub mod tree;
mod types;

#[cfg(test)]
mod tests;

use std::fmt;

pub use finding::{Finding, Place};
pub use types::{
    EarlyStop, Evaluate, HeadStart, Length, Oracle, Program, Recognition, Schedule, Settings, TrainOptions, UnitTable,
};

use crate::data::NO_SUCH_FILE;
use crate::data::error::PATHS_START;
use crate::diag::render::{Style, render};
use crate::diag::{Code, Diagnostic, codes};
use crate::source::{Source, Span};
use tree::{Entry, Node, Value};

/// A spec that makes sense: the settings, and the texts that they came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// What it says.
    pub settings: Settings,
    /// The file, exactly as it stands, then each `--set`.
    pub texts: Vec<Source>,
    tree: Node,
}

/// What is wrong with a spec: every mistake, with the texts that they stand in.
#[derive(Debug, Clone, PartialEq)]
pub struct SpecErrors {
    /// The file, then each `--set`.
    pub texts: Vec<Source>,
    /// Each mistake with the index of its text, in the order of the texts.
    pub diagnostics: Vec<(usize, Diagnostic)>,
    /// The files that the spec names, as far as it could be read.
    files: Vec<(Place, String)>,
}

impl Spec {
    /// Reads the spec in `bytes`, shown as `name`, with `overrides` of the form `train.epochs=5` applied first.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn read(name: &str, bytes: &[u8], overrides: &[String]) -> Result<Spec, SpecErrors> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|error| not_text(name, bytes, error))?;
        let texts: Vec<Source> = std::iter::once(Source::new(name, text))
            .chain(overrides.iter().map(|set| Source::new("--set", set.as_str())))
            .collect();
        let (tree, findings) = match tree::read(text, 0) {
            Ok(tree) => overridden(tree, overrides),
            Err(findings) => return Err(SpecErrors::new(texts, findings)),
        };
        let built = if findings.is_empty() { build::build(&tree) } else { Err(findings) };
        match built {
            Ok(settings) => Ok(Spec { settings, texts, tree }),
            Err(findings) => Err(SpecErrors { files: files(&tree), ..SpecErrors::new(texts, findings) }),
        }
    }

    /// Where `path` (`data.bind.k`, `network[2]`) stands, or the nearest part of it that does.
    pub fn locate(&self, path: &str) -> Place {
        let steps = path.split(['.', '[']).map(|step| step.trim_end_matches(']'));
        let mut at = &self.tree;
        let mut place = self.tree.place;
        for step in steps.filter(|step| !step.is_empty()) {
            let next = match (&at.value, step.parse::<usize>()) {
                (Value::List(items), Ok(i)) => items.get(i).map(|item| (item, item.place)),
                _ => at.entry(step).map(|entry| (&entry.node, entry.key_place)),
            };
            let Some((node, found)) = next else { break };
            (at, place) = (node, found);
        }
        place
    }

    /// Where a value stands that is this text.
    pub fn locate_text(&self, text: &str) -> Option<Place> {
        let mut stack = vec![&self.tree];
        while let Some(node) = stack.pop() {
            match &node.value {
                Value::Text(found) if found == text => return Some(node.place),
                Value::List(items) => stack.extend(items.iter().rev()),
                Value::Map(entries) => stack.extend(entries.iter().rev().map(|entry| &entry.node)),
                _ => {}
            }
        }
        None
    }

    /// Where a layer stands: its index in `network`, then in the residual block inside it, and so on.
    pub fn locate_layer(&self, path: &[usize]) -> Place {
        let steps: Vec<String> = path.iter().map(usize::to_string).collect();
        self.locate(&format!("network[{}]", steps.join("].residual[")))
    }

    /// A mistake that only shows when data or program are known, at the place of `path`.
    pub fn mistake(&self, code: Code, path: &str, message: impl Into<String>) -> Finding {
        Finding::new(code, self.locate(path), message)
    }

    /// Mistakes found later as errors of this spec.
    pub fn errors(&self, findings: Vec<Finding>) -> SpecErrors {
        SpecErrors { files: files(&self.tree), ..SpecErrors::new(self.texts.clone(), findings) }
    }

    /// The file's text, exactly as it stands.
    pub fn text(&self) -> &str {
        self.texts.first().map_or("", |source| &source.text)
    }
}

/// The tree with `--set` applied, and everything that is wrong with it.
fn overridden(mut tree: Node, overrides: &[String]) -> (Node, Vec<Finding>) {
    let mut findings = Vec::new();
    for (i, set) in overrides.iter().enumerate() {
        if let Err(mut wrong) = overrides::apply(&mut tree, set, i + 1) {
            findings.append(&mut wrong);
        }
    }
    findings.append(&mut check::check(&tree));
    (tree, findings)
}

/// Keys of a spec whose texts are files.
const FILES: [&str; 5] = ["loss", "table", "array", "labels", "path"];

/// The files that a spec names, right or wrong as it may be.
fn files(tree: &Node) -> Vec<(Place, String)> {
    let mut found = Vec::new();
    let mut stack = vec![(tree, false)];
    while let Some((node, file)) = stack.pop() {
        match &node.value {
            Value::Text(text) if file => found.push((node.place, text.clone())),
            Value::List(items) => stack.extend(items.iter().map(|item| (item, file))),
            Value::Map(entries) => {
                let part = |key: &str| file && ["train", "valid", "test"].contains(&key);
                let inside = |entry: &Entry| FILES.contains(&entry.key.as_str()) || part(&entry.key);
                stack.extend(entries.iter().map(|entry| (&entry.node, inside(entry))));
            }
            _ => {}
        }
    }
    found
}

fn not_text(name: &str, bytes: &[u8], error: std::str::Utf8Error) -> SpecErrors {
    let start = error.valid_up_to();
    let message = format!("byte {start} of this file is not part of a UTF-8 character");
    let place = Place { source: 0, start, end: start };
    let shown = String::from_utf8_lossy(bytes.get(..bytes.len().min(tree::MAX_BYTES)).unwrap_or(bytes));
    let finding = Finding::new(codes::S0011, place, message).help("save it as UTF-8");
    SpecErrors::new(vec![Source::new(name, shown.into_owned())], vec![finding])
}

impl SpecErrors {
    fn new(texts: Vec<Source>, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| (finding.place.source, finding.place.start));
        findings.dedup();
        let diagnostics = findings.into_iter().map(|finding| (finding.place.source, diagnostic(finding))).collect();
        SpecErrors { texts, diagnostics, files: Vec::new() }
    }

    /// The same with the files that are missing, which are found only when the rest is right.
    #[must_use]
    pub fn with_missing(mut self, is_missing: impl Fn(&str) -> bool) -> SpecErrors {
        for (place, file) in std::mem::take(&mut self.files) {
            let known = |(source, found): &(usize, Diagnostic)| {
                (*source, found.span) == (place.source, Span::new(place.start, place.end))
            };
            if is_missing(&file) && !self.diagnostics.iter().any(known) {
                let finding = Finding::new(codes::S0014, place, format!("{file}: {NO_SUCH_FILE}")).help(PATHS_START);
                self.diagnostics.push((place.source, diagnostic(finding)));
            }
        }
        self.diagnostics.sort_by_key(|(source, found)| (*source, found.span.start));
        self
    }

    /// The mistakes of each text with the places that they stand at.
    pub fn rendered(&self, style: Style) -> String {
        self.by_text().iter().map(|(source, found)| render(source, found, style)).collect()
    }

    /// Every text with its mistakes.
    pub fn by_text(&self) -> Vec<(Source, Vec<Diagnostic>)> {
        let of = |at: usize| -> Vec<Diagnostic> {
            self.diagnostics.iter().filter(|(text, _)| *text == at).map(|(_, d)| d.clone()).collect()
        };
        self.texts.iter().enumerate().map(|(at, source)| (source.clone(), of(at))).collect()
    }
}

fn diagnostic(finding: Finding) -> Diagnostic {
    let span = |place: Place| Span::new(place.start, place.end);
    let at = span(finding.place);
    let mut diagnostic = Diagnostic::new(finding.code, at, finding.message);
    diagnostic.note = finding.note;
    for (place, message) in finding.labels.into_iter().filter(|(place, _)| place.source == finding.place.source) {
        diagnostic = diagnostic.label(span(place), message);
    }
    for (message, edit) in finding.helps {
        diagnostic = match edit {
            Some(text) => diagnostic.fix(message, at, text),
            None => diagnostic.help(message),
        };
    }
    diagnostic
}

impl fmt::Display for SpecErrors {
    /// One line a mistake: `spikes.yaml:3:5: error[S0001]: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (source, diagnostic)) in self.diagnostics.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            let (name, (line, column)) = match self.texts.get(*source) {
                Some(text) => (text.name.as_str(), text.line_column(diagnostic.span.start)),
                None => ("spec", (1, 1)),
            };
            write!(f, "{name}:{line}:{column}: error[{}]: {}", diagnostic.code, diagnostic.message)?;
            for help in &diagnostic.helps {
                write!(f, "\n  help: {}", help.message)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for SpecErrors {}
