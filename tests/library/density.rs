//! A distribution's call against everything its file says: it is a probability, and it has the moments it states.

use crate::agree;
use crate::engine::{Machine, Point, WIDTH};
use crate::quadrature;
use crate::subject::{Call, at_edges};

/// What a file may state of a distribution besides its density.
const STATED: &[&str] = &["mean", "variance", "entropy", "log_cdf", "log_ccdf", "crps"];

/// The mass may miss this much: at a shape of 0.6, 1e-9 of it lies nearer to an end than the last number.
const MISSING: f64 = 1e-7;

/// A statement of the file as a program; `None` when it does not state it.
pub fn stated(call: &Call, property: &str) -> Option<Machine> {
    if call.inner.is_some() {
        return None;
    }
    match Machine::new(&call.property_program(property), &call.names()) {
        Ok(machine) => Some(machine),
        Err((code, _)) if code == "E0305" => None,
        Err((_, message)) => panic!("{property} of {}: {message}", call.name),
    }
}

pub fn value(machine: &Option<Machine>, point: &Point) -> Option<f64> {
    machine.as_ref().map(|machine| machine.interpret(std::slice::from_ref(point), false).values[0])
}

/// What is summed, from values of the variate and their probability densities: a list of numbers for each.
pub type Terms<'a> = &'a dyn Fn(&[f64], &[f64]) -> Vec<Vec<f64>>;

/// Sum or integral of `f(x, p(x))` over everything that can be observed.
pub fn expectation(call: &Call, machine: &Machine, point: &Point, f: Terms<'_>) -> Vec<f64> {
    let variate = &call.variates[0].key;
    let density = |xs: &[f64]| {
        let place = |x: &f64| {
            let mut point = point.clone();
            point.insert(variate.clone(), vec![*x]);
            point
        };
        let points: Vec<Point> = xs.iter().map(place).collect();
        machine.interpret(&points, false).values.iter().map(|nll| (-nll).exp()).collect::<Vec<f64>>()
    };
    let both = |xs: &[f64]| f(xs, &density(xs));
    let ordered = call.params.iter().any(|input| input.set == "ordered");
    let whole = match call.kind() {
        "bool" => Some(Some(2)),
        "category" => Some(Some(WIDTH + usize::from(ordered))),
        "count" => Some(None),
        _ => None,
    };
    let bound = |which: &str, none: f64| call.bound(which).map_or(none, |input| point[&input.key][0]);
    let (low, high) = (bound("lower", f64::NEG_INFINITY), bound("upper", f64::INFINITY));
    if let Some(finite) = whole {
        // A count beyond a limit is recorded as the limit: the last whole number inside, the first one outside above.
        let inside = |x: &f64| *x >= low.floor() && *x <= high.ceil();
        let clipped = |xs: &[f64]| {
            let parts = both(xs);
            let zero = |part: &Vec<f64>| vec![0.0; part.len()];
            xs.iter().zip(parts).map(|(x, part)| if inside(x) { part } else { zero(&part) }).collect()
        };
        return quadrature::sum(finite, &clipped);
    }
    let mut total = quadrature::integrate(call.kind(), (low, high), point[variate][0], &both);
    // A wrapper may put an atom at 0 or at a bound: the density jumps there from what it is on the inside.
    let atoms = if call.inner.is_some() { vec![0.0, low, high] } else { Vec::new() };
    for atom in atoms.into_iter().filter(|x| x.is_finite() && *x >= low && *x <= high) {
        let inside = if atom == high { atom - 1e-9 } else { atom + 1e-9 };
        let values = density(&[atom, inside]);
        // Where 0 is outside the inner density's support, only a wrapper with an atom there gives it a probability.
        if values[0].is_finite() && !agree::near(values[0], values[1], 1e-6) {
            total.iter_mut().zip(&f(&[atom], &values[..1])[0]).for_each(|(into, part)| *into += part);
        }
    }
    total
}

