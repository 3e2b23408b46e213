//! What computes a loss: native code, compiled once for the sizes of a table, or the interpreter.

use super::{Dtype, Engine, EvaluateError};
use crate::interpret;
use crate::ir::program::{Bindings, LossGraph, Outputs};

/// Computes a loss with its gradients; each row's loss too where `true`.
pub(super) type Compute<'a> = Box<dyn Fn(&Bindings<'_, f64>, bool) -> Result<Outputs<f64>, EvaluateError> + 'a>;

/// The engine for a loss whose axes have these sizes.
pub(super) fn compute<'a>(
    loss: &'a LossGraph,
    #[cfg_attr(not(feature = "jit"), allow(unused_variables))] sizes: &[usize],
    (engine, dtype): (Engine, Dtype),
) -> Result<Compute<'a>, EvaluateError> {
    match (engine, dtype) {
        (Engine::Interpret, _) => {
            Ok(Box::new(|bindings, per_row| Ok(interpret::evaluate(loss, bindings, true, per_row)?)))
        }
        #[cfg(feature = "jit")]
        (Engine::Jit, Dtype::F64) => native::<f64>(loss, sizes),
        #[cfg(feature = "jit")]
        (Engine::Jit, Dtype::F32) => native::<f32>(loss, sizes),
        #[cfg(not(feature = "jit"))]
        (Engine::Jit, _) => {
            let message = "this build of lossc has no native code; use --engine interpret";
            Err(EvaluateError::Internal(message.into()))
        }
    }
}

#[cfg(feature = "jit")]
fn native<'a, T: crate::codegen::Real>(loss: &LossGraph, sizes: &[usize]) -> Result<Compute<'a>, EvaluateError> {
    use crate::codegen::{CompiledLoss, Want};
    let internal = |error: &dyn std::fmt::Display| EvaluateError::Internal(error.to_string());
    let compiled = CompiledLoss::<T>::compile(loss, sizes).map_err(|error| internal(&error))?;
    let narrow = |values: &[f64]| values.iter().map(|&x| T::from_f64(x)).collect::<Vec<T>>();
    let widen = |values: Vec<T>| values.into_iter().map(T::to_f64).collect::<Vec<f64>>();
    Ok(Box::new(move |bindings, per_row| {
        let inputs: Vec<Vec<T>> = bindings.inputs.iter().map(|values| narrow(values)).collect();
        let narrowed = Bindings {
            rows: bindings.rows,
            inputs: inputs.iter().map(Vec::as_slice).collect(),
            sizes: bindings.sizes.clone(),
            seed: &narrow(bindings.seed),
        };
        let mut out = Outputs::<T>::default();
        compiled
            .evaluate(&narrowed, Want { gradients: true, per_row }, 1, &mut out)
            .map_err(|error| internal(&error))?;
        Ok(Outputs {
            terms: out.terms,
            per_row: widen(out.per_row),
            gradients: out.gradients.into_iter().map(widen).collect(),
        })
    }))
}
