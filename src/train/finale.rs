//! The last evaluation of a run: its figures on every part, and what its pictures are made from.

use super::bridge::LossValue;
use super::errors::{Result, TrainError};
use super::measure::Meter;
use super::metrics::predictive::{natural_params, views};
use super::metrics::{BASELINES, metric, misfit};
use super::metrics::{Embed, Faces, Oracle, Scene, TrainFacts, UnitWords, continuous, counts, faces, head_values};
use super::network::{Network, Weights};
use super::setup::{Setup, TermKind, placed};
use super::start;
use crate::data::options::Part;
use crate::data::{Folder, Intake};
use crate::diag::codes;
use crate::record::{Baseline, Baselines, Parameters, RunHandle, Scores};

/// Everything that the last evaluation compares with, read before training so that mistakes show at once.
#[derive(Debug, Default)]
pub struct Reference {
    train: TrainFacts,
    oracle: Option<Oracle>,
    units: Option<UnitWords>,
}

/// The figures of a run.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Figures {
    /// By part and metric.
    pub scores: Scores,
    /// The loss's parameters on their natural scale: name, values.
    pub params: Vec<(String, Vec<f64>)>,
    /// Other models on the same rows.
    pub baselines: Vec<Baseline>,
}

impl Reference {
    /// Reads what `evaluate:` names.
    ///
    /// # Errors
    /// Tables that are not there, or fit nothing; metrics that mean nothing for the program.
    pub fn read(setup: &Setup) -> Result<Reference> {
        let settings = &setup.spec.settings;
        let program = &setup.compiled.program;
        let wrong = |name: &String| metric(name).and_then(|metric| misfit(metric, program));
        let findings = settings.metrics.iter().filter_map(wrong);
        let findings: Vec<_> = findings.map(|why| setup.spec.mistake(codes::S0014, "metrics", why)).collect();
        if !findings.is_empty() {
            return Err(setup.spec.errors(findings).into());
        }
        let loader = Folder::new(&setup.folder);
        let intake = Intake::new(&loader);
        let data = setup.feed.data();
        let evaluate = &settings.evaluate;
        let oracle = evaluate.oracle.as_ref().map(|options| Oracle::read(&intake, options, data)).transpose();
        let units = evaluate.units.as_ref().map(|options| UnitWords::read(&intake, options)).transpose();
        let placed = |error| placed(&setup.spec, error);
        let (oracle, units) = (oracle.map_err(placed)?, units.map_err(placed)?);
        Ok(Reference { train: TrainFacts::new(&setup.feed), oracle, units })
    }
}

/// Measures every part under the network's weights, and keeps what the report needs.
///
/// `initial` has the weights before training. The pictures are of the test rows, else the validation rows, else the
/// training rows.
///
/// # Errors
/// A figure that cannot be computed; an artifact that cannot be written.
pub fn finale(
    setup: &Setup,
    meter: &Meter<'_>,
    network: &mut Network,
    reference: &Reference,
    initial: &Weights,
    run: &RunHandle,
) -> Result<Figures> {
    let mut figures = Figures::default();
    let parts: Vec<Part> =
        [Part::Train, Part::Valid, Part::Test].into_iter().filter(|part| !setup.feed.rows(*part).is_empty()).collect();
    let shown = parts.last().copied();
    for part in parts {
        let Some(value) = meter.part(network, part)? else { continue };
        losses(&mut figures.scores, part, &value, meter.terms);
        let scene = scene(setup, network, reference, part)?;
        for name in &setup.spec.settings.metrics {
            let Some(metric) = metric(name) else { continue };
            for (name, value) in (metric.figures)(&scene)? {
                figures.scores.set(counts::split_name(part), &name, value);
            }
        }
        if Some(part) == shown {
            figures.baselines = baselines(setup, meter, network, initial, &scene)?;
            artifacts(setup, &scene, run)?;
        }
    }
    figures.params = params(setup, network)?;
    if !figures.params.is_empty() {
        run.artifact("parameters", &Parameters(figures.params.clone()))?;
    }
    if !figures.baselines.is_empty() {
        run.artifact("baselines", &Baselines(figures.baselines.clone()))?;
    }
    Ok(figures)
}

