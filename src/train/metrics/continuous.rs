//! Continuous quantities: errors, coverage, dispersion, and the diagnostics of the report.

use super::counts::split_name;
use super::predictive::View;
use super::scene::Scene;
use super::{Figure, Result};
use crate::record::{Baseline, CalibrationDiagnostics};

/// Most rows that a picture keeps.
const PICTURE_ROWS: usize = 20_000;

/// `rmse`, or `rmse_x` when the program observes several names.
pub fn label(metric: &str, scene: &Scene<'_>, view: &View) -> String {
    if scene.views.len() > 1 { format!("{metric}_{}", view.observed) } else { metric.to_owned() }
}

/// Root mean squared error; by element too when an observation has a few.
pub fn rmse(scene: &Scene<'_>) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for view in &scene.views {
        let Some(mean) = &view.mean else { continue };
        let squares: Vec<f64> = view.y.iter().zip(mean).map(|(y, m)| (y - m).powi(2)).collect();
        let root = |squares: &mut dyn Iterator<Item = &f64>| {
            let (sum, count) = squares.fold((0.0, 0.0), |(sum, count), square| (sum + square, count + 1.0));
            (sum / count).sqrt()
        };
        let name = label("rmse", scene, view);
        figures.push((name.clone(), root(&mut squares.iter())));
        if (2..=8).contains(&view.width) {
            for element in 0..view.width {
                let of_element = root(&mut squares.iter().skip(element).step_by(view.width));
                figures.push((format!("{name}[{element}]"), of_element));
            }
        }
    }
    Ok(figures)
}

/// Coverage of the central intervals of `evaluate.levels`: the share of observations whose distribution function lies in
/// [(1 − level)/2, (1 + level)/2].
pub fn coverage(scene: &Scene<'_>) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for view in scene.views.iter().filter(|view| !view.discrete) {
        let Some(cdf) = &view.cdf else { continue };
        for level in scene.levels {
            let tail = (1.0 - level) / 2.0;
            let inside = cdf.iter().filter(|&&p| p >= tail && p <= 1.0 - tail).count();
            let share = inside as f64 / cdf.len().max(1) as f64;
            figures.push((label(&format!("coverage_{level}"), scene, view), share));
        }
    }
    Ok(figures)
}

/// Pearson dispersion.
pub fn dispersion(scene: &Scene<'_>) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for view in &scene.views {
        let (Some(mean), Some(variance)) = (&view.mean, &view.variance) else { continue };
        let each = view.y.iter().zip(mean).zip(variance).map(|((y, m), v)| (y - m).powi(2) / v);
        figures.push((label("dispersion", scene, view), each.sum::<f64>() / view.y.len().max(1) as f64));
    }
    Ok(figures)
}

/// What the report needs of the continuous quantities of a part: one for each observed name.
pub fn diagnostics(scene: &Scene<'_>) -> Vec<(String, CalibrationDiagnostics)> {
    let continuous = scene.views.iter().filter(|view| !view.discrete && view.width > 0);
    continuous
        .filter_map(|view| {
            let (mean, variance) = (view.mean.as_ref()?, view.variance.as_ref()?);
            let rows = view.y.len() / view.width;
            let every = rows.div_ceil(PICTURE_ROWS).max(1);
            let pick = |values: &[f64], convert: fn(f64) -> f64| -> Vec<f32> {
                let rows = values.chunks(view.width).step_by(every);
                rows.flatten().map(|&x| convert(x) as f32).collect()
            };
            let same = |x: f64| x;
            let diagnostics = CalibrationDiagnostics {
                split: split_name(scene.part).to_owned(),
                names: element_names(view),
                observed: pick(&view.y, same),
                mean: pick(mean, same),
                sd: pick(variance, f64::sqrt),
                cdf: view.cdf.as_ref().map_or_else(Vec::new, |cdf| pick(cdf, same)),
            };
            Some((view.observed.clone(), diagnostics))
        })
        .collect()
}

/// An observed name, or its elements.
fn element_names(view: &View) -> Vec<String> {
    match view.width {
        1 => vec![view.observed.clone()],
        width => (0..width).map(|element| format!("{}[{element}]", view.observed)).collect(),
    }
}

/// The figures of a normal density with the training mean and variance, where the family is normal and the training
/// rows vary.
pub fn baselines(scene: &Scene<'_>) -> Vec<Baseline> {
    let mut found = Vec::new();
    for view in scene.views.iter().filter(|view| view.family == "normal") {
        let facts = (scene.train.means.get(&view.observed), scene.train.variances.get(&view.observed));
        let (Some(means), Some(variances)) = facts else { continue };
        if !variances.iter().all(|&variance| variance > 0.0) {
            continue;
        }
        let each = view.y.iter().enumerate().map(|(i, y)| {
            let (mean, variance) = (means.get(i % view.width)?, variances.get(i % view.width)?);
            Some(0.5 * ((2.0 * std::f64::consts::PI * variance).ln() + (y - mean).powi(2) / variance))
        });
        let rows = (view.y.len() / view.width).max(1) as f64;
        let nll = each.map(|x| x.unwrap_or(f64::NAN)).sum::<f64>() / rows;
        let (split, metric) = (split_name(scene.part).to_owned(), label("nll", scene, view));
        found.push(Baseline { name: "normal without inputs".into(), split, metric, value: nll });
    }
    found
}
