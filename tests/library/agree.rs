//! What every program is held to: its gradients are its slopes, and both engines give the same numbers.

use crate::engine::{Answer, Machine, Point};

/// Whether two numbers are the same to a tolerance relative to the larger of the truth and 1; NaN never is.
pub fn near(found: f64, truth: f64, tolerance: f64) -> bool {
    found == truth || (found - truth).abs() <= tolerance * truth.abs().max(1.0)
}

/// Offsets and weights of the central difference of eighth order (Fornberg, Mathematics of Computation 51, 1988).
const STENCIL: [(f64, f64); 4] = [(1.0, 4.0 / 5.0), (2.0, -1.0 / 5.0), (3.0, 4.0 / 105.0), (4.0, -1.0 / 280.0)];

/// Slopes by differences with two steps; of shares that sum to 1, along an exchange with the next one. Where they disagree the function has a kink nearby and no slope is given.
fn slopes(machine: &Machine, points: &[Point], key: &str, element: usize) -> Vec<Option<f64>> {
    let floor = if machine.is_simplex(key) { 0.05 } else { 0.5 };
    let step = |point: &Point| point[key][element].abs().max(floor) / 256.0;
    let mut moved = Vec::new();
    for point in points {
        for scale in [1.0, 0.5] {
            for (offset, _) in STENCIL {
                for sign in [1.0, -1.0] {
                    let mut point = point.clone();
                    let h = step(&point);
                    let by = sign * scale * offset * h;
                    let values = point.get_mut(key).unwrap();
                    values[element] += by;
                    if machine.is_simplex(key) {
                        let other = (element + 1) % values.len();
                        values[other] -= by;
                    }
                    moved.push(point);
                }
            }
        }
    }
    let values = machine.interpret(&moved, false).values;
    let difference = |values: &[f64], h: f64| {
        STENCIL.iter().zip(values.chunks(2)).map(|((_, weight), pair)| weight * (pair[0] - pair[1])).sum::<f64>() / h
    };
    let both = points.iter().zip(values.chunks(16)).map(|(point, values)| {
        let h = step(point);
        (difference(&values[..8], h), difference(&values[8..], h / 2.0))
    });
    both.map(|(coarse, fine)| (coarse.is_finite() && near(coarse, fine, 1e-8)).then_some(fine)).collect()
}

/// Gradients against differences. At least a third of the slopes must exist: kinks are rare.
pub fn gradients(machine: &Machine, points: &[Point], failures: &mut Vec<String>) {
    let answer = machine.interpret(points, true);
    let (mut asked, mut given) = (0, 0);
    for key in machine.differentiable() {
        let width = points[0][&key].len();
        for element in 0..width {
            for (row, slope) in slopes(machine, points, &key, element).into_iter().enumerate() {
                let finite = answer.values[row].is_finite();
                asked += usize::from(finite);
                let Some(slope) = slope.filter(|_| finite) else { continue };
                given += 1;
                let gradient = |element: usize| answer.gradients[&key][row * width + element];
                let exchanged = if machine.is_simplex(&key) { gradient((element + 1) % width) } else { 0.0 };
                let found = gradient(element) - exchanged;
                // 1e-8: the difference loses half of the digits that rounding leaves it.
                if !near(found, slope, 1e-8) {
                    let text = &machine.text;
                    failures.push(format!("d/d{key}: {found}, but the slope is {slope} at {:?}\n{text}", points[row]));
                }
            }
        }
    }
    if 3 * given < asked {
        failures.push(format!("only {given} of {asked} slopes can be measured\n{}", machine.text));
    }
}

fn same(machine: &Machine, points: &[Point], found: &Answer, truth: &Answer, tolerance: f64, into: &mut Vec<String>) {
    let mut compare = |what: &str, found: f64, truth: f64, row: usize| {
        if !near(found, truth, tolerance) {
            let text = &machine.text;
            into.push(format!("{what}: native {found}, interpreted {truth} at {:?}\n{text}", points[row]));
        }
    };
    for (row, (found, truth)) in found.values.iter().zip(&truth.values).enumerate() {
        compare("value", *found, *truth, row);
    }
    for (key, truth) in &truth.gradients {
        let width = truth.len() / points.len();
        for (at, (found, truth)) in found.gradients[key].iter().zip(truth).enumerate() {
            compare(&format!("d/d{key}"), *found, *truth, at / width);
        }
    }
}

/// Native code against the interpreter: in f64 everywhere, in f32 inside the supports.
pub fn engines(machine: &Machine, inside: &[Point], edges: &[Point], failures: &mut Vec<String>) {
    let narrow = |point: &Point| {
        point.iter().map(|(key, x)| (key.clone(), x.iter().map(|x| f64::from(*x as f32)).collect())).collect()
    };
    let inside: Vec<Point> = inside.iter().map(narrow).collect();
    let all: Vec<Point> = inside.iter().chain(edges).cloned().collect();
    // 1e-11: the two engines add and compose in different orders.
    same(machine, &all, &machine.native::<f64>(&all), &machine.interpret(&all, true), 1e-11, failures);
    // 2e-5: some hundred roundings of 6e-8.
    same(machine, &inside, &machine.native::<f32>(&inside), &machine.interpret(&inside, true), 2e-5, failures);
}
