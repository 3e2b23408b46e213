//! Are the counts what the density says? Pictures and tables of [`CountDiagnostics`].

use std::collections::BTreeMap;

use super::Result;
use super::chart::{Chart, Svg};
use super::html::{escape, figure, number, table};
use super::statistics::{quantile_bins, steps};
use crate::record::{CountDiagnostics, CountFamily, UnitScore};

/// A unit's dispersion is called so beyond this many standard errors (two-sided p ≈ 0.001).
const NOTABLE: f64 = 3.3;

/// How a unit's counts scatter about their predicted mean, against Poisson counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scatter {
    Under,
    Poisson,
    Over,
}

impl Scatter {
    /// Of a unit: row by row where that is notable, else in longer windows.
    pub(super) fn of(unit: &UnitScore) -> Scatter {
        match Scatter::of_rows(unit) {
            Scatter::Poisson => Scatter::of_windows(unit),
            scatter => scatter,
        }
    }

    fn of_rows(unit: &UnitScore) -> Scatter {
        Scatter::by(unit.dispersion, unit.dispersion_error)
    }

    fn of_windows(unit: &UnitScore) -> Scatter {
        unit.window_fano.map_or(Scatter::Poisson, |(fano, error)| Scatter::by(fano, error))
    }

    fn by(dispersion: f64, error: f64) -> Scatter {
        match (dispersion - 1.0) / error {
            z if z > NOTABLE => Scatter::Over,
            z if z < -NOTABLE => Scatter::Under,
            _ => Scatter::Poisson,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Scatter::Under => "under-dispersed",
            Scatter::Poisson => "as Poisson",
            Scatter::Over => "over-dispersed",
        }
    }
}

/// What the table says of a unit.
fn scatter(unit: &UnitScore) -> String {
    match (Scatter::of_rows(unit), Scatter::of_windows(unit)) {
        (rows, windows) if rows == windows || windows == Scatter::Poisson => rows.word().to_owned(),
        (Scatter::Poisson, windows) => format!("{} in windows", windows.word()),
        (rows, windows) => format!("{}; in windows {}", rows.word(), windows.word()),
    }
}

/// The section of a page.
pub(super) fn section(counts: &CountDiagnostics) -> Result<String> {
    let kept = counts.observed.len().checked_div(counts.unit_names.len()).unwrap_or(0) as u64;
    let rows = counts.units.first().map_or(kept, |unit| unit.rows);
    let sampled =
        if kept < rows { format!("; the pictures by rate use a sample of {kept} rows") } else { String::new() };
    let mut page = format!(
        "<p>{} on {rows} rows ({}){sampled}.</p>\n<div class=\"figures\">\n",
        match counts.unit_names.as_slice() {
            [one] => escape(one),
            several => format!("{} units", several.len()),
        },
        escape(&counts.split)
    );
    page.push_str(&figure(&distribution(counts)?, distribution_caption(counts)));
    page.push_str(&figure(
        &mean_by_rate(counts)?,
        "Observations in bins of equal occupancy by predicted mean, neighbours together until a bin holds five events: on the \
         dashed line the predicted mean is right.",
    ));
    page.push_str(&figure(&dispersion_by_rate(counts)?, &dispersion_caption(counts)));
    if !counts.units.is_empty() {
        let caption = "Log likelihood gained over a constant rate, bits per event; to the left of zero the model is worse than \
                       the mean count of the training rows.";
        page.push_str(&figure(&bits_by_unit(&counts.units)?, caption));
    }
    page.push_str("</div>\n");
    page.push_str(&verdict(counts));
    if !counts.units.is_empty() {
        page.push_str(&unit_table(&counts.units));
    }
    Ok(page)
}

fn family_name(family: CountFamily) -> &'static str {
    match family {
        CountFamily::Poisson => "Poisson",
        CountFamily::NegBinomial => "negative binomial",
        CountFamily::Other => "predicted",
    }
}

fn distribution(counts: &CountDiagnostics) -> Result<Svg> {
    let observed = counts.histogram.iter().enumerate().map(|(k, n)| (k as f64, *n as f64)).collect();
    // Far below one observation the expectation only stretches the axis.
    let expected: Vec<f64> = counts.expected.iter().map(|n| if *n > 0.05 { *n } else { f64::NAN }).collect();
    let edges: Vec<f64> = (0..=expected.len()).map(|k| k as f64 - 0.5).collect();
    let mut chart = Chart::new("Observed and expected counts", "count k", "observations with that count").log_y(true);
    chart = chart.whole_x().dots("observed", observed);
    if !expected.is_empty() {
        chart = chart.line(&format!("expected ({})", family_name(counts.family)), steps(&edges, &expected));
    }
    chart.svg()
}