/// Mass, mean, variance, entropy, distribution function, expected score: all from one pass over the density.
fn moments(call: &Call, machine: &Machine, failures: &mut Vec<String>) {
    let machines: Vec<Option<Machine>> = STATED.iter().map(|property| stated(call, property)).collect();
    let [mean, variance, entropy, log_cdf, log_ccdf, crps] = machines.as_slice() else { return };
    let points = call.draws(9);
    for machine in machines.iter().flatten() {
        agree::gradients(machine, &points, failures);
        agree::engines(machine, &points, &[], failures);
    }
    for point in call.draws(4) {
        let variate = &call.variates[0].key;
        let at = point[variate][0];
        let (m, v) = (value(mean, &point), value(variance, &point));
        // An infinite statement says that there is no such moment.
        let (m, v) = (m.filter(|m| m.is_finite()), v.filter(|v| v.is_finite()));
        let (centre, spread) = (m.unwrap_or(0.0), v.unwrap_or(1.0).sqrt());
        let below = |xs: &[f64]| -> Vec<f64> {
            let Some(machine) = crps.as_ref().and(log_cdf.as_ref()) else { return vec![0.0; xs.len()] };
            let place = |x: &f64| {
                point.iter().map(|(k, v)| (k.clone(), if k == variate { vec![*x] } else { v.clone() })).collect()
            };
            machine
                .interpret(&xs.iter().map(place).collect::<Vec<Point>>(), false)
                .values
                .iter()
                .map(|l| l.exp())
                .collect()
        };
        let parts = |xs: &[f64], ps: &[f64]| {
            let lower = below(xs);
            let part = |((x, p), f): ((&f64, &f64), &f64)| {
                let z = (x - centre) / spread;
                // Moments that do not exist are not summed.
                let (first, second) =
                    (if m.is_some() { z * p } else { 0.0 }, if v.is_some() { z * z * p } else { 0.0 });
                let surprise = if *p > 0.0 && entropy.is_some() { -p.ln() * p } else { 0.0 };
                let score = if crps.is_some() { p * ((x - at).abs() - 2.0 * (x - centre) * f) } else { 0.0 };
                vec![*p, first, second, surprise, if *x <= at { *p } else { 0.0 }, score]
            };
            xs.iter().zip(ps).zip(&lower).map(part).collect()
        };
        let found = expectation(call, machine, &point, &parts);
        let mut hold = |what: &str, found: f64, truth: f64| {
            if !agree::near(found, truth, MISSING) {
                failures.push(format!("{what}: {found}, but {truth} is said, at {point:?}\n{}", machine.text));
            }
        };
        hold("mass", found[0], 1.0);
        if m.is_some() {
            hold("mean, standardised", found[1], 0.0);
        }
        if m.is_some() && v.is_some() {
            hold("variance, standardised", found[2], 1.0);
        }
        if let Some(truth) = value(entropy, &point) {
            hold("entropy", found[3], truth);
        }
        if let Some(truth) = value(log_cdf, &point) {
            hold("distribution function", found[4], truth.exp());
        }
        if let Some(truth) = value(log_ccdf, &point) {
            hold("upper tail", 1.0 - found[4], truth.exp());
        }
        if let Some(truth) = value(crps, &point) {
            // E|X − x| − E|X − X'|/2, and the second is 2·E[(X − m)·F(X)] (Gneiting, Raftery, JASA 102, 2007).
            hold("crps", found[5], truth);
        }
    }
}

/// The textbook's formula, and the main parameterisation where the parameters fit it.
fn formulas(machine: &Machine, main: Option<&Machine>, points: &[Point], failures: &mut Vec<String>) {
    let answer = machine.interpret(points, true);
    let mut compare = |what: &str, found: f64, truth: f64, row: usize| {
        // 1e-9: the textbook's differences of lgamma cancel.
        if !agree::near(found, truth, 1e-9) {
            failures.push(format!("{what}: {found} and {truth} at {:?}\n{}", points[row], machine.text));
        }
    };
    for (row, log) in machine.textbook(points).unwrap_or_default().into_iter().enumerate() {
        compare("textbook and stable", -log, answer.values[row], row);
    }
    let Some(main) = main.map(|main| main.interpret(points, true)) else { return };
    for (row, value) in main.values.iter().enumerate() {
        compare("main parameterisation", answer.values[row], *value, row);
    }
    for (key, slopes) in &main.gradients {
        let width = slopes.len() / points.len();
        for (at, slope) in slopes.iter().enumerate() {
            if answer.values[at / width].is_finite() {
                compare(
                    &format!("d/d{key} by the main parameterisation"),
                    answer.gradients[key][at],
                    *slope,
                    at / width,
                );
            }
        }
    }
}

/// Everything that a call of a distribution must be.
pub fn check(call: &Call) -> Vec<String> {
    let mut failures = Vec::new();
    let machine = match Machine::new(&call.program(), &call.names()) {
        Ok(machine) => machine,
        Err((_, message)) => return vec![message],
    };
    let points = call.draws(9);
    let main = call.has_main().then(|| Machine::new(&call.main_program(), &call.names()));
    match &main {
        Some(Err((_, message))) => failures.push(message.clone()),
        Some(Ok(_)) if !call.is_main() => {}
        _ => moments(call, &machine, &mut failures),
    }
    formulas(&machine, main.as_ref().and_then(|main| main.as_ref().ok()), &points, &mut failures);
    agree::gradients(&machine, &points, &mut failures);
    // Around a density every edge would be an edge of two distributions.
    let edges = if call.inner.is_none() { at_edges(&call.inputs()) } else { Vec::new() };
    agree::engines(&machine, &points, &edges, &mut failures);
    failures
}
