//! Are the same near and the different far? Pictures and tables of [`DistanceDiagnostics`].

use super::Result;
use super::chart::{Chart, Svg};
use super::html::{escape, figure, number, table};
use super::statistics::{edges, histogram, roc, thin};
use crate::record::DistanceDiagnostics;

/// The section of a page.
pub(super) fn section(diagnostics: &DistanceDiagnostics) -> Result<String> {
    let mut page = format!(
        "<p>{} probes against a gallery of {} ({}).</p>\n<div class=\"figures\">\n",
        diagnostics.probes,
        diagnostics.gallery,
        escape(&diagnostics.split)
    );
    page.push_str(&figure(
        &distances(diagnostics)?,
        "Distances between embeddings. Each histogram has area one: pairs of two classes are far more than pairs of one.",
    ));
    page.push_str(&figure(
        &curve(diagnostics)?,
        "Calling a pair the same when it is nearer than a threshold, over all thresholds. The area is the probability that a pair of one class is \
         nearer than a pair of two; ½ is chance.",
    ));
    page.push_str("</div>\n");
    page.push_str(&ranks(diagnostics));
    Ok(page)
}

fn distances(diagnostics: &DistanceDiagnostics) -> Result<Svg> {
    let both =
        || diagnostics.same.iter().chain(&diagnostics.different).map(|d| f64::from(*d)).filter(|d| d.is_finite());
    let high = both().fold(0.0, f64::max);
    let high = if high > 0.0 { high } else { 1.0 };
    let bins = 40;
    let mut chart = Chart::new("Distances of pairs", "distance between embeddings", "density").include_x(&[0.0]);
    for (name, values) in [("same", &diagnostics.same), ("different", &diagnostics.different)] {
        let counts = histogram(values.iter().map(|d| f64::from(*d)), 0.0, high, bins);
        let total: f64 = counts.iter().sum();
        if total > 0.0 {
            let heights: Vec<f64> = counts.iter().map(|n| n * bins as f64 / (high * total)).collect();
            let name = format!("{name} {} ({} pairs)", diagnostics.classes, values.len());
            chart = chart.bars(&name, edges(0.0, high, bins), &heights);
        }
    }
    chart.svg()
}

fn curve(diagnostics: &DistanceDiagnostics) -> Result<Svg> {
    let chart = Chart::new(
        "Same or different: ROC",
        "share of different pairs called the same",
        "share of same pairs called the same",
    );
    match roc(&diagnostics.same, &diagnostics.different) {
        Some((points, area)) => {
            chart.line(&format!("area {area:.3}"), thin(&points, 1000)).diagonal("chance").size(420, 440).svg()
        }
        None => chart.svg(),
    }
}

fn ranks(diagnostics: &DistanceDiagnostics) -> String {
    if diagnostics.ranks.is_empty() {
        return String::new();
    }
    let head = ["right class among the nearest", "share of probes"].map(str::to_owned);
    let rows: Vec<Vec<String>> = diagnostics.ranks.iter().map(|r| vec![r.rank.to_string(), number(r.rate)]).collect();
    table(&head, &rows)
}
