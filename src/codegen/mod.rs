//! Native kernels: a [`LossGraph`] becomes machine code that gives value and gradients in one pass over the rows.
//!
//! `legal` rewrites the graph into what follows can compile, `plan` and `place` make a `schedule` of dense buffers and
//! steps, `lower` writes Cranelift IR for it, `native` owns the machine code, `kernels` are the precompiled steps it
//! calls, `run` takes it over the rows of a batch. [`CompiledLoss`] is the safe face: it checks every length before the
//! call. Depends on `ir`. It does not check supports: whoever binds data has.

mod error;
mod frame;
mod fuse;
mod kernels;
mod layout;
mod legal;
mod lower;
mod native;
mod phases;
mod place;
mod plan;
mod real;
mod run;
mod schedule;
mod stream;
#[cfg(test)]
mod tests;
mod vmath;

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

pub use error::{CodegenError, EvalError};
pub use real::Real;

use crate::ir::graph::{Input, InputId};
use crate::ir::program::{Bindings, LossGraph, Outputs};
use legal::Variant;
use native::Native;
use schedule::Schedule;

/// What an evaluation is to give besides the terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// The gradients.
    pub gradients: bool,
    /// Each row's loss.
    pub per_row: bool,
}

/// A loss compiled for this machine and for the sizes of all its axes but the rows.
///
/// It can be shared between threads; evaluations do not disturb each other. The machine code is freed with the value.
#[derive(Debug)]
pub struct CompiledLoss<T> {
    inputs: Vec<Input>,
    axes: Vec<String>,
    sizes: Vec<usize>,
    seed: InputId,
    gradients: Vec<InputId>,
    kernels: [Kernel; 3],
    element: PhantomData<T>,
}

/// One variant: scheduled at once, compiled when first used.
#[derive(Debug)]
struct Kernel {
    schedule: Arc<Schedule>,
    native: OnceLock<Result<Native, CodegenError>>,
    spare: run::Spare,
}

impl Kernel {
    fn native<T: Real>(&self) -> Result<&Native, CodegenError> {
        self.native.get_or_init(|| Native::new::<T>(Arc::clone(&self.schedule))).as_ref().map_err(Clone::clone)
    }
}

impl<T: Real> CompiledLoss<T> {
    /// Compiles a loss. `sizes` has the size of every axis, by `AxisId`; the entry of the rows (the first) is not read.
    pub fn compile(loss: &LossGraph, sizes: &[usize]) -> Result<CompiledLoss<T>, CodegenError> {
        let axes = loss.graph.axes();
        if sizes.len() != axes.len() {
            return Err(CodegenError::Sizes { expected: axes.len(), found: sizes.len() });
        }
        let kernel = |gradients, uniform| {
            let variant = Variant { gradients, uniform };
            let schedule = Arc::new(Schedule::new(legal::legalise(loss, sizes, variant), sizes));
            Kernel { schedule, native: OnceLock::new(), spare: run::Spare::default() }
        };
        let compiled = CompiledLoss {
            inputs: loss.graph.inputs().to_vec(),
            axes: axes.iter().enumerate().map(|(at, axis)| axis.name.clone().unwrap_or(at.to_string())).collect(),
            sizes: sizes.to_vec(),
            seed: loss.seed,
            gradients: loss.gradients.iter().map(|&(input, _)| input).collect(),
            kernels: [kernel(true, true), kernel(true, false), kernel(false, true)],
            element: PhantomData,
        };
        // The variant of training steps; it contains every construct of the others.
        compiled.kernel(true, true).native::<T>()?;
        Ok(compiled)
    }

    fn kernel(&self, gradients: bool, uniform: bool) -> &Kernel {
        let [with_gradients, weighted, value] = &self.kernels;
        match (gradients, uniform) {
            (true, true) => with_gradients,
            (true, false) => weighted,
            // Values do not contain the seed.
            (false, _) => value,
        }
    }

    /// Evaluates over a batch on up to `threads` threads of the current rayon pool; the result does not depend on how
    /// many. `out` is overwritten, and its memory is used again. `per_row` stays empty when no term depends on the row.
    pub fn evaluate(
        &self,
        bindings: &Bindings<'_, T>,
        want: Want,
        threads: usize,
        out: &mut Outputs<T>,
    ) -> Result<(), EvalError> {
        self.check(bindings, threads)?;
        let weight = uniform_weight(bindings);
        let kernel = self.kernel(want.gradients, weight.is_some());
        let native = kernel.native::<T>()?;
        let gradients: &[InputId] = if want.gradients { &self.gradients } else { &[] };
        out.gradients.resize_with(gradients.len(), Vec::new);
        for (values, &input) in out.gradients.iter_mut().zip(gradients) {
            values.resize(self.input_length(input, bindings.rows), T::ZERO);
        }
        run::run(native, &kernel.spare, bindings, weight, want.per_row, threads, out)
    }

    fn input_length(&self, input: InputId, rows: usize) -> usize {
        let Some(input) = self.inputs.get(input.index()) else { return 0 };
        input.axes.iter().fold(1usize, |length, axis| {
            let size = if axis.index() == 0 { rows } else { self.sizes.get(axis.index()).copied().unwrap_or(0) };
            length.saturating_mul(size)
        })
    }

    fn check(&self, bindings: &Bindings<'_, T>, threads: usize) -> Result<(), EvalError> {
        if bindings.rows == 0 {
            return Err(EvalError::NoRows);
        }
        if threads == 0 {
            return Err(EvalError::NoThreads);
        }
        if bindings.inputs.len() != self.inputs.len() {
            return Err(EvalError::Inputs { expected: self.inputs.len(), found: bindings.inputs.len() });
        }
        for ((axis, &expected), at) in self.axes.iter().zip(&self.sizes).zip(0..).skip(1) {
            let found = bindings.sizes.get(at).copied().unwrap_or(0);
            if found != expected {
                return Err(EvalError::AxisSize { axis: axis.clone(), expected, found });
            }
        }
        for (at, (input, values)) in self.inputs.iter().zip(&bindings.inputs).enumerate() {
            let id = InputId(at as u32);
            let expected = self.input_length(id, bindings.rows);
            if id != self.seed && values.len() != expected {
                return Err(EvalError::Length { name: input.name.clone(), expected, found: values.len() });
            }
        }
        match bindings.seed.len() {
            0 => Ok(()),
            found if found == bindings.rows => Ok(()),
            found => Err(EvalError::Seed { expected: bindings.rows, found }),
        }
    }

    /// The steps of a kernel as text: with or without gradients.
    pub fn describe(&self, gradients: bool) -> String {
        self.kernel(gradients, true).schedule.to_string()
    }
}

/// The weight of every row when they all weigh the same and count: 1/rows without weights.
fn uniform_weight<T: Real>(bindings: &Bindings<'_, T>) -> Option<f64> {
    match bindings.seed {
        [] => Some(1.0 / bindings.rows as f64),
        [first, rest @ ..] if *first != T::ZERO && rest.iter().all(|weight| weight == first) => Some(first.to_f64()),
        _ => None,
    }
}
