//! Printing: diagnostics on stderr, JSON on stdout.

use std::io::{IsTerminal, Write};

use serde_json::{Value, json};

use crate::diag::render::{Style, render};
use crate::diag::{Diagnostic, Severity};
use crate::source::Source;

/// One line on stdout. A reader that went away is no error.
pub fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
}

/// One message on stderr.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Diagnostics on stderr, in colour on a terminal unless `NO_COLOR` is set.
pub fn diagnostics(source: &Source, diagnostics: &[Diagnostic]) {
    if diagnostics.is_empty() {
        return;
    }
    let _ = write!(std::io::stderr().lock(), "{}", render(source, diagnostics, style()));
}

/// How messages look on stderr.
pub fn style() -> Style {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    Style { color: colour, ..Style::default() }
}

/// A number as JSON: non-finite ones as strings.
pub fn number(value: f64) -> Value {
    if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(value)
    }
}

/// A row-major array as nested lists; a plain number when it has no axes.
pub fn array(values: &[f64], dims: &[usize]) -> Value {
    match dims.split_first() {
        None => values.first().map_or(Value::Null, |&value| number(value)),
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
