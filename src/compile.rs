//! The compiler's front door: from a checked program to a loss with gradients, and from there to values.
//!
//! [`Program::compile`] runs the stages after `sema`; [`Program::sizes`] gives every axis its size; [`Program::value_of`] says where
//! parameters and constants start. Depends on the compiler core only.

use std::collections::BTreeMap;

use crate::diag::number;
use crate::ir::graph::{AxisId, InputId, InputRole, NodeId, ROWS};
use crate::ir::program::LossGraph;
use crate::lower::lower;
use crate::passes::{self, Derived, PassError};
use crate::sema::{Hir, NameInfo, Reduction};
use crate::syntax::names::canonical;

/// A program that compiled: what it says, and its loss with gradients.
#[derive(Clone, Debug)]
pub struct Program {
    /// The checked program.
    pub hir: Hir,
    /// The loss as `explain` shows it, with the steps of its derivation.
    pub derived: Derived,
    /// The loss as it is evaluated.
    pub loss: LossGraph,
}

/// An axis without a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing says how long the axis {axis} is: neither the program, nor the data, nor `axes:` / `--set`")]
pub struct UnknownSize {
    /// The axis.
    pub axis: String,
}

/// A number that cannot stand where it is given.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WrongValue {
    /// A value that has not the elements of its name.
    #[error("`{name}` has {elements} element(s), and its value has {found}: give one number an element")]
    Length {
        /// The name.
        name: String,
        /// Numbers in its value.
        found: usize,
        /// Numbers that its axes ask for.
        elements: usize,
    },
    /// A value outside the set of its name.
    #[error("`{name}` is {}, but needs {needs}", number(*.value))]
    Outside {
        /// The name.
        name: String,
        /// The number.
        value: f64,
        /// The set, and what to do.
        needs: String,
    },
    /// A number of the program that `f32` does not hold.
    #[error("the program's number {} is beyond f32: {advice}", number(*.value))]
    Literal {
        /// The number.
        value: f64,
        /// What to do.
        advice: &'static str,
    },
}

impl Program {
    /// Compiles a program without errors, with gradients for the inputs `wrt`.
    ///
    /// # Errors
    /// Only errors of lossc itself.
    pub fn compile(hir: Hir, wrt: &[InputId]) -> Result<Program, PassError> {
        let derived = passes::derive(lower(&hir), wrt)?;
        let loss = passes::stabilize(derived.loss.clone())?;
        Ok(Program { hir, derived, loss })
    }

    /// The name behind an input (the seed has none).
    pub fn name(&self, input: InputId) -> Option<&NameInfo> {
        self.hir.names.iter().find(|info| info.input == input)
    }

    /// The name as the program or a table spells it.
    pub fn find(&self, name: &str) -> Option<&NameInfo> {
        let key = canonical(name);
        self.hir.names.iter().find(|info| info.key == key)
    }

    /// The sizes of all axes, by `AxisId`, for a number of rows. `known` has the sizes of named axes by canonical name,
    /// and of nameless ones by [`axis_key`].
    ///
    /// # Errors
    /// The first axis that nothing gives a size.
    pub fn sizes(&self, rows: usize, known: &BTreeMap<String, usize>) -> Result<Vec<usize>, UnknownSize> {
        let graph = &self.loss.graph;
        let size = |at: usize| {
            let id = AxisId(at as u32);
            let axis = graph.axis(id);
            let given = known.get(&axis_key(&self.hir, id)).copied();
            let found = if id == ROWS { Some(rows) } else { axis.size.or(given) };
            found.ok_or_else(|| UnknownSize { axis: axis.name.clone().unwrap_or_else(|| "?".into()) })
        };
        // Axes that no input and no reduction uses any more need no size.
        (0..graph.axes().len()).map(|at| if self.uses(AxisId(at as u32)) { size(at) } else { Ok(1) }).collect()
    }

    fn uses(&self, axis: AxisId) -> bool {
        let graph = &self.loss.graph;
        graph.inputs().iter().any(|input| input.axes.contains(&axis)) || graph.vars().iter().any(|var| var.axis == axis)
    }

