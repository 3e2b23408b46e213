//! Diagonal second derivatives, from differences of the exact gradient.

use super::engine::{Compute, compute};
use super::run::Evaluator;
use super::{Derivative, Dtype, EvaluateError};

impl Evaluator<'_> {
    /// Diagonal second derivatives, in f64: central differences of the exact gradient, extrapolated once (Richardson);
    /// relative error about 1e-9 where the gradient is smooth on a scale of 1e-4 of the value.
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
        let step = |scale: f64, x: f64| scale * x.abs().max(1e-2);
        let gradient = |scale: f64| -> Result<Vec<f64>, EvaluateError> {
            let mut inputs = self.inputs.clone();
            let values = inputs.get_mut(input).into_iter().flatten().enumerate();
            values.filter(|(place, _)| moves(*place)).for_each(|(_, x)| *x += scale.signum() * step(scale.abs(), *x));
            let mut outputs = exact(&self.bindings(&inputs, seed), false)?;
            Ok(outputs.gradients.get_mut(at).map(std::mem::take).unwrap_or_default())
        };
        let values = self.inputs.get(input).map_or(&[][..], Vec::as_slice);
        let slope = |scale: f64| -> Result<Vec<f64>, EvaluateError> {
            let (up, down) = (gradient(scale)?, gradient(-scale)?);
            let distance = |x: f64| (x + step(scale, x)) - (x - step(scale, x));
            Ok(up.iter().zip(&down).zip(values).map(|((up, down), &x)| (up - down) / distance(x)).collect())
        };
        let (wide, narrow) = (slope(2e-4)?, slope(1e-4)?);
        Ok(wide.iter().zip(&narrow).map(|(wide, narrow)| (4.0 * narrow - wide) / 3.0).collect())
    }
}
