//! Is the predicted σ the error that is made? Pictures and tables of [`CalibrationDiagnostics`].

use super::Result;
use super::chart::{Chart, Svg};
use super::html::{escape, figure, number, table};
use super::statistics::{edges, histogram, normal_density, quantile_bins, steps};
use crate::ir::special::ndtr;
use crate::record::CalibrationDiagnostics;

/// One quantity's observations that are complete.
struct Quantity {
    name: String,
    /// Observed − mean.
    error: Vec<f64>,
    sd: Vec<f64>,
    /// The predicted distribution function at the observation.
    pit: Vec<f64>,
}

impl Quantity {
    fn standardised(&self) -> impl Iterator<Item = f64> + '_ {
        self.error.iter().zip(&self.sd).map(|(e, s)| e / s)
    }

    fn len(&self) -> f64 {
        self.error.len() as f64
    }

    /// The share of observations in the central interval of that probability.
    fn coverage(&self, nominal: f64) -> f64 {
        self.pit.iter().filter(|p| (*p - 0.5).abs() <= nominal / 2.0).count() as f64 / self.len()
    }
}

fn quantities(diagnostics: &CalibrationDiagnostics) -> Vec<Quantity> {
    let width = diagnostics.names.len();
    let column = |array: &[f32], unit: usize| -> Vec<f64> {
        array.iter().skip(unit).step_by(width).map(|x| f64::from(*x)).collect()
    };
    let quantity = |(unit, name): (usize, &String)| {
        let (observed, mean, sd) =
            (column(&diagnostics.observed, unit), column(&diagnostics.mean, unit), column(&diagnostics.sd, unit));
        let given = column(&diagnostics.cdf, unit);
        let mut quantity = Quantity { name: name.clone(), error: Vec::new(), sd: Vec::new(), pit: Vec::new() };
        for (index, ((x, m), s)) in observed.iter().zip(&mean).zip(&sd).enumerate() {
            let z = (x - m) / s;
            if z.is_finite() && *s > 0.0 {
                quantity.error.push(x - m);
                quantity.sd.push(*s);
                quantity.pit.push(given.get(index).copied().unwrap_or_else(|| ndtr(z)));
            }
        }
        quantity
    };
    diagnostics.names.iter().enumerate().map(quantity).collect()
}

/// The section of a page.
pub(super) fn section(diagnostics: &CalibrationDiagnostics) -> Result<String> {
    let all = quantities(diagnostics);
    let with_data: Vec<&Quantity> = all.iter().filter(|q| !q.error.is_empty()).collect();
    let rows = diagnostics.observed.len().checked_div(diagnostics.names.len()).unwrap_or(0);
    let mut page = format!("<p>{rows} rows ({}).</p>\n", escape(&diagnostics.split));
    for quantity in all.iter().filter(|q| q.error.is_empty()) {
        page.push_str(&format!(
            "<p class=\"notice\">{} has no finite observation with a finite prediction.</p>\n",
            escape(&quantity.name)
        ));
    }
    if diagnostics.cdf.is_empty() {
        page.push_str(
            "<p>The distribution function is the normal one with the predicted mean and σ: the library states no other.</p>\n",
        );
    }
    page.push_str("<div class=\"figures\">\n");
    page.push_str(&figure(
        &coverage(&with_data)?,
        "How often the observation lies in the central interval that should hold it with the nominal probability. Below the \
         dashed line the predicted σ is too small, above it too large.",
    ));
    page.push_str(&figure(
        &reliability(&with_data)?,
        "Observations in bins of equal occupancy by predicted σ: the root mean square error that was made. On the dashed line σ means what it says.",
    ));
    page.push_str(&figure(
        &pit(&with_data)?,
        "The predicted distribution function at the observation is uniform if the density is right: a ∪ says too narrow, a ∩ too wide, a slope a bias. \
         Dashed: two standard errors about uniform.",
    ));
    page.push_str(&figure(
        &residuals(&with_data)?,
        "(observed − predicted mean) ÷ predicted σ, against the standard normal density; the outermost bins hold all that lies beyond.",
    ));
    page.push_str("</div>\n");
    page.push_str(&summary(&with_data));
    Ok(page)
}