    /// The natural value of every element of a parameter or constant when training or evaluation starts: as `given` (in
    /// base units), else as the program says, else as its support does ([`crate::sema::Link::start`]). `dims` has the
    /// sizes of its axes. One number stands for all elements, but for those of a vector with structure. `narrow`: what
    /// to do about a value that is lost in `f32`, where that is what computes.
    ///
    /// # Errors
    /// Neither one number nor one an element; a number outside the name's set.
    pub fn value_of(
        &self,
        info: &NameInfo,
        dims: &[usize],
        given: Option<&[f64]>,
        narrow: Option<&'static str>,
    ) -> Result<Vec<f64>, WrongValue> {
        let (elements, rank) = (dims.iter().product(), info.vector.rank());
        let values = match given.or(info.value.as_deref()) {
            Some(values) if values.len() == elements => values.to_vec(),
            Some([value]) if rank == 0 => vec![*value; elements],
            Some(values) => {
                return Err(WrongValue::Length { name: info.name.clone(), found: values.len(), elements });
            }
            None => {
                let block = dims.iter().rev().take(rank).product();
                let start = info.link.start(if rank == 0 { elements } else { block });
                return Ok(start.into_iter().cycle().take(elements).collect());
            }
        };
        let support = self.loss.graph.input(info.input).support;
        let outside = |value: &f64| match narrow {
            _ if !support.contains(*value) => Some((*value, support.to_string())),
            Some(advice) if !(*value as f32).is_finite() => {
                Some((*value, format!("a number that f32 holds: {advice}")))
            }
            Some(advice) if !support.contains_as_f32(*value) => {
                Some((*value, format!("{support} when rounded to f32: {advice}")))
            }
            _ => None,
        };
        match values.iter().find_map(outside) {
            Some((value, needs)) => Err(WrongValue::Outside { name: info.name.clone(), value, needs }),
            None => Ok(values),
        }
    }

    /// Refuses numbers of the program that are infinite in `f32`, with what to do about them.
    ///
    /// # Errors
    /// The first of them.
    pub fn check_numbers(&self, advice: &'static str) -> Result<(), WrongValue> {
        let graph = &self.hir.graph;
        let roots: Vec<NodeId> = self.hir.terms.iter().map(|term| term.node).collect();
        let numbers = graph.reachable(&roots).into_iter().filter_map(|id| graph.as_const(id));
        let mut beyond = numbers.filter(|value| value.is_finite() && !(*value as f32).is_finite());
        beyond.next().map_or(Ok(()), |value| Err(WrongValue::Literal { value, advice }))
    }

    /// The adjoint of each row's loss under the program's reduction: empty for the mean (1/rows each).
    pub fn seed(&self, rows: usize) -> Vec<f64> {
        match self.hir.reduction {
            Reduction::Mean => Vec::new(),
            Reduction::Sum => vec![1.0; rows],
        }
    }
}

/// The inputs a gradient is taken for unless the caller says otherwise: everything continuous that is not data.
pub fn differentiable(hir: &Hir) -> Vec<InputId> {
    let learned = |info: &&NameInfo| matches!(info.role, InputRole::Predict | InputRole::Param | InputRole::Free);
    let names = hir.names.iter().filter(learned).filter(|info| !hir.graph.input(info.input).support.integral);
    names.map(|info| info.input).collect()
}

/// The key of an axis in a table of sizes: its canonical name, or `?3` for a nameless one.
pub fn axis_key(hir: &Hir, axis: AxisId) -> String {
    match &hir.graph.axis(axis).name {
        Some(name) => canonical(name),
        None => format!("?{}", axis.0),
    }
}

/// The log likelihood parameters of the program's densities, on their natural scale: distribution, parameter, node.
pub fn density_parameters(hir: &Hir) -> Vec<(String, String, NodeId)> {
    let mut found = Vec::new();
    for term in &hir.terms {
        let crate::sema::TermKind::Density(form) = &term.kind else { continue };
        for call in form.calls() {
            if let crate::sema::Form::Call { name, params, .. } = call {
                found.extend(params.iter().map(|(param, _, node)| (name.clone(), param.clone(), *node)));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
