//! Diagonal second derivatives, from differences of the exact gradient.

use super::engine::{Compute, compute};
use super::run::Evaluator;
use super::{Derivative, Dtype, EvaluateError};
use crate::ir::graph::InputId;
use crate::ir::support::Interval;

impl Evaluator<'_> {
    /// Diagonal second derivatives, in f64, from differences of the exact gradient over steps of every size, taken on the
    /// side where the loss is finite if there is but one; NaN where the gradient jumps, infinite at an end where it is.
    /// Relative error about 1e-9 for a smooth gradient.
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
            let around = Around { evaluator: self, exact, seed, at, input, row: together.then_some(width) };
            let here = around.gradient(&self.inputs)?;
            let mut diagonal = vec![0.0; values.len()];
            for element in 0..width {
                let moves = |place: usize| place % width == element;
                let all = around.slopes(&here, &moves)?;
                let moved = diagonal.iter_mut().zip(all).enumerate().filter(|(place, _)| moves(*place));
                moved.for_each(|(_, (slot, value))| *slot = value);
            }
            found.push(self.spread(info, diagonal));
        }
        Ok(found)
    }
}

/// A loss around the values of one of its inputs.
struct Around<'a> {
    evaluator: &'a Evaluator<'a>,
    exact: &'a Compute<'a>,
    seed: &'a [f64],
    /// The input, and which of the gradients is its own.
    input: InputId,
    at: usize,
    /// Elements a row, where each row has a loss of its own.
    row: Option<usize>,
}

impl Around<'_> {
    /// The gradient by each element, where the loss that it is in is possible.
    fn gradient(&self, inputs: &[Vec<f64>]) -> Result<Vec<Element>, EvaluateError> {
        let mut outputs = (self.exact)(&self.evaluator.bindings(inputs, self.seed), self.row.is_some())?;
        let gradient = outputs.gradients.get_mut(self.at).map(std::mem::take).unwrap_or_default();
        let whole: f64 = outputs.terms.iter().sum();
        let loss = |place: usize| self.row.and_then(|width| outputs.per_row.get(place / width)).copied();
        let element = |(place, gradient)| Element { gradient, possible: loss(place).unwrap_or(whole) < f64::INFINITY };
        Ok(gradient.into_iter().enumerate().map(element).collect())
    }

    /// How the gradient changes, element by element, as those elements of the input move that `moves`.
    fn slopes(&self, here: &[Element], moves: &dyn Fn(usize) -> bool) -> Result<Vec<f64>, EvaluateError> {
        let inputs = &self.evaluator.inputs;
        let support = self.evaluator.program.loss.graph.input(self.input).support;
        let values = inputs.get(self.input.index()).map_or(&[][..], Vec::as_slice);
        let room: Vec<f64> = values.iter().map(|&x| room(x, support)).collect();
        let moved = |step: f64| {
            let mut inputs = inputs.clone();
            let places = inputs.get_mut(self.input.index()).into_iter().flatten().zip(&room).enumerate();
            places.filter(|(place, _)| moves(*place)).for_each(|(_, (x, room))| *x += step * room);
            self.gradient(&inputs)
        };
        let mut steps: Vec<Steps> = vec![Default::default(); values.len()];
        for level in 0..LEVELS {
            let step = step(level);
            let (up, down) = (moved(step)?, moved(-step)?);
            for (steps, (up, down)) in steps.iter_mut().zip(up.into_iter().zip(down)) {
                steps.get_mut(level).into_iter().for_each(|slot| *slot = [up, down]);
            }
        }
        let places = values.iter().zip(&room).zip(here.iter().zip(&steps));
        Ok(places.map(|((&x, &room), (here, steps))| slope(x, support, room, here.gradient, steps)).collect())
    }
}

/// The gradient by one element, and whether the loss is less than +∞ there.
#[derive(Clone, Copy, Debug, Default)]
struct Element {
    gradient: f64,
    possible: bool,
}

/// The gradient up and down by steps of every size.
type Steps = [[Element; 2]; LEVELS];

/// Steps of a quarter each: the last is 10⁻¹¹ of the room.
const LEVELS: usize = 18;

fn step(level: usize) -> f64 {
    0.25f64.powi(level as i32 + 1)
}

/// How far an element may be moved for its loss to stay one: to the nearer end of its support, from an end itself to the
/// other one, and no more than its own size, or 1.
fn room(x: f64, support: Interval) -> f64 {
    let ends = [x - support.lo, support.hi - x].into_iter().filter(|end| *end > 0.0);
    ends.fold(x.abs().max(1.0), f64::min)
}

