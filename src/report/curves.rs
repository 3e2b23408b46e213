//! Learning curves: one picture a metric, one curve a split (or a run).

use super::chart::{Chart, Svg};
use super::{Result, html};
use crate::record::{Record, Series};

/// The most points of a drawn curve.
const MOST_POINTS: usize = 500;

/// The order of splits in legends.
const SPLITS: [&str; 4] = ["batch", "train", "valid", "test"];

/// The learning curves of one run as figures; empty when nothing was logged.
pub(super) fn figures(record: &Record) -> Result<String> {
    let mut page = String::new();
    for metric in metrics(&[record]) {
        let mut of_metric: Vec<&Series> = record.history.iter().filter(|s| s.metric == metric).collect();
        of_metric.sort_by_key(|s| SPLITS.iter().position(|split| *split == s.split).unwrap_or(SPLITS.len()));
        // A split that was measured once is in the table of final metrics.
        of_metric.retain(|s| s.points.len() > 1);
        if of_metric.is_empty() {
            continue;
        }
        let longest = of_metric.iter().map(|s| s.points.len()).max().unwrap_or(0);
        let mut chart = blank(&metric, &of_metric);
        for series in of_metric {
            let points = smoothed(series);
            chart = if series.split == "batch" {
                chart.faint_line("batch", points)
            } else {
                chart.line(&series.split, points)
            };
        }
        page.push_str(&html::figure(&chart.svg()?, &caption(&metric, longest)));
    }
    Ok(page)
}

/// The learning curves of several runs, each metric on its most telling common split.
pub(super) fn comparison(records: &[&Record]) -> Result<String> {
    let mut page = String::new();
    for metric in metrics(records) {
        let series_of = |record: &'_ Record, split: &str| {
            record.history.iter().find(|s| s.metric == metric && s.split == split && s.points.len() > 1).cloned()
        };
        let Some(split) = ["valid", "test", "train", "batch"]
            .into_iter()
            .find(|split| records.iter().filter(|r| series_of(r, split).is_some()).count() > 1)
        else {
            continue;
        };
        let found: Vec<(&Record, Series)> = records.iter().filter_map(|r| Some((*r, series_of(r, split)?))).collect();
        let mut chart = blank(&format!("{metric} ({split})"), &found.iter().map(|(_, s)| s).collect::<Vec<_>>());
        let longest = found.iter().map(|(_, s)| s.points.len()).max().unwrap_or(0);
        for (record, series) in &found {
            chart = chart.line(&record.run.id, smoothed(series));
        }
        page.push_str(&html::figure(&chart.svg()?, &caption(&metric, longest)));
    }
    Ok(page)
}

/// Metrics in the order of a reader: the objective, its terms, the rest as they first appeared.
fn metrics(records: &[&Record]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for series in records.iter().flat_map(|r| &r.history) {
        if !names.contains(&series.metric) {
            names.push(series.metric.clone());
        }
    }
    names.sort_by_key(|name| {
        if name == "loss" {
            0
        } else if name.starts_with("term/") {
            1
        } else {
            2
        }
    });
    names
}

fn blank(title: &str, series: &[&Series]) -> Chart {
    let title = title.strip_prefix("term/").map_or_else(|| title.to_owned(), |label| format!("term {label}"));
    let values = || series.iter().flat_map(|s| &s.points).map(|p| p.value).filter(|v| v.is_finite());
    let (low, high) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    // A curve that falls by decades shows its end only on a logarithmic axis.
    Chart::new(title.clone(), "optimiser step", title).log_y(low > 0.0 && high / low > 50.0)
}

fn caption(metric: &str, longest: usize) -> String {
    let what = match metric {
        "loss" => "The whole objective",
        m if m.starts_with("term/") => "One term of the objective",
        _ => "A metric",
    };
    let pieces = longest.clamp(1, MOST_POINTS);
    match (longest / pieces, longest.div_ceil(pieces)) {
        (_, 0 | 1) => format!("{what} over the optimiser's steps."),
        (n, most) => {
            let n = if n == most { n.to_string() } else { format!("{n} or {most}") };
            format!("{what} over the optimiser's steps; where there are many, a point is the mean of {n} of them.")
        }
    }
}

/// At most [`MOST_POINTS`] points, each the mean of as many successive ones, give or take one; a NaN stays a gap.
fn smoothed(series: &Series) -> Vec<(f64, f64)> {
    let pieces = series.points.len().min(MOST_POINTS);
    let edge = |i: usize| i * series.points.len() / pieces;
    let mean = |values: &mut dyn Iterator<Item = f64>, n: usize| values.sum::<f64>() / n as f64;
    let point = |i: usize| {
        let piece = series.points.get(edge(i)..edge(i + 1)).unwrap_or_default();
        let step = mean(&mut piece.iter().map(|p| p.step as f64), piece.len());
        (step, mean(&mut piece.iter().map(|p| p.value), piece.len()))
    };
    (0..pieces).map(point).collect()
}

/// A picture of one metric of one record, for notebooks: a curve a split. `None` if nothing was logged of it.
///
/// # Errors
/// The drawing library fails.
pub fn learning_curve(record: &Record, metric: &str) -> Result<Option<Svg>> {
    let of_metric: Vec<&Series> = record.history.iter().filter(|s| s.metric == metric).collect();
    if of_metric.is_empty() {
        return Ok(None);
    }
    let chart = of_metric.iter().fold(blank(metric, &of_metric), |chart, s| {
        let points = smoothed(s);
        if s.split == "batch" { chart.faint_line("batch", points) } else { chart.line(&s.split, points) }
    });
    chart.svg().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Point;

    #[test]
    fn the_last_point_is_a_mean_of_as_many_as_the_others() {
        // 2256 steps that alternate about 0 by one: any 4 or 5 in a row have a mean within ±1/5, a lone last one has not.
        let points = (0..2256).map(|step| Point { step, epoch: 1, value: if step % 2 == 0 { 1.0 } else { -1.0 } });
        let series = Series { split: "batch".into(), metric: "loss".into(), points: points.collect() };
        let drawn = smoothed(&series);
        assert_eq!(drawn.len(), MOST_POINTS);
        assert!(drawn.iter().all(|(_, value)| value.abs() <= 0.2 + 1e-12));
        assert!(caption("loss", 2256).contains("the mean of 4 or 5 of them"));
        assert!(caption("loss", 1000).contains("the mean of 2 of them"));
        assert_eq!(caption("loss", 500), "The whole objective over the optimiser's steps.");
    }
}
