//! The metric history: series of points, and their CSV form.

use std::fmt::Write;

/// One metric on one split, over the steps.
///
/// Usual splits: `batch` (one minibatch), `train`, `valid`, `test`. Usual metrics: `loss` (the whole objective),
/// `term/LABEL` (one labelled term of it), `nll`, `bits_per_spike`, `lr`, `grad_norm`.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// On which rows.
    pub split: String,
    /// Which metric.
    pub metric: String,
    /// The points, by ascending step.
    pub points: Vec<Point>,
}

/// One value of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Optimiser steps taken before it was measured.
    pub step: u64,
    /// The epoch of that step.
    pub epoch: u64,
    /// The value; may be NaN or infinite.
    pub value: f64,
}

/// The header of a metrics file.
pub(super) const CSV_HEADER: &str = "step,epoch,split,metric,value\n";

/// The history as CSV, one point a line: `step,epoch,split,metric,value`; numbers read back exactly, and
/// non-finite ones are `NaN`, `inf`, `-inf`, as pandas reads them. Ordered by step, then by series, so that
/// equal histories are equal files.
pub fn metrics_csv(history: &[Series]) -> String {
    let mut lines: Vec<(u64, &Series, &Point)> =
        history.iter().flat_map(|s| s.points.iter().map(move |p| (p.step, s, p))).collect();
    lines.sort_by(|(a, s, _), (b, t, _)| (a, &s.split, &s.metric).cmp(&(b, &t.split, &t.metric)));
    let mut csv = String::from(CSV_HEADER);
    for (_, series, point) in lines {
        csv_line(&mut csv, &series.split, &series.metric, point);
    }
    csv
}

/// Appends one line.
pub(super) fn csv_line(csv: &mut String, split: &str, metric: &str, point: &Point) {
    // Writing into a String cannot fail.
    let _ = writeln!(csv, "{},{},{},{},{:?}", point.step, point.epoch, field(split), field(metric), point.value);
}

/// Quotes a field that needs it (RFC 4180).
fn field(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\"")).into()
    } else {
        text.into()
    }
}