fn distribution_caption(counts: &CountDiagnostics) -> &'static str {
    if counts.expected.is_empty() {
        "How often each count was observed. The record holds no expectation for this density."
    } else {
        "How often each count was observed, and how often the predicted densities expect it (their probabilities summed over \
         all observations). Dots above the line at large counts: tails heavier than the density's."
    }
}

/// Predicted means in the unit that is shown: events a second where a row's duration is known.
fn rates(counts: &CountDiagnostics) -> (Vec<f64>, f64, String) {
    let scale = counts.bin_seconds.filter(|s| *s > 0.0).map_or(1.0, |s| 1.0 / s);
    let label = if counts.bin_seconds.is_some() { "predicted rate, events/s" } else { "predicted mean, events a row" };
    (counts.mean.iter().map(|m| f64::from(*m)).collect(), scale, label.to_owned())
}

/// What is summed over a bin of observations.
#[derive(Default)]
struct BinSums {
    n: f64,
    mean: f64,
    observed: f64,
    squares: f64,
    fourths: f64,
    variance: f64,
}

impl BinSums {
    fn add(&mut self, other: &BinSums) {
        self.n += other.n;
        self.mean += other.mean;
        self.observed += other.observed;
        self.squares += other.squares;
        self.fourths += other.fourths;
        self.variance += other.variance;
    }
}

fn bins(counts: &CountDiagnostics) -> (Vec<BinSums>, f64, String) {
    let (means, scale, label) = rates(counts);
    let groups = quantile_bins(&means, 20, 50);
    let sums = groups.iter().map(|group| {
        let mut sums = BinSums::default();
        for index in group {
            let (Some(k), Some(mean), Some(variance)) =
                (counts.observed.get(*index), means.get(*index), counts.variance.get(*index))
            else {
                continue;
            };
            let k = f64::from(*k);
            let square = (k - mean).powi(2);
            sums.n += 1.0;
            sums.mean += mean;
            sums.observed += k;
            sums.squares += square;
            sums.fourths += square * square;
            sums.variance += f64::from(*variance);
        }
        sums
    });
    (with_events(sums), scale, label)
}

/// The fewest events of a bin: with fewer, a mean on a logarithmic axis is nowhere, or anywhere.
const LEAST_EVENTS: f64 = 5.0;

/// Neighbours put together until each holds [`LEAST_EVENTS`].
fn with_events(bins: impl Iterator<Item = BinSums>) -> Vec<BinSums> {
    let mut merged: Vec<BinSums> = Vec::new();
    for bin in bins {
        match merged.last_mut() {
            Some(last) if last.observed < LEAST_EVENTS => last.add(&bin),
            _ => merged.push(bin),
        }
    }
    if let Some(last) = merged.pop_if(|last| last.observed < LEAST_EVENTS) {
        match merged.last_mut() {
            Some(before) => before.add(&last),
            None => merged.push(last),
        }
    }
    merged
}

fn mean_by_rate(counts: &CountDiagnostics) -> Result<Svg> {
    let (bins, scale, label) = bins(counts);
    let points = bins.iter().map(|b| (b.mean / b.n * scale, b.observed / b.n * scale)).collect();
    let errors = bins.iter().map(|b| b.squares.sqrt() / b.n * scale).collect();
    let observed = label.replace("predicted", "observed");
    Chart::new("Is the predicted mean right?", label, observed)
        .log_x(true)
        .log_y(true)
        .measured("observed ± standard error", points, errors)
        .diagonal("observed = predicted")
        .svg()
}

fn dispersion_by_rate(counts: &CountDiagnostics) -> Result<Svg> {
    let (bins, scale, label) = bins(counts);
    let at = |b: &BinSums| b.mean / b.n * scale;
    let points = bins.iter().map(|b| (at(b), b.squares / b.mean)).collect();
    // The standard error of a mean of squares, from their own scatter.
    let errors = bins.iter().map(|b| (b.fourths - b.squares * b.squares / b.n).max(0.0).sqrt() / b.mean).collect();
    let ends: Vec<f64> = bins.first().into_iter().chain(bins.last()).map(at).collect();
    let mut chart = Chart::new("Dispersion by predicted rate", label, "variance of residuals ÷ mean")
        .log_x(true)
        .include_y(&[0.8, 1.2])
        .measured("observed ± standard error", points, errors);
    if counts.family != CountFamily::Poisson {
        let expected = bins.iter().map(|b| (at(b), b.variance / b.mean)).collect();
        chart = chart.line(&format!("the model's own ({})", family_name(counts.family)), expected);
    }
    chart.reference("Poisson: 1", ends.into_iter().map(|x| (x, 1.0)).collect()).svg()
}

