//! Several runs on one page: what differs, and for whom.

use super::html::{escape, number, table};
use super::{Result, cards, counts, curves, page};
use crate::record::{CountDiagnostics, Record};

/// The body of a comparison; the first run is what the others are compared with.
pub(super) fn body(records: &[&Record]) -> Result<String> {
    let mut html = String::from("<h1>Runs compared</h1>\n");
    html.push_str(&side_by_side(records)?);
    for record in records {
        let inner = page::program(record) + &page::provenance(record);
        html.push_str(&format!("<h2>{}</h2>\n<details><summary>Program, derivation, spec, data and versions</summary>\n{inner}</details>\n", escape(&record.run.id)));
    }
    Ok(html)
}

/// What was set differently, and what came of it.
pub(super) fn side_by_side(records: &[&Record]) -> Result<String> {
    let mut html = String::new();
    for record in records {
        html.push_str(&format!(
            "<p><b>{}</b><br><span class=\"facts\">{}</span></p>\n",
            escape(&record.run.id),
            escape(&page::facts(record))
        ));
    }
    if let Some((first, others)) = records.split_first() {
        let found: String = others.iter().map(|other| cards::changes(first, other)).collect();
        let none = "<p>Nothing: the same program, spec, data and versions.</p>\n";
        html.push_str(&format!(
            "<h2>What was set differently</h2>\n{}",
            if found.is_empty() { none } else { found.as_str() }
        ));
    }
    html.push_str(&metrics(records));
    let gains = gains(records)?;
    if !gains.is_empty() {
        html.push_str(&format!("<h2>Unit by unit</h2>\n{gains}"));
    }
    let curves = curves::comparison(records)?;
    if !curves.is_empty() {
        html.push_str(&format!("<h2>Learning curves</h2>\n<div class=\"figures\">\n{curves}</div>\n"));
    }
    Ok(html)
}

/// Final metrics side by side, one row a split and metric.
fn metrics(records: &[&Record]) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    for record in records {
        for (split, row) in record.run.scores.splits() {
            for (metric, _) in row {
                let line = (split.to_owned(), metric.clone());
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
        }
    }
    let head: Vec<String> = std::iter::once(String::new()).chain(records.iter().map(|r| r.run.id.clone())).collect();
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|(split, metric)| {
            let cell = |r: &&Record| r.run.scores.get(split, metric).map_or_else(|| "–".to_owned(), number);
            std::iter::once(format!("{split} {metric}")).chain(records.iter().map(cell)).collect()
        })
        .collect();
    format!("<h2>Final metrics</h2>\n{}", table(&head, &rows))
}

/// What each other run gains over the first, wherever both have scored the same units on the same rows.
fn gains(records: &[&Record]) -> Result<String> {
    let mut html = String::new();
    let Some((first, others)) = records.split_first() else { return Ok(html) };
    for (name, before) in first.artifacts_of::<CountDiagnostics>()? {
        for other in others {
            if let Some(after) = other.artifact::<CountDiagnostics>(&name)?
                && let Some(figures) = counts::gains((&first.run.id, &before), (&other.run.id, &after))?
            {
                html.push_str(&figures);
            }
        }
    }
    Ok(html)
}
