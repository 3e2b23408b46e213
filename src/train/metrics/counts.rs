//! Counts: bits per spike, the fraction of an oracle, explained deviance, and the diagnostics of the report.

use std::f64::consts::LN_2;

use super::predictive::View;
use super::scene::Scene;
use super::{Figure, Result};
use crate::data::options::Part;
use crate::record::{Baseline, CountDiagnostics, CountFamily, CountTable};

/// Log probability of a count under a Poisson density; −∞ for what cannot happen.
pub fn poisson_log(count: f64, mean: f64) -> f64 {
    crate::ir::special::poisson_lp(count, mean, mean.ln())
}

/// The first density of counts.
fn counted<'a>(scene: &'a Scene<'_>) -> Option<&'a View> {
    scene.views.iter().find(|view| view.discrete)
}

fn constant<'a>(scene: &'a Scene<'_>, view: &View) -> &'a [f64] {
    scene.train.means.get(&view.observed).map_or(&[], Vec::as_slice)
}

/// Σ over chosen rows of `value(row, unit, element)`, elements of units whose training rate is 0 left out: they have no
/// constant rate to compare with.
fn sum(view: &View, constant: &[f64], value: impl Fn(usize, usize, usize) -> f64) -> f64 {
    let rows = view.y.len().checked_div(view.width).unwrap_or(0);
    let mut total = 0.0;
    for row in 0..rows {
        for unit in (0..view.width).filter(|&unit| constant.get(unit).is_some_and(|&rate| rate > 0.0)) {
            total += value(row, unit, row * view.width + unit);
        }
    }
    total
}

fn at(values: &[f64], index: usize) -> f64 {
    values.get(index).copied().unwrap_or(f64::NAN)
}

/// Bits per spike of the model; none without a spike.
pub fn bits_per_spike(scene: &Scene<'_>) -> Result<Vec<Figure>> {
    let Some(view) = counted(scene) else { return Ok(Vec::new()) };
    let rates = constant(scene, view);
    let events = sum(view, rates, |_, _, i| at(&view.y, i));
    if events == 0.0 {
        return Ok(Vec::new());
    }
    let gain = sum(view, rates, |_, unit, i| at(&view.log_density, i) - poisson_log(at(&view.y, i), at(rates, unit)));
    Ok(vec![("bits_per_spike".into(), gain / (events * LN_2))])
}

/// Bits per spike of the true rates on the rows that have them, and the model's share.
pub fn oracle(scene: &Scene<'_>) -> Result<Vec<Figure>> {
    let (Some(view), Some(oracle)) = (counted(scene), scene.oracle) else { return Ok(Vec::new()) };
    if oracle.width() != view.width {
        let message = format!(
            "`evaluate.oracle` has {} columns, and `{}` has {} elements",
            oracle.width(),
            view.observed,
            view.width
        );
        return Err(super::super::errors::TrainError::Refused(message));
    }
    let rates = constant(scene, view);
    let truth: Vec<Option<&[f64]>> = scene.rows.iter().map(|&row| oracle.row(row)).collect();
    let known = |row: usize| truth.get(row).copied().flatten();
    let over = |value: &dyn Fn(f64, usize, usize) -> f64| {
        sum(view, rates, |row, unit, i| known(row).map_or(0.0, |truth| value(at(truth, unit), unit, i)))
    };
    let events = over(&|_, _, i| at(&view.y, i));
    if events == 0.0 {
        return Ok(Vec::new());
    }
    let base = |unit: usize, i: usize| poisson_log(at(&view.y, i), at(rates, unit));
    let best = over(&|truth, unit, i| poisson_log(at(&view.y, i), truth) - base(unit, i)) / (events * LN_2);
    let own = over(&|_, unit, i| at(&view.log_density, i) - base(unit, i)) / (events * LN_2);
    Ok(vec![("oracle_bits_per_spike".into(), best), ("fraction_of_oracle".into(), own / best)])
}