fn dispersion_caption(counts: &CountDiagnostics) -> String {
    let against = match counts.family {
        CountFamily::Poisson => "A Poisson density claims 1 at every rate",
        _ => "The solid line is what the predicted density claims, the dashed one what a Poisson density would",
    };
    format!(
        "Squared residuals over the predicted mean, in the same bins. {against}; above it counts scatter more, below less."
    )
}

fn bits_by_unit(units: &[UnitScore]) -> Result<Svg> {
    // The first unit on top.
    let last = units.len().saturating_sub(1);
    let place = |of: fn(&UnitScore) -> Option<f64>| -> Vec<(f64, f64)> {
        units.iter().enumerate().filter_map(|(i, unit)| Some((of(unit)?, (last - i) as f64))).collect()
    };
    let oracle = place(UnitScore::oracle_bits_per_event);
    let names = units.iter().rev().map(|unit| unit.name.clone()).collect();
    let mut chart = Chart::new("Bits per event, unit by unit", "bits per event over the constant rate", "")
        .size(560, 120 + 17 * i32::try_from(units.len()).unwrap_or(i32::MAX).min(2000))
        .name_y(names)
        .include_x(&[0.0])
        .reference("constant rate", vec![(0.0, -0.5), (0.0, last as f64 + 0.5)]);
    if !oracle.is_empty() {
        chart = chart.dots("true rate", oracle);
    }
    chart.dots("model", place(UnitScore::bits_per_event)).svg()
}

const OVER: &str = "Over-dispersed (bursts, a hidden gain, or a mean that misses something): a density with its own \
                    dispersion, such as the negative binomial, should gain";
const OVER_SINGLE: &str = "Over-dispersed, though no row holds more than one event: events come in bursts of successive rows, which \
                           inputs about the recent past could tell; no density of single rows can";
const OVER_SLOW: &str = "Over-dispersed in longer windows (a drift, or a state that lasts): an input that follows it should gain; no \
                         density of single rows can";
const UNDER: &str =
    "Under-dispersed (regular, as after a refractory pause): neither Poisson nor negative binomial can say so";

/// Which units are not Poisson, in a sentence each.
fn verdict(counts: &CountDiagnostics) -> String {
    let list = |fits: &dyn Fn(&UnitScore) -> bool| -> Vec<&str> {
        counts.units.iter().filter(|u| fits(u)).map(|u| u.name.as_str()).collect()
    };
    let over = if counts.histogram.len() > 2 { OVER } else { OVER_SINGLE };
    let slow = |u: &UnitScore| Scatter::of_rows(u) != Scatter::Over && Scatter::of_windows(u) == Scatter::Over;
    let found = [
        (over, list(&|u| Scatter::of_rows(u) == Scatter::Over)),
        (OVER_SLOW, list(&slow)),
        (UNDER, list(&|u| Scatter::of(u) == Scatter::Under)),
    ];
    let mut page = String::from("<h3>Which units are not Poisson</h3>\n");
    if found.iter().all(|(_, names)| names.is_empty()) {
        page.push_str("<p>None can be told from Poisson counts about the predicted mean.</p>\n");
        return page;
    }
    for (what, names) in found.iter().filter(|(_, names)| !names.is_empty()) {
        page.push_str(&format!("<p><b>{what}:</b> {}.</p>\n", escape(&names.join(", "))));
    }
    page.push_str(&format!(
        "<p class=\"facts\">Beyond {NOTABLE} standard errors of Poisson counts (score test, Dean and Lawless 1989), in successive rows \
         taken together until one event is expected, or in longer windows; the scatter is about the <em>predicted</em> mean, so what \
         the inputs do not explain counts as dispersion.</p>\n"
    ));
    page
}

fn unit_table(units: &[UnitScore]) -> String {
    let (oracle, windows) =
        (units.iter().any(|u| u.nll_oracle.is_some()), units.iter().any(|u| u.window_fano.is_some()));
    let mut head = vec!["unit", "events", "nll a row", "constant rate", "bits per event"];
    head.extend(oracle.then_some("true rate, bits"));
    head.push("dispersion");
    head.extend(windows.then_some("in windows"));
    head.push("scatter");
    let some = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
    let measured = |value: f64, error: f64| format!("{} ± {}", number(value), number(error));
    let rows: Vec<Vec<String>> = units
        .iter()
        .map(|unit| {
            let mut row = vec![unit.name.clone(), unit.events.to_string(), number(unit.nll), number(unit.nll_constant)];
            row.push(some(unit.bits_per_event()));
            row.extend(oracle.then(|| some(unit.oracle_bits_per_event())));
            row.push(measured(unit.dispersion, unit.dispersion_error));
            row.extend(windows.then(|| unit.window_fano.map_or_else(|| "–".to_owned(), |(f, e)| measured(f, e))));
            row.push(scatter(unit));
            row
        })
        .collect();
    table(&head.into_iter().map(str::to_owned).collect::<Vec<_>>(), &rows)
}