/// The slope of a gradient that is `here` at x, from both sides where the smallest step can be taken to both, else from
/// the one where it can.
fn slope(x: f64, support: Interval, room: f64, here: f64, steps: &Steps) -> f64 {
    let inside = [x < support.hi, x > support.lo];
    let possible = |level: usize, side: usize| -> Option<f64> {
        let element = steps.get(level)?.get(side).filter(|element| element.possible)?;
        inside.get(side).is_some_and(|inside| *inside).then_some(element.gradient)
    };
    let from = |ends: &dyn Fn(usize) -> Option<[(f64, f64); 2]>| -> [Difference; LEVELS] {
        std::array::from_fn(|level| ends(level).map_or(Difference::NONE, |ends| Difference::between(ends, room)))
    };
    let at = |level: usize, sign: f64| x + sign * step(level) * room;
    let one_sided = |side: usize, sign: f64| {
        let differences = from(&|level| Some([(at(level, sign), possible(level, side)?), (x, here)]));
        // At an end where the gradient is infinite the slope is, too.
        let last = differences.last().filter(|_| here.is_infinite()).map(|last| last.value);
        last.unwrap_or_else(|| limit(&differences, 4.0))
    };
    match [0, 1].map(|side| possible(LEVELS - 1, side).is_some()) {
        // Of a central difference the error has even powers of the step only.
        [true, true] => limit(
            &from(&|level| Some([(at(level, 1.0), possible(level, 0)?), (at(level, -1.0), possible(level, 1)?)])),
            16.0,
        ),
        [true, false] => one_sided(0, 1.0),
        [false, true] => one_sided(1, -1.0),
        [false, false] => f64::NAN,
    }
}

/// A difference quotient of the gradient, its rounding error, and the gradient over the room there is.
#[derive(Clone, Copy, Debug)]
struct Difference {
    value: f64,
    noise: f64,
    unit: f64,
}

impl Difference {
    const NONE: Difference = Difference { value: f64::NAN, noise: f64::NAN, unit: f64::NAN };

    /// From two places and the gradient there.
    fn between([(a, up), (b, down)]: [(f64, f64); 2], room: f64) -> Difference {
        let size = up.abs().max(down.abs());
        Difference { value: (up - down) / (a - b), noise: f64::EPSILON * size / (a - b).abs(), unit: size / room }
    }
}

/// The limit of differences over ever smaller steps, whose error shrinks by `ratio` and its powers: of all runs of four,
/// extrapolated thrice (Richardson; Ridders 1982 for taking the one with the least error), the one whose last
/// extrapolation changed least. NaN where none settles, as at a jump of the gradient.
fn limit(differences: &[Difference; LEVELS], ratio: f64) -> f64 {
    let mut found = (f64::NAN, f64::INFINITY);
    for run in differences.windows(4) {
        let [a, b, c, d] = run else { continue };
        let better = |wide: f64, narrow: f64, ratio: f64| narrow + (narrow - wide) / (ratio - 1.0);
        let once = [[a, b], [b, c], [c, d]].map(|[wide, narrow]| better(wide.value, narrow.value, ratio));
        let [first, second, third] = once;
        let twice = [better(first, second, ratio.powi(2)), better(second, third, ratio.powi(2))];
        let value = better(twice[0], twice[1], ratio.powi(3));
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
        let at = |x| Element { gradient: gradient(x), possible: true };
        let steps = std::array::from_fn(|level| [at(x + step(level) * room), at(x - step(level) * room)]);
        slope(x, support, room, gradient(x), &steps)
    }

    fn near(found: f64, truth: f64) {
        assert!((found - truth).abs() <= 1e-7 * truth.abs(), "{found}, not {truth}");
    }

    #[test]
    fn it_finds_the_scale_on_which_a_gradient_changes() {
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

    /// Beyond an end of the support there is nothing to ask: the slope is the one inside.
    #[test]
    fn at_an_end_it_is_the_slope_inside() {
        let only = |inside: fn(f64) -> bool, gradient: fn(f64) -> f64| {
            move |x: f64| if inside(x) { gradient(x) } else { f64::NAN }
        };
        near(of(only(|x| x >= 0.0, f64::exp), 0.0, Interval::NONNEG), 1.0);
        near(of(only(|p| p <= 1.0, |p| -1.0 / p), 1.0, Interval::PROB), 1.0);
        near(of(only(|p| p >= 0.0, |p| 1.0 / (1.0 - p)), 0.0, Interval::PROB), 1.0);
        assert_eq!(of(only(|x| x >= 0.0, |_| 1.0), 0.0, Interval::NONNEG), 0.0);
        // λ − 3·log λ at 0: its gradient 1 − 3/λ rises from −∞.
        assert_eq!(of(only(|x| x >= 0.0, |x| 1.0 - 3.0 / x), 0.0, Interval::NONNEG), f64::INFINITY);
        // x^(3/2) has no second derivative at 0.
        assert!(of(only(|x| x >= 0.0, |x| 1.5 * x.sqrt()), 0.0, Interval::NONNEG).is_nan());
    }
}