/// Share of the deviance that the predicted means explain; none where there is no deviance.
pub fn pseudo_r2(scene: &Scene<'_>) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for view in &scene.views {
        let Some(mean) = &view.mean else { continue };
        let facts = scene.train.means.get(&view.observed).map_or(&[][..], Vec::as_slice);
        let deviance = |y: f64, m: f64| {
            if view.discrete {
                let log = if y == 0.0 { 0.0 } else { y * (y / m).ln() };
                2.0 * (log - (y - m))
            } else {
                (y - m).powi(2)
            }
        };
        let total = |m: &dyn Fn(usize) -> f64| -> f64 {
            let each = view.y.iter().enumerate().filter(|(i, _)| !view.discrete || at(facts, i % view.width) > 0.0);
            each.map(|(i, &y)| deviance(y, m(i))).sum()
        };
        let (own, base) = (total(&|i| at(mean, i)), total(&|i| at(facts, i % view.width.max(1))));
        if base > 0.0 {
            figures.push((super::continuous::label("pseudo_r2", scene, view), 1.0 - own / base));
        }
    }
    Ok(figures)
}

/// The name of a part in the record.
pub fn split_name(part: Part) -> &'static str {
    match part {
        Part::Train => "train",
        Part::Valid => "valid",
        Part::Test => "test",
    }
}

/// What the report needs of the counts of a part.
///
/// # Errors
/// Arrays that do not fit: an error of lossc.
pub fn diagnostics(scene: &Scene<'_>, seed: u64) -> Result<Option<CountDiagnostics>> {
    let Some(view) = counted(scene) else { return Ok(None) };
    let Some(mean) = &view.mean else { return Ok(None) };
    let rows = view.y.len().checked_div(view.width).unwrap_or(0);
    let names = unit_names(scene, view);
    let truth: Option<Vec<&[f64]>> = scene.oracle.and_then(|o| scene.rows.iter().map(|&row| o.row(row)).collect());
    let truth = truth.map(|rows| rows.concat()).filter(|truth| truth.len() == view.y.len());
    let nll: Vec<f64> = (0..view.width)
        .map(|unit| -view.log_density.iter().skip(unit).step_by(view.width).sum::<f64>() / rows.max(1) as f64)
        .collect();
    let bin_seconds = scene.events.map(|events| events.bin_seconds);
    let table = CountTable {
        split: split_name(scene.part),
        unit_names: &names,
        kinds: scene.units.map(|words| words.0.as_slice()),
        bin_seconds,
        family: match view.family.as_str() {
            "poisson" => CountFamily::Poisson,
            "neg_binomial" => CountFamily::NegBinomial,
            _ => CountFamily::Other,
        },
        observed: &view.y,
        mean,
        variance: view.variance.as_deref(),
        constant: constant(scene, view),
        truth: truth.as_deref(),
        unit_nll: Some(&nll),
        expected: None,
        window: bin_seconds.map(|bin| (1.0 / bin).round().max(1.0) as usize),
    };
    Ok(Some(table.diagnose(seed)?))
}

fn unit_names(scene: &Scene<'_>, view: &View) -> Vec<String> {
    let of_events = scene.events.map_or(&[][..], |events| events.units.as_slice());
    (0..view.width)
        .map(|unit| {
            let own = of_events.get(unit).cloned();
            let name = own.unwrap_or_else(|| if view.width == 1 { view.observed.clone() } else { unit.to_string() });
            match scene.units.and_then(|words| words.0.get(unit)) {
                Some(word) => format!("{name} ({word})"),
                None => name,
            }
        })
        .collect()
}

/// The constant rate's figures, and those of the true rates.
///
/// # Errors
/// As [`oracle`].
pub fn baselines(scene: &Scene<'_>) -> Result<Vec<Baseline>> {
    let Some(view) = counted(scene) else { return Ok(Vec::new()) };
    let rates = constant(scene, view);
    if !rates.iter().any(|&rate| rate > 0.0) {
        return Ok(Vec::new());
    }
    let rows = view.y.len().checked_div(view.width).unwrap_or(0).max(1) as f64;
    let nll = -sum(view, rates, |_, unit, i| poisson_log(at(&view.y, i), at(rates, unit))) / rows;
    let split = split_name(scene.part).to_owned();
    let row = |metric: &str, value: f64| Baseline {
        name: "constant rate".into(),
        split: split.clone(),
        metric: metric.into(),
        value,
    };
    let mut rows = vec![row("nll", nll), row("bits_per_spike", 0.0)];
    if let Some((_, value)) = oracle(scene)?.first() {
        rows.push(Baseline { name: "true rates".into(), ..row("bits_per_spike", *value) });
    }
    Ok(rows)
}