/// Two runs unit by unit: what the second gains, against how the first one's counts scatter. `None` unless
/// both score the same units.
pub(super) fn gains(a: (&str, &CountDiagnostics), b: (&str, &CountDiagnostics)) -> Result<Option<String>> {
    let pairs: Vec<(&UnitScore, f64)> = a.1.units.iter().filter_map(|unit| Some((unit, gain(unit, b.1)?))).collect();
    if pairs.is_empty() {
        return Ok(None);
    }
    let axis = "gain, bits per event";
    let scatter_of = |unit: &UnitScore| unit.window_fano.map_or(unit.dispersion, |(fano, _)| fano);
    let of = |scatter| -> Vec<(&UnitScore, f64)> {
        pairs.iter().filter(|(u, _)| Scatter::of(u) == scatter).copied().collect()
    };
    let last = pairs.len() - 1;
    let names = pairs.iter().rev().map(|(unit, _)| unit.name.clone()).collect();
    let mut by_unit =
        Chart::new("Gain unit by unit", axis, "").size(560, 120 + 17 * pairs.len().min(2000) as i32).name_y(names);
    let mut by_scatter =
        Chart::new("Gain by dispersion", "variance of residuals ÷ mean, first run", axis).log_x(true).include_x(&[1.0]);
    for scatter in [Scatter::Poisson, Scatter::Over, Scatter::Under] {
        let group = of(scatter);
        if !group.is_empty() {
            let place = |name: &str| pairs.iter().position(|(u, _)| u.name == name).map_or(0, |i| last - i) as f64;
            by_unit = by_unit.dots(scatter.word(), group.iter().map(|(u, g)| (*g, place(&u.name))).collect());
            by_scatter = by_scatter.dots(scatter.word(), group.iter().map(|(u, g)| (scatter_of(u), *g)).collect());
        }
    }
    let spread: Vec<f64> = pairs.iter().map(|(u, _)| scatter_of(u)).filter(|v| *v > 0.0).chain([1.0]).collect();
    let ends = (spread.iter().copied().fold(f64::INFINITY, f64::min), spread.iter().copied().fold(0.0, f64::max));
    let by_unit = by_unit.include_x(&[0.0]).reference("no gain", vec![(0.0, -0.5), (0.0, last as f64 + 0.5)]).svg()?;
    let by_scatter = by_scatter.reference("no gain", vec![(ends.0, 0.0), (ends.1, 0.0)]).svg()?;
    let better = pairs.iter().filter(|(_, g)| *g > 0.0).count();
    let caption = format!("What {} gains over {}: better for {better} of {} units.", b.0, a.0, pairs.len());
    let second = "Colours say how the counts scatter about the first run's predicted mean. A density that models dispersion should gain where it is not 1.";
    let figures = format!("{}{}", figure(&by_unit, &caption), figure(&by_scatter, second));
    Ok(Some(format!("<div class=\"figures\">{figures}</div>\n{}", by_kind(&pairs))))
}

/// The mean gain of each kind of unit; empty when no kind is known.
fn by_kind(pairs: &[(&UnitScore, f64)]) -> String {
    let mut kinds: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (unit, gain) in pairs {
        if let Some(kind) = &unit.kind {
            kinds.entry(kind).or_default().push(*gain);
        }
    }
    if kinds.is_empty() {
        return String::new();
    }
    let row = |(kind, gains): (&&str, &Vec<f64>)| {
        let better = gains.iter().filter(|gain| **gain > 0.0).count();
        let mean = gains.iter().sum::<f64>() / gains.len() as f64;
        vec![(*kind).to_owned(), format!("{better} of {}", gains.len()), number(mean)]
    };
    let head = ["kind of unit", "units that gain", "mean gain, bits per event"].map(str::to_owned);
    table(&head, &kinds.iter().map(row).collect::<Vec<_>>())
}

/// Bits per event that the other run gains for this unit.
fn gain(unit: &UnitScore, other: &CountDiagnostics) -> Option<f64> {
    let same = other.units.iter().find(|u| u.name == unit.name && u.rows == unit.rows && u.events == unit.events)?;
    (unit.events > 0).then(|| (unit.nll - same.nll) * unit.rows as f64 / (unit.events as f64 * std::f64::consts::LN_2))
}
