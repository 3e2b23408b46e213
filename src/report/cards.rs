//! The parts of a run's page as cards for Jupyter: what the page says, a cell can show.

use super::display::Card;
use super::html::table;
use super::{Result, compare, curves, page};
use crate::record::{Record, Run};

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
    Ok(if found.is_empty() { card.text("The run has kept nothing to draw.") } else { card.section(&found) })
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

/// Changes as a table, a column a run; empty when nothing differs.
pub(super) fn changes(first: &Record, other: &Record) -> String {
    let found = crate::record::settings_that_differ(first, other);
    if found.is_empty() {
        return String::new();
    }
    let cell = |text: &str| if text.is_empty() { "–".to_owned() } else { text.to_owned() };
    let rows: Vec<Vec<String>> =
        found.iter().map(|change| vec![change.what.clone(), cell(&change.first), cell(&change.second)]).collect();
    table(&[String::new(), first.run.id.clone(), other.run.id.clone()], &rows)
}
