//! Printing: answers on stdout, messages on stderr, and what is wrong in one way for every command.

use std::fmt::Display;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::{Format, Outcome};
use crate::diag::render::{Style, render};
use crate::diag::{Code, Diagnostic, Severity, codes};
use crate::record::{Number, RecordError};
use crate::report::ReportError;
use crate::source::Source;
use crate::train::errors::TrainError;

/// One line on stdout. A reader that went away is no error.
pub fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
}

/// How much is said on stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loudness {
    /// Errors only (`-q`).
    Quiet,
    /// Warnings and notes too.
    #[default]
    Normal,
    /// After the messages the pages of their codes (`-v`).
    Verbose,
}

static LOUDNESS: OnceLock<Loudness> = OnceLock::new();

/// Sets how much is said, once, before anything is.
pub fn set_loudness(loudness: Loudness) {
    LOUDNESS.get_or_init(|| loudness);
}

/// How much is said on stderr.
pub fn loudness() -> Loudness {
    LOUDNESS.get().copied().unwrap_or_default()
}

/// One error on stderr.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// One remark on stderr, unless `-q`.
pub fn note(text: &str) {
    if loudness() != Loudness::Quiet {
        complain(text);
    }
}

/// Diagnostics on stderr, in colour on a terminal unless `NO_COLOR` is set.
pub fn diagnostics(source: &Source, diagnostics: &[Diagnostic]) {
    let said = |diagnostic: &&Diagnostic| loudness() != Loudness::Quiet || diagnostic.severity() == Severity::Error;
    let said: Vec<Diagnostic> = diagnostics.iter().filter(said).cloned().collect();
    let _ = write!(std::io::stderr().lock(), "{}", render(source, &said, style()));
    if loudness() == Loudness::Verbose {
        let mut known: Vec<Code> = said.iter().map(|diagnostic| diagnostic.code).collect();
        known.sort();
        known.dedup();
        known.iter().filter_map(|code| codes::lookup(code.0)).for_each(|entry| complain(&entry.page()));
    }
}

/// How messages look on stderr.
fn style() -> Style {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    Style { color: colour, ..Style::default() }
}

/// What is wrong with what a command was given.
#[derive(Debug)]
pub enum Fault {
    /// Mistakes in texts, each at its place.
    Mistakes(Vec<(Source, Vec<Diagnostic>)>),
    /// Anything else, as one sentence.
    Plain(String),
}

impl Fault {
    /// An error that has no place in a text.
    pub fn plain(error: impl Display) -> Fault {
        Fault::Plain(error.to_string())
    }

    /// Mistakes in one text.
    pub fn text(source: Source, diagnostics: Vec<Diagnostic>) -> Fault {
        Fault::Mistakes(vec![(source, diagnostics)])
    }
}

impl From<RecordError> for Fault {
    fn from(error: RecordError) -> Fault {
        Fault::plain(error)
    }
}

impl From<ReportError> for Fault {
    fn from(error: ReportError) -> Fault {
        Fault::plain(error)
    }
}

impl From<TrainError> for Fault {
    fn from(error: TrainError) -> Fault {
        match error {
            TrainError::Spec(errors) => Fault::Mistakes(errors.by_text()),
            TrainError::Program { source_text, diagnostics } => Fault::text(source_text, diagnostics),
            other => Fault::plain(other),
        }
    }
}

/// Says what is wrong: to people on stderr, to programs as an object on stdout (and on stderr what has no place in a
/// text).
pub fn fault(fault: impl Into<Fault>, format: Format) -> Outcome {
    match (fault.into(), format) {
        (Fault::Mistakes(texts), Format::Human) => texts.iter().for_each(|(source, found)| diagnostics(source, found)),
        (Fault::Mistakes(texts), Format::Json) => line(&mistakes(&texts).to_string()),
        (Fault::Plain(message), format) => {
            complain(&format!("error: {message}"));
            if format == Format::Json {
                line(&json!({"ok": false, "error": message}).to_string());
            }
        }
    }
    Outcome::Fault
}

/// Refuses to replace a file that lossc did not write: one that is there already must begin as `ours` says (the text up to
/// its first line break that `ours` accepts), unless `force` is given.
///
/// # Errors
/// The file is somebody else's, or can't be read.
pub fn may_replace(path: &Path, force: bool, what: &str, ours: impl Fn(&str) -> bool) -> Result<(), Fault> {
    let failed = |error: std::io::Error| Fault::plain(format!("{}: {error}", path.display()));
    if force || !path.is_file() {
        return Ok(());
    }
    let mut beginning = Vec::new();
    BufReader::new(std::fs::File::open(path).map_err(failed)?)
        .take(1 << 20)
        .read_until(b'\n', &mut beginning)
        .map_err(failed)?;
    if std::str::from_utf8(&beginning).is_ok_and(|text| ours(text.trim_end_matches(['\r', '\n']))) {
        return Ok(());
    }
    let path = path.display();
    Err(Fault::plain(format!(
        "{path} is there already, and holds no {what}: choose another -o, or replace it with --force"
    )))
}

/// Mistakes as the contract has them; each names its text, of which a spec has several.
fn mistakes(texts: &[(Source, Vec<Diagnostic>)]) -> Value {
    let file = texts.first().map_or("", |(source, _)| source.name.as_str());
    let named = |source: &Source, found: &Diagnostic| {
        let mut value = diagnostic(source, found);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("file".into(), json!(source.name));
        }
        value
    };
    let all: Vec<Value> =
        texts.iter().flat_map(|(source, found)| found.iter().map(|found| named(source, found))).collect();
    json!({"file": file, "ok": false, "names": [], "terms": [], "diagnostics": all})
}

/// A row-major array as nested lists; a plain number when it has no axes.
pub fn array(values: &[f64], dims: &[usize]) -> Value {
    match dims.split_first() {
        None => values.first().map_or(Value::Null, |&value| json!(Number(value))),
        Some((&size, rest)) => {
            let stride = rest.iter().product::<usize>();
            let part = |at: usize| array(values.get(at * stride..(at + 1) * stride).unwrap_or(&[]), rest);
            Value::Array((0..size).map(part).collect())
        }
    }
}

/// A diagnostic as the contract has it.
pub fn diagnostic(source: &Source, diagnostic: &Diagnostic) -> Value {
    let place = |span: crate::source::Span| {
        let (line, column) = source.line_column(span.start);
        json!({"start": span.start, "end": span.end, "line": line, "column": column})
    };
    let help: Vec<Value> = diagnostic
        .helps
        .iter()
        .map(|help| match &help.edit {
            Some(edit) => json!({
                "message": help.message,
                "edit": {"start": edit.span.start, "end": edit.span.end, "text": edit.text},
            }),
            None => json!({"message": help.message}),
        })
        .collect();
    let severity = match diagnostic.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let labels: Vec<Value> =
        diagnostic.labels.iter().map(|label| json!({"message": label.message, "span": place(label.span)})).collect();
    json!({
        "code": diagnostic.code.0,
        "severity": severity,
        "message": diagnostic.message,
        "span": place(diagnostic.span),
        "note": diagnostic.note,
        "labels": labels,
        "help": help,
    })
}

/// Learned parameters, one a line.
pub fn parameters(params: &[(String, Vec<f64>)]) -> String {
    let line = |(name, values): &(String, Vec<f64>)| {
        let shown: Vec<String> = values.iter().take(8).map(|x| format!("{x:.4}")).collect();
        let more = if values.len() > 8 { format!(" … ({} in all)", values.len()) } else { String::new() };
        format!("  {name} = {}{more}\n", shown.join(" "))
    };
    params.iter().map(line).collect()
}