fn coverage(all: &[&Quantity]) -> Result<Svg> {
    let chart = Chart::new("Coverage of central intervals", "nominal probability", "share of observations inside")
        .include_x(&[0.0, 1.0]);
    let nominal = edges(0.0, 1.0, 40);
    all.iter()
        .fold(chart, |chart, q| chart.line(&q.name, nominal.iter().map(|p| (*p, q.coverage(*p))).collect()))
        .diagonal("ideal")
        .svg()
}

fn reliability(all: &[&Quantity]) -> Result<Svg> {
    let chart = Chart::new("Predicted σ and the error made", "predicted σ", "root mean square error");
    let mut chart = chart.log_x(true).log_y(true);
    for q in all {
        let (mut points, mut errors) = (Vec::new(), Vec::new());
        for group in quantile_bins(&q.sd, 12, 20) {
            let n = group.len() as f64;
            let mean = |of: &dyn Fn(usize) -> Option<f64>| group.iter().filter_map(|i| of(*i)).sum::<f64>() / n;
            let sd = mean(&|i| q.sd.get(i).copied());
            let square = mean(&|i| q.error.get(i).map(|e| e * e));
            let fourth = mean(&|i| q.error.get(i).map(|e| e.powi(4)));
            points.push((sd, square.sqrt()));
            // Standard error of the root of a mean of squares (delta method).
            errors.push(((fourth - square * square).max(0.0) / n).sqrt() / (2.0 * square.sqrt()));
        }
        chart = chart.measured(&q.name, points, errors);
    }
    chart.diagonal("error = σ").svg()
}

/// Bins that leave some forty observations in each, between 5 and 20.
fn bin_count(all: &[&Quantity]) -> usize {
    let fewest = all.iter().map(|q| q.error.len()).min().unwrap_or(0);
    (fewest / 40).clamp(5, 20)
}

fn pit(all: &[&Quantity]) -> Result<Svg> {
    let bins = bin_count(all);
    let edges = edges(0.0, 1.0, bins);
    let mut chart =
        Chart::new("Probability integral transform", "predicted distribution function at the observation", "density")
            .include_y(&[0.0, 1.5]);
    for q in all {
        let heights: Vec<f64> =
            histogram(q.pit.iter().copied(), 0.0, 1.0, bins).iter().map(|n| n * bins as f64 / q.len()).collect();
        chart = chart.line(&q.name, steps(&edges, &heights));
    }
    let n = all.iter().map(|q| q.len()).fold(f64::INFINITY, f64::min);
    let band = 2.0 * ((bins as f64 - 1.0) / n).sqrt();
    for (name, y) in [("uniform", 1.0), ("", 1.0 - band), ("", 1.0 + band)] {
        chart = chart.reference(name, vec![(0.0, y), (1.0, y)]);
    }
    chart.svg()
}

fn residuals(all: &[&Quantity]) -> Result<Svg> {
    let (bins, end) = (2 * bin_count(all), 4.0);
    let edges = edges(-end, end, bins);
    let width = 2.0 * end / bins as f64;
    let mut chart = Chart::new("Standardised residuals", "(observed − mean) ÷ σ", "density").include_y(&[0.0]);
    for q in all {
        let counts = histogram(q.standardised().map(|z| z.clamp(-end, end)), -end, end, bins);
        let heights: Vec<f64> = counts.iter().map(|n| n / (q.len() * width)).collect();
        chart = chart.line(&q.name, steps(&edges, &heights));
    }
    let curve = super::statistics::edges(-end, end, 160).into_iter().map(|z| (z, normal_density(z))).collect();
    chart.reference("standard normal", curve).svg()
}

fn summary(all: &[&Quantity]) -> String {
    let head = [
        "quantity",
        "observations",
        "rmse",
        "mean σ",
        "sd of residuals ÷ σ",
        "inside 50 %",
        "inside 90 %",
        "inside 95 %",
    ];
    let share = |q: &Quantity, p: f64| format!("{:.1} %", 100.0 * q.coverage(p));
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|q| {
            let mean = |sum: f64| sum / q.len();
            let rmse = mean(q.error.iter().map(|e| e * e).sum()).sqrt();
            let centre = mean(q.standardised().sum());
            let spread = mean(q.standardised().map(|z| (z - centre).powi(2)).sum()).sqrt();
            let mut row =
                vec![q.name.clone(), q.error.len().to_string(), number(rmse), number(mean(q.sd.iter().sum()))];
            row.extend([number(spread), share(q, 0.5), share(q, 0.9), share(q, 0.95)]);
            row
        })
        .collect();
    table(&head.map(str::to_owned), &rows)
}
