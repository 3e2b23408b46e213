//! A distribution's draws against its density, its stated moments, and its other parameterisations.
//!
//! The density is integrated here by rules of its own; what the sampler finds in it plays no part.

use lossc::data::{Column, Table};
use lossc::diag::Diagnostic;
use lossc::evaluate::EvaluateError;
use lossc::sample::{Drawn, Request, sampler};
use lossc::source::{NoFiles, Source};

use crate::density::{expectation, stated, value};
use crate::engine::{Machine, Point};
use crate::subject::Call;

/// The draws of a program's first name, for one row of values.
pub fn draws(program: &str, point: &Point, count: usize, seed: u64) -> Result<Vec<f64>, Vec<String>> {
    let table = table(std::slice::from_ref(point));
    let request = Request { draws: count, seed, ..Request::default() };
    let mut found = Vec::new();
    let keep = |drawn: Drawn| {
        found.push(drawn.values[0]);
        Ok::<(), EvaluateError>(())
    };
    let source = Source::new("generated", program);
    let all = sampler(&source, &NoFiles, &table, &request).and_then(|(sampler, _)| sampler.run(keep));
    match all {
        Ok(()) => Ok(found),
        Err(EvaluateError::Program(wrong)) => Err(wrong.iter().map(|d: &Diagnostic| d.message.clone()).collect()),
        Err(error) => Err(vec![error.to_string()]),
    }
}

/// A table of points, one a row.
pub fn table(points: &[Point]) -> Table {
    let columns = points.first().into_iter().flat_map(|point| point.keys()).map(|key| {
        let values: Vec<f64> = points.iter().flat_map(|point| point[key].iter().copied()).collect();
        let width = values.len() / points.len();
        Column::numbers(key.clone(), if width == 1 { Vec::new() } else { vec![width] }, values)
    });
    Table::new("generated", points.len(), columns.collect(), Vec::new())
}

/// The largest difference of two distribution functions that chance makes with a probability of 1e-7 (Massart 1990).
fn chance(count: usize) -> f64 {
    ((2e7f64).ln() / (2.0 * count as f64)).sqrt()
}

/// Whether 0 is no value of the variate.
fn without_zero(call: &Call) -> bool {
    matches!(call.kind(), "positive" | "unit")
}

/// Whether a difference is more than allowed, or no number.
fn far(difference: f64, allowed: f64) -> bool {
    difference.is_nan() || difference.abs() > allowed
}

/// Draws of a call, `count` of them.
pub fn check(call: &Call, count: usize) -> Vec<String> {
    let mut failures = Vec::new();
    let mut point = call.draws(3).remove(2);
    point.remove(&call.variates[0].key);
    let mut fail = |message: String| failures.push(format!("{message}, at {point:?}\n{}", call.program()));
    let mut found = match draws(&call.program(), &point, count, 1) {
        Ok(found) => found,
        // 0 has a probability, and the variate's support leaves it out.
        Err(messages) if call.inner.is_some() && messages[0].contains("adds up to 0.") && without_zero(call) => {
            return failures;
        }
        Err(messages) => {
            fail(messages.join("; "));
            return failures;
        }
    };
    if call.has_main() && !call.is_main() {
        match draws(&call.main_program(), &point, 50, 1) {
            Ok(main) => {
                let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-6 * a.abs().max(b.abs()).max(1e-3);
                if !found.iter().zip(&main).all(near) {
                    fail(format!("other draws than by the main parameters: {:?} and {:?}", &found[..5], &main[..5]));
                }
            }
            Err(messages) => fail(messages.join("; ")),
        }
    }
    moments(call, &point, &found, &mut fail);
    found.sort_by(f64::total_cmp);
    distribution(call, &point, &found, &mut fail);
    failures
}

/// Mean and variance against those that the file states, within five standard errors of the draws themselves.
fn moments(call: &Call, point: &Point, found: &[f64], fail: &mut impl FnMut(String)) {
    let count = found.len() as f64;
    let average = |f: &dyn Fn(f64) -> f64| found.iter().map(|x| f(*x)).sum::<f64>() / count;
    let mut at = point.clone();
    at.insert(call.variates[0].key.clone(), vec![0.0]);
    let said = |property: &str| value(&stated(call, property), &at).filter(|x| x.is_finite());
    let mean = average(&|x| x);
    let variance = average(&|x| (x - mean).powi(2));
    let Some(spread) = said("variance") else { return };
    let error = (spread / count).sqrt();
    if let Some(truth) = said("mean").filter(|truth| far(mean - truth, 5.0 * error)) {
        fail(format!("the mean of the draws is {mean}, not {truth} ± {error}"));
    }
    let error = ((average(&|x| (x - mean).powi(4)) - variance * variance) / count).sqrt();
    if far(variance - spread, 5.0 * error + 1e-12) {
        fail(format!("the variance of the draws is {variance}, not {spread} ± {error}"));
    }
}

/// The share of draws up to some of them against the integral of the density up to there.
fn distribution(call: &Call, point: &Point, sorted: &[f64], fail: &mut impl FnMut(String)) {
    let machine = Machine::new(&call.program(), &call.names()).unwrap_or_else(|(_, message)| panic!("{message}"));
    // The integral is quick up to one place, where it is told of the jump.
    let shares: &[f64] = if sorted.len() < 10_000 { &[0.4] } else { &[0.4, 0.1, 0.9] };
    let places: Vec<f64> = shares.iter().map(|share| sorted[(share * sorted.len() as f64) as usize]).collect();
    let mut at = point.clone();
    at.insert(call.variates[0].key.clone(), vec![places[0]]);
    let below = |xs: &[f64], ps: &[f64]| -> Vec<Vec<f64>> {
        let part = |(x, p): (&f64, &f64)| places.iter().map(|place| if x <= place { *p } else { 0.0 }).collect();
        xs.iter().zip(ps).map(part).collect()
    };
    let truth = expectation(call, &machine, &at, &below);
    for (place, truth) in places.iter().zip(truth) {
        let share = sorted.partition_point(|x| x <= place) as f64 / sorted.len() as f64;
        if far(share - truth, chance(sorted.len())) {
            fail(format!("a share of {share} of the draws is at most {place}, not {truth}"));
        }
    }
    let set = machine.support(&call.variates[0].key);
    if let Some(outside) = sorted.iter().find(|x| !set.contains(**x)) {
        fail(format!("{outside} is drawn, but does not lie in {set}"));
    }
}
