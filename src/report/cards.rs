//! The parts of a run's page as cards for Jupyter: what the page says, a cell can show.

use super::display::Card;
use super::html::escape;
use super::{Result, compare, curves, page};
use crate::record::{Record, Run, settings_that_differ};

/// The longest line of a difference.
const MOST_COLUMNS: usize = 100;

/// A run in short: how it went, and its final metrics beside the baselines'.
///
/// # Errors
/// An artifact doesn't read back.
pub fn summary(record: &Record) -> Result<Card> {
    Ok(Card::new().heading(&record.run.id).section(&page::told(record)).section(&page::metrics(record)?))
}

/// The learning curves: one picture a metric, one curve a split.
///
/// # Errors
/// The drawing library fails.
pub fn learning_curves(record: &Record) -> Result<Card> {
    let figures = curves::figures(record)?;
    let card = Card::new().heading(&format!("Learning curves of {}", record.run.id));
    Ok(if figures.is_empty() { card.text("Nothing was logged more than once.") } else { card.section(&figures) })
}

/// The pictures that answer the modelling question.
///
/// # Errors
/// An artifact doesn't read back, or the drawing library fails.
pub fn pictures(record: &Record) -> Result<Card> {
    let found = page::diagnostics(record)?;
    let card = Card::new().heading(&record.run.id);
    Ok(if found.is_empty() { card.text("The run has kept nothing to draw.") } else { card.section(&folded(&found)) })
}

/// Several runs side by side: what was set differently, the figures, unit by unit, the learning curves.
///
/// # Errors
/// An artifact doesn't read back, or the drawing library fails.
pub fn comparison(records: &[&Record]) -> Result<Card> {
    Ok(Card::new().section(&compare::side_by_side(records)?))
}

/// A line a run.
pub fn list(runs: &[Run]) -> Card {
    if runs.is_empty() {
        return Card::new().text("No runs yet.");
    }
    let head = ["run", "status", "epochs", "seconds", "figures"].map(str::to_owned);
    let rows: Vec<Vec<String>> = runs.iter().map(row).collect();
    Card::new().table(&head, &rows)
}

fn row(run: &Run) -> Vec<String> {
    let best = ["test", "valid", "train"];
    let found = best.iter().find_map(|split| run.scores.splits().find(|(name, _)| name == split));
    let figures = found.map_or_else(String::new, |(split, figures)| {
        let shown: Vec<String> = figures.iter().take(3).map(|(name, x)| format!("{name} {x:.4}")).collect();
        format!("{split}: {}", shown.join(", "))
    });
    vec![run.id.clone(), run.status.to_string(), run.epochs.to_string(), format!("{:.1}", run.seconds), figures]
}

/// What was set differently for two runs, a sign before each line as in a difference of files; empty when nothing was.
pub(super) fn changes(first: &Record, other: &Record) -> String {
    let found = settings_that_differ(first, other);
    if found.is_empty() {
        return String::new();
    }
    let mut text = format!("− {}\n+ {}\n", first.run.id, other.run.id);
    for change in found {
        text += &format!("\n{}\n", change.what);
        for (sign, side) in [("−", &change.first), ("+", &change.second)] {
            text.extend(side.trim().lines().map(|line| format!("  {sign} {}\n", short(line))));
        }
    }
    format!("<pre>{}</pre>\n", escape(&text))
}

/// A line as it is shown: a program within a `--set` is a long one.
fn short(line: &str) -> String {
    match line.char_indices().nth(MOST_COLUMNS) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(line)),
        None => line.to_owned(),
    }
}

/// Tables of a page behind a line that opens them: in a notebook the next cell should not be far.
fn folded(html: &str) -> String {
    html.replace("<div class=\"scroll\">", "<details><summary>The table</summary><div class=\"scroll\">")
        .replace("</table></div>", "</table></div></details>")
}
