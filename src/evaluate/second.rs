//! Diagonal second derivatives, from differences of the exact gradient.

use super::engine::{Compute, compute};
use super::run::Evaluator;
use super::{Derivative, Dtype, EvaluateError};
use crate::ir::graph::InputId;
use crate::ir::support::Interval;

impl Evaluator<'_> {
    /// Diagonal second derivatives, in f64, from differences of the exact gradient over steps of every size; NaN where it
    /// jumps. Relative error about 1e-9 for a smooth gradient.
    pub fn second(&self, seed: &[f64]) -> Result<Vec<Derivative>, EvaluateError> {
        let own;
        let exact = if self.request.dtype == Dtype::F64 {
            &self.compute
        } else {
            own = compute(&self.program.loss, &self.sizes, (self.request.engine, Dtype::F64))?;
            &own
        };
        let mut found = Vec::new();
        for (at, &(input, _)) in self.program.loss.gradients.iter().enumerate() {
            let Some(info) = self.program.name(input) else { continue };
            let Some(values) = self.inputs.get(input.index()) else { continue };
            // Rows do not meet in each other's loss, so one element of every row is moved at once.
            let together = self.program.loss.graph.input(input).per_row() && !self.program.hir.whole_batch;
            let width = if together { values.len() / self.kept.len().max(1) } else { values.len() };
            let mut diagonal = vec![0.0; values.len()];
            for element in 0..width {
                let moves = |place: usize| place % width == element;
                let all = self.moved(exact, seed, (at, input.index()), &moves)?;
                let moved = diagonal.iter_mut().zip(all).enumerate().filter(|(place, _)| moves(*place));
                moved.for_each(|(_, (slot, value))| *slot = value);
            }
            found.push(self.spread(info, diagonal));
        }
        Ok(found)
    }

    /// How the gradient `at` of an input changes, element by element, as those elements of the input move that `moves`.
    fn moved(
        &self,
        exact: &Compute<'_>,
        seed: &[f64],
        (at, input): (usize, usize),
        moves: &dyn Fn(usize) -> bool,
    ) -> Result<Vec<f64>, EvaluateError> {
        let values = self.inputs.get(input).map_or(&[][..], Vec::as_slice);
        let support = self.program.loss.graph.input(InputId(input as u32)).support;
        let room: Vec<f64> = values.iter().map(|&x| room(x, support)).collect();
        let gradient = |step: f64| -> Result<Vec<f64>, EvaluateError> {
            let mut inputs = self.inputs.clone();
            let moved = inputs.get_mut(input).into_iter().flatten().zip(&room).enumerate();
            moved.filter(|(place, _)| moves(*place)).for_each(|(_, (x, room))| *x += step * room);
            let mut outputs = exact(&self.bindings(&inputs, seed), false)?;
            Ok(outputs.gradients.get_mut(at).map(std::mem::take).unwrap_or_default())
        };
        let mut slopes = vec![[Slope::default(); STEPS]; values.len()];
        for level in 0..STEPS {
            let step = 0.25f64.powi(level as i32 + 1);
            let (up, down) = (gradient(step)?, gradient(-step)?);
            let ends = up.iter().zip(&down).zip(values.iter().zip(&room));
            for (slopes, ((&up, &down), (&x, &room))) in slopes.iter_mut().zip(ends) {
                if let Some(slot) = slopes.get_mut(level) {
                    *slot = Slope::between(x, room, step, up, down);
                }
            }
        }
        Ok(slopes.iter().map(best).collect())
    }
}

/// How far an element may be moved for its loss to stay one: to the nearer end of its support, and no more than its own
/// size, or 1.
fn room(x: f64, support: Interval) -> f64 {
    let ends = (x - support.lo).min(support.hi - x);
    let size = x.abs().max(1.0);
    // At an end itself half of the steps are beyond it, as ever so little.
    if ends > 0.0 { ends.min(size) } else { 1e-6 * size }
}

/// Steps of a quarter each: the last is 10⁻¹¹ of the room.
const STEPS: usize = 18;

/// A central difference of the gradient, its rounding error, and the gradient over the room there is.
#[derive(Clone, Copy, Debug, Default)]
struct Slope {
    value: f64,
    noise: f64,
    unit: f64,
}

impl Slope {
    /// From the gradient up at x + step·room and down at x − step·room.
    fn between(x: f64, room: f64, step: f64, up: f64, down: f64) -> Slope {
        let distance = (x + step * room) - (x - step * room);
        let size = up.abs().max(down.abs());
        Slope { value: (up - down) / distance, noise: f64::EPSILON * size / distance, unit: size / room }
    }
}

/// The limit of differences over ever smaller steps: of all runs of four, extrapolated thrice (Richardson; Ridders 1982 for
/// taking the one with the least error), the one whose last extrapolation changed least. NaN where none settles, as at a
/// jump of the gradient.
fn best(slopes: &[Slope; STEPS]) -> f64 {
    let mut found = (f64::NAN, f64::INFINITY);
    for run in slopes.windows(4) {
        let [a, b, c, d] = run else { continue };
        let better = |wide: f64, narrow: f64, ratio: f64| narrow + (narrow - wide) / (ratio - 1.0);
        let once = [better(a.value, b.value, 16.0), better(b.value, c.value, 16.0), better(c.value, d.value, 16.0)];
        let [first, second, third] = once;
        let twice = [better(first, second, 256.0), better(second, third, 256.0)];
        let value = better(twice[0], twice[1], 4096.0);
        let error = (value - twice[1]).abs() + d.noise;
        if error < found.1 && error <= 1e-4 * (value.abs() + d.unit) {
            found = (value, error);
        }
    }
    found.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(gradient: impl Fn(f64) -> f64, x: f64, support: Interval) -> f64 {
        let room = room(x, support);
        let mut slopes = [Slope::default(); STEPS];
        for (level, slot) in slopes.iter_mut().enumerate() {
            let step = 0.25f64.powi(level as i32 + 1);
            *slot = Slope::between(x, room, step, gradient(x + step * room), gradient(x - step * room));
        }
        best(&slopes)
    }

    #[test]
    fn it_finds_the_scale_on_which_a_gradient_changes() {
        let near =
            |found: f64, truth: f64| assert!((found - truth).abs() <= 1e-7 * truth.abs(), "{found}, not {truth}");
        // d/dλ (λ - log λ) = 1 - 1/λ, with slope 1/λ².
        for rate in [1e-10, 1e-6, 1.0, 1e3] {
            near(of(|x| 1.0 - 1.0 / x, rate, Interval::POSITIVE), rate.powi(-2));
        }
        // d/dp -log(1 - p) = 1/(1 - p), with slope 1/(1 - p)².
        for p in [0.3, 0.9995, 0.99999] {
            near(of(|x| 1.0 / (1.0 - x), p, Interval::PROB), (1.0 - p).powi(-2));
        }
        near(of(f64::exp, -0.6, Interval::REAL), 0.548_811_636_094_026_4);
        near(of(|x| 0.5 / x.sqrt(), 1e-9, Interval::NONNEG), -0.25 * 1e-9f64.powf(-1.5));
        // Huber's: the gradient is x up to 1 and stays.
        near(of(|x| x.min(1.0), 0.9999, Interval::REAL), 1.0);
        assert_eq!(of(|x| x.min(1.0), 1.0001, Interval::REAL), 0.0);
        assert_eq!(of(f64::signum, 1e-8, Interval::REAL), 0.0);
        assert!(of(|x| f64::from(x > 1.0), 1.0, Interval::REAL).is_nan(), "a jump has no slope");
    }
}