/// `nll` is what the densities with rows come to; `loss` is there when that is not the whole of it.
fn losses(scores: &mut Scores, part: Part, value: &LossValue, terms: &[TermKind]) {
    let split = counts::split_name(part);
    let likelihood = |term: &&TermKind| term.density && term.by_row;
    let densities = terms.iter().filter(likelihood).count();
    if densities > 0 {
        let each = terms.iter().zip(&value.terms).filter(|(term, _)| likelihood(term));
        scores.set(split, "nll", each.map(|(_, value)| value).sum());
    }
    if densities < terms.len() {
        scores.set(split, "loss", value.total);
    }
    if terms.len() > 1 {
        for (term, value) in terms.iter().zip(&value.terms) {
            scores.set(split, &format!("term/{}", term.label), *value);
        }
    }
}

fn scene<'a>(setup: &'a Setup, network: &Network, reference: &'a Reference, part: Part) -> Result<Scene<'a>> {
    let feed = &setup.feed;
    let rows = feed.rows(part);
    let program = &setup.compiled.program;
    let views = if feed.by_row() && !program.hir.whole_batch {
        let constants = &setup.compiled.constants;
        let values = head_values(feed, network, &setup.binding, &setup.loss, constants, &setup.axes, rows)?;
        views(program, &values)?
    } else {
        Vec::new()
    };
    let evaluate = &setup.spec.settings.evaluate;
    let recognition = evaluate.recognition.as_ref();
    let faces = recognition.map(|options| Faces::new(feed, &Embed::Network(network), options, rows)).transpose()?;
    Ok(Scene {
        part,
        events: feed.data().events.as_ref(),
        rows,
        views,
        train: &reference.train,
        oracle: reference.oracle.as_ref(),
        units: reference.units.as_ref(),
        faces,
        levels: &evaluate.levels,
    })
}

/// Figures of simple models on the rows of a scene.
fn baselines(
    setup: &Setup,
    meter: &Meter<'_>,
    network: &mut Network,
    initial: &Weights,
    scene: &Scene<'_>,
) -> Result<Vec<Baseline>> {
    let mut found = counts::baselines(scene)?;
    found.extend(continuous::baselines(scene));
    let split = counts::split_name(scene.part);
    let densities = meter.terms.iter().all(|term| term.density && term.by_row);
    if let Some(start) = setup.start.as_ref().filter(|_| setup.feed.by_row()) {
        let value = meter.average(scene.part, |batch| start::baseline(start, &setup.loss, batch, meter.threads))?;
        let metric = if densities { "nll" } else { "loss" };
        found.extend(value.map(|value| Baseline {
            name: "no inputs".into(),
            split: split.into(),
            metric: metric.into(),
            value: value.total,
        }));
    }
    let wanted = setup.spec.settings.metrics.iter().any(|name| name == BASELINES);
    let Some(options) = setup.spec.settings.evaluate.recognition.as_ref().filter(|_| wanted) else {
        return Ok(found);
    };
    let own = network.weights();
    let set = |network: &mut Network, weights: &Weights| {
        network.set_weights(weights).map_err(|error| TrainError::Internal(error.to_string()))
    };
    set(network, initial)?;
    let untrained = Faces::new(&setup.feed, &Embed::Network(network), options, scene.rows);
    set(network, &own)?;
    let pixels = Faces::new(&setup.feed, &Embed::Pixels, options, scene.rows)?;
    for (name, faces) in [("untrained network", untrained?), ("raw pixels", pixels)] {
        for (metric, value) in [("rank1", faces.rank(1)), ("rank5", faces.rank(5))] {
            let (name, split, metric) = (name.to_owned(), split.to_owned(), metric.to_owned());
            found.push(Baseline { name, split, metric, value });
        }
    }
    Ok(found)
}

fn artifacts(setup: &Setup, scene: &Scene<'_>, run: &RunHandle) -> Result<()> {
    if let Some(diagnostics) = counts::diagnostics(scene, setup.spec.settings.seed)? {
        run.artifact("counts", &diagnostics)?;
    }
    for (name, diagnostics) in continuous::diagnostics(scene) {
        run.artifact(&format!("calibration {name}"), &diagnostics)?;
    }
    if let Some(faces) = scene.faces.as_ref().filter(|faces| faces.any()) {
        run.artifact("distances", &faces::diagnostics(faces, scene.part))?;
    }
    Ok(())
}

/// The loss's parameters on their natural scale.
fn params(setup: &Setup, network: &Network) -> Result<Vec<(String, Vec<f64>)>> {
    let constants = &setup.compiled.constants;
    let values = head_values(&setup.feed, network, &setup.binding, &setup.loss, constants, &setup.axes, &[])?;
    let found = natural_params(&setup.compiled.program, &values)?;
    Ok(found.into_iter().map(|quantity| (quantity.name, quantity.values)).collect())
}
