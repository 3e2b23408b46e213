//! The page of a run, put together.

use super::html::{STYLE, escape, listing, number, table};
use super::{ReportError, Result, calibration, compare, counts, curves, distances};
use crate::files::write_whole;
use crate::record::{Baselines, CalibrationDiagnostics, CountDiagnostics, DistanceDiagnostics, Record, Status};
use std::path::Path;

/// One self-contained HTML page: of one run, or of several compared.
///
/// # Errors
/// No record was given, an artifact doesn't read back, or the drawing library fails.
pub fn page(records: &[Record]) -> Result<String> {
    match records {
        [] => Err(ReportError::Empty),
        [one] => Ok(document(&one.run.id, &single(one)?)),
        several => Ok(document("Runs compared", &compare::body(&several.iter().collect::<Vec<_>>())?)),
    }
}

/// Makes the page and writes it to a file, whole or not at all.
///
/// # Errors
/// As [`page`]; the file can't be written.
pub fn write(records: &[Record], path: &Path) -> Result<()> {
    let html = page(records)?;
    write_whole(path, html.as_bytes()).map_err(|source| ReportError::Io { path: path.to_owned(), source })
}

/// The first line of every page: it tells a page of lossc from other files.
pub const FIRST_LINE: &str = "<!DOCTYPE html><!-- lossc report -->";

fn document(title: &str, body: &str) -> String {
    format!(
        "{FIRST_LINE}\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escape(title)
    )
}

fn single(record: &Record) -> Result<String> {
    let mut body = head(record);
    body.push_str(&metrics(record)?);
    body.push_str(&program(record));
    let curves = curves::figures(record)?;
    if !curves.is_empty() {
        body.push_str(&format!("<h2>Learning curves</h2>\n<div class=\"figures\">\n{curves}</div>\n"));
    }
    body.push_str(&diagnostics(record)?);
    body.push_str(&provenance(record));
    Ok(body)
}

/// When, how long, how it ended.
pub(super) fn facts(record: &Record) -> String {
    let run = &record.run;
    let started = run.started.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %Z");
    format!(
        "{} · started {started} · {} s · {} steps · {} epochs · seed {}",
        run.status,
        number(run.seconds),
        run.steps,
        run.epochs,
        record.seed
    )
}

fn head(record: &Record) -> String {
    format!("<h1>{}</h1>\n{}", escape(&record.run.id), told(record))
}

/// The run's facts, and a notice of how it stands.
pub(super) fn told(record: &Record) -> String {
    let run = &record.run;
    let mut html = format!("<p class=\"facts\">{}</p>\n", escape(&facts(record)));
    let notice = match run.status {
        Status::Done => "This run is complete",
        Status::Running => "This run is still being trained; the page shows what was recorded when it was made",
        Status::Interrupted => "This run was interrupted before its end",
        Status::Failed => "This run failed",
    };
    match &run.message {
        Some(message) => html.push_str(&format!("<p class=\"notice\">{notice}: {}</p>\n", escape(message))),
        None if run.status != Status::Done => html.push_str(&format!("<p class=\"notice\">{notice}.</p>\n")),
        None => {}
    }
    html
}

/// Final metrics a split, and the baselines on the same rows.
pub(super) fn metrics(record: &Record) -> Result<String> {
    let baselines: Vec<_> = record.artifacts_of::<Baselines>()?.into_iter().flat_map(|(_, b)| b.0).collect();
    let scores = &record.run.scores;
    let mut names: Vec<&str> = scores.metrics();
    for baseline in &baselines {
        if !names.contains(&baseline.metric.as_str()) {
            names.push(&baseline.metric);
        }
    }
    if names.is_empty() {
        return Ok("<h2>Final metrics</h2>\n<p>None were recorded.</p>\n".to_owned());
    }
    let mut models: Vec<(&str, &str)> = Vec::new();
    for baseline in &baselines {
        let model = (baseline.name.as_str(), baseline.split.as_str());
        if !models.contains(&model) {
            models.push(model);
        }
    }
    let splits: Vec<&str> = scores.splits().map(|(split, _)| split).collect();
    let cell = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
    // A metric a row: there may be many, and the page is taller than wide.
    let row = |metric: &&str| {
        let own = splits.iter().map(|split| cell(scores.get(split, metric)));
        let others = models.iter().map(|(name, split)| {
            let found = baselines.iter().find(|b| b.name == *name && b.split == *split && b.metric == *metric);
            cell(found.map(|b| b.value))
        });
        [(*metric).to_owned()].into_iter().chain(own).chain(others).collect()
    };
    let rows: Vec<Vec<String>> = names.iter().map(row).collect();
    let columns = splits.iter().map(|split| (*split).to_owned());
    let others = models.iter().map(|(name, split)| format!("{split}: {name}"));
    let head: Vec<String> = [String::new()].into_iter().chain(columns).chain(others).collect();
    Ok(format!("<h2>Final metrics</h2>\n{}", table(&head, &rows)))
}

/// The program and its derivation. The derivation is HTML that `explain` has made and escaped.
pub(super) fn program(record: &Record) -> String {
    let mut html = format!(
        "<h2>The program</h2>\n<p class=\"facts\">{}</p>\n{}",
        escape(&record.program_name),
        listing(&record.program_text)
    );
    if !record.derivation_html.trim().is_empty() {
        html.push_str(&format!(
            "<h2>Its derivation</h2>\n<div class=\"derivation\">\n{}\n</div>\n",
            record.derivation_html
        ));
    }
    html
}

pub(super) fn diagnostics(record: &Record) -> Result<String> {
    let mut html = String::new();
    for (_, found) in record.artifacts_of::<CountDiagnostics>()? {
        html.push_str(&format!("<h2>Are the counts what the density says?</h2>\n{}", counts::section(&found)?));
    }
    for (_, found) in record.artifacts_of::<CalibrationDiagnostics>()? {
        html.push_str(&format!(
            "<h2>Is the predicted σ the error that is made?</h2>\n{}",
            calibration::section(&found)?
        ));
    }
    for (_, found) in record.artifacts_of::<DistanceDiagnostics>()? {
        html.push_str(&format!("<h2>Are the same near and the different far?</h2>\n{}", distances::section(&found)?));
    }
    Ok(html)
}

/// What it takes to do it again: spec, data, versions.
pub(super) fn provenance(record: &Record) -> String {
    let mut html = format!("<h2>Spec</h2>\n<pre>{}</pre>\n<h2>Data and versions</h2>\n", escape(&record.spec_text));
    if !record.data.is_empty() {
        let head = ["file", "bytes", "SHA-256"].map(str::to_owned);
        let rows: Vec<_> =
            record.data.iter().map(|f| vec![f.path.clone(), f.bytes.to_string(), f.sha256.clone()]).collect();
        html.push_str(&table(&head, &rows));
    }
    let rows: Vec<_> = record.versions.iter().map(|(name, version)| vec![name.clone(), version.clone()]).collect();
    html.push_str(&table(&["what", "version"].map(str::to_owned), &rows));
    html
}
